"""A first look around: random experiments, then children of those that did most, each in one episode.

The children are an evolution strategy with discrete recombination (Beyer and Schwefel, *Evolution strategies: a
comprehensive introduction*, Natural Computing 1, 2002): every kind of fault takes its scores from one of two parents.
So a set that hurts leads to its subsets, to its unions with others, and farther out along the same ray.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from twin_env.studies.search.evaluator import Candidate, Evaluator
from twin_env.studies.search.random_search import draw_in_ball
from twin_env.studies.search.space import Floats, Kinds, Point, Space, into_ball

_RANDOM_SHARE: Final = 0.5  # of the looks: the rest are children
_LEAN: Final = 0.25  # how far towards the worse every second random look is drawn, of the radius
_PARENTS: Final = 8
_MUTATION: Final = 0.6  # of the spread of a law as long as the radius
_FOREIGN: Final = 0.2  # chance that a child takes a random point as its second parent


def explore(
    evaluator: Evaluator, space: Space, radius: float, looks: int, seeds: Sequence[int], rng: np.random.Generator
) -> list[Candidate]:
    """Look at as many experiments as are allowed.

    Args:
        evaluator: Scores them.
        space: Where to look.
        radius: Of the ball of scores.
        looks: How many experiments.
        seeds: Of the episodes of each.
        rng: Draws.
    """
    found: list[Candidate] = []
    for look in range(looks):
        if look < max(2, _RANDOM_SHARE * looks):
            point = _random(space, radius, rng, lean=look % 2 == 1)
        else:
            point = _child(leaders(found, _PARENTS), space, radius, rng)
        found.append(evaluator.candidate(space, point, seeds))
    return found


def leaders(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return the most damaging candidate of each of the most damaging sets of kinds."""
    first: dict[Kinds, Candidate] = {}
    for one in sorted(candidates, key=lambda one: -one.mean):
        first.setdefault(one.point.kinds, one)
    return list(first.values())[:count]


def spread_of(radius: float, dimensions: int) -> float:
    """Return the step at which a normal law is about as long as the radius."""
    return radius / math.sqrt(dimensions)


def _random(space: Space, radius: float, rng: np.random.Generator, lean: bool) -> Point:
    """Draw a point evenly in the ball, or around a point towards where all numbers are worse."""
    kinds = space.draw_set(rng)
    if not lean:
        return draw_in_ball(space, kinds, radius, rng)
    return _around(kinds, _LEAN * radius * space.worse(kinds), radius, 1.0, rng)


def _child(parents: Sequence[Candidate], space: Space, radius: float, rng: np.random.Generator) -> Point:
    """Mix two parents, stretch what came out by chance, and change it a little."""
    first, second = (parents[int(number)].point for number in rng.integers(len(parents), size=2))
    if rng.random() < _FOREIGN:
        second = _random(space, radius, rng, lean=True)
    parts = {**_parts(space, second), **_parts(space, first)}
    size = int(rng.integers(1, min(space.most_kinds, len(parts)) + 1))
    kinds = space.ordered({list(parts)[int(number)] for number in rng.choice(len(parts), size, replace=False)})
    scores = np.concatenate([parts[kind] for kind in kinds])
    outmost = max(1.0, radius / max(float(np.linalg.norm(scores)), 1e-12))
    return _around(kinds, scores * min(2.0, 1.0 + rng.random() * (outmost - 1.0)), radius, _MUTATION, rng)


def _parts(space: Space, point: Point) -> dict[str, Floats]:
    """Return the scores of each kind of a point."""
    ends = np.cumsum([space.dimensions((kind,)) for kind in point.kinds])[:-1]
    return dict(zip(point.kinds, np.split(np.array(point.scores), ends), strict=True))


def _around(kinds: Kinds, centre: Floats, radius: float, share: float, rng: np.random.Generator) -> Point:
    """Draw a point of the ball around a centre."""
    step = share * spread_of(radius, len(centre)) * rng.standard_normal(len(centre))
    return Point(kinds, tuple(into_ball(centre + step, radius).tolist()))
