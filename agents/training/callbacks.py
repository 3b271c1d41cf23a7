"""What happens beside training: figures of finished episodes, evaluations, progress."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize
from tqdm import tqdm

from agents.batteries.rollouts import run_episodes
from agents.policies.trained import TrainedPolicy
from agents.training.board import record_configuration, record_waterfall
from agents.training.checkpoints import write_policy
from agents.training.config import TrainConfig
from agents.training.runs import BEST_MODEL, EVALUATIONS
from agents.training.training import save_whole
from twin_env.alpha.objective import NET_RESULT, SHORTFALL
from twin_env.alpha.results import Result, check
from twin_env.envs.definition import EnvDefinition
from twin_env.envs.registration import definition_of

_LINE_EVERY_S: Final = 30.0  # on a terminal there is a bar


class EpisodeFigures(BaseCallback):
    """Log the mean of each info key, and of what judges a policy, over the episodes that finished since the last log.

    stable-baselines3 itself logs reward and length only. The tags are the info keys.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self._config = config
        self._finished: list[dict[str, float]] = []

    def _on_training_start(self) -> None:
        if self.num_timesteps == 0:  # a run that goes on has it already
            record_configuration(self.logger, self._config)

    def _on_step(self) -> bool:
        for info, done in zip(self.locals["infos"], self.locals["dones"], strict=True):
            if done:
                self._finished.append(info)
        return True

    def _on_rollout_end(self) -> None:
        if not self._finished:
            return
        definition = definition_of(self._config.env)
        means = {key: float(np.mean([info[key] for info in self._finished])) for key in definition.info.figures}
        for key, mean in {**means, definition.objective.tag: definition.objective.value(means)}.items():
            self.logger.record(key, mean, exclude="stdout")
        self._finished.clear()


class Evaluation(BaseCallback):
    """Play the same episodes every so often, and keep the model that did best.

    The episodes never change, so that points of the curve differ by the policy alone. They are
    not those of twin evaluate: the model kept was chosen on these.

    Attributes:
        last: The latest; ``None`` before the first.
    """

    def __init__(self, env: gym.Env[Any, Any], seeds: Sequence[int], freq: int, folder: Path) -> None:
        super().__init__()
        self.last: Result | None = None
        self._env = env
        self._seeds = seeds
        self._freq = freq
        self._folder = folder
        self._rows: list[dict[str, Any]] = []
        self._next = 0  # the first one shows where the curve begins
        self._best = -np.inf

    def evaluate(self) -> None:
        """Play the episodes with the present model, log, and write ``evaluations.npz``."""
        normalizer = self.model.get_vec_normalize_env()
        statistics = normalizer if isinstance(normalizer, VecNormalize) and normalizer.norm_obs else None
        episodes = run_episodes(self._env, TrainedPolicy(self.model, statistics), self._seeds)
        definition: EnvDefinition = self._env.unwrapped.definition  # type: ignore[attr-defined]
        result = Result("eval", episodes, self.num_timesteps, objective=definition.objective)
        check([result])
        self.last = result
        self._rows.append(_row_of(result))
        means = {key: result.mean(key) for key in definition.info.figures}
        for key, mean in {**means, definition.objective.tag: definition.objective.value(means)}.items():
            self.logger.record(f"eval/{key}", mean, exclude="stdout")
        record_waterfall(self.logger, result, self._env.unwrapped.market.instrument.currency)  # type: ignore[attr-defined]
        self.logger.record("eval/mean_reward", result.mean_reward)
        self.logger.record("eval/mean_ep_length", float(np.mean([episode.steps for episode in episodes])))
        self.logger.dump(self.num_timesteps)
        save_whole(self._write, self._folder / EVALUATIONS)
        if result.mean_reward > self._best:
            self._best = result.mean_reward
            save_whole(lambda path: write_policy(self.model, path), self._folder / BEST_MODEL)

    def state(self) -> dict[str, Any]:
        """Return what it remembers."""
        return {"last": self.last, "_rows": self._rows, "_next": self._next, "_best": self._best}

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what :meth:`state` returned."""
        vars(self).update(state)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        # Between a rollout and the next the policy does not change: an evaluation inside one tells nothing more.
        if self._freq and self.num_timesteps >= self._next:
            self._next = self._freq * (self.num_timesteps // self._freq + 1)
            self.evaluate()

    def _write(self, path: Path) -> None:
        columns: dict[str, Any] = {name: np.array([row[name] for row in self._rows]) for name in self._rows[0]}
        np.savez(path, seeds=np.array(self._seeds), **columns)


def _row_of(result: Result) -> dict[str, Any]:
    """Return an evaluation as a row of ``evaluations.npz``."""
    return {
        "timesteps": result.timesteps,
        "results": np.array([episode.reward for episode in result.episodes]),
        "ep_lengths": np.array([episode.steps for episode in result.episodes]),
        "is_bps": result.values_of(SHORTFALL),
        "without_drift_bps": result.without_drift_bps,
        "net_ccy": result.values_of(NET_RESULT),
    }


class Progress(BaseCallback):
    """A bar on a terminal; elsewhere a line every tenth of the way, and every half minute."""

    def __init__(self, n_timesteps: int, evaluation: Evaluation, bar: bool) -> None:
        super().__init__()
        self._goal = n_timesteps
        self._evaluation = evaluation
        self._wants_bar = bar
        self._bar: tqdm[Any] | None = None
        self._tenth = 1
        self._started_s = self._printed_s = time.perf_counter()

    def _on_training_start(self) -> None:
        self._tenth = self.num_timesteps * 10 // self._goal + 1
        self._started_s = self._printed_s = time.perf_counter()
        if self._wants_bar:
            self._bar = tqdm(total=self._goal, initial=self.num_timesteps, unit="step", dynamic_ncols=True, leave=False)

    def _on_step(self) -> bool:
        if self._bar is not None:
            self._bar.update(min(self.num_timesteps, self._goal) - self._bar.n)
        elif (
            self.num_timesteps * 10 >= self._goal * self._tenth
            or time.perf_counter() - self._printed_s >= _LINE_EVERY_S
        ):
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
        self._printed_s = time.perf_counter()
        line = f"{self.num_timesteps:,} of {self._goal:,} steps in {self._printed_s - self._started_s:.0f} s"
        if self._evaluation.last is not None:
            line += f", {self._evaluation.last.headline} at {self._evaluation.last.timesteps:,}"
        print(line, flush=True)


def is_terminal() -> bool:
    """Return whether someone looks at standard error, where the bar is drawn."""
    return sys.stderr.isatty()
