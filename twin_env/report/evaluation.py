"""The tables of an evaluation: where the money went, and what policies cost more than a baseline."""

from collections.abc import Sequence
from typing import Final

from twin_env.alpha.objective import FILLS, IS_BPS, NET_RESULT, UNITS
from twin_env.alpha.parts import ALPHA_KEYS, FIRST_PART, SPLIT_NAMES
from twin_env.alpha.results import Result, difference, objective_of, vwap_intervals
from twin_env.report.tables import INTERVAL, Column, Table, interval_cells, verdict_of
from twin_env.statistics import Interval

COSTS: Final = ("costs less", "costs more")
_EARNS: Final = ("earns less", "earns more")
VERDICT: Final = Column("", left=True)
"""Of what :func:`~twin_env.report.tables.verdict_of` says."""


def split_table(results: Sequence[Result], currency: str) -> Table:
    """Return a column per policy: where the money went, on average over episodes."""
    totals = SPLIT_NAMES[:FIRST_PART]
    names = [*totals, *(f"  {part}" for part in SPLIT_NAMES[FIRST_PART:])]
    rows = [
        [name, *(f"{result.mean(key):+.2f}" for result in results)] for name, key in zip(names, ALPHA_KEYS, strict=True)
    ]
    shortfalls = [Interval.student(result.values(IS_BPS)) for result in results]
    drift = _drift_rows(results)
    rows += [
        ["shortfall, bps", *(f"{interval.mean:.3f}" for interval in shortfalls)],
        [f"  {INTERVAL}", *(interval.ends() for interval in shortfalls)],
        *drift,
        ["filled", *(f"{result.filled_share:.1%}" for result in results)],
        ["fills", *(f"{result.mean(FILLS):.1f}" for result in results)],
        ["episodes", *(str(len(result.episodes)) for result in results)],
    ]
    last = len(ALPHA_KEYS) - 1
    policies = [result.policy for result in results]
    separators = {len(totals) - 1, last, last + 2 + len(drift)}
    return Table(f"Mean per episode, {currency}", ["", *policies], rows, separators)


def vwap_table(results: Sequence[Result]) -> Table | None:
    """Return what fills of parent orders cost beyond the market's VWAP; ``None`` for traders and without records."""
    if any(result.objective is NET_RESULT or result.episodes[0].alpha is None for result in results):
        return None
    rows = []
    for result in results:
        found = vwap_intervals([one.alpha for one in result.episodes if one.alpha is not None])
        cells = [cell for name in ("market", "others") for cell in interval_cells(found[name], "+.3f")]
        rows.append([result.policy, *cells])
    title = "Price of the fills beyond the market's VWAP, bps, fees left out"
    return Table(title, ["", "all trades", INTERVAL, "without its own", INTERVAL], rows)


def _drift_rows(results: Sequence[Result]) -> list[list[str]]:
    """Return the shortfall without drift, where drift is known."""
    if not any(result.knows_drift for result in results):
        return []
    intervals = [Interval.student(result.without_drift_bps) for result in results]
    return [
        ["  without drift", *(f"{interval.mean:.3f}" for interval in intervals)],
        [f"  {INTERVAL}", *(interval.ends() for interval in intervals)],
    ]


def difference_table(results: Sequence[Result], baseline: Result) -> Table:
    """Return a row per policy: what it costs more, or earns more, than the baseline on the same episodes.

    Where drift is known the row has it taken out of shortfalls: the same mean, estimated more precisely.
    """
    objective, title = objective_of(results)
    verdicts = COSTS if objective.lower_is_better else _EARNS
    rows = []
    for result in results:
        if result is not baseline:
            interval = difference(result, baseline, objective)
            rows.append([result.policy, *interval_cells(interval, "+.3f"), verdict_of(interval, verdicts)])
    title = f"{title.capitalize()} minus that of {baseline.policy}, {UNITS[objective.unit]}, paired by episode"
    return Table(title, ["", "mean", INTERVAL, VERDICT], rows)
