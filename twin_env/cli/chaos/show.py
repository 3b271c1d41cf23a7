"""``python -m twin_env.chaos show NAME``: one experiment, in words and as it is written."""

import argparse
import json
from collections.abc import Iterator
from typing import Final

import yaml

from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.chaos.faults.base import Fault
from twin_env.report.tables import WIDTH, Column, Table, open_console

HELP: Final = "show one experiment: words, sources, faults, YAML"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="of the library, as flash_crash.high or es_2010_05_06; or a file")
    parser.add_argument("--json", action="store_true", help="print the whole experiment as JSON, defaults included")


def run(arguments: argparse.Namespace) -> int:
    """Print the experiment and return 0."""
    experiment = load_experiment(arguments.name)
    if arguments.json:
        shown = {"hash": experiment.hash, "words": experiment.tell(), "experiment": experiment.model_dump(mode="json")}
        print(json.dumps(shown, indent=2))
        return 0
    console = open_console()
    for paragraph in _paragraphs(experiment):
        console.print(paragraph, markup=False)
    faults_table(experiment).show()
    print(to_yaml(experiment), end="")
    return 0


def to_yaml(experiment: Experiment) -> str:
    """Return an experiment as YAML, without what was not set."""
    data = experiment.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=WIDTH)


def faults_table(experiment: Experiment) -> Table:
    """Return a row per fault."""
    words = [Column(name, left=True) for name in ("fault", "kind", "plane", "begins")]
    rows = [
        [
            fault.name,
            fault.kind,
            fault.plane,
            begins(fault),
            f"{fault.lasts_s:g}" if fault.lasts_s else "a moment",
            fault.tell(),
        ]
        for fault in experiment.method
    ]
    return Table("Faults", [*words, "lasts, s", Column("words", left=True, wraps=True)], rows)


def begins(fault: Fault) -> str:
    """Return when a fault begins, in words: the variant, then its values."""
    values = fault.when.model_dump(mode="json", exclude_none=True, exclude={"at"})
    told = (f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
    return f"{fault.when.at}: {', '.join(told)}"


def _paragraphs(experiment: Experiment) -> Iterator[str]:
    made = experiment.provenance
    yield f"{experiment.title}\n"
    if experiment.description:
        yield f"{experiment.description}\n"
    yield f"What goes wrong: {experiment.tell()}\n"
    origin = [made.source, made.author, made.date, f"hash {experiment.hash[:12]}"]
    yield f"From: {', '.join(filter(None, origin))}"
    for heading, texts in (("Source", made.references), ("Assumed", made.assumptions)):
        for text in texts:
            yield f"{heading}: {text}"
    yield ""
