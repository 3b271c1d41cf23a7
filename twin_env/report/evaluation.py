"""The tables of an evaluation: where the money went, and what policies cost more than a baseline."""

from collections.abc import Callable, Sequence
from typing import Final

from twin_env.alpha.parts import PARTS
from twin_env.alpha.results import Result, difference, difference_net, difference_without_drift
from twin_env.report.tables import INTERVAL, Column, Table, interval_cells, judge
from twin_env.statistics import Interval

COSTS: Final = ("costs less", "costs more")
_EARNS: Final = ("earns less", "earns more")
VERDICT: Final = Column("", left=True)
"""Of what :func:`~twin_env.report.tables.judge` says."""


def split_table(results: Sequence[Result], currency: str) -> Table:
    """Return a column per policy: where the money went, on average over episodes."""
    rows = [
        [name, *(f"{result.mean(f'alpha/{name}'):+.2f}" for result in results)]
        for name in ("net", "strategy", "execution")
    ]
    rows += [[f"  {part}", *(f"{result.mean(f'alpha/{part}'):+.2f}" for result in results)] for part in PARTS]
    shortfalls = [Interval.student(result.values("exec/is_bps")) for result in results]
    drift = _drift_rows(results)
    rows += [
        ["shortfall, bps", *(f"{interval.mean:.3f}" for interval in shortfalls)],
        [f"  {INTERVAL}", *(interval.ends() for interval in shortfalls)],
        *drift,
        ["filled", *(f"{result.filled_share:.1%}" for result in results)],
        ["fills", *(f"{result.mean('exec/fills'):.1f}" for result in results)],
        ["episodes", *(str(len(result.episodes)) for result in results)],
    ]
    names = [result.policy for result in results]
    return Table(f"Mean per episode, {currency}", ["", *names], rows, {2, 2 + len(PARTS), 4 + len(PARTS) + len(drift)})


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
    compare, what, verdicts = _comparison(results)
    rows = []
    for result in results:
        if result is not baseline:
            interval = compare(result, baseline)
            rows.append([result.policy, *interval_cells(interval, "+.3f"), judge(interval, verdicts)])
    return Table(what.format(baseline.policy), ["", "mean", INTERVAL, VERDICT], rows)


def _comparison(results: Sequence[Result]) -> tuple[Callable[[Result, Result], Interval], str, tuple[str, str]]:
    """Return how results are compared, the title of that, and what a lower and a higher figure mean."""
    if any(result.trades_freely for result in results):
        return difference_net, "Net result minus that of {}, account currency, paired by episode", _EARNS
    if any(result.knows_drift for result in results):
        return difference_without_drift, "Shortfall without drift minus that of {}, bps, paired by episode", COSTS
    return difference, "Shortfall minus that of {}, bps, paired by episode", COSTS
