"""What the exchange tells the desk about its own orders, over a wire of its own."""

from typing import Any

from twin_env.core.codes import TRADED
from twin_env.core.jit import kernel
from twin_env.core.layout import NONE
from twin_env.core.links import arrival_ns, depart_at, in_flight


@kernel
def report(world: Any, row: int, kind: int, reason: int, lots: int, notional: int, final: int) -> None:
    """Send one report about the desk's order ``row``; the first since its request answers it.

    Fills of one order within one exchange message travel as one report, and once an eighth of
    the wire is taken a fill joins the newest one of its order, which then arrives when the fill
    would have. That bounds what can be on the wire, so nothing is ever lost: with 32 requests
    and 16 rows at most 32 answers, a fill after each and one more a row, 16 elected stops and
    16 ends join the first 16 reports, 128 in all.
    """
    if row == NONE or world.published == 0:
        return
    answers = 0
    if row == world.answer_row:
        answers = 1
        world.answer_row = NONE
    if kind == TRADED and answers == 0 and _merge(world, row, lots, notional, final):
        return
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
    for back in range(link.pushed - 1, link.popped - 1, -1):
        message = world.reports[back & mask]
        if message.row == row:
            if message.kind != TRADED or not (crowded or message.sent_ns == world.now_ns):
                return False
            message.lots += lots
            message.notional += notional
            message.final = final
            link.conflated += 1
            if message.sent_ns != world.now_ns:
                _hold_back(world, back)
            return True
        if not crowded and message.sent_ns != world.now_ns:
            return False
    return False


@kernel
def _hold_back(world: Any, first: int) -> None:
    """Let a report that took on a later fill, and all behind it, arrive no sooner than that fill may."""
    link = world.report_link
    at_ns = arrival_ns(link, world.now_ns)
    if first == link.popped:
        link.next_ns = at_ns
    for index in range(first, link.pushed):
        world.reports[index & (world.reports.shape[0] - 1)].at_ns = at_ns
