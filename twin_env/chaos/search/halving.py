"""The worst case within a ball: successive halving over sets of kinds, CMA-ES within each.

Every set of kinds has an optimiser of its own. A rung gives each the same number of evaluations and drops the half that
found the least; so most of the budget goes to the few sets that break most. All candidates of a rung are scored in the
same episodes (common random numbers), and later rungs use more of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from twin_env.chaos.search.judge import Candidate, Judge, Score
from twin_env.chaos.search.optimisers import Make, Optimiser, make_optimiser
from twin_env.chaos.search.space import Floats, Kinds, Point, Space, into_ball

LOOP_SEEDS: Final = (0, 1, 2, 3)
_LEAST_LOOKS: Final = 2  # candidates of each set in the first rung
_LEAN: Final = 0.25  # how far towards the worse an optimiser starts, of the radius


@dataclass
class Arm:
    """One set of kinds and the search within it.

    Attributes:
        kinds: The set.
        optimiser: Searches their scores.
        best: Most damage found.
    """

    kinds: Kinds
    optimiser: Optimiser
    best: float = -math.inf


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        candidates: Everything it scored, in order.
        evaluations: Episodes it took.
    """

    candidates: list[Candidate] = field(default_factory=list)
    evaluations: int = 0


def worst(
    score: Score,
    space: Space,
    budget: int,
    radius: float,
    seed: int,
    *,
    seeds: Sequence[int] = LOOP_SEEDS,
    warm: Sequence[Point] = (),
    make: Make = make_optimiser,
) -> Found:
    """Search for the most damaging experiment in a ball.

    Args:
        score: Damage of an experiment, one per seed.
        space: Where to search.
        budget: Most evaluations; one is one experiment in one episode.
        radius: Of the ball of scores, standard deviations.
        seed: Of the search's own random numbers.
        seeds: Of the episodes.
        warm: Points to start from beside the medians.
        make: Makes optimisers.
    """
    rng = np.random.default_rng(seed)
    judge = Judge(score, budget)
    arms = _warm_arms(warm, radius, rng, make)
    known = {arm.kinds for arm in arms}
    arms += [_arm(space, kinds, radius, rng, make) for kinds in _pool(space, budget, rng) if kinds not in known]
    known |= {arm.kinds for arm in arms}
    rungs = max(1, math.ceil(math.log2(len(arms))) + 1)
    candidates: list[Candidate] = []
    for rung in range(rungs):
        used = tuple(seeds)[: math.ceil(len(seeds) * (rung + 1) / rungs)]
        share = judge.left if rung == rungs - 1 else judge.left // (rungs - rung)
        candidates += _climb(arms, judge, space, radius, used, share)
        arms = sorted(arms, key=lambda arm: -arm.best)[: math.ceil(len(arms) / 2)]
        if rung < rungs - 2 and len(arms) > 2:
            arms = _grow(arms, known, space, radius, rng, make)
    return Found(candidates, judge.spent)


def _climb(
    arms: Sequence[Arm], judge: Judge, space: Space, radius: float, seeds: Sequence[int], share: int
) -> list[Candidate]:
    """Spend a share of the budget on all arms in turn."""
    found: list[Candidate] = []
    end = judge.spent + share
    while True:
        for arm in arms:
            if judge.spent + len(seeds) > end:
                return found
            scores = into_ball(arm.optimiser.ask(), radius)
            one = judge.candidate(space, Point(arm.kinds, tuple(scores.tolist())), seeds)
            arm.optimiser.tell(scores, -one.mean)
            arm.best = max(arm.best, one.mean)
            found.append(one)


def _pool(space: Space, budget: int, rng: np.random.Generator) -> list[Kinds]:
    """Return the sets to begin with: all, or as many as the budget can look at, every size as often."""
    most = 2
    while 2 * most * _LEAST_LOOKS * (math.log2(2 * most) + 1) <= budget:
        most *= 2
    if space.count <= most:
        return list(space.sets())
    pool: dict[Kinds, None] = {}
    while len(pool) < most:
        pool[space.draw_set(rng)] = None
    return list(pool)


def _arm(space: Space, kinds: Kinds, radius: float, rng: np.random.Generator, make: Make) -> Arm:
    """Return an arm that starts a quarter of the way to where all numbers are worse."""
    start = _LEAN * radius * space.worse(kinds)
    return Arm(kinds, make(start, _spread(radius, len(start)), rng))


def _warm_arms(points: Sequence[Point], radius: float, rng: np.random.Generator, make: Make) -> list[Arm]:
    """Return arms that start where another search ended, one for each set of kinds."""
    first = {point.kinds: point for point in reversed(points)}
    starts: list[tuple[Kinds, Floats]] = [(kinds, np.array(point.scores)) for kinds, point in first.items()]
    return [Arm(kinds, make(start, _spread(radius, len(start)) / 2, rng)) for kinds, start in starts]


def _spread(radius: float, dimensions: int) -> float:
    """Return the step at which a normal law is about as long as the radius."""
    return radius / math.sqrt(dimensions)


def _grow(
    arms: list[Arm], known: set[Kinds], space: Space, radius: float, rng: np.random.Generator, make: Make
) -> list[Arm]:
    """Put unions of the best sets in the place of the last quarter, where they were not looked at yet."""
    if len(known) == space.count:
        return arms
    kept, unions = arms[: math.ceil(3 * len(arms) / 4)], []
    for first in range(len(kept)):
        for second in range(first):
            union = space.ordered({*kept[first].kinds, *kept[second].kinds})
            if len(union) <= space.most_kinds and union not in known:
                known.add(union)
                unions.append(_arm(space, union, radius, rng, make))
    room = len(arms) - len(kept)
    known -= {arm.kinds for arm in unions[room:]}
    return kept + unions[:room] + arms[len(kept) : len(arms) - len(unions[:room])]
