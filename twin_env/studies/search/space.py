"""What is searched: sets of one to three kinds of faults, and a ball of scores for each.

A point is a set of kinds and a vector of standard normal scores: one per number of each fault, and one for each onset.
Its length is how implausible it is (Breuer et al. 2009): maximising damage within a ball of radius R is a stress test
that is as severe as it can be while it stays plausible.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.experiment import Experiment, Provenance
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.sampling.fault_templates import FaultTemplate, score_of
from twin_env.chaos.sampling.prior import share_below
from twin_env.chaos.sampling.randomisation import SamplerConfig

MOST_KINDS: Final = 3
Kinds = tuple[str, ...]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """One place in the space.

    Attributes:
        kinds: Of its faults, in the order of the space.
        scores: Of the first fault's numbers, of its onset unless that is left to the run, then of the next fault's.
    """

    kinds: Kinds
    scores: tuple[float, ...]

    @property
    def length(self) -> float:
        """Its distance from the median of everything, standard deviations."""
        return math.hypot(*self.scores)

    def scaled(self, factor: float) -> "Point":
        """Return the point on the same ray at a multiple of its length."""
        return Point(self.kinds, tuple(factor * score for score in self.scores))


class Space:
    """Where to search.

    Attributes:
        templates: By kind.
        horizon_s: Length of the episodes, seconds.
        most_kinds: Most faults of an experiment.
    """

    def __init__(self, templates: Sequence[FaultTemplate], horizon_s: float, most_kinds: int = MOST_KINDS) -> None:
        self.templates = {template.kind: template for template in templates}
        self.horizon_s = horizon_s
        self.most_kinds = min(most_kinds, len(self.templates))
        if not templates or len(self.templates) < len(templates) or most_kinds < 1:
            raise ValueError(
                "the space has no fault, or one kind twice, expected at least one kind and each of them once"
            )

    @classmethod
    def of(cls, config: SamplerConfig, horizon_s: float, most_kinds: int = MOST_KINDS) -> "Space":
        """Return the space of what a sampler draws."""
        return cls(config.templates(), horizon_s, most_kinds)

    @property
    def count(self) -> int:
        """How many sets of kinds there are."""
        return sum(math.comb(len(self.templates), size) for size in range(1, self.most_kinds + 1))

    def sets(self) -> Iterator[Kinds]:
        """Go through all sets of kinds, small ones first."""
        for size in range(1, self.most_kinds + 1):
            yield from itertools.combinations(self.templates, size)

    def ordered(self, kinds: set[str]) -> Kinds:
        """Return kinds in the order of the space."""
        return tuple(kind for kind in self.templates if kind in kinds)

    def draw_set(self, rng: np.random.Generator) -> Kinds:
        """Draw a set: its size evenly, then its kinds."""
        size = int(rng.integers(1, self.most_kinds + 1))
        chosen = rng.choice(len(self.templates), size, replace=False)
        return self.ordered({list(self.templates)[number] for number in chosen})

    def dimensions(self, kinds: Kinds) -> int:
        """Return how many scores a point with these kinds has."""
        return sum(self._width(self.templates[kind]) for kind in kinds)

    def worse(self, kinds: Kinds) -> Floats:
        """Return the unit vector along which every number gets worse by its fault's severities, zero if none does."""
        signs: list[int] = []
        for kind in kinds:
            signs += [*self.templates[kind].signs, *([] if self.templates[kind].floating else [0])]
        direction = np.array(signs, np.float64)
        return direction / max(1.0, float(np.linalg.norm(direction)))

    def experiment(self, point: Point, seed: int | None = None) -> Experiment:
        """Make a point's experiment."""
        faults: list[Fault] = []
        rest = point.scores
        for kind in point.kinds:
            template = self.templates[kind]
            own, rest = rest[: self._width(template)], rest[self._width(template) :]
            onset = 0.0 if template.floating else share_below(own[-1])
            faults.append(template.build(own[: len(template.axes)], onset, self.horizon_s))
        return Experiment(
            title=f"Found: {' + '.join(point.kinds)}"[:200],
            method=tuple(faults),
            provenance=Provenance(source="search", seed=seed),
        )

    def point_of(self, experiment: Experiment) -> Point | None:
        """Return the point of an experiment; ``None`` if it has a fault that no point has."""
        scores: list[float | None] = []
        for fault in experiment.method:
            template = self.templates.get(fault.kind)
            if template is None:
                return None
            scores += [score_of(prior, getattr(fault, axis)) for axis, prior in template.priors.items()]
            scores += [] if template.floating else [template.onset_score(fault, self.horizon_s)]
        known = tuple(score for score in scores if score is not None)
        return Point(tuple(fault.kind for fault in experiment.method), known) if len(known) == len(scores) else None

    @staticmethod
    def _width(template: FaultTemplate) -> int:
        return len(template.axes) + (not template.floating)


def into_ball(scores: Floats, radius: float) -> Floats:
    """Return scores within a ball: what is outside is moved to the surface along its ray."""
    length = float(np.linalg.norm(scores))
    return scores * (radius / length) if length > radius else scores
