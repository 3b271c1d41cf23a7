"""Requests of a desk that Python drives: the kernels the action codecs use, one call a request."""

from typing import Any

from twin_env.core.desk.desk import desk_touch
from twin_env.core.desk.groups import attach_exits, has_room, pair_orders
from twin_env.core.desk.requests import send_cancel, send_new, send_replace
from twin_env.core.exchange.book import pool_of
from twin_env.core.exchange.exchange import handle
from twin_env.core.exchange.inbox import write
from twin_env.core.flow.price_impact import EXTERNAL
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
    return i64(send_new(worlds[index], side, kind, tif, flags, price, trigger, lots, NONE))


@kernel
def has_room_of(worlds: Any, index: int, orders: int) -> bool:
    """Return whether the desk has room for so many orders of a group of their own, and its link for two requests."""
    world = worlds[index]
    return bool(has_room(world, orders) and world.desk.pending + 2 <= world.requests.shape[0])


@kernel
def attach_exits_to(worlds: Any, index: int, row: int, target: int, stop: int) -> None:
    """Give the order of a row, which was just sent, exits at prices in ticks; ``groups.NO_EXIT`` for none."""
    attach_exits(worlds[index], row, target, stop)


@kernel
def pair_rows(worlds: Any, index: int, first: int, second: int) -> None:
    """Let the orders of two rows, which were just sent, cancel each other."""
    pair_orders(worlds[index], first, second)


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
    world.trader = codes.UNKNOWN_TRADER
    slot = i64(world.free_order[pool_of(codes.BACKGROUND)])  # that the exchange gives it
    before = world.traded_lots
    write(world, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, lots)
    if world.stream != 0:
        count_message(world)
    handle(world, world.inbox)
    if world.traded_lots == before:
        return i64(0)  # refused: the venue is halted, or nobody is on the other side
    return i64(world.orders[slot].filled)  # what stops that it elected got is not its own
