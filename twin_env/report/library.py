"""The library of experiments and the kinds of faults, as rows, tables and Markdown."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from twin_env.chaos import library
from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.quantity import Quantity
from twin_env.report.tables import Column, Table


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
        "words": experiment.describe(),
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
            "severity_levels": {severity: dict(fault.severity_levels[severity]) for severity in library.SEVERITIES},
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
    return "\n".join(f"{severity}: {_severity_text(fault, values)}" for severity, values in severities.items())


def _severity_text(fault: type[Fault], values: Mapping[str, Any]) -> str:
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
        lines += ["", f"### {row['name']}", "", *_description(load_experiment(library.PREFIX + row["name"]))]
    return "\n".join(lines)


def _description(experiment: Experiment) -> Iterator[str]:
    yield experiment.description.replace(" Replica: ", "\n\nReplica: ")
    for heading, texts in (
        ("Sources:", experiment.provenance.references),
        ("Assumed:", experiment.provenance.assumptions),
    ):
        if texts:
            yield from ("", heading, "", *(f"- {text}" for text in texts))
