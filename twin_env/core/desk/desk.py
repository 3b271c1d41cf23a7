"""The desk: what the agent's side believes of its orders.

A desk order lives in a row from the moment it is sent until the exchange's last word on it
arrived and nothing sent about it is unanswered; only then is the row used again, so a row
number is enough to name an order on the wire.
"""

from typing import Any, Final

from twin_env.core.conditions import ALONE
from twin_env.core.exchange import ladder
from twin_env.core.ledger import clear_marks
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import GROUPS, NONE

# States of a desk order, as the desk believes.
FREE: Final = 0
SENT: Final = 1
LIVE: Final = 2
DONE: Final = 3  # over, but something sent about it is still unanswered
HELD: Final = 4  # an exit of a bracket that waits at the desk for its entry to fill


@kernel
def clear_desk(world: Any, now_ns: int) -> None:
    """Start the desk afresh, with no orders and no knowledge."""
    desk = world.desk
    desk.feed_ns = now_ns
    desk.received_ns = now_ns
    desk.next_seq = 1
    desk.gap = 0
    desk.gaps = 0
    desk.snapshot_ns = codes.NEVER_NS
    desk.last_trade = 0
    desk.bought_lots = 0
    desk.sold_lots = 0
    desk.trades = 0
    desk.updates = 0
    desk.position = 0
    desk.notional = 0
    desk.filled_lots = 0
    desk.pending = 0
    desk.live = 0
    desk.clients = 0
    desk.mid = 0
    desk.round_trip_ns = 0
    desk.next_heartbeat_ns = now_ns if desk.heartbeat_ns > 0 else codes.NEVER_NS
    desk.rejects = 0
    desk.last_reason = codes.NO_REASON
    for group in range(GROUPS):
        desk.group_left[group] = 0
    for row in range(desk.orders.shape[0]):
        release_row(desk, row)
        marks = world.desk_order_marks[row]
        marks.order = NONE
        marks.client = 0
        marks.intent = 0
        marks.side = 0
        clear_marks(marks)
        marks.lost = 0
        marks.lost_answers = 0
        marks.lost_lots = 0
        marks.lost_notional = 0


@kernel
def release_row(desk: Any, row: int) -> None:
    """Forget the order of a row, so that the row may be used again."""
    order = desk.orders[row]
    order.state = FREE
    order.side = 0
    order.type = 0
    order.tif = 0
    order.post_only = 0
    order.group = NONE
    order.role = ALONE
    order.price = 0
    order.trigger = 0
    order.lots = 0
    order.asked = 0
    order.filled = 0
    order.ahead = NONE
    order.entry = NONE
    order.shown_price = 0
    order.shown_lots = 0
    order.sent_ns = 0
    order.pending = 0
    order.client = 0


@kernel
def occupy_row(desk: Any, row: int, side: int, kind: int, tif: int, price: int, trigger: int, lots: int) -> None:
    """Write an order into a free row; its state and number are not set yet.

    Args:
        desk: Of the world.
        row: That is free.
        side: +1 buy, -1 sell.
        kind: Order type of ``codes``.
        tif: Time in force of ``codes``.
        price: Limit, ticks; 0 without one.
        trigger: Of a stop, ticks; 0 without one.
        lots: At least 1.
    """
    order = desk.orders[row]
    order.side = side
    order.type = kind
    order.tif = tif
    order.price = price
    order.trigger = trigger
    order.lots = lots
    order.asked = lots


@kernel
def desk_touch(world: Any, side: int) -> int:
    """Return the best price of a side as the desk sees it; the nearest tick outside its last mid where it sees none."""
    mirror = world.desk.book
    row = ladder.row_of(side)
    count = mirror.count[row]
    if count > 0:
        return i64(side * mirror.key[row, count - 1])
    # From the last mid that reached the desk, never from the exchange's book: that would look ahead.
    return i64(side * ((side * world.desk.mid - 1) >> 1))


@kernel
def free_row(world: Any) -> int:
    """Return a row for a new order, NONE when all are in use."""
    desk = world.desk
    for row in range(desk.orders.shape[0]):
        if desk.orders[row].state == FREE:
            return row
    return NONE


@kernel
def committed_lots(world: Any) -> int:
    """Count lots that the desk's orders could still fill, as far as it knows."""
    desk = world.desk
    lots = 0
    if desk.live == 0:
        return lots
    for row in range(desk.orders.shape[0]):
        order = desk.orders[row]
        if order.state == SENT or order.state == LIVE:
            # A replace on the wire may or may not win: what could be filled at most is the larger of both totals.
            lots += max(order.lots, order.asked) - order.filled
    return lots
