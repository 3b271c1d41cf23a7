"""The worst case within a ball: a look around, successive halving over the best sets of kinds, CMA-ES within each.

Part of the budget looks at many experiments, each in one episode. The sets that did most get an optimiser each, started
where they did it. A rung gives all the same number of evaluations and drops the half that found the least (Karnin,
Koren and Somekh, *Almost optimal exploration in multi-armed bandits*, ICML 2013); later rungs use more episodes, and
each begins with what an optimiser has found so far, so that luck in few episodes does not last. All candidates of a
rung are scored in the same episodes (common random numbers). The finalists can be scored once more, in other episodes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from twin_env.studies.search.evaluator import LOOP_SEEDS, Candidate, Evaluator, Found, Score, choose, final_budget
from twin_env.studies.search.explore import explore, leaders, spread_of
from twin_env.studies.search.optimisers import CmaOptimiser, Make, Optimiser
from twin_env.studies.search.space import Floats, Kinds, Point, Space, into_ball

_EXPLORING: Final = 0.3  # of the budget
_MOST_ARMS: Final = 8
_PER_ARM: Final = 25  # evaluations of the budget for each set that is searched
_FIRST_STEP: Final = 0.75  # of the spread of a law as long as the radius


@dataclass
class Arm:
    """One set of kinds and the search within it.

    Attributes:
        kinds: The set.
        optimiser: Searches their scores.
        start: What the next rung looks at first.
        best: Most damaging of the present rung.
    """

    kinds: Kinds
    optimiser: Optimiser
    start: Point | None
    best: Candidate | None = None

    @property
    def most(self) -> float:
        """Most damage in the present rung."""
        return self.best.mean if self.best else -math.inf

    def ask(self, radius: float) -> Floats:
        """Return the scores to look at next."""
        if self.start is None:
            return into_ball(self.optimiser.ask(), radius)
        scores, self.start = np.array(self.start.scores), None
        return into_ball(scores, radius)

    def tell(self, one: Candidate) -> None:
        """Learn from a candidate."""
        self.optimiser.tell(np.array(one.point.scores), -one.mean)
        if one.mean > self.most:
            self.best = one

    def rest(self) -> None:
        """End a rung: what was best is looked at again in the next."""
        if self.best is not None:
            self.start, self.best = self.best.point, None


def worst(
    score: Score,
    space: Space,
    budget: int,
    radius: float,
    seed: int,
    *,
    seeds: Sequence[int] = LOOP_SEEDS,
    final_seeds: Sequence[int] = (),
    warm: Sequence[Point] = (),
    make: Make = CmaOptimiser,
) -> Found:
    """Search for the most damaging experiment in a ball.

    Args:
        score: Damage of an experiment, one per seed.
        space: Where to search.
        budget: Most evaluations; one is one experiment in one episode.
        radius: Of the ball of scores, standard deviations.
        seed: Of the search's own random numbers.
        seeds: Of the episodes.
        final_seeds: Of other episodes, in which the best few are scored once more and one is chosen, within the budget.
        warm: Points to start from beside those of the first look.
        make: Makes optimisers.
    """
    rng = np.random.default_rng(seed)
    evaluator = Evaluator(score, budget - final_budget(final_seeds, budget))
    looks = max(1, int(_EXPLORING * evaluator.budget))
    candidates = explore(evaluator, space, radius, looks, seeds[:1], rng)
    arms = _arms(warm, leaders(candidates, _count(budget)), radius, rng, make)
    rungs = math.ceil(math.log2(len(arms))) + 1
    for rung in range(rungs):
        used = tuple(seeds)[: math.ceil(len(seeds) * (rung + 1) / rungs)]
        candidates += _climb(arms, evaluator, space, radius, used, evaluator.left // (rungs - rung))
        arms = sorted(arms, key=lambda arm: -arm.most)[: math.ceil(len(arms) / 2)]
        for arm in arms:
            arm.rest()
    evaluator.budget = budget
    return choose(evaluator, space, candidates, final_seeds)


def _count(budget: int) -> int:
    """Return how many sets are worth an optimiser."""
    return min(_MOST_ARMS, max(2, budget // _PER_ARM))


def _climb(
    arms: Sequence[Arm], evaluator: Evaluator, space: Space, radius: float, seeds: Sequence[int], share: int
) -> list[Candidate]:
    """Spend a share of the budget on all arms in turn."""
    found: list[Candidate] = []
    end = evaluator.spent + share
    while True:
        for arm in arms:
            if evaluator.spent + len(seeds) > end:
                return found
            found.append(evaluator.candidate(space, Point(arm.kinds, tuple(arm.ask(radius).tolist())), seeds))
            arm.tell(found[-1])


def _arms(
    warm: Sequence[Point], first: Sequence[Candidate], radius: float, rng: np.random.Generator, make: Make
) -> list[Arm]:
    """Return an arm for each set of kinds that another search ended with or the first look found."""
    starts: dict[Kinds, Point] = {}
    for point in (*warm, *(one.point for one in first)):
        starts.setdefault(point.kinds, point)
    return [_arm(point, radius, rng, make) for point in starts.values()]


def _arm(start: Point, radius: float, rng: np.random.Generator, make: Make) -> Arm:
    """Return an arm that starts at a point."""
    scores = np.array(start.scores)
    return Arm(start.kinds, make(scores, _FIRST_STEP * spread_of(radius, len(scores)), rng), start)
