"""The laboratory's tables on a terminal."""

from rich.console import Console
from rich.table import Table

from twin_env.studies.impact.result import ImpactResult

_WIDTH = 120  # of output that is no terminal


def print_result(result: ImpactResult, name: str, *, console: Console | None = None) -> None:
    """Print what was measured and the verdicts.

    Args:
        result: The figures.
        name: Of the market.
        console: Where to; standard output by default.
    """
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=_WIDTH)
    activity = result.activity
    console.print(
        f"{name}: {activity.sigma_ticks:.0f} ticks and {activity.volume_lots:,.0f} lots a day "
        f"of {activity.day_s:,.0f} s, measured over {activity.simulated_s / 3600:.1f} h"
    )
    console.print(cell_table(result))
    if result.order_costs:
        console.print(order_table(result))
    console.print(law_table(result))


def cell_table(result: ImpactResult) -> Table:
    """Return a row per metaorder."""
    columns = ["lots", "T, s", "Q/V", "part.", "filled", "impact, ticks", "cost, ticks", "without half-spread"]
    table = _table("Metaorders: mean and 95 % interval over antithetic pairs", columns)
    for cell in result.cells:
        shares = [f"{cell.share:.1e}", f"{cell.participation:.1%}", f"{cell.filled_share:.1%}"]
        figures = [cell.peak.show(".2f"), cell.cost.show(".2f"), cell.net_cost.show(".2f")]
        table.add_row(str(cell.lots), f"{cell.duration_s:g}", *shares, *figures)
    return table


def order_table(result: ImpactResult) -> Table:
    """Return the order of the size asked for against the square-root law."""
    columns = ["lots", "volume", "lots a day", "law, ticks", "impact", "2/3 of the law", "cost without half-spread"]
    table = _table("One order against 0.7 sigma sqrt(Q/V)", columns)
    for cost in result.order_costs:
        law = [f"{cost.law_ticks:.2f}", cost.peak.show(".2f"), f"{cost.law_ticks / 1.5:.2f}", cost.net_cost.show(".2f")]
        table.add_row(str(cost.lots), cost.volume_name, f"{cost.volume_lots:,.0f}", *law)
    return table


def law_table(result: ImpactResult) -> Table:
    """Return a row per check, after the coefficients."""
    table = _table("Laws", ["", "measured", "expected", "verdict"])
    for label, fit in (("impact", result.impact), ("cost", result.cost)):
        table.add_row(f"Y of {label}, exponent 1/2", fit.sqrt_coefficient.show(), "0.5..1 in the literature", "")
        table.add_row(f"Y of {label}, fitted exponent", fit.coefficient.show(), "", "")
    table.add_row("exponent of cost", result.cost.exponent.show(), "", "", end_section=True)
    for check in result.checks:
        table.add_row(check.name, check.found.show(), check.expected, "yes" if check.passed else "NO")
    return table


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table
