"""The desk: what the agent's side believes, and how its requests leave.

A desk order lives in a row from the moment it is sent until the exchange's last word on it
arrived and nothing sent about it is unanswered; only then is the row used again, so a row
number is enough to name an order on the wire.
"""

from typing import Any, Final

from twin_env.core.exchange import ladder
from twin_env.core.exchange.events import mix_into_hash
from twin_env.core.faults.modifiers import DECISION_DELAY
from twin_env.core.ledger import clear_marks, on_send
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.stream import SENT as REQUEST_SENT
from twin_env.core.stream import write_report, write_request
from twin_env.core.wire.links import arrival_ns, depart_at
from twin_env.core.wire.order_gateway import RESTS, is_lost_report, is_repeated_report

# States of a desk order, as the desk believes.
FREE: Final = 0
SENT: Final = 1
LIVE: Final = 2
DONE: Final = 3  # over, but something sent about it is still unanswered


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
    for row in range(desk.orders.shape[0]):
        _free_row(desk, row)
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
def _free_row(desk: Any, row: int) -> None:
    order = desk.orders[row]
    order.state = FREE
    order.side = 0
    order.type = 0
    order.tif = 0
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
    order.intent = 0
    order.client = 0


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


@kernel
def _request(world: Any, row: int, kind: int, price: int, trigger: int, lots: int) -> bool:
    """Put a request on the order link.

    As many may be unanswered as the link holds; one more is refused here, at once, and counted.
    """
    desk = world.desk
    link = world.order_link
    # Unanswered requests are bounded, not those on the wire: the ring of reports is sized by the answers owed.
    if desk.pending == world.requests.shape[0]:
        desk.rejects += 1
        desk.last_reason = codes.LINK_CAPACITY
        world.rejects[codes.LINK_CAPACITY] += 1
        return False
    request = world.requests[link.pushed & (world.requests.shape[0] - 1)]
    # A host that a fault holds decides now and sends when it is back.
    decided_ns = world.now_ns + desk.decision_ns + i64(world.modifiers[DECISION_DELAY])
    request.sent_ns = max(decided_ns, world.chaos.host_hold_ns)
    request.row = row
    request.kind = kind
    request.price = price
    request.trigger = trigger
    request.lots = lots
    request.side = desk.orders[row].side
    request.type = desk.orders[row].type
    request.tif = codes.GTC
    request["flags"] = 0
    link.pushed += 1
    desk.orders[row].pending += 1
    desk.pending += 1
    return True


@kernel
def send_new(
    world: Any, side: int, kind: int, tif: int, flags: int, price: int, trigger: int, lots: int, intent: int
) -> int:
    """Send a new order.

    Returns:
        Its row, or NONE when no row is free or the link is full.
    """
    row = free_row(world)
    if row == NONE:
        return NONE
    desk = world.desk
    order = desk.orders[row]
    order.side = side
    order.type = kind
    if not _request(world, row, codes.NEW, price, trigger, lots):
        return NONE
    request = world.requests[(world.order_link.pushed - 1) & (world.requests.shape[0] - 1)]
    request.tif = tif
    request["flags"] = flags
    desk.live += 1
    desk.clients += 1
    order.state = SENT
    order.tif = tif
    order.price = price
    order.trigger = trigger
    order.lots = lots
    order.asked = lots
    order.sent_ns = request.sent_ns
    order.intent = intent
    order.client = desk.clients
    marks = world.desk_order_marks[row]
    marks.client = desk.clients
    marks.intent = intent
    marks.side = side
    _leave(world)
    return row


@kernel
def send_cancel(world: Any, row: int) -> bool:
    """Ask for an order to be cancelled."""
    if not _request(world, row, codes.CANCEL, 0, 0, 0):
        return False
    _leave(world)
    return True


@kernel
def send_replace(world: Any, row: int, price: int, trigger: int, lots: int) -> bool:
    """Ask for a new price and new total lots."""
    if not _request(world, row, codes.REPLACE, price, trigger, lots):
        return False
    order = world.desk.orders[row]
    order.asked = max(order.asked, lots)
    order.trigger = trigger
    _leave(world)
    return True


@kernel
def _leave(world: Any) -> None:
    """Let the newest request leave the desk, now or when its time has come."""
    if world.stream != 0:
        write_request(
            world, world.requests[(world.order_link.pushed - 1) & (world.requests.shape[0] - 1)], REQUEST_SENT
        )
    depart(world)


@kernel
def next_departure_ns(world: Any) -> int:
    """Return when the next decided request leaves the desk."""
    link = world.order_link
    if link.departed == link.pushed:
        return codes.NEVER_NS
    return i64(world.requests[link.departed & (world.requests.shape[0] - 1)].sent_ns)


@kernel
def depart(world: Any) -> None:
    """Let requests whose time has come leave."""
    link = world.order_link
    while next_departure_ns(world) <= world.now_ns:
        request = world.requests[link.departed & (world.requests.shape[0] - 1)]
        on_send(world, request)
        request.at_ns = arrival_ns(link, request.sent_ns)
        depart_at(link, request.at_ns)


@kernel
def receive_report(world: Any) -> None:
    """Deliver the oldest report on the wire to the desk."""
    link = world.report_link
    mask = world.reports.shape[0] - 1
    message = world.reports[link.popped & mask]
    link.popped += 1
    link.next_ns = world.reports[link.popped & mask].at_ns if link.popped < link.departed else codes.NEVER_NS
    if world.chaos.wires_modified or message.sent_ns < world.chaos.order_back_ns:
        if is_lost_report(world, message):
            return
        if is_repeated_report(world):
            mix_into_hash(world, world.now_ns, i64(message.row), message.lots, codes.STATUS)
    row = i64(message.row)
    mix_into_hash(world, world.now_ns, row, message.lots, i64(message.kind))
    if world.stream != 0:
        write_report(world, message)
    desk = world.desk
    order = desk.orders[row]
    if message.answers:
        order.pending -= message.answers
        desk.pending -= message.answers
    _apply_report(desk, order, message)
    # Only once no request is open do the confirmed terms say all: before, a larger total may still be on its way.
    if order.pending == 0:
        order.asked = order.lots
    if message.final and order.state != DONE:
        order.state = DONE
    marks = world.desk_order_marks[row]
    if message.kind == codes.STATUS and marks.lost == 2:
        marks.lost = 0
    # The row is the order's name on the wire. Used again while an answer or a reconciliation is under way, that message
    # would be taken for one about the new order.
    if order.state == DONE and order.pending == 0 and marks.lost == 0:
        _free_row(desk, row)
        desk.live -= 1


@kernel
def _apply_report(desk: Any, order: Any, message: Any) -> None:
    """Apply a report to the desk's record of an order."""
    # Position and fills come from reports alone, as at a broker: the feed may show the same trade earlier, or lose it.
    if message.kind == codes.TRADED:
        order.filled += message.lots
        desk.filled_lots += message.lots
        desk.position += order.side * message.lots
        desk.notional += order.side * message.notional
    elif message.kind == codes.ACCEPTED:
        order.state = LIVE
        if order.type == codes.LIMIT or order.type == codes.MARKET:
            order.price = message.notional
    elif message.kind == codes.REPLACED:
        order.price = message.notional
        order.lots = order.filled + message.lots
    elif message.kind == codes.TRIGGERED:
        order.type = codes.LIMIT  # what does not trade at once rests at the limit it entered with
        order.price = message.notional
    elif message.kind == codes.REDUCED:
        order.lots -= message.lots
    elif message.kind == codes.STATUS and not message.final:
        order.state = LIVE
        order.lots = message.lots
        if message.reason == RESTS:
            order.type = codes.LIMIT
            order.price = message.notional
    elif message.kind == codes.REJECTED:
        desk.rejects += 1
        desk.last_reason = message.reason
