"""What luck finds with the same budget, radius and episodes: the search has to do better."""

from collections.abc import Sequence

import numpy as np

from twin_env.studies.search.judge import LOOP_SEEDS, Candidate, Found, Judge, Score, choose, kept_for
from twin_env.studies.search.space import Kinds, Point, Space


def random_search(
    score: Score,
    space: Space,
    budget: int,
    radius: float,
    seed: int,
    *,
    seeds: Sequence[int] = LOOP_SEEDS,
    again: Sequence[int] = (),
) -> Found:
    """Score random experiments of a ball; the arguments are those of :func:`worst`."""
    rng = np.random.default_rng(seed)
    judge = Judge(score, budget - kept_for(again, budget))
    candidates: list[Candidate] = []
    while judge.left >= len(seeds):
        kinds = space.draw_set(rng)
        candidates.append(judge.candidate(space, draw_in_ball(space, kinds, radius, rng), seeds))
    judge.budget = budget
    return choose(judge, space, candidates, again)


def draw_in_ball(space: Space, kinds: Kinds, radius: float, rng: np.random.Generator) -> Point:
    """Draw a point evenly in the ball: a normal direction, and a length whose power by the dimensions is even."""
    direction = rng.standard_normal(space.dimensions(kinds))
    length = radius * rng.random() ** (1.0 / len(direction))
    return Point(kinds, tuple((direction * (length / np.linalg.norm(direction))).tolist()))
