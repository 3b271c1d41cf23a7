"""What happens beside training: figures of finished episodes, evaluations, progress."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HParam
from stable_baselines3.common.vec_env import VecNormalize
from tqdm import tqdm

from agents.batteries.rollouts import play_all
from agents.policies.trained import TrainedPolicy
from agents.training.config import TrainConfig
from agents.training.runs import BEST_MODEL, EVALUATIONS
from agents.training.training import save_whole
from twin_env.alpha.objective import NET_RESULT, SHORTFALL
from twin_env.alpha.results import Result, check
from twin_env.envs.definition import EnvDefinition
from twin_env.envs.registration import definition_of

_NOT_SCALAR: Final = ("stdout", "log", "json", "csv")


class EpisodeFigures(BaseCallback):
    """Log the mean of each info key over the episodes that finished since the last log.

    stable-baselines3 itself logs reward and length only. The tags are the info keys.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self._config = config
        self._finished: list[dict[str, float]] = []

    def _on_training_start(self) -> None:
        flat: dict[str, bool | str | float | None] = {
            "algo": self._config.algo,
            "seed": self._config.seed,
            "n_envs": self._config.n_envs,
        }
        flat |= {name: _plain(value) for name, value in self._config.hyperparams.items()}
        key = definition_of(self._config.env).objective.key
        metrics: dict[str, float] = {key: 0.0, f"eval/{key}": 0.0, "rollout/ep_rew_mean": 0.0}
        self.logger.record("hparams", HParam(flat, metrics), exclude=_NOT_SCALAR)

    def _on_step(self) -> bool:
        for info, done in zip(self.locals["infos"], self.locals["dones"], strict=True):
            if done:
                self._finished.append(info)
        return True

    def _on_rollout_end(self) -> None:
        if self._finished:
            for key in definition_of(self._config.env).info.figures:
                self.logger.record(key, float(np.mean([info[key] for info in self._finished])), exclude="stdout")
            self._finished.clear()


class Evaluation(BaseCallback):
    """Play the same episodes every so often, and keep the model that did best.

    The episodes never change, so that points of the curve differ by the policy alone. They are
    not those of evaluate.py: the model kept was chosen on these.

    Attributes:
        results: One per evaluation.
    """

    def __init__(self, env: gym.Env[Any, Any], seeds: Sequence[int], freq: int, folder: Path) -> None:
        super().__init__()
        self.results: list[Result] = []
        self._env = env
        self._seeds = seeds
        self._freq = freq
        self._folder = folder
        self._next = 0  # the first one shows where the curve begins
        self._best = -np.inf

    def evaluate(self) -> None:
        """Play the episodes with the present model, log, and write ``evaluations.npz``."""
        normalizer = self.model.get_vec_normalize_env()
        statistics = normalizer if isinstance(normalizer, VecNormalize) and normalizer.norm_obs else None
        episodes = play_all(self._env, TrainedPolicy(self.model, statistics), self._seeds)
        definition: EnvDefinition = self._env.unwrapped.definition  # type: ignore[attr-defined]
        result = Result("eval", episodes, self.num_timesteps, objective=definition.objective)
        check([result])
        self.results.append(result)
        for key in definition.info.figures:
            self.logger.record(f"eval/{key}", result.mean(key), exclude="stdout")
        self.logger.record("eval/mean_reward", result.mean_reward)
        self.logger.record("eval/mean_ep_length", float(np.mean([episode.steps for episode in episodes])))
        self.logger.dump(self.num_timesteps)
        save_whole(self._write, self._folder / EVALUATIONS)
        if result.mean_reward > self._best:
            self._best = result.mean_reward
            save_whole(self.model.save, self._folder / BEST_MODEL)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        # Between a rollout and the next the policy does not change: an evaluation inside one tells nothing more.
        if self._freq and self.num_timesteps >= self._next:
            self._next = self._freq * (self.num_timesteps // self._freq + 1)
            self.evaluate()

    def _write(self, path: Path) -> None:
        np.savez(
            path,
            timesteps=np.array([result.timesteps for result in self.results]),
            results=np.array([[episode.reward for episode in result.episodes] for result in self.results]),
            ep_lengths=np.array([[episode.steps for episode in result.episodes] for result in self.results]),
            is_bps=np.array([result.judged_by(SHORTFALL) for result in self.results]),
            without_drift_bps=np.array([result.without_drift_bps for result in self.results]),
            net_ccy=np.array([result.judged_by(NET_RESULT) for result in self.results]),
            seeds=np.array(self._seeds),
        )


class Progress(BaseCallback):
    """A bar on a terminal, a line every tenth of the way elsewhere."""

    def __init__(self, n_timesteps: int, evaluation: Evaluation, bar: bool) -> None:
        super().__init__()
        self._goal = n_timesteps
        self._evaluation = evaluation
        self._bar = tqdm(total=n_timesteps, unit="step", dynamic_ncols=True, leave=False) if bar else None
        self._tenth = 1
        self._started_s = time.perf_counter()

    def _on_step(self) -> bool:
        if self._bar is not None:
            self._bar.update(min(self.num_timesteps, self._goal) - self._bar.n)
        elif self.num_timesteps * 10 >= self._goal * self._tenth:
            self._tenth = self.num_timesteps * 10 // self._goal + 1
            self._print_line()
        return True

    def _on_training_end(self) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()

    def _print_line(self) -> None:
        took_s = time.perf_counter() - self._started_s
        line = f"{self.num_timesteps:,} of {self._goal:,} steps in {took_s:.0f} s"
        if self._evaluation.results:
            line += f", {self._evaluation.results[-1].headline} at {self._evaluation.results[-1].timesteps:,}"
        print(line, flush=True)


def is_terminal() -> bool:
    """Return whether someone looks at standard error, where the bar is drawn."""
    return sys.stderr.isatty()


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)
