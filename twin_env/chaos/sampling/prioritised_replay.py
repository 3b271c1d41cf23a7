"""Prioritised replay: experiments that taught something come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_env.chaos.faults.base import Share
from twin_env.chaos.sampling.curriculum import Curriculum, new_seed
from twin_env.chaos.sampling.sampler import Drawn, Sampler
from twin_env.config import Config


class ReplayConfig(Config):
    """Of :class:`PrioritisedReplay`; the defaults are JaxUED's where it has one.

    Attributes:
        capacity: Levels that are kept.
        replay_share: Share of episodes that replay one, once enough are kept.
        least: Levels before anything is replayed.
        staleness_weight: Weight of how long a level was not played, beside its score.
        temperature: Of the ranks: lower prefers the best levels more.
        memory: What an outcome counts once the next one of the same level is there.
    """

    capacity: int = Field(default=4000, ge=1, le=1_000_000)
    replay_share: Share = 0.5
    least: int = Field(default=100, ge=1, le=1_000_000)
    staleness_weight: Share = 0.3
    temperature: float = Field(default=1.0, gt=0, le=100)
    memory: float = Field(default=0.9, gt=0, le=1)


@dataclass
class Level:
    """An experiment that is kept by its seed.

    Attributes:
        seed: Of the sampler.
        good: Sum of outcomes, older ones counting less.
        bad: Sum of what they lack of 1.
        last: Number of the report that was its last.
    """

    seed: int
    good: float = 0.0
    bad: float = 0.0
    last: int = 0

    @property
    def learnability(self) -> float:
        """Expected ``p (1 - p)`` of the chance ``p`` of success (Rutherford et al. 2024, SFL).

        The mean under the Beta law that the outcomes leave of an even one: one outcome is no proof of either.
        """
        a, b = self.good + 1.0, self.bad + 1.0
        return a * b / ((a + b) * (a + b + 1.0))


class PrioritisedReplay(Curriculum):
    """Old levels again that are neither too easy nor hopeless, among new ones.

    Prioritised level replay (Jiang et al. 2021): ranks of a score, mixed with staleness. The score is learnability, as
    regret proxies follow success instead (Rutherford et al. 2024); what cannot be won has none, so it is not replayed.

    Attributes:
        config: Its settings.
        levels: By seed.
    """

    def __init__(self, sampler: Sampler, horizon_s: float, config: ReplayConfig | None = None) -> None:
        super().__init__(sampler, horizon_s)
        self.config = config or ReplayConfig()
        self.levels: dict[int, Level] = {}
        self._reports = 0

    def next(self, rng: np.random.Generator) -> Drawn:
        """Return a kept level by its weight, or a new draw."""
        replays, which, fresh = rng.random() < self.config.replay_share, rng.random(), new_seed(rng)
        if not replays or len(self.levels) < min(self.config.least, self.config.capacity):
            return self.sampler.draw(fresh, self.horizon_s)
        shares = np.cumsum(self._weights())
        chosen = list(self.levels)[min(int(np.searchsorted(shares, which, side="right")), len(shares) - 1)]
        return self.sampler.draw(chosen, self.horizon_s)

    def _weights(self) -> NDArray[np.float64]:
        """Return each level's chance to be replayed: ranks of the score and of staleness, mixed (Jiang 2021, eq. 2)."""
        levels = list(self.levels.values())
        scores = np.array([level.learnability for level in levels])
        ranks = np.empty(len(levels))
        ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(levels) + 1)
        by_score = ranks ** (-1.0 / self.config.temperature)
        idle = np.array([self._reports - level.last for level in levels], np.float64)
        by_idle = idle / idle.sum() if idle.sum() > 0 else np.full(len(levels), 1.0 / len(levels))
        share = self.config.staleness_weight
        weights: NDArray[np.float64] = (1.0 - share) * by_score / by_score.sum() + share * by_idle
        return weights

    def _learn(self, drawn: Drawn, outcome: float) -> None:
        self._reports += 1
        level = self.levels.get(drawn.seed) or Level(drawn.seed)
        level.good = level.good * self.config.memory + outcome
        level.bad = level.bad * self.config.memory + 1.0 - outcome
        level.last = self._reports
        if drawn.seed in self.levels or len(self.levels) < self.config.capacity:
            self.levels[drawn.seed] = level
        else:
            self._replace(level)

    def _replace(self, level: Level) -> None:
        """Put a level in the place of the one that is least likely to be replayed, if it promises more."""
        worst = list(self.levels)[int(np.argmin(self._weights()))]
        if level.learnability > self.levels[worst].learnability:
            del self.levels[worst]
            self.levels[level.seed] = level

    @property
    def figures(self) -> dict[str, float]:
        """How many levels are kept, and their mean learnability."""
        scores = [level.learnability for level in self.levels.values()]
        return {"levels": float(len(scores)), "learnability": float(np.mean(scores)) if scores else 0.0}

    def state(self) -> dict[str, Any]:
        """Return the levels and how many reports there were."""
        levels = [[level.seed, level.good, level.bad, level.last] for level in self.levels.values()]
        return {"levels": levels, "reports": self._reports}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from levels."""
        self.levels = {seed: Level(seed, good, bad, last) for seed, good, bad, last in state["levels"]}
        self._reports = int(state["reports"])
