"""Faults made of standard normal scores: what sampler, curriculum and search have in common.

A template is a kind of fault with a distribution for each number that varies. Scores go in, a valid fault comes out;
zero everywhere is the median of each, and the length of the vector of scores says how unusual the fault is, in standard
deviations.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from statistics import NormalDist
from typing import Any, Final

from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Sized, Uniform, Whole
from twin_env.chaos.when import Offset

DURATION: Final = "duration_s"
_MS: Final = 3  # digits of seconds that are kept of an onset
_NORMAL: Final = NormalDist()
_EDGE: Final = 1e-9  # a value at or beyond an end of its range is that share from it: six standard deviations


@dataclass(frozen=True)
class FaultTemplate:
    """One kind of fault, ready to be made.

    Attributes:
        kind: Of ``faults.KINDS``.
        priors: By the fields that vary.
        fields: Values of fields that do not.
        from_share: Earliest onset, as a share of the episode.
        to_share: Latest.
        floating: Leave the onset to the fault's own random stream, so that it differs from run to run.
        weight: How often it is drawn beside others.
    """

    kind: str
    priors: Mapping[str, Prior]
    fields: Mapping[str, Any] = field(default_factory=dict)
    from_share: float = 0.0
    to_share: float = 1.0
    floating: bool = False
    weight: float = 1.0

    @classmethod
    def plain(cls, kind: str, **changes: Any) -> "FaultTemplate":
        """Return a kind with its own priors."""
        return cls(kind, KINDS[kind].priors, **changes)

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Names of the fields that vary, in the order of scores."""
        return tuple(self.priors)

    @cached_property
    def signs(self) -> tuple[int, ...]:
        """For each axis: +1 if more is worse, -1 if less is, 0 if it is neither."""
        return tuple(worse(self.kind, axis) for axis in self.axes)

    @property
    def family(self) -> str:
        """Family of the kind."""
        return KINDS[self.kind].family

    @property
    def plane(self) -> str:
        """Plane of the kind."""
        return KINDS[self.kind].plane

    def build(self, scores: Sequence[float], onset: float, horizon_s: float, name: str | None = None) -> Fault:
        """Make the fault.

        Args:
            scores: One per axis.
            onset: Where in its window it begins, 0 to 1; no matter if it is floating.
            horizon_s: Length of the episode.
            name: Its id, where the kind is not enough.
        """
        drawn = {axis: prior.at(float(score)) for (axis, prior), score in zip(self.priors.items(), scores, strict=True)}
        when = self._when(onset, horizon_s)
        return KINDS[self.kind](**{"kind": self.kind, "id": name, **self.fields, **drawn, "when": when})

    def onset_score(self, fault: Fault, horizon_s: float) -> float | None:
        """Return the score of a fault's onset in its window; ``None`` if it does not begin at an offset."""
        early, late = self.from_share * horizon_s, self.to_share * horizon_s
        if not isinstance(fault.when, Offset):
            return None
        return score_at((fault.when.seconds - early) / (late - early)) if late > early else 0.0

    def _when(self, onset: float, horizon_s: float) -> dict[str, Any]:
        early, late = self.from_share * horizon_s, self.to_share * horizon_s
        if self.floating:
            return {"at": "random", "from_s": round(early, _MS), "to_s": round(late, _MS)}
        return {"at": "offset", "seconds": round(early + (late - early) * onset, _MS)}


@cache
def worse(kind: str, axis: str) -> int:
    """Tell which way a number is worse, from the fault's severities.

    Returns:
        +1 if more is worse, -1 if less is, 0 for choices and for what does not vary with severity.
    """
    fault = KINDS[kind]
    if isinstance(fault.priors.get(axis), Choice | None):
        return 0
    mild, bad = (_number(getattr(fault.at(severity), axis)) for severity in ("low", "extreme"))
    return (bad > mild) - (bad < mild)


def _number(value: Any) -> float:
    return value.value if isinstance(value, Quantity) else float(value)


def unused_name(kind: str, taken: Sequence[str]) -> str | None:
    """Return an id for another fault of a kind; ``None`` for the first, which is called by its kind."""
    count = sum(name == kind or name.startswith(f"{kind}_no") for name in taken)
    return f"{kind}_no{count + 1}"[:40] if count else None


def score_of(prior: Prior, value: Any) -> float | None:
    """Return the score at which a prior has a value: the inverse of ``prior.at``.

    Returns:
        Of the scores that give the value, the one nearest to zero; ``None`` where no score does: a quantity in another
        unit than the prior's, a value that is no choice.
    """
    if isinstance(prior, Whole):
        return _nearest_to_zero(score_of(prior.of, value - 0.5 + _EDGE), score_of(prior.of, value + 0.5 - _EDGE))
    if isinstance(prior, Sized):
        return score_of(prior.of, value.value) if value.unit == prior.unit else None
    if isinstance(prior, Choice):
        return _score_of_choice(prior.values, value)
    if isinstance(prior, Uniform):
        return _score_between(prior.low, prior.high, value)
    if isinstance(prior, LogUniform) and value > 0:
        return _score_between(math.log(prior.low), math.log(prior.high), math.log(value))
    return None


def score_at(share: float) -> float:
    """Return the score with a share of the standard normal law below it, at most six from zero."""
    return _NORMAL.inv_cdf(min(max(share, _EDGE), 1.0 - _EDGE))


def _score_between(low: float, high: float, value: float) -> float | None:
    return score_at((value - low) / (high - low)) if high > low else None


def _nearest_to_zero(low: float | None, high: float | None) -> float | None:
    """Return the score of least size between two."""
    return None if low is None or high is None else min(max(0.0, low), high)


def _score_of_choice(values: Sequence[Any], value: Any) -> float | None:
    """Return the score nearest to zero among those whose share falls into one of the value's slots."""
    width = 1.0 / len(values)
    slots = [number for number, other in enumerate(values) if other == value]
    ends = [(score_at(slot * width + _EDGE), score_at((slot + 1) * width - _EDGE)) for slot in slots]
    return min((min(max(0.0, low), high) for low, high in ends), key=abs, default=None)
