"""A batch as stable-baselines3 wants it: no copies of infos, no Python between the rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from twin_env.core.state.seed import check_seed
from twin_env.envs.batch import Batch
from twin_env.envs.custom_reward import RewardFunction, custom_rewards
from twin_env.envs.definition import EnvDefinition
from twin_env.envs.episode_status import RUNNING
from twin_env.envs.experiments import Chooser
from twin_env.envs.info import SEED
from twin_env.envs.options import (
    RENDER_FPS,
    RENDER_MODES,
    check_counts,
    check_info_level,
    check_render_mode,
    experiment_info,
    number_episodes,
    read_options,
    split_experiment,
)
from twin_env.envs.registration import DEFAULT_ENV, definition_of
from twin_env.envs.state import pack, unpack


class TwinVecEnv(VecEnv):
    """``n_envs`` independent episodes for stable-baselines3, stepped by one compiled call.

    A row that ends is reset at once; its last observation is in its info as ``terminal_observation``, and
    ``TimeLimit.truncated`` says whether a limit of steps or a history ended it before it was over.

    Args:
        n_envs: Rows.
        config: As of the single environment.
        env: Its name in Gymnasium's registry.
        max_episode_steps: Longest episode, truncated then; ``None`` for none.
        render_mode: ``rgb_array`` for videos.
        threads: Rows are shared out among so many threads; the results are the same.
        info_level: ``none``, ``episode`` (info at the end of episodes, default) or ``step``.
        reward: Takes the :class:`~twin_env.envs.custom_reward.Transition` of all rows and returns their rewards, float
            of shape ``(n_envs,)``, in place of the environment's own; ``None`` for those.
        overrides: Single keys of the configuration.
    """

    def __init__(
        self,
        n_envs: int = 1,
        config: str | Path | Mapping[str, Any] | Any | None = None,
        *,
        env: str = DEFAULT_ENV,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        threads: int = 1,
        info_level: str = "episode",
        reward: RewardFunction | None = None,
        **overrides: Any,
    ) -> None:
        check_counts(n_envs=n_envs, threads=threads, max_episode_steps=max_episode_steps)
        self.render_mode = check_render_mode(render_mode)
        self.info_level = check_info_level(info_level)
        self.reward = reward
        self.definition: EnvDefinition = definition_of(env)
        self.config = self.definition.load_config(config, **overrides)
        self.batch = Batch(self.definition, self.config, n_envs, threads, max_episode_steps)
        self.layout = self.batch.layout
        self.market = self.batch.market
        self._randoms = [np.random.default_rng() for _ in range(n_envs)]
        self._all = np.ones(n_envs, np.bool_)
        self._actions: NDArray[Any] = np.zeros(0)
        super().__init__(n_envs, self.batch.observation_space, self.batch.action_space)
        self.metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}

    def reset(self) -> Any:
        """Start an episode in every row, with what :meth:`seed` and :meth:`set_options` said before."""
        numbers = [None if seed is None else check_seed(seed) for seed in self._seeds]
        given = [split_experiment(options) for options in self._options]
        read = [read_options(options, self.batch) for options, _ in given]
        sources = [source for _, source in given]
        for options in set(read):
            chosen = np.array([one == options for one in read])
            self.batch.start(chosen, number_episodes(self._randoms, chosen, numbers), options, sources)
        self.reset_infos = self._infos(self._all, self.info_level == "step")
        if self.info_level != "none":
            experiments, seeds = self.batch.experiments.current, self.episode_seeds
            for info, experiment, seed in zip(self.reset_infos, experiments, seeds, strict=True):
                info |= {SEED: float(seed)} | experiment_info(experiment)
        self._reset_seeds()
        self._reset_options()
        return self._observations()

    def choose_experiments(self, chooser: Chooser | None) -> None:
        """Let somebody else than the configuration say what goes wrong, such as a curriculum.

        Args:
            chooser: Is called with the row and the number of each episode that begins from now on, in the order of the
                rows, and returns its experiment; what does not fit the market's room is left out. ``None`` for nobody.
        """
        self.batch.experiments.chooser = chooser

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Carry the actions out, let ``step_s`` pass, and reset the rows that ended."""
        batch = self.batch
        if (batch.status != RUNNING).any():
            raise gym.error.ResetNeeded("step() was called before reset()")
        before = None if self.reward is None else batch.infos.copy()
        batch.step(self._all, self.batch.check(self._actions, self._all))
        terminated, truncated = batch.terminated, batch.truncated
        over = terminated | truncated
        rewards = batch.rewards.copy()  # a reset writes into the batch's
        if self.reward is not None and before is not None:
            rewards = custom_rewards(self.reward, batch, before, terminated, truncated)
        infos = self._infos(over if self.info_level == "episode" else self._all, self.info_level != "none")
        if over.any():
            for row in np.flatnonzero(over):
                infos[row]["terminal_observation"] = self.layout.present(batch.observations[row])
                infos[row]["TimeLimit.truncated"] = bool(not terminated[row])
            self.batch.start(over, number_episodes(self._randoms, over, [None] * self.num_envs))
        return self._observations(), rewards.astype(np.float32), over, infos

    def get_state(self) -> list[bytes]:
        """Return where each row stands, as bytes for :meth:`set_state`; its later episodes are named there too."""
        return [pack(self.batch, row, random) for row, random in enumerate(self._randoms)]

    def set_state(self, states: Sequence[bytes]) -> None:
        """Go to where :meth:`get_state` was called, on an environment of this configuration with as many rows.

        Raises:
            ValueError: There is not one state for each row.
            StateError: The bytes are not a state, or that of another version, configuration or market.
        """
        if len(states) != self.num_envs:
            raise ValueError(f"states has {len(states)} entries, expected one for each of the {self.num_envs} rows")
        self._randoms = [unpack(state, self.batch, row) for row, state in enumerate(states)]

    def close(self) -> None:
        """Let the threads go."""
        self.batch.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return the depth ladder of every row."""
        from twin_env.envs.rendering.render import draw_rgb

        batch = self.batch
        return [draw_rgb(batch.worlds[i], batch.tasks[i], batch.market.instrument) for i in range(self.num_envs)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute for each row: ``world`` and ``task`` are the row's, all else is everybody's."""
        if attr_name == "action_masks":  # how sb3-contrib asks whether there are masks
            return [lambda row=row: self.batch.masks()[row] for row in self._get_indices(indices)]
        by_row = {"world": self.batch.worlds, "task": self.batch.tasks, "episode_seed": self.episode_seeds}
        rows = self._get_indices(indices)
        return [by_row[attr_name][row] if attr_name in by_row else getattr(self, attr_name) for row in rows]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Rows have no attributes of their own to set.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(f"{attr_name!r} cannot be set: rows of a batch share everything but their state")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method once for each row; ``action_masks`` is the one there is.

        Raises:
            AttributeError: Rows of a batch have no such method.
        """
        if method_name == "action_masks":
            masks = self.batch.masks()
            return [masks[row] for row in self._get_indices(indices)]
        raise AttributeError(f"rows of a batch have no method {method_name!r}")

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Any = None) -> list[bool]:
        """Tell for each row whether it is wrapped: it is not."""
        return [False for _ in self._get_indices(indices)]

    @property
    def episode_seeds(self) -> NDArray[np.uint64]:
        """Number of each row's episode, shape ``(n_envs,)``."""
        seeds: NDArray[np.uint64] = self.batch.worlds["seed"].copy()
        return seeds

    def _observations(self) -> Any:
        return self.layout.present(self.batch.observations)

    def _infos(self, chosen: NDArray[np.bool_], wanted: bool) -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if wanted:
            for row in np.flatnonzero(chosen):
                infos[row] = self.definition.info.as_dict(self.batch.infos[row])
        return infos
