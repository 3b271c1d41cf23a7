"""The library of experiments and the kinds of faults, as rows, tables and Markdown."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from twin_env.chaos import library
from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.quantity import Quantity


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
            "ladder": {rung: dict(fault.ladder[rung]) for rung in library.RUNGS},
            "words": (inspect.getdoc(fault) or "").partition("\n")[0],
        }


def experiments_table(rows: list[dict[str, Any]]) -> Table:
    """Return a row per experiment."""
    table = Table("name", "date", "faults", "words", title="Experiments of the library", title_justify="left")
    for row in rows:
        table.add_row(row["name"], row["date"], ", ".join(row["faults"]), row["title"], end_section=True)
    return table


def kinds_table(rows: list[dict[str, Any]]) -> Table:
    """Return a row per kind."""
    table = Table("kind", "plane", "family", "ladder", "words", title="Kinds of faults", title_justify="left")
    for row in rows:
        ladder = "\n".join(f"{rung}: {_rung_text(KINDS[row['kind']], row['ladder'][rung])}" for rung in row["ladder"])
        table.add_row(row["kind"], row["plane"], row["family"], ladder, row["words"], end_section=True)
    return table


def _rung_text(fault: type[Fault], values: Mapping[str, Any]) -> str:
    quantities = {name for name, field in fault.model_fields.items() if field.annotation is Quantity}
    texts = {name: Quantity(**value) if name in quantities else value for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in texts.items())


def black_swans_markdown() -> str:
    """Return the table of black swans and the list of their sources, as ``docs/library.md`` has them."""
    rows = [row for row in experiment_rows() if row["family"] == library.BLACK_SWANS]
    lines = ["| name | date | what | faults |", "| --- | --- | --- | --- |"]
    for row in rows:
        faults = ", ".join(f"`{kind}`" for kind in row["faults"])
        lines.append(f"| `{row['name']}` | {row['date']} | {row['title']} | {faults} |")
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
