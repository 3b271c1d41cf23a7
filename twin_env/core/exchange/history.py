"""A history's trades in the live book, beside orders the history never saw.

A trade that happened names the resting order it hit. Others may by now stand before that
order, or have taken it; docs/exchange.md has the rules, and each departure is counted.
"""

from typing import Any, Final

from twin_env.core.exchange import ladder
from twin_env.core.exchange.cancel_replace import is_live, remove_order
from twin_env.core.exchange.events import emit
from twin_env.core.exchange.matching import crosses, note_trade, refuse, trade
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.feed import PRINT_ONLY, publish

_YOUNGEST: Final = 2**62


@kernel
def _external_order_ahead(world: Any, side: int, price: int, entry: int) -> int:
    """Return the first order in priority that is not the background's and stands before (price, entry)."""
    book = world.book
    row = ladder.row_of(-side)
    reach = -side * price
    for place in range(book.count[row] - 1, -1, -1):
        key = book.key[row, place]
        if key < reach:
            break
        slot = i64(book.levels[book.level[row, place]].head)
        while slot != NONE:
            order = world.orders[slot]
            if key == reach and order.entry >= entry:
                return NONE
            if order.owner != codes.BACKGROUND:
                return slot
            slot = i64(order.next)
    return NONE


@kernel
def _trade_with_external(world: Any, side: int, price: int, entry: int, lots: int) -> int:
    """Trade with orders that history did not have, before (price, entry), and return the lots that are left."""
    while lots > 0 and world.foreign > 0:
        slot = _external_order_ahead(world, side, price, entry)
        if slot == NONE:
            break
        traded = min(lots, world.orders[slot].lots)
        trade(world, side, NONE, slot, traded)
        world.divergence.displaced_lots += traded
        lots -= traded
    return lots


@kernel
def _sweep(world: Any, side: int, limit: int, lots: int) -> int:
    """Trade with whatever rests within a limit and return the lots that found nothing."""
    row = ladder.row_of(-side)
    book = world.book
    while lots > 0 and crosses(world, side, limit):
        resting = i64(book.levels[book.level[row, book.count[row] - 1]].head)
        traded = min(lots, world.orders[resting].lots)
        trade(world, side, NONE, resting, traded)
        lots -= traded
    return lots


@kernel
def _check(world: Any, message: Any) -> int:
    """Apply the checks of a history's trade."""
    if world.venue.halted or world.venue.auction:
        return codes.HALTED
    if message.lots < 1 or message.lots > codes.MAX_LOTS:
        return codes.BAD_LOTS
    if message.side != codes.BUY and message.side != codes.SELL:
        return codes.BAD_ORDER
    if message.kind == codes.EXECUTE and _rests(world, i64(message.order)):
        order = world.orders[message.order]
        if world.book.levels[order.level].side == message.side:
            return codes.BAD_ORDER
    if abs(message.price) > codes.MAX_PRICE_TICKS:
        return codes.BAD_PRICE
    return codes.NO_REASON


@kernel
def _rests(world: Any, slot: int) -> bool:
    """Return whether a slot holds a resting order of the background."""
    return is_live(world, slot, codes.BACKGROUND) and world.orders[slot].waiting == 0


@kernel
def execute(world: Any, message: Any) -> None:
    """Handle an ``EXECUTE``: a trade of the history against ``message.order``."""
    reason = _check(world, message)
    if reason != codes.NO_REASON:
        refuse(world, message, reason)
        return
    slot = i64(message.order)
    side = i64(message.side)
    left = message.lots
    if _rests(world, slot):
        order = world.orders[slot]
        price = -side * world.book.levels[order.level].key
        left = _trade_with_external(world, side, price, order.entry, left)
        traded = min(left, order.lots)
        if traded > 0:
            trade(world, side, NONE, slot, traded)
            order.filled -= traded  # history's own fills are not lots that others took from it
            left -= traded
    else:
        left = _trade_with_external(world, side, message.price, _YOUNGEST, left)
    claim = min(left, _taken_by_others(world, slot))
    left = left - claim + _sweep(world, side, message.price, claim)
    if left > 0:
        world.divergence.unresolved_lots += left
        emit(
            world, codes.UNRESOLVED, codes.NO_REASON, side, codes.BACKGROUND, slot, NONE, i64(message.price), i64(left)
        )


@kernel
def _taken_by_others(world: Any, slot: int) -> int:
    """Return how many lots others took from the order that has, or last had, a slot."""
    if slot < 0 or slot >= world.orders.shape[0] or world.orders[slot].owner != codes.BACKGROUND:
        return 0
    return i64(world.orders[slot].filled)


@kernel
def print_trade(world: Any, message: Any) -> None:
    """Handle a ``PRINT``: a trade against an order that the history does not have."""
    reason = _check(world, message)
    if reason != codes.NO_REASON:
        refuse(world, message, reason)
        return
    side = i64(message.side)
    price = message.price
    left = _trade_with_external(world, side, price, _YOUNGEST, message.lots)
    if left > 0:
        emit(world, codes.PRINTED, codes.NO_REASON, side, codes.BACKGROUND, NONE, NONE, price, left)
        note_trade(world, price, left)
        publish(world, PRINT_ONLY, side, price, left, 0, 0, NONE)


@kernel
def end_order(world: Any, message: Any) -> None:
    """Remove what is left of an order where history says that it ended."""
    slot = i64(message.order)
    if is_live(world, slot, codes.BACKGROUND):
        world.divergence.expired_lots += world.orders[slot].lots
        remove_order(world, slot, codes.HISTORY_END)
