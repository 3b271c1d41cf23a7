"""The gateway between wire and exchange: what it refuses, what the wire loses or repeats, and how the desk finds out.

A request or report that is lost is noted in the marks of its order. When the desk reconciles (it is back after a
disconnect, or has waited too long for an answer) it receives what it missed, and nothing is left over.
"""

from typing import Any, Final

from twin_env.core.exchange.events import mix_into_hash
from twin_env.core.faults.modifiers import (
    NO_LIMIT,
    POSITION_CAP,
    REFUSAL,
    REPORT_DUPLICATION,
    REPORT_LOSS,
    REQUEST_DUPLICATION,
    REQUEST_RATE,
)
from twin_env.core.ledger import on_end
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.state.rng import CHAOS_STREAM, stream_key, uniform
from twin_env.core.wire.reports import send_report

RESTS: Final = 1  # in the place of a reason, of a status: the order is in the book
_NS_PER_S: Final = 1_000_000_000
_PATIENCE_NS: Final = 5_000_000_000  # of a desk that misses an answer, until it asks
# Draws of the wires, far apart on one stream: by the number of the message on its own wire.
_REQUESTS: Final = 1 << 40
_REPORTS: Final = 2 << 40
_REQUESTS_TWICE: Final = 3 << 40
_REPORTS_TWICE: Final = 4 << 40
_REFUSALS: Final = 5 << 40


@kernel
def chance(world: Any, draw: int) -> float:
    """Return a draw of the wires."""
    return uniform(stream_key(world.seed, CHAOS_STREAM, 0), draw)


@kernel
def refusal(world: Any, message: Any) -> int:
    """Return why the gateway does not let a request of the desk through, ``NO_REASON`` if it does."""
    chaos = world.chaos
    chaos.requests += 1
    if world.modifiers[REFUSAL] > 0.0 and chance(world, _REFUSALS + chaos.requests) < world.modifiers[REFUSAL]:
        return codes.GATEWAY
    if world.modifiers[REQUEST_RATE] < NO_LIMIT and _is_too_fast(world):
        return codes.THROTTLED
    capped = world.modifiers[POSITION_CAP] < NO_LIMIT and message.kind in (codes.NEW, codes.REPLACE)
    return codes.MARGIN if capped and _is_too_much(world, message) else codes.NO_REASON


@kernel
def _is_too_fast(world: Any) -> bool:
    """Count requests by the second of the exchange's clock."""
    chaos = world.chaos
    second_ns = world.now_ns - world.now_ns % _NS_PER_S
    if chaos.second_ns != second_ns:
        chaos.second_ns = second_ns
        chaos.second_requests = 0
    chaos.second_requests += 1
    return bool(chaos.second_requests > world.modifiers[REQUEST_RATE])


@kernel
def _is_too_much(world: Any, message: Any) -> bool:
    """Return whether a request could bring the account beyond its cap, all its working orders of that side filled."""
    side = i64(message.side)
    lots = side * world.ledger.position + message.lots
    for row in range(world.desk_order_marks.shape[0]):
        marks = world.desk_order_marks[row]
        if marks.order != NONE and marks.side == side and row != message.row:
            lots += world.orders[marks.order].lots
    return bool(lots > world.modifiers[POSITION_CAP] and lots > 0)


@kernel
def is_lost_request(world: Any, request: Any) -> bool:
    """Return whether a request that should arrive now is lost; if so, note it."""
    if request.sent_ns >= world.chaos.order_back_ns:
        return False
    marks = world.desk_order_marks[request.row]
    marks.lost = 1
    marks.lost_answers += 1
    world.chaos.requests_lost += 1
    if request.kind == codes.NEW:
        on_end(world, i64(request.row))
    _ask_later(world)
    return True


@kernel
def is_lost_report(world: Any, report: Any) -> bool:
    """Return whether a report that should arrive now is lost; if so, note it."""
    chaos = world.chaos
    chaos.reports += 1
    lost = report.sent_ns < chaos.order_back_ns
    if not lost and world.modifiers[REPORT_LOSS] > 0.0:
        lost = chance(world, _REPORTS + chaos.reports) < world.modifiers[REPORT_LOSS]
    if not lost:
        return False
    marks = world.desk_order_marks[report.row]
    marks.lost = 1
    marks.lost_answers += report.answers
    if report.kind == codes.TRADED:
        marks.lost_lots += report.lots
        marks.lost_notional += report.notional
    chaos.reports_lost += 1
    mix_into_hash(world, world.now_ns, i64(report.row), report.lots, codes.STATUS)
    _ask_later(world)
    return True


@kernel
def is_repeated_report(world: Any) -> bool:
    """Return whether the report that just arrived comes a second time. The desk knows it by its number and drops it."""
    share = world.modifiers[REPORT_DUPLICATION]
    if share <= 0.0 or chance(world, _REPORTS_TWICE + world.chaos.reports) >= share:
        return False
    world.chaos.reports_twice += 1
    return True


@kernel
def is_repeated_request(world: Any) -> bool:
    """Return whether the request that just arrived comes a second time."""
    share = world.modifiers[REQUEST_DUPLICATION]
    if share <= 0.0 or chance(world, _REQUESTS_TWICE + world.chaos.requests) >= share:
        return False
    world.chaos.requests_twice += 1
    return True


@kernel
def _ask_later(world: Any) -> None:
    """Let the desk ask where its orders stand once its patience is over; a wire that is cut asks when it is back."""
    if world.chaos.reconcile_ns == codes.NEVER_NS and world.chaos.order_back_ns != codes.NEVER_NS:
        world.chaos.reconcile_ns = world.now_ns + _PATIENCE_NS


@kernel
def reconcile(world: Any) -> None:
    """Send the desk the reports it missed, order by order: fills first, then the order's status."""
    world.chaos.reconcile_ns = codes.NEVER_NS
    for row in range(world.desk_order_marks.shape[0]):
        marks = world.desk_order_marks[row]
        if marks.lost != 1:
            continue
        marks.lost = 2
        gone = 1 if marks.order == NONE else 0
        if marks.lost_lots > 0:
            send_report(world, row, codes.TRADED, codes.NO_REASON, i64(marks.lost_lots), i64(marks.lost_notional), 0, 0)
        lots, price, rests = _terms(world, marks)
        send_report(world, row, codes.STATUS, rests, lots, price, i64(marks.lost_answers), gone)
        marks.lost_answers = 0
        marks.lost_lots = 0
        marks.lost_notional = 0


@kernel
def _terms(world: Any, marks: Any) -> Any:
    """Return the total lots of an order, its limit, and whether it rests; zeros if it does not, or is gone."""
    if marks.order == NONE:
        return i64(0), i64(0), i64(0)
    order = world.orders[marks.order]
    lots = i64(order.lots + order.filled)
    if order.level == NONE:
        return lots, i64(0), i64(0)
    level = world.book.levels[order.level]
    return lots, i64(level.side * level.key), i64(RESTS)
