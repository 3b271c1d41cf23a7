"""Reports of the exchange on the desk's orders, over a wire of its own."""

from typing import Any

from twin_env.core.ledger import on_answer, on_end
from twin_env.core.state.codes import TRADED
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.links import arrival_ns, depart_at, in_flight


@kernel
def report(world: Any, row: int, kind: int, reason: int, lots: int, notional: int, final: int) -> None:
    """Send one report about the desk's order ``row``; the first since its request answers it.

    Fills of one order within one exchange message travel as one report. Once an eighth of the
    wire is taken, a fill joins the newest one of its order if an older one is ahead of it, and
    that report then arrives when the fill would have: no fill is known early, and none waits
    for more than those behind it. What can be on the wire is thereby bounded, so nothing is ever
    lost: 32 answers, a fill after each and two more a row, 16 elected stops and 16 ends join the
    first 32 reports, 160 of 256.
    """
    if row == NONE or world.published == 0:
        return
    if final:
        on_end(world, row)
    answers = 0
    if row == world.answer_row:
        answers = 1
        world.answer_row = NONE
        on_answer(world, row, kind)
    if kind == TRADED and answers == 0 and _merge(world, row, lots, notional, final):
        return
    send_report(world, row, kind, reason, lots, notional, answers, final)


@kernel
def send_report(
    world: Any, row: int, kind: int, reason: int, lots: int, notional: int, answers: int, final: int
) -> None:
    """Put one report on the wire, whatever it answers."""
    link = world.report_link
    if in_flight(link) == world.reports.shape[0]:
        link.lost += 1  # the bound above says never; a test holds it at zero
        return
    message = world.reports[link.pushed & (world.reports.shape[0] - 1)]
    message.at_ns = arrival_ns(link, world.now_ns)
    message.sent_ns = world.now_ns
    message.lots = lots
    message.notional = notional
    message.row = row
    message.kind = kind
    message.reason = reason
    message.answers = answers
    message.final = final
    link.pushed += 1
    depart_at(link, message.at_ns)


@kernel
def _merge(world: Any, row: int, lots: int, notional: int, final: int) -> bool:
    """Add a fill to a report already on the wire, if one may take it."""
    link = world.report_link
    mask = world.reports.shape[0] - 1
    crowded = in_flight(link) >= world.reports.shape[0] // 8
    newest = NONE
    for back in range(link.pushed - 1, link.popped - 1, -1):
        message = world.reports[back & mask]
        if not crowded and message.sent_ns != world.now_ns:
            return False
        if message.row != row:
            continue
        if message.kind == TRADED and newest == NONE:
            newest = back
            if message.sent_ns == world.now_ns:
                _join(message, lots, notional, final)
                link.conflated += 1
                return True
        elif message.kind == TRADED:
            _join(world.reports[newest & mask], lots, notional, final)
            link.conflated += 1
            _hold_back(world, newest)
            return True
        elif newest == NONE:
            return False  # something else happened to the order since its last fill
    return False


@kernel
def _join(message: Any, lots: int, notional: int, final: int) -> None:
    message.lots += lots
    message.notional += notional
    message.final = final


@kernel
def _hold_back(world: Any, first: int) -> None:
    """Let a report that took on a later fill, and all behind it, arrive no sooner than that fill may."""
    link = world.report_link
    at_ns = arrival_ns(link, world.now_ns)
    if first == link.popped:
        link.next_ns = at_ns
    for index in range(first, link.pushed):
        world.reports[index & (world.reports.shape[0] - 1)].at_ns = at_ns
