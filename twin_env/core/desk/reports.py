"""Reports as they reach the desk, and what it makes of them."""

from typing import Any

from twin_env.core.desk.desk import DONE, LIVE, release_row
from twin_env.core.desk.groups import follow_group
from twin_env.core.exchange.events import mix_into_hash
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.stream import write_report
from twin_env.core.wire.order_gateway import RESTS, is_lost_report, is_repeated_report


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
    if order.group != NONE:
        follow_group(world, row, i64(message.lots) if message.kind == codes.TRADED else 0, order.state == DONE)
    marks = world.desk_order_marks[row]
    if message.kind == codes.STATUS and marks.lost == 2:
        marks.lost = 0
    # The row is the order's name on the wire. Used again while an answer or a reconciliation is under way, that message
    # would be taken for one about the new order.
    if order.state == DONE and order.pending == 0 and marks.lost == 0:
        release_row(desk, row)
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
