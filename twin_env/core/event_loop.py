"""One queue of events in time order: the loop that makes a world go.

Ties at one nanosecond go by class, in this order: background flow, requests leaving the
desk, requests reaching the exchange, venue events (the end of a pause), faults that begin,
act or end, answers to where orders stand, the feed's recovery, heartbeats reaching the
exchange, market data reaching the desk, reports reaching the desk, heartbeats coming
back, heartbeats leaving. The market moves before the agent's order arrives: the
pessimistic choice. Within a class messages keep the order in which they were sent.
"""

from typing import Any, Final

from twin_env.core.desk.reports import receive_report
from twin_env.core.desk.requests import depart, next_departure_ns
from twin_env.core.exchange.exchange import handle
from twin_env.core.exchange.inbox import write
from twin_env.core.exchange.matching import refuse
from twin_env.core.exchange.protections import reopening_ns
from twin_env.core.faults.engine import run_due_effect
from twin_env.core.faults.triggers import check_triggers
from twin_env.core.flow.flow import next_message
from twin_env.core.ledger import on_arrival
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.stream import ARRIVED, LOST, count_message, must_pause, write_request
from twin_env.core.wire.feed import publish_snapshot, receive_market_data
from twin_env.core.wire.links import arrival_after, depart_at, draw_from, in_flight
from twin_env.core.wire.order_gateway import is_lost_request, is_repeated_request, reconcile, refusal

_HEARTBEAT_CAPACITY: Final = 8


@kernel
def advance(world: Any, tape: Any, until_ns: int) -> bool:
    """Let everything happen that happens up to and including ``until_ns``.

    Args:
        world: One world.
        tape: ``layout.MESSAGE`` array the world plays; length 0 for a synthetic market.
        until_ns: The world's time afterwards.

    Returns:
        Whether it got there. It does not where the readers have to drain the stream first: call it again.
    """
    while True:
        if world.stream != 0 and must_pause(world):
            return False
        if world.chaos.awaiting_events > 0:
            check_triggers(world)
        wire_ns = next_wire_ns(world)
        if not next_message(world, tape, min(wire_ns, until_ns)):
            if wire_ns > until_ns:
                break
            world.now_ns = wire_ns
            if not deliver(world):
                continue
        if world.stream != 0:
            count_message(world)
        handle(world, world.inbox)
        world.answer_row = NONE
    world.now_ns = until_ns
    return True


@kernel
def advance_world(worlds: Any, index: int, tape: Any, until_ns: int) -> bool:
    """Do :func:`advance` for one world of an array; for callers in Python."""
    return advance(worlds[index], tape, until_ns)


@kernel
def next_wire_ns(world: Any) -> int:
    """Return when the next message or timer of the wire, or the end of the venue's pause, is due."""
    reopen_ns = reopening_ns(world)
    if world.published == 0:
        return reopen_ns
    chaos = world.chaos
    at_ns = min(reopen_ns, min(world.order_link.next_ns, max(world.market_data_link.next_ns, chaos.feed_hold_ns)))
    at_ns = min(at_ns, max(world.report_link.next_ns, chaos.host_hold_ns))
    at_ns = min(at_ns, min(chaos.next_ns, chaos.reconcile_ns))
    at_ns = min(at_ns, min(world.desk.snapshot_ns, world.desk.next_heartbeat_ns))
    at_ns = min(at_ns, min(world.heartbeat_out.next_ns, world.heartbeat_in.next_ns))
    return i64(min(at_ns, next_departure_ns(world)))


@kernel
def deliver(world: Any) -> bool:
    """Do the first thing, in class order, that is due on the wire now.

    Returns:
        Whether it put a message into the exchange's inbox.
    """
    now_ns = world.now_ns
    chaos = world.chaos
    if next_departure_ns(world) <= now_ns:
        depart(world)
    elif world.order_link.next_ns <= now_ns:
        return _take_request(world)
    elif reopening_ns(world) <= now_ns:
        write(world, codes.OPEN, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
        return True
    elif chaos.next_ns <= now_ns:
        return run_due_effect(world)
    elif chaos.reconcile_ns <= now_ns:
        reconcile(world)
    elif world.desk.snapshot_ns <= now_ns:
        publish_snapshot(world)
    elif world.heartbeat_out.next_ns <= now_ns:
        _send_heartbeat(world, world.heartbeat_in, 1, _take_heartbeat(world, world.heartbeat_out, 0))
    elif max(world.market_data_link.next_ns, chaos.feed_hold_ns) <= now_ns:
        receive_market_data(world)
    elif max(world.report_link.next_ns, chaos.host_hold_ns) <= now_ns:
        receive_report(world)
    elif world.heartbeat_in.next_ns <= now_ns:
        world.desk.round_trip_ns = now_ns - _take_heartbeat(world, world.heartbeat_in, 1)
    else:
        world.desk.next_heartbeat_ns += world.desk.heartbeat_ns
        _send_heartbeat(world, world.heartbeat_out, 0, now_ns)
    return False


@kernel
def _take_heartbeat(world: Any, link: Any, way: int) -> int:
    """Take the oldest heartbeat off a wire and return when the desk sent it."""
    sent_ns = world.heartbeats[way, link.popped & (_HEARTBEAT_CAPACITY - 1)].sent_ns
    link.popped += 1
    link.next_ns = (
        world.heartbeats[way, link.popped & (_HEARTBEAT_CAPACITY - 1)].at_ns
        if link.popped < link.departed
        else codes.NEVER_NS
    )
    return i64(sent_ns)


@kernel
def _send_heartbeat(world: Any, link: Any, way: int, sent_ns: int) -> None:
    """Send a heartbeat on its way; one too many in flight is skipped, and so is one over a cut wire."""
    if in_flight(link) == _HEARTBEAT_CAPACITY or world.chaos.order_back_ns == codes.NEVER_NS:
        link.lost += 1
        return
    heartbeat = world.heartbeats[way, link.pushed & (_HEARTBEAT_CAPACITY - 1)]
    heartbeat.sent_ns = sent_ns
    heartbeat.at_ns = arrival_after(link, world.now_ns, draw_from(link, world.heartbeat_delay_ns))
    link.pushed += 1
    depart_at(link, heartbeat.at_ns)


@kernel
def _take_request(world: Any) -> bool:
    """Put the oldest request on the wire into the exchange's inbox, unless it is lost or refused; return whether."""
    link = world.order_link
    mask = world.requests.shape[0] - 1
    request = world.requests[link.popped & mask]
    link.popped += 1
    link.next_ns = world.requests[link.popped & mask].at_ns if link.popped < link.departed else codes.NEVER_NS
    troubled = world.chaos.wires_modified or request.sent_ns < world.chaos.order_back_ns
    if troubled and is_lost_request(world, request):
        if world.stream != 0:
            write_request(world, request, LOST, 0)
        return False
    if world.stream != 0:
        write_request(world, request, ARRIVED, 0)
    marks = world.desk_order_marks[request.row]
    on_arrival(world, i64(request.row), i64(request.mid_sent))
    message = world.inbox
    message.ts_ns = world.now_ns
    message.price = request.price
    message.trigger = request.trigger
    message.lots = request.lots
    message.order = marks.order
    message.row = request.row
    message.owner = codes.DESK
    message["flags"] = request["flags"]
    message.kind = request.kind
    message.side = request.side
    message.type = request.type
    message.tif = request.tif
    world.answer_row = request.row
    if troubled:
        if is_repeated_request(world):
            world.chaos.repeat_row = request.row
            world.chaos.next_ns = world.now_ns
        reason = refusal(world, message)
        if reason != codes.NO_REASON:
            world.chaos.refused += 1
            if world.stream != 0:
                count_message(world)  # the reject is of this message, though the exchange never handles it
            refuse(world, message, reason)
            world.answer_row = NONE
            return False
    return True
