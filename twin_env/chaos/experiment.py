"""The document of an experiment: what goes wrong, when, to whom, how far at most, and what counts as normal.

The words are those of chaos engineering (Chaos Toolkit, AWS FIS): steady state, method, targets, stop conditions,
rollbacks, blast radius, provenance. It is data only: no paths, no addresses, no code.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from unicodedata import category

from pydantic import Field, field_validator, model_validator

from twin_env.chaos import library
from twin_env.chaos.faults import AnyFault
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.when import AfterFault, WithFault
from twin_env.config import Config, is_path, load_config

SCHEMA_VERSION: Final = 1
LIBRARY: Final = library.FOLDER
LIBRARY_PREFIX: Final = library.PREFIX
MOST_FAULTS: Final = 8
_HEX: Final = 12  # digits of a hash that a float64 holds exactly
_SPOKEN: Final = {"title", "description", "tags", "provenance"}
Text = Annotated[str, Field(max_length=2000)]
Metric = Literal["spread_multiple", "depth_multiple", "feed_age_ms", "mirror_ticks", "halted", "move_ticks"]


class Provenance(Config):
    """Where an experiment comes from.

    Attributes:
        source: Who wrote it.
        prompt: The sentence it was made of.
        author: Version of the grammar, or provider and model.
        assumptions: What the author read into it.
        references: Sources of its figures.
        date: Of the event it is modelled on, ISO.
        parent: Hash of the experiment it was made from.
        seed: That drew it.
    """

    source: Literal["human", "library", "offline", "llm", "search", "sampler"] = "human"
    prompt: Text = ""
    author: Annotated[str, Field(max_length=200)] = ""
    assumptions: tuple[Text, ...] = ()
    references: tuple[Text, ...] = ()
    date: Annotated[str, Field(max_length=40)] = ""
    parent: Annotated[str, Field(max_length=64)] = ""
    seed: int | None = None


class Probe(Config):
    """A number that must lie in a range.

    Attributes:
        metric: ``spread_multiple`` and ``depth_multiple`` are medians over what is usual in this market;
            ``feed_age_ms`` is the age of the desk's newest market data; ``mirror_ticks`` is how far the desk's best
            prices are from the exchange's; ``halted`` is 1 while nothing can trade; ``move_ticks`` is how far the mid
            is from where it was when the experiment started.
        low: Least value that is fine.
        high: Most.
    """

    metric: Metric
    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Tell whether a value is fine."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


class SteadyState(Config):
    """What is normal: looked at before the first fault, and again when everything should be over."""

    title: Text = "The market is as it usually is, and the desk sees it as it is."
    probes: Annotated[tuple[Probe, ...], Field(max_length=16)] = (
        Probe(metric="spread_multiple", low=0.4, high=2.5),
        Probe(metric="depth_multiple", low=0.4, high=2.5),
        Probe(metric="mirror_ticks", high=10.0),
        Probe(metric="halted", high=0.0),
    )


class StopCondition(Config):
    """Stop every fault and end as soon as a metric is beyond a value."""

    metric: Metric
    above: float


class Rollbacks(Config):
    """What happens when the method is over.

    Attributes:
        strategy: ``always`` stops whatever is still on, ``never`` leaves it on.
        settle_s: How long the market may take to be normal again.
    """

    strategy: Literal["always", "never"] = "always"
    settle_s: float = Field(default=30.0, ge=0, le=7200)


class BlastRadius(Config):
    """How far an experiment may go at most; it is refused when it could go further.

    Attributes:
        max_move_percent: Of the price, for any fault that asks for a move.
        max_fault_s: Longest single fault.
        max_concurrent: Faults at a time, by their planned times; one that is left to chance or waits for an event
            counts whenever it can be on.
        max_lots: Lots of an order that a participant of a fault is told to send. What a path takes out of the book on
            its way has no size of its own; ``max_move_percent`` limits that.
    """

    max_move_percent: float = Field(default=5.0, gt=0, le=90)
    max_fault_s: float = Field(default=3600.0, gt=0, le=86_400)
    max_concurrent: int = Field(default=MOST_FAULTS, ge=1, le=MOST_FAULTS)
    max_lots: int = Field(default=1_000_000, ge=1)


class Targets(Config):
    """What an experiment is aimed at.

    Attributes:
        symbol: Instrument it is written for; it is refused in another one's market. ``None`` for any.
    """

    symbol: Annotated[str, Field(min_length=1, max_length=20)] | None = None


class Experiment(Config):
    """One experiment.

    Attributes:
        schema_version: Of this document.
        title: One line.
        description: More of it.
        tags: Words to find it by.
        provenance: Where it comes from.
        targets: What it is aimed at.
        protections: Venue protections of the instrument: as the market has them, ``on`` or ``off``.
        steady_state: What is normal.
        method: The faults.
        stop_conditions: When to give up early.
        rollbacks: What happens afterwards.
        blast_radius: How far it may go.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: Text = ""
    tags: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20)] = ()
    provenance: Provenance = Provenance()
    targets: Targets = Targets()
    protections: Literal["market", "on", "off"] = "market"
    steady_state: SteadyState = SteadyState()
    method: Annotated[tuple[AnyFault, ...], Field(max_length=MOST_FAULTS)] = ()
    stop_conditions: Annotated[tuple[StopCondition, ...], Field(max_length=16)] = ()
    rollbacks: Rollbacks = Rollbacks()
    blast_radius: BlastRadius = BlastRadius()

    @field_validator("title", "description")
    @classmethod
    def _check_text(cls, value: str) -> str:
        odd = next((letter for letter in value if category(letter) == "Cc" and letter != "\n"), None)
        if odd is not None:
            raise ValueError(f"text without the control character {odd!r}")
        return value

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"method has {names.count(name)} faults called {name!r}, expected an 'id' of its own")
        return self

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for fault in self.method:
            seen = [fault.name]
            while isinstance(fault.when, WithFault | AfterFault):
                if fault.when.fault not in self.names:
                    raise ValueError(
                        f"method.{fault.name}.when.fault is {fault.when.fault!r}, "
                        f"expected the id of another fault: {', '.join(self.names)}"
                    )
                fault = self.fault(fault.when.fault)
                if fault.name in seen:
                    raise ValueError(f"method.{fault.name}.when waits for itself: {' -> '.join([*seen, fault.name])}")
                seen.append(fault.name)
        return self

    @property
    def names(self) -> list[str]:
        """What the faults are called."""
        return [fault.name for fault in self.method]

    def fault(self, name: str) -> Fault:
        """Return a fault by what it is called."""
        return self.method[self.names.index(name)]

    @property
    def hash(self) -> str:
        """SHA-256 of all that acts, in hexadecimal digits; neither words about it nor the order of faults count."""
        data = self.model_dump(mode="json", exclude=_SPOKEN)
        data["method"].sort(key=lambda fault: fault["id"] or fault["kind"])
        return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def number(self) -> float:
        """The hash as a float64 that holds its first 12 digits exactly; 0 for an experiment without a fault."""
        return float(int(self.hash[:_HEX], 16)) if self.method else 0.0

    def to_json(self) -> str:
        """Return it as JSON that reads back as the same experiment."""
        return self.model_dump_json(exclude_none=True)

    def describe(self) -> str:
        """Return the faults in plain words."""
        if not self.method:
            return "Nothing goes wrong."
        return "; ".join(fault.describe() for fault in self.method).capitalize() + "."


NOTHING: Final = Experiment(title="Nothing goes wrong")


def load_experiment(source: str | Path | Mapping[str, Any] | Experiment, **overrides: Any) -> Experiment:
    """Read an experiment.

    Args:
        source: A model, a mapping, a file (YAML or JSON), or ``library:NAME``: the name of a black swan or a
            compound, or of a kind of fault and a severity, ``library:flash_crash.high``. The prefix
            may be left out.
        overrides: Values that replace single ones; keys with dots reach into mappings.

    Raises:
        ConfigError: One sentence for each problem.
    """
    if isinstance(source, str) and not is_path(source):
        source = library.find(source.removeprefix(LIBRARY_PREFIX))
    return load_config(Experiment, source, folder=LIBRARY, **overrides)
