"""The tables of the impact laboratory."""

from typing import IO

from twin_env.report.tables import Column, Table, open_console
from twin_env.studies.impact.result import ImpactResult


def show_impact(result: ImpactResult, name: str, file: IO[str] | None = None) -> None:
    """Print what was measured and the verdicts.

    Args:
        result: The figures.
        name: Of the market.
        file: Where to; standard output by default.
    """
    activity = result.activity
    open_console(file).print(
        f"{name}: {activity.sigma_ticks:.0f} ticks and {activity.volume_lots:,.0f} lots a day "
        f"of {activity.day_s:,.0f} s, measured over {activity.simulated_s / 3600:.1f} h",
        markup=False,
    )
    cell_table(result).show(file)
    if result.order_costs:
        order_table(result).show(file)
    law_table(result).show(file)


def cell_table(result: ImpactResult) -> Table:
    """Return a row per metaorder."""
    columns = ["lots", "T, s", "Q/V", "part.", "filled", "impact, ticks", "cost, ticks", "without half-spread"]
    rows = [
        [
            str(cell.lots),
            f"{cell.duration_s:g}",
            f"{cell.share:.1e}",
            f"{cell.participation:.1%}",
            f"{cell.filled_share:.1%}",
            *(f"{figure:.2f}" for figure in (cell.peak, cell.cost, cell.net_cost)),
        ]
        for cell in result.cells
    ]
    return Table("Metaorders: mean and 95 % interval over antithetic pairs", columns, rows)


def order_table(result: ImpactResult) -> Table:
    """Return the order of the size asked for against the square-root law."""
    columns = ["lots", "volume", "lots a day", "law, ticks", "impact", "2/3 of the law", "cost without half-spread"]
    rows = [
        [
            str(cost.lots),
            cost.volume_name,
            f"{cost.volume_lots:,.0f}",
            f"{cost.law_ticks:.2f}",
            f"{cost.peak:.2f}",
            f"{cost.law_ticks / 1.5:.2f}",
            f"{cost.net_cost:.2f}",
        ]
        for cost in result.order_costs
    ]
    return Table("One order against 0.7 sigma sqrt(Q/V)", columns, rows)


def law_table(result: ImpactResult) -> Table:
    """Return a row per check, after the coefficients."""
    rows = []
    for label, fit in (("impact", result.impact), ("cost", result.cost)):
        rows.append([f"Y of {label}, exponent 1/2", f"{fit.sqrt_coefficient:.3f}", "0.5..1 in the literature", ""])
        rows.append([f"Y of {label}, fitted exponent", f"{fit.coefficient:.3f}", "", ""])
    rows.append(["exponent of cost", f"{result.cost.exponent:.3f}", "", ""])
    separators = {len(rows) - 1}
    rows += [
        [check.name, f"{check.found:.3f}", check.expected, "yes" if check.passed else "NO"] for check in result.checks
    ]
    return Table(
        "Laws", ["", "measured", Column("expected", left=True), Column("verdict", left=True)], rows, separators
    )
