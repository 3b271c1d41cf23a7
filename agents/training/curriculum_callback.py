"""Curricula in training: which experiment each row of a batch meets next, by the returns of the episodes before."""

import json
import math
from collections import deque
from pathlib import Path
from typing import Any, Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from agents.training.curriculum import CurriculumConfig
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.sampling.sampler import Drawn, Sampler
from twin_env.envs.sb3 import TwinVecEnv

_REMEMBERED: Final = 200  # outcomes of which the mean is logged


class CurriculumCallback(BaseCallback):
    """Chooses each row's next experiment, and tells the curriculum how the last one went.

    Attributes:
        config: The configuration.
        curriculum: What chooses.
    """

    def __init__(self, config: CurriculumConfig, sampler: Sampler, horizon_s: float, seed: int, n_envs: int) -> None:
        super().__init__()
        self.config = config
        self.curriculum = config.make(sampler, horizon_s)
        self._rng = np.random.default_rng(seed)
        self._playing: list[Drawn | None] = [None] * n_envs
        self._played: list[Drawn | None] = [None] * n_envs
        self._outcomes: deque[float] = deque(maxlen=_REMEMBERED)

    def attach(self, venv: TwinVecEnv) -> None:
        """Choose the experiments of an environment from its next reset on."""
        venv.choose_experiments(self._choose)

    def save(self, path: Path) -> None:
        """Write what the curriculum has learnt, as JSON."""
        path.write_text(json.dumps(self.curriculum.state()) + "\n", encoding="utf-8")

    def state(self) -> dict[str, Any]:
        """Return what it remembers: what each row plays, and what the curriculum has learnt."""
        return {
            "curriculum": self.curriculum,
            "_rng": self._rng,
            "_playing": self._playing,
            "_played": self._played,
            "_outcomes": self._outcomes,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what :meth:`state` returned."""
        vars(self).update(state)

    def _choose(self, row: int, seed: int) -> Experiment:
        # A row that ends is started anew before anybody hears of its end: what it played is kept until then.
        self._played[row] = self._playing[row]
        drawn = self._playing[row] = self.curriculum.next(self._rng)
        return drawn.experiment

    def _on_step(self) -> bool:
        for row in np.flatnonzero(self.locals["dones"]):
            drawn = self._played[row]
            if drawn is not None:
                outcome = self.config.outcome(_return_of(self.locals["infos"][row]))
                self.curriculum.report(drawn, outcome)
                self._outcomes.append(outcome)
        return True

    def _on_rollout_end(self) -> None:
        if self._outcomes:
            self.logger.record("curriculum/outcome", float(np.mean(self._outcomes)), exclude="stdout")
        for name, value in self.curriculum.figures.items():
            if math.isfinite(value):  # the entropy of a closed range is not, and a curve has no place for it
                self.logger.record(f"curriculum/{name}", value, exclude="stdout")


def _return_of(info: dict[str, Any]) -> float:
    """Return the sum of an episode's rewards, from what ``VecMonitor`` leaves in the info of its last step."""
    return float(info["episode"]["r"])
