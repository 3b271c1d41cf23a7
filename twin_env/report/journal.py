"""A journal of a chaos run as text: what was asked for beside what came of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from twin_env.chaos.journal.journal import FaultRecord, Journal, ProbeRecord
from twin_env.market.moments import NS_PER_S
from twin_env.report.tables import NOTHING, Column, Table, open_console

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
    console = open_console()
    experiment = journal.experiment
    console.print(f"{experiment.title} ({journal.experiment_hash[:12]}, seed {journal.seed})", markup=False)
    console.print(experiment.describe(), markup=False)
    for assumption in experiment.provenance.assumptions:
        console.print(f"  assumed: {assumption}", markup=False)
    fault_table(journal).show()
    steady_table(journal).show()
    for line in (_venue(journal), _radius(journal), _signals(journal)):
        console.print(line, markup=False)


def fault_table(journal: Journal) -> Table:
    """Return a row for each reading of a fault."""
    began, signal, outcome = (Column(name, left=True) for name in ("began", "signal", "outcome"))
    columns: list[str | Column] = ["fault", began, "lasted s", signal, "asked", "achieved", outcome]
    return Table("Faults", columns, [row for record in journal.run for row in _readings(record)])


def _readings(record: FaultRecord) -> Iterator[list[str]]:
    began, lasted = NOTHING, NOTHING
    if record.began_ns is not None and record.ended_ns is not None:
        began = datetime.fromtimestamp(record.began_ns / NS_PER_S, UTC).strftime("%H:%M:%S.%f")[:-3]
        lasted = f"{(record.ended_ns - record.began_ns) / NS_PER_S:.2f}"
    outcome = _DEVIATIONS[record.deviation]
    head = [record.id, began, lasted]
    for reading in record.readings:
        achieved = NOTHING if reading.achieved is None else f"{reading.achieved:.4g}"
        met = "as asked" if reading.met else outcome
        yield [*head, reading.name, f"{reading.requested:.4g}", achieved, met]
        head = ["", "", ""]
    if not record.readings:
        yield [*head, NOTHING, NOTHING, NOTHING, outcome]


def steady_table(journal: Journal) -> Table:
    """Return a row for each probe of the steady state."""
    states = journal.steady_states
    took = "not in time" if states.recovered_s is None else f"{states.recovered_s:.0f} s after the last fault"
    rows = [
        [before.metric, _range(before), _value(before), _value(after)]
        for before, after in zip(states.before, states.after, strict=True)
    ]
    return Table(f"Steady state, back {took}", ["probe", "expected", "before", "after"], rows)


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
