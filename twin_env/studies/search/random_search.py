"""Random search with the same budget, radius and episodes: the baseline of the search."""

from collections.abc import Sequence

import numpy as np

from twin_env.studies.search.evaluator import LOOP_SEEDS, Candidate, Evaluator, Found, Score, choose, final_budget
from twin_env.studies.search.space import Kinds, Point, Space


def random_search(
    score: Score,
    space: Space,
    budget: int,
    radius: float,
    seed: int,
    *,
    seeds: Sequence[int] = LOOP_SEEDS,
    final_seeds: Sequence[int] = (),
) -> Found:
    """Score random experiments of a ball; the arguments are those of :func:`worst`."""
    rng = np.random.default_rng(seed)
    evaluator = Evaluator(score, budget - final_budget(final_seeds, budget))
    candidates: list[Candidate] = []
    while evaluator.left >= len(seeds):
        kinds = space.draw_set(rng)
        candidates.append(evaluator.candidate(space, draw_in_ball(space, kinds, radius, rng), seeds))
    evaluator.budget = budget
    return choose(evaluator, space, candidates, final_seeds)


def draw_in_ball(space: Space, kinds: Kinds, radius: float, rng: np.random.Generator) -> Point:
    """Draw a point evenly in the ball: a normal direction, and a length whose power by the dimensions is even."""
    direction = rng.standard_normal(space.dimensions(kinds))
    length = radius * rng.random() ** (1.0 / len(direction))
    return Point(kinds, tuple((direction * (length / np.linalg.norm(direction))).tolist()))
