"""Evaluations of experiments: the caller's score function, counted, checked, and stopped at a budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from twin_env.chaos.experiment import Experiment
from twin_env.studies.search.space import Floats, Point, Space

Score = Callable[[Experiment, Sequence[int]], Floats]
"""Damage of an experiment in each seed's episode: more is worse; the damage without it is subtracted."""

LOOP_SEEDS: Final = (0, 1, 2, 3)
_FINALISTS: Final = 6
_FINAL_SHARE: Final = 0.2  # of the budget, at most, for scoring the finalists once more


class BudgetSpentError(RuntimeError):
    """An evaluation was asked for that the budget does not allow; none of its episodes was played."""


@dataclass(frozen=True)
class Candidate:
    """A point and its damages.

    Attributes:
        point: The experiment's place in the search space.
        damages: One per seed.
        seeds: Of the episodes.
    """

    point: Point
    damages: tuple[float, ...]
    seeds: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Mean damage."""
        return float(np.mean(self.damages))


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        candidates: Everything it scored, in order.
        evaluations: Episodes it took.
        chosen: The most damaging of the finalists in other episodes; of all, where there were no other episodes.
    """

    candidates: list[Candidate] = field(default_factory=list)
    evaluations: int = 0
    chosen: Candidate | None = None


class Evaluator:
    """Counts evaluations: one is one experiment in the episode of one seed.

    Attributes:
        budget: Most evaluations.
        spent: Those so far.
    """

    def __init__(self, score: Score, budget: int) -> None:
        self._score = score
        self.budget = budget
        self.spent = 0

    @property
    def left(self) -> int:
        """Evaluations that remain."""
        return self.budget - self.spent

    def damages(self, experiment: Experiment, seeds: Sequence[int]) -> Floats:
        """Score an experiment.

        Raises:
            BudgetSpentError: There are more seeds than evaluations left.
            ValueError: The score is not one finite number per seed.
        """
        if len(seeds) > self.left:
            raise BudgetSpentError(f"{len(seeds)} evaluations are more than the {self.left} left of {self.budget}")
        self.spent += len(seeds)
        found = np.asarray(self._score(experiment, seeds), np.float64)
        if found.shape != (len(seeds),) or not np.isfinite(found).all():
            raise ValueError(f"the score returned {found!r}, expected a finite damage for each of {len(seeds)} seeds.")
        return found

    def candidate(self, space: Space, point: Point, seeds: Sequence[int]) -> Candidate:
        """Score a point."""
        damages = self.damages(space.experiment(point), seeds)
        return Candidate(point, tuple(damages.tolist()), tuple(seeds))


def best(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return the most damaging candidates, the worst first.

    Those that were seen in few episodes are more often overestimated, so all are ranked by their mean less its standard
    error; the spread between episodes is estimated from all candidates that were seen in several.
    """
    several = [np.var(one.damages, ddof=1) for one in candidates if len(one.damages) > 1]
    spread = float(np.sqrt(np.mean(several))) if several else 0.0
    return sorted(candidates, key=lambda one: -(one.mean - spread / len(one.damages) ** 0.5))[:count]


def final_budget(final_seeds: Sequence[int], budget: int) -> int:
    """Return how much of a budget is reserved for scoring the finalists once more, in the episodes of other seeds."""
    finalists = min(_FINALISTS, int(_FINAL_SHARE * budget) // len(final_seeds)) if final_seeds else 0
    return finalists * len(final_seeds)


def choose(evaluator: Evaluator, space: Space, candidates: list[Candidate], final_seeds: Sequence[int]) -> Found:
    """Score the finalists once more with the reserved budget, and end the search."""
    count = final_budget(final_seeds, evaluator.budget) // max(1, len(final_seeds))
    points = list(dict.fromkeys(one.point for one in best(candidates, len(candidates))))[:count]
    finalists = [evaluator.candidate(space, point, final_seeds) for point in points]
    chosen = max(finalists, key=lambda one: one.mean) if finalists else next(iter(best(candidates, 1)), None)
    return Found(candidates + finalists, evaluator.spent, chosen)
