"""Configuration of domain randomisation: which faults an episode may meet, how often, how bad, and when."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twin_env.chaos.experiment import MOST_FAULTS
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault, Share
from twin_env.chaos.quantity import Unit
from twin_env.chaos.sampling.fault_templates import FaultTemplate
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Sized, Uniform, Whole
from twin_env.config import Config, ConfigError, load_config
from twin_env.core.state.fault_records import EFFECTS

FOLDER: Final = "chaos"
FAMILIES: Final = tuple(sorted({fault.family for fault in KINDS.values()}))
_FAR: Final = 9.0  # standard deviations at which a bounded prior is at its end


class Range(Config):
    """Another range for a number.

    Attributes:
        low: Its least value.
        high: Its greatest.
        law: ``uniform``, or ``log`` for evenly in the logarithm; by default as the fault has it.
        unit: Of a distance between prices; by default as the fault has it.
    """

    low: float
    high: float
    law: Literal["uniform", "log"] | None = None
    unit: Unit | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high is {self.high:g}, expected at least low, {self.low:g}")
        return self

    def change(self, prior: Prior) -> Prior:
        """Return a prior of the same form over this range."""
        if isinstance(prior, Whole):
            return Whole(self.change(prior.of))
        if isinstance(prior, Sized):
            return Sized(self.change(prior.of), self.unit or prior.unit)
        law = self.law or ("log" if isinstance(prior, LogUniform) else "uniform")
        if law == "log" and self.low <= 0:
            raise ConfigError([f"low is {self.low:g}, expected more than 0 where the law is log."])
        return LogUniform(self.low, self.high) if law == "log" else Uniform(self.low, self.high)


class Values(Config):
    """Values to choose from, each as likely as the others."""

    values: Annotated[tuple[str | bool | int | float, ...], Field(min_length=1, max_length=100)]

    def change(self, prior: Prior) -> Prior:
        """Return the choice; quantities keep their unit."""
        return Choice(self.values)


class Onset(Config):
    """When in an episode a fault begins.

    Attributes:
        from_share: Earliest, as a share of the episode.
        to_share: Latest.
        at: ``offset`` draws the moment with the experiment; ``random`` leaves it to each run.
    """

    from_share: Share = 0.05
    to_share: Share = 0.8
    at: Literal["offset", "random"] = "offset"

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.to_share < self.from_share:
            raise ValueError(f"to_share is {self.to_share:g}, expected at least from_share, {self.from_share:g}")
        return self


class Term(Config):
    """One kind of fault that may be drawn.

    Attributes:
        kind: Of fault.
        weight: How often, beside the weights of the others.
        fields: Values of fields that do not vary.
        priors: Other ranges for fields that do.
        onset: When; by default as for all.
    """

    kind: str
    weight: float = Field(default=1.0, gt=0, le=1e6)
    fields: dict[str, Any] = {}
    priors: dict[str, Range | Values] = {}
    onset: Onset | None = None

    def __hash__(self) -> int:
        return hash((self.kind, self.weight, *self.fields, *self.priors))  # models are hashable, mappings are not

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"one of {', '.join(KINDS)}")
        return kind

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        """Make the fault at both ends of every prior, so that no draw can be refused later."""
        for _ in self._extremes():
            pass
        return self

    @property
    def most_effects(self) -> int:
        """Most effects that a fault of this term comes down to."""
        return max(fault.most_effects for fault in self._extremes())

    def _extremes(self) -> Iterator[Fault]:
        """Make the fault with one number at a time at either end of its prior, and with none."""
        template = self.template(Onset())
        middle = {name: prior.at(0.0) for name, prior in template.priors.items()}
        for axis, prior in template.priors.items():
            ends = prior.values if isinstance(prior, Choice) else (prior.at(-_FAR), prior.at(_FAR))
            for end in ends:
                yield load_config(KINDS[self.kind], {"kind": self.kind, **self.fields, **middle, axis: end})
        yield load_config(KINDS[self.kind], {"kind": self.kind, **self.fields, **middle})

    def template(self, onset: Onset) -> FaultTemplate:
        """Return what faults are made by, with an onset for terms without one.

        Raises:
            ConfigError: A prior is changed that the fault does not have.
        """
        own, onset = KINDS[self.kind].priors, self.onset or onset
        for axis in self.priors:
            if axis not in own:
                raise ConfigError([f"priors.{axis} is unknown, expected one of {', '.join(own)}."])
        varying = {axis: prior for axis, prior in own.items() if axis not in self.fields}
        changed = {axis: change.change(own[axis]) for axis, change in self.priors.items()}
        made = FaultTemplate(self.kind, varying | changed, self.fields, onset.from_share, onset.to_share)
        return replace(made, floating=onset.at == "random", weight=self.weight)


class Count(Config):
    """How many faults an episode has that is not calm: a Poisson law cut off below 1 and above ``most``."""

    mean: float = Field(default=1.5, gt=0, le=20)
    most: int = Field(default=4, ge=1, le=MOST_FAULTS)


class SamplerConfig(Config):
    """Domain randomisation of episodes.

    Attributes:
        calm_share: Chance that an episode has no fault.
        count: How many it has otherwise.
        keep_family: Chance that a family of faults takes part in an episode at all (swarm testing, Groce et al. 2012).
            If none does, one is drawn.
        severity: What all scores are multiplied with: 0 makes every number its median, 1 is as the priors are.
        stress_correlation: Correlation of any two scores that say how bad a fault of the market is: one latent stress
            moves them all, so that spread, depth and volatility never vary each by itself.
        onset: When faults begin, unless their term says otherwise.
        heldout: Families that training does not see.
        split: Which terms are drawn: those of training, those held out, or all.
        terms: The faults.
    """

    calm_share: Share = 0.2
    count: Count = Count()
    keep_family: float = Field(default=0.5, gt=0, le=1)
    severity: float = Field(default=1.0, ge=0, le=5)
    stress_correlation: Share = 0.6
    onset: Onset = Onset()
    heldout: tuple[str, ...] = ()
    split: Literal["train", "heldout", "all"] = "train"
    terms: Annotated[tuple[Term, ...], Field(max_length=200)] = ()

    @field_validator("heldout")
    @classmethod
    def _check_families(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        if not set(families) <= set(FAMILIES):
            raise ValueError(f"families of faults: {', '.join(FAMILIES)}")
        return families

    @model_validator(mode="after")
    def _check_split(self) -> Self:
        if not self.templates() and self.calm_share < 1:
            raise ValueError(
                f"terms has none in split {self.split!r}, expected at least one where calm_share is below 1"
            )
        return self

    @model_validator(mode="after")
    def _check_room(self) -> Self:
        """Refuse what could draw an experiment that a world has no room for."""
        counts = sorted(
            (term.most_effects for term in self.terms if self._takes(KINDS[term.kind].family)), reverse=True
        )
        most = sum(counts[: self.count.most])
        if most > EFFECTS:
            raise ValueError(
                f"count.most is {self.count.most}, with which a draw of these terms can come down to {most} effects, "
                f"expected at most {EFFECTS}, as many as a world holds"
            )
        return self

    def templates(self) -> tuple[FaultTemplate, ...]:
        """Return what faults of the chosen split are made by."""
        return tuple(term.template(self.onset) for term in self.terms if self._takes(KINDS[term.kind].family))

    def _takes(self, family: str) -> bool:
        return self.split == "all" or (family in self.heldout) == (self.split == "heldout")


def load_sampler_config(source: str | Mapping[str, Any] | SamplerConfig, **overrides: Any) -> SamplerConfig:
    """Read a configuration: the name of a preset of ``configs/chaos``, a file, a mapping or a model.

    Raises:
        ConfigError: One sentence for each problem.
    """
    return load_config(SamplerConfig, source, folder=FOLDER, **overrides)
