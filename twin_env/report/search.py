"""The report of a search for the worst case: tables, sentences, and what they do not show."""

from collections.abc import Sequence
from typing import Final

from twin_env.report.tables import INTERVAL, NOTHING, Column, Table, interval_cells
from twin_env.studies.search.result import Breaking, Failure, FrontPoint, SearchReport

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
        print(describe_breaking(report.breaking, report.unit))
    print(describe_search(report))


def front_table(front: Sequence[FrontPoint], unit: str) -> Table:
    """Return a row per radius: the search's worst beside that of luck."""
    rows = [
        [f"{point.radius:g}", *interval_cells(point.damage, ".2f"), *interval_cells(point.random_damage, ".2f")]
        for point in front
    ]
    title = f"Worst damage within a radius, {unit}, mean and 95 % interval over fresh episodes"
    return Table(title, ["radius", "search", INTERVAL, "random search", INTERVAL], rows)


def failure_table(failures: Sequence[Failure], unit: str) -> Table:
    """Return a row per failure."""
    rows = [
        [
            f"{number}. {' + '.join(failure.kinds)}",
            *interval_cells(failure.damage, ".2f"),
            *interval_cells(failure.whole_damage, ".2f"),
            NOTHING if failure.length is None else f"{failure.length:.2f}",
            NOTHING if failure.share_beyond is None else f"{failure.share_beyond:.2%}",
        ]
        for number, failure in enumerate(failures, 1)
    ]
    faults = Column("", left=True, wraps=True)
    columns: list[str | Column] = [faults, "made small", INTERVAL, "as found", INTERVAL, "length", "draws as far"]
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
    families, faults = (Column(name, left=True, wraps=True) for name in ("families", "faults"))
    return Table(title, [families, Column("onset", left=True), faults, "damage", "length"], rows)


def describe_breaking(breaking: Breaking, unit: str) -> str:
    """Say how near the nearest failure is."""
    limit = f"{breaking.limit:g} {unit} in half of the episodes"
    if breaking.beta is None or breaking.chance is None:
        return f"Nothing within {breaking.searched_to:g} standard deviations was found that costs {limit}."
    sure = "confirmed" if breaking.confirmed else "not confirmed"
    return (
        f"Resilience: beta is {breaking.beta:.2f} standard deviations to a loss of {limit}, {sure} in fresh episodes "
        f"(first order: {breaking.chance:.2%} of experiments with these faults are beyond). {breaking.words}"
    )


def describe_search(report: SearchReport) -> str:
    """Say what was done, and what it does not show."""
    spent = report.spent
    return (
        f"{report.method}, seed {report.seed}: {spent.search} evaluations of search and {spent.random} of random "
        f"search, {spent.resilience} for the nearest failure, {spent.checking} to score again, {spent.minimising} to "
        f"make small. {report.sets_seen} of {report.sets} sets of faults were looked at. {report.honesty}"
    )
