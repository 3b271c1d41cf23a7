"""Who scores experiments: the caller's function, counted, checked, and stopped at a budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.search.space import Floats, Point, Space

Score = Callable[[Experiment, Sequence[int]], Floats]
"""Damage of an experiment in each seed's episode: more is worse; what would have happened without it is taken out."""

MOST_SEED: Final = 2**31 - 1


class BudgetSpentError(RuntimeError):
    """An evaluation was asked for that the budget does not allow; none of its episodes was played."""


@dataclass(frozen=True)
class Candidate:
    """A point and what it did.

    Attributes:
        point: It.
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


class Judge:
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
            raise ValueError(f"the score returned {found!r}, expected one finite damage for each of {len(seeds)} seeds")
        return found

    def candidate(self, space: Space, point: Point, seeds: Sequence[int]) -> Candidate:
        """Score a point."""
        damages = self.damages(space.experiment(point), seeds)
        return Candidate(point, tuple(damages.tolist()), tuple(seeds))


def best(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return the most damaging candidates, the worst first.

    Those that were seen in few episodes have been lucky more often, so all are ranked by their mean less its standard
    error; the spread between episodes is estimated from all candidates that were seen in several.
    """
    several = [np.var(one.damages, ddof=1) for one in candidates if len(one.damages) > 1]
    spread = float(np.sqrt(np.mean(several))) if several else 0.0
    return sorted(candidates, key=lambda one: -(one.mean - spread / len(one.damages) ** 0.5))[:count]
