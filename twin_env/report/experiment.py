"""One experiment in words, as a table of its faults, and as it is written."""

from collections.abc import Iterator

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults.base import Fault
from twin_env.config import dump_yaml
from twin_env.report.tables import Column, Table


def to_yaml(experiment: Experiment) -> str:
    """Return an experiment as YAML, without what was not set."""
    data = experiment.model_dump(mode="json", exclude_unset=True)
    return dump_yaml(data)


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
            fault.describe(),
        ]
        for fault in experiment.method
    ]
    return Table("Faults", [*words, "lasts, s", Column("words", left=True, wraps=True)], rows)


def begins(fault: Fault) -> str:
    """Return when a fault begins, in words: the variant, then its values."""
    values = fault.when.model_dump(mode="json", exclude_none=True, exclude={"at"})
    parts = (f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
    return f"{fault.when.at}: {', '.join(parts)}"


def paragraphs(experiment: Experiment) -> Iterator[str]:
    """Return an experiment in words: title, description, what goes wrong, where it comes from."""
    made = experiment.provenance
    yield f"{experiment.title}\n"
    if experiment.description:
        yield f"{experiment.description}\n"
    yield f"What goes wrong: {experiment.describe()}\n"
    origin = [made.source, made.author, made.date, f"hash {experiment.hash[:12]}"]
    yield f"From: {', '.join(filter(None, origin))}"
    for heading, texts in (("Source", made.references), ("Assumed", made.assumptions)):
        for text in texts:
            yield f"{heading}: {text}"
    yield ""
