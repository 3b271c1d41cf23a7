"""``python -m twin_env.chaos list``: the experiments of the library, or the kinds of faults."""

import argparse
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from twin_env.chaos import library
from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.quantity import Quantity
from twin_env.config import ConfigError
from twin_env.report.tables import Column, Table, open_console

HELP: Final = "list the experiments of the library, or the kinds of faults"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--kinds", action="store_true", help="list the kinds of faults and their severities instead")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print JSON instead of a table")
    shape.add_argument("--markdown", action="store_true", help="print the black swans and their sources as Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Print the list and return 0."""
    if arguments.markdown and arguments.kinds:
        raise ConfigError(["list: --markdown is given with --kinds, expected one of them: it has the black swans."])
    if arguments.markdown:
        print(black_swans_markdown())
        return 0
    rows = list(kind_rows() if arguments.kinds else experiment_rows())
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    (kinds_table(rows) if arguments.kinds else experiments_table(rows)).show()
    if not arguments.kinds:
        rungs = "|".join(library.SEVERITIES)
        open_console().print(
            f"Beside these: each of {len(KINDS)} kinds by itself as KIND.{rungs}; list --kinds has them."
        )
    return 0


def experiment_rows() -> Iterator[dict[str, Any]]:
    """Return what is listed of every experiment that has a file: black swans by their date, then the others."""
    families = library.families()
    for family in (library.BLACK_SWANS, library.COMPOUNDS):
        loaded = {name: load_experiment(library.PREFIX + name) for name in families[family]}
        for name, experiment in sorted(loaded.items(), key=lambda pair: (pair[1].provenance.date, pair[0])):
            yield _experiment_row(name, family, experiment)


def _experiment_row(name: str, family: str, experiment: Experiment) -> dict[str, Any]:
    return {
        "name": name,
        "family": family,
        "date": experiment.provenance.date,
        "title": experiment.title,
        "faults": [fault.kind for fault in experiment.method],
        "words": experiment.tell(),
        "tags": list(experiment.tags),
        "hash": experiment.hash,
    }


def kind_rows() -> Iterator[dict[str, Any]]:
    """Return what is listed of every kind of fault."""
    for kind, fault in KINDS.items():
        yield {
            "kind": kind,
            "plane": fault.plane,
            "family": fault.family,
            "severity_levels": {rung: dict(fault.severity_levels[rung]) for rung in library.SEVERITIES},
            "words": (inspect.getdoc(fault) or "").partition("\n")[0],
        }


def experiments_table(rows: list[dict[str, Any]]) -> Table:
    """Return a row per experiment."""
    cells = [[row["name"], row["date"], ", ".join(row["faults"]), row["title"]] for row in rows]
    return _table("Experiments of the library", ["name", "date"], ["faults", "words"], cells)


def kinds_table(rows: list[dict[str, Any]]) -> Table:
    """Return a row per kind."""
    cells = [
        [
            row["kind"],
            row["plane"],
            row["family"],
            _severities_text(KINDS[row["kind"]], row["severity_levels"]),
            row["words"],
        ]
        for row in rows
    ]
    return _table("Kinds of faults", ["kind", "plane", "family"], ["severities", "words"], cells)


def _table(title: str, names: list[str], texts: list[str], cells: list[list[str]]) -> Table:
    columns = [Column(name, left=True) for name in names] + [Column(name, left=True, wraps=True) for name in texts]
    return Table(title, columns, cells, set(range(len(cells))))


def _severities_text(fault: type[Fault], severities: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join(f"{rung}: {_rung_text(fault, values)}" for rung, values in severities.items())


def _rung_text(fault: type[Fault], values: Mapping[str, Any]) -> str:
    quantities = {name for name, field in fault.model_fields.items() if field.annotation is Quantity}
    texts = {name: Quantity(**value) if name in quantities else value for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in texts.items())


def black_swans_markdown() -> str:
    """Return the table of black swans and the list of their sources, as ``docs/library.md`` has them."""
    rows = [row for row in experiment_rows() if row["family"] == library.BLACK_SWANS]
    cells = [
        [f"`{row['name']}`", row["date"], row["title"], ", ".join(f"`{kind}`" for kind in row["faults"])]
        for row in rows
    ]
    lines = [_table("", ["name", "date"], ["what", "faults"], cells).to_markdown()]
    for row in rows:
        lines += ["", f"### {row['name']}", "", *_told(load_experiment(library.PREFIX + row["name"]))]
    return "\n".join(lines)


def _told(experiment: Experiment) -> Iterator[str]:
    yield experiment.description.replace(" Replica: ", "\n\nReplica: ")
    for heading, texts in (
        ("Sources:", experiment.provenance.references),
        ("Assumed:", experiment.provenance.assumptions),
    ):
        if texts:
            yield from ("", heading, "", *(f"- {text}" for text in texts))
