"""Requests of a desk that Python drives: the kernels the action codecs use, one call a request."""

from typing import Any

from twin_env.core.desk.desk import desk_touch, free_row, send_cancel, send_new, send_replace
from twin_env.core.exchange.book import pool_of
from twin_env.core.exchange.exchange import handle
from twin_env.core.exchange.inbox import write
from twin_env.core.flow.price_impact import EXTERNAL
from twin_env.core.ledger import replace_intent
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.stream import count_message


@kernel
def send_order(
    worlds: Any, index: int, side: int, kind: int, tif: int, flags: int, price: int, trigger: int, lots: int
) -> int:
    """Send an order that is a decision of its own.

    Args:
        worlds: Record array of worlds.
        index: Which one.
        side: +1 buy, -1 sell.
        kind: Order type of ``codes``.
        tif: Time in force of ``codes``.
        flags: ``codes.POST_ONLY`` or 0.
        price: Limit, ticks; 0 without one.
        trigger: Of a stop, ticks; 0 without one.
        lots: At least 1.

    Returns:
        Its row at the desk, NONE if all rows are in use or the order link is full.
    """
    world = worlds[index]
    row = free_row(world)
    if row == NONE:
        return NONE
    replace_intent(world, row, side, lots)
    sent = send_new(world, side, kind, tif, flags, price, trigger, lots, row)
    if sent == NONE:
        world.ledger.intents[row].lots = 0
    return i64(sent)


@kernel
def cancel_order(worlds: Any, index: int, row: int) -> bool:
    """Ask for the order of a row to be cancelled; false if the order link is full."""
    return send_cancel(worlds[index], row)


@kernel
def replace_order(worlds: Any, index: int, row: int, price: int, trigger: int, lots: int) -> bool:
    """Ask for a new price and new total lots of the order of a row; false if the order link is full."""
    return send_replace(worlds[index], row, price, trigger, lots)


@kernel
def desk_touch_of(worlds: Any, index: int, side: int) -> int:
    """Return the best price of a side as the desk sees it, in ticks."""
    return desk_touch(worlds[index], side)


@kernel
def cut_wires(worlds: Any, index: int) -> None:
    """Let nothing reach the desk and nothing leave it from now on; faults come over the wires and do not begin."""
    worlds[index].published = 0


@kernel
def trade_as_external(worlds: Any, index: int, side: int, lots: int) -> int:
    """Let an external participant, no desk and no fault, send a market order that reaches the exchange at once.

    It is handled like every background message: it has price impact and the flow reacts to it.

    Returns:
        Lots it got.
    """
    world = worlds[index]
    world.price_impact.sender = EXTERNAL
    slot = i64(world.free_order[pool_of(codes.BACKGROUND)])  # that the exchange gives it
    before = world.traded_lots
    write(world, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, lots)
    if world.stream != 0:
        count_message(world)
    handle(world, world.inbox)
    if world.traded_lots == before:
        return i64(0)  # refused: the venue is halted, or nobody is on the other side
    return i64(world.orders[slot].filled)  # what stops that it elected got is not its own
