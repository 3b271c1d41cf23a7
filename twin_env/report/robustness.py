"""The tables of a robustness battery: what faults cost policies, and how they differ."""

from collections.abc import Sequence
from typing import Final

from twin_env.alpha.costs import CALM, TAIL, Costs, Difference, compare, over_episodes
from twin_env.report.evaluation import COSTS, VERDICT
from twin_env.report.tables import INTERVAL, Table, interval_cells, verdict_of
from twin_env.statistics import Interval

_WORST: Final = f"CVaR{100 * TAIL:.0f}"
_LOSES: Final = ("loses less", "loses more")
_OVER_RUNS: Final = "  over training runs"


def cost_table(policies: Sequence[Costs], unit: str) -> Table:
    """Return a row per split and policy: cost, damage against calm, and the tail of the cost."""
    splits = list(policies[0].by_split)
    rows = [_cost_row(costs, split) for split in splits for costs in policies]
    columns = ["", "cost", INTERVAL, "damage", INTERVAL, _WORST]
    title = f"Mean cost per episode, {unit}; damage is what it is more than in calm, paired by episode"
    return Table(title, columns, rows, {len(policies) * number - 1 for number in range(1, len(splits))})


def _cost_row(costs: Costs, split: str) -> list[str]:
    cost, damage = over_episodes(costs.by_split[split]), over_episodes(costs.damage(split))
    cells = interval_cells(None if split == CALM else damage, "+.3f")
    return [f"{split}: {costs.policy}", *interval_cells(cost), *cells, f"{costs.tail(split):.3f}"]


def difference_table(policies: Sequence[Costs], unit: str) -> Table:
    """Return rows per policy and split: cost and damage minus those of the first policy."""
    rows = [
        row
        for policy, differences in compare(policies).items()
        for split, difference in differences.items()
        for row in _difference_rows(f"{split}: {policy}", split, difference)
    ]
    title = f"Minus {policies[0].policy}, {unit}, paired by episode"
    return Table(title, ["", "mean", INTERVAL, VERDICT], rows)


def _difference_rows(name: str, split: str, difference: Difference) -> list[list[str]]:
    rows = [
        _difference_row(f"{name}, cost", difference.cost, COSTS),
        _difference_row(_OVER_RUNS, difference.cost_over_runs, COSTS),
        _difference_row(f"{name}, {_WORST}", difference.tail, COSTS),
    ]
    if split != CALM:
        rows.append(_difference_row(f"{name}, damage", difference.damage, _LOSES))
        rows.append(_difference_row(_OVER_RUNS, difference.damage_over_runs, _LOSES))
    return [row for row in rows if row]


def _difference_row(name: str, interval: Interval | None, verdicts: tuple[str, str]) -> list[str]:
    if interval is None:
        return []
    return [name, *interval_cells(interval, "+.3f"), verdict_of(interval, verdicts)]
