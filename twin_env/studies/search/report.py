"""The report of a search for the worst case, on a terminal."""

from collections.abc import Sequence
from typing import Final

from twin_env.report.table import Table
from twin_env.studies.search.result import Breaking, Estimate, Failure, FrontPoint, SearchReport

_ELITES: Final = 10


def show_search(report: SearchReport) -> None:
    """Print tables, sentences, and what they do not show."""
    front_table(report.front, report.unit).show()
    print()
    if report.failures:
        failure_table(report.failures, report.unit).show()
        print()
        for number, failure in enumerate(report.failures, 1):
            print(f"{number}. {failure.words}\n   {failure.command}")
        print()
    elif all(point.damage is None or point.damage.mean <= 0.0 for point in report.front):
        print("No experiment was found that does damage.\n")
    archive_table(report).show()
    print()
    if report.breaking:
        print(tell_breaking(report.breaking, report.unit))
    print(tell_search(report))


def front_table(front: Sequence[FrontPoint], unit: str) -> Table:
    """Return a row per radius: the search's worst beside that of luck."""
    rows = [[f"{point.radius:g}", *_cells(point.damage), *_cells(point.random_damage)] for point in front]
    title = f"Worst damage within a radius, {unit}, mean and 95 % interval over fresh episodes"
    return Table(title, ["radius", "search", "95 % interval", "random search", "95 % interval"], rows)


def failure_table(failures: Sequence[Failure], unit: str) -> Table:
    """Return a row per failure."""
    rows = [
        [
            f"{number}. {' + '.join(failure.kinds)}",
            *_cells(failure.damage),
            *_cells(failure.whole_damage),
            "-" if failure.length is None else f"{failure.length:.2f}",
            "-" if failure.share_beyond is None else f"{failure.share_beyond:.2%}",
        ]
        for number, failure in enumerate(failures, 1)
    ]
    columns = ["", "made small", "95 % interval", "as found", "95 % interval", "length", "draws as far"]
    return Table(
        f"The worst experiments, and what is left when they are made small: mean damage in fresh episodes, {unit}",
        columns,
        rows,
    )


def archive_table(report: SearchReport) -> Table:
    """Return a row for each of the worst cells of the archive."""
    rows = [
        [elite.families, elite.third, " + ".join(elite.kinds), f"{elite.damage:.2f}", f"{elite.length:.2f}"]
        for elite in report.archive[:_ELITES]
    ]
    cells = f"{len(rows)} of {len(report.archive)} cells"
    title = f"Worst by families and onset: {cells}, damage while searching, {report.unit}"
    return Table(title, ["families", "onset", "faults", "damage", "length"], rows)


def tell_breaking(breaking: Breaking, unit: str) -> str:
    """Say how near the nearest failure is."""
    limit = f"{breaking.limit:g} {unit} in half of the episodes"
    if breaking.beta is None or breaking.chance is None:
        return f"Nothing within {breaking.searched_to:g} standard deviations was found that costs {limit}."
    sure = "confirmed" if breaking.confirmed else "not confirmed"
    return (
        f"Resilience: beta is {breaking.beta:.2f} standard deviations to a loss of {limit}, {sure} in fresh episodes "
        f"(first order: {breaking.chance:.2%} of experiments with these faults are beyond). {breaking.words}"
    )


def tell_search(report: SearchReport) -> str:
    """Say what was done, and what it does not show."""
    spent = report.spent
    return (
        f"{report.method}, seed {report.seed}: {spent.search} evaluations of search and {spent.random} of random "
        f"search, {spent.resilience} for the nearest failure, {spent.checking} to score again, {spent.minimising} to "
        f"make small. {report.sets_seen} of {report.sets} sets of faults were looked at. {report.honesty}"
    )


def _cells(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "-", "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.2f}", "-"
    return f"{estimate.mean:.2f}", f"{estimate.low:.2f} .. {estimate.high:.2f}"
