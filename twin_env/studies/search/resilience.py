"""How far from usual things must be for the policy to break.

The reliability index beta of structural engineering: the length of the shortest vector of scores that breaks it (first
order reliability method, Hasofer and Lind 1974). If all vectors beyond a plane broke it, and no others, they would be
as likely as ``Phi(-beta)``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from twin_env.chaos.sampling.prior import share_below
from twin_env.studies.search.evaluator import LOOP_SEEDS, BudgetSpentError, Evaluator, Score
from twin_env.studies.search.optimisers import CmaOptimiser, Make
from twin_env.studies.search.space import Floats, Point, Space, into_ball

Broken = Callable[[Floats], bool]
"""Whether the damages in the episodes of several seeds mean that the policy broke."""

_TOLERANCE: Final = 0.02  # standard deviations to which a length is found
_LOCAL_SHARE: Final = 0.25  # of the length: the first step of the search around the shortest point
_KEPT_SHARE: Final = 0.15  # of the budget for the last ray
_FIRST_SHARE: Final = 0.5  # at most, for the rays to the points to start from
_OUTWARDS: Final = 0.005  # share of the length by which it grows at first, twice as much each time
CONFIRMATIONS: Final = 5  # in fresh episodes, for which budget is put by


@dataclass(frozen=True)
class Resilience:
    """The shortest point that breaks.

    Attributes:
        beta: Its length, standard deviations; ``None`` if nothing was found that breaks.
        point: Where it lies in the search space.
        evaluations: Episodes it took.
        confirmed: Whether it broke in fresh episodes too.
    """

    beta: float | None
    point: Point | None
    evaluations: int
    confirmed: bool = False

    @property
    def chance(self) -> float | None:
        """``Phi(-beta)``: the chance to break, to first order."""
        return None if self.beta is None else share_below(-self.beta)


def resilience(
    score: Score,
    broken: Broken,
    space: Space,
    radius: float,
    budget: int,
    seed: int,
    *,
    starts: Sequence[Point],
    seeds: Sequence[int] = LOOP_SEEDS,
    fresh: Sequence[int] = (),
    make: Make = CmaOptimiser,
) -> Resilience:
    """Search for the shortest point that breaks: along rays to known points, then around the shortest.

    Args:
        score: Damage of an experiment, one per seed.
        broken: What counts as broken.
        space: Where to search.
        radius: Farthest length to look at.
        budget: Most evaluations, five times the fresh episodes put by for confirming.
        seed: Of the search's own random numbers.
        starts: Points that may break, such as the worst of a search.
        seeds: Of the episodes.
        fresh: Of episodes in which the shortest is confirmed: it is lengthened until it breaks there as well.
        make: Makes optimisers.
    """
    hunt = _Hunt(Evaluator(score, max(0, budget - CONFIRMATIONS * len(fresh))), broken, space, seeds)
    try:
        for start in starts:
            if hunt.evaluator.spent > _FIRST_SHARE * budget and hunt.shortest:
                break
            outmost = radius / max(start.length, 1e-12)
            near = start.scaled(min(1.0, outmost))
            hunt.along(near if hunt.breaks(near) else start.scaled(outmost))
        if starts:
            hunt.around(starts[0], radius, np.random.default_rng(seed), make, until=round(_KEPT_SHARE * budget))
        if hunt.shortest:
            hunt.along(hunt.shortest)
    except BudgetSpentError:
        pass  # what was found until then counts
    if hunt.shortest is None:
        return Resilience(None, None, hunt.evaluator.spent)
    hunt.evaluator.budget = budget
    return _confirm(hunt, radius, fresh)


class _Hunt:
    """The shortest point so far, and who says what breaks."""

    def __init__(self, evaluator: Evaluator, broken: Broken, space: Space, seeds: Sequence[int]) -> None:
        self.evaluator = evaluator
        self.shortest: Point | None = None
        self._broken = broken
        self._space = space
        self._seeds = seeds
        self._known: dict[Point, tuple[bool, float]] = {}

    def breaks(self, point: Point, seeds: Sequence[int] = ()) -> bool:
        """Tell whether a point breaks; remember it if it is the shortest."""
        if seeds:
            return self._broken(self.evaluator.damages(self._space.experiment(point), seeds))
        if point not in self._known:
            damages = self.evaluator.damages(self._space.experiment(point), self._seeds)
            self._known[point] = (self._broken(damages), float(np.mean(damages)))
        does = self._known[point][0]
        if does and (self.shortest is None or point.length < self.shortest.length):
            self.shortest = point
        return does

    def along(self, far: Point) -> None:
        """Halve the part of a ray in which the policy breaks, if it does at the far end."""
        if not self.breaks(far) or self.breaks(far.scaled(0.0)):
            return
        low, high = 0.0, 1.0
        while (high - low) * far.length > _TOLERANCE:
            middle = (low + high) / 2.0
            low, high = (low, middle) if self.breaks(far.scaled(middle)) else (middle, high)

    def around(self, start: Point, radius: float, rng: np.random.Generator, make: Make, until: int) -> None:
        """Search around the shortest point that breaks, or around the start if none does.

        Short ones that break are best, then those that nearly do.
        """
        start = self.shortest or start
        if not start.length:
            return
        spread = _LOCAL_SHARE * start.length / math.sqrt(len(start.scores))
        optimiser = make(np.array(start.scores), spread, rng)
        while self.evaluator.left - len(self._seeds) >= until:
            scores = into_ball(optimiser.ask(), radius)
            optimiser.tell(scores, self._cost(Point(start.kinds, tuple(scores.tolist())), radius))

    def _cost(self, point: Point, radius: float) -> float:
        """Return the length of what breaks; beyond the radius, by how much is missing, for what does not."""
        if self.breaks(point):
            return point.length
        return radius + 1.0 - math.atan(self._known[point][1]) / math.pi


def _confirm(hunt: _Hunt, radius: float, fresh: Sequence[int]) -> Resilience:
    """Lengthen the shortest point until it breaks in fresh episodes: the shortest of many was also the luckiest."""
    shortest = hunt.shortest
    assert shortest is not None
    longer = 0.0
    for attempt in range(CONFIRMATIONS if fresh else 0):
        longer += _OUTWARDS * 2**attempt if attempt else 0.0
        point = shortest.scaled(1.0 + longer)
        if point.length > radius or hunt.evaluator.left < len(fresh):
            break
        if hunt.breaks(point, fresh):
            return Resilience(point.length, point, hunt.evaluator.spent, True)
    return Resilience(shortest.length, shortest, hunt.evaluator.spent)
