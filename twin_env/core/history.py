"""A history's trades in the live book, beside orders the history never saw.

A trade that happened names the resting order it hit. Others may by now stand before that
order, or have taken it; docs/exchange.md has the rules, and each departure is counted.
"""

from typing import Any, Final

from twin_env.core import codes
from twin_env.core import ladder as ladders
from twin_env.core.amend import is_live, remove_order
from twin_env.core.events import emit
from twin_env.core.feed import PRINT_ONLY, publish
from twin_env.core.jit import i64, kernel
from twin_env.core.layout import NONE
from twin_env.core.matching import crosses, note_trade, trade

_YOUNGEST: Final = 2**62


@kernel
def _stranger_ahead(world: Any, side: int, price: int, entry: int) -> int:
    """Return the first order in priority that is not the background's and stands before (price, entry)."""
    book = world.book
    row = ladders.row_of(-side)
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
def _hit_strangers(world: Any, side: int, price: int, entry: int, lots: int) -> int:
    """Trade with strangers before (price, entry) and return the lots that are left."""
    while lots > 0 and world.foreign > 0:
        slot = _stranger_ahead(world, side, price, entry)
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
    row = ladders.row_of(-side)
    book = world.book
    while lots > 0 and crosses(world, side, limit):
        resting = i64(book.levels[book.level[row, book.count[row] - 1]].head)
        traded = min(lots, world.orders[resting].lots)
        trade(world, side, NONE, resting, traded)
        lots -= traded
    return lots


@kernel
def execute(world: Any, message: Any) -> None:
    """Handle an ``EXECUTE``: somebody traded against ``message.order``."""
    slot = i64(message.order)
    side = i64(message.side)
    price = message.price
    order = world.orders[slot]
    alive = is_live(world, slot, codes.BACKGROUND) and not order.waiting
    entry = order.entry if alive else _YOUNGEST
    left = _hit_strangers(world, side, price, entry, message.lots)
    if alive and left > 0:
        traded = min(left, order.lots)
        trade(world, side, NONE, slot, traded)
        order.filled -= traded  # history's own fills are not lots that others took from it
        left -= traded
    claim = min(left, order.filled)
    left = left - claim + _sweep(world, side, price, claim)
    if left > 0:
        world.divergence.unresolved_lots += left
        emit(world, codes.UNRESOLVED, codes.NO_REASON, side, codes.BACKGROUND, slot, NONE, price, left)


@kernel
def print_trade(world: Any, message: Any) -> None:
    """Handle a ``PRINT``: a trade against an order nobody saw."""
    side = i64(message.side)
    price = message.price
    left = _hit_strangers(world, side, price, _YOUNGEST, message.lots)
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
