"""A journal as text: what was asked for beside what came of it."""

from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table

from twin_env.chaos.journal.journal import FaultRecord, Journal, ProbeRecord
from twin_env.market.moments import NS_PER_S

_WIDTH: Final = 120
_DEVIATIONS: Final = {
    "none": "as asked",
    "under_achieved": "less than asked",
    "over_achieved": "more than asked",
    "blocked_by_venue": "blocked by the venue",
    "not_begun": "never began",
    "not_exercised": "nothing to act on",
}


def show_journal(journal: Journal) -> None:
    """Print a journal: drawn on a terminal, plain elsewhere."""
    console = Console(width=None if Console().is_terminal else _WIDTH, highlight=False)
    console.print(f"{journal.experiment.title} [dim]({journal.experiment_hash[:12]}, seed {journal.seed})[/dim]")
    console.print(journal.experiment.tell())
    for assumption in journal.experiment.provenance.assumptions:
        console.print(f"  assumed: {assumption}", markup=False)
    console.print(_faults(journal))
    console.print(_steady(journal))
    for line in (_venue(journal), _radius(journal), _signals(journal)):
        console.print(line, markup=False)


def _faults(journal: Journal) -> Table:
    table = Table(title="Faults", title_justify="left")
    for heading in ("fault", "began", "lasted s", "signal", "asked", "achieved", "outcome"):
        table.add_column(heading, justify="right" if heading in ("lasted s", "asked", "achieved") else "left")
    for record in journal.run:
        _add(table, record)
    return table


def _add(table: Table, record: FaultRecord) -> None:
    """Add a row for each reading of a fault."""
    began, lasted = "-", "-"
    if record.began_ns is not None and record.ended_ns is not None:
        began = datetime.fromtimestamp(record.began_ns / NS_PER_S, UTC).strftime("%H:%M:%S.%f")[:-3]
        lasted = f"{(record.ended_ns - record.began_ns) / NS_PER_S:.2f}"
    outcome = _DEVIATIONS[record.deviation]
    for place, reading in enumerate(record.readings):
        achieved = "-" if reading.achieved is None else f"{reading.achieved:.4g}"
        head = (record.id, began, lasted) if place == 0 else ("", "", "")
        table.add_row(*head, reading.name, f"{reading.requested:.4g}", achieved, "as asked" if reading.met else outcome)
    if not record.readings:
        table.add_row(record.id, began, lasted, "-", "-", "-", outcome)


def _steady(journal: Journal) -> Table:
    states = journal.steady_states
    took = "not in time" if states.recovered_s is None else f"{states.recovered_s:.0f} s after the last fault"
    table = Table(title=f"Steady state, back {took}", title_justify="left")
    for heading in ("probe", "expected", "before", "after"):
        table.add_column(heading, justify="left" if heading == "probe" else "right")
    for before, after in zip(states.before, states.after, strict=True):
        table.add_row(before.metric, _range(before), _value(before), _value(after))
    return table


def _range(record: ProbeRecord) -> str:
    low, high = (f"{edge:g}" if edge is not None else "" for edge in (record.low, record.high))
    return f"{low} .. {high}"


def _value(record: ProbeRecord) -> str:
    return f"{record.value:.2f}{'' if record.met else ' (!)'}"


def _venue(journal: Journal) -> str:
    venue = journal.venue
    refused = ", ".join(f"{count} x {reason}" for reason, count in venue.refused.items()) or "nothing"
    state = "on" if venue.protections else "off"
    return f"Venue: protections {state}, {venue.pauses} pauses, closed {venue.halted_s:.1f} s, refused {refused}."


def _radius(journal: Journal) -> str:
    radius = journal.blast_radius
    return (
        f"Blast radius: faults on for {radius.fault_s:.1f} s ({radius.share_of_time:.0%} of the time), at most "
        f"{radius.most_concurrent} at once; actors traded {radius.aggressor_lots} lots; the mid moved "
        f"{radius.largest_move_ticks:.1f} ticks at most."
    )


def _signals(journal: Journal) -> str:
    labels = [f"{label.signal} ({label.fault}, {label.value:.3g})" for label in journal.ground_truth]
    return f"Signals that were really there: {', '.join(labels) or 'none'}."
