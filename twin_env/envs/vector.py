"""``gymnasium.make_vec``: many rows of one batch behind Gymnasium's vector interface."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from twin_env.chaos.experiment import Experiment
from twin_env.core.state.seed import episode_numbers
from twin_env.envs.batch import Batch
from twin_env.envs.definition import EXPERIMENT, EnvDefinition, ResetOptions
from twin_env.envs.episode_status import RUNNING
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

Bools = NDArray[np.bool_]
_MASK: Final = "reset_mask"


class TwinVectorEnv(VectorEnv[Any, Any, NDArray[Any]]):
    """``num_envs`` independent episodes, stepped by one compiled call.

    Row i, reset with ``seed=s``, shows the bytes that the single environment shows with ``seed=s + i``, and its later
    episodes those of that environment's later resets. Each environment's class names its ``definition``.

    Args:
        num_envs: Rows.
        config: As of the single environment.
        autoreset_mode: ``NextStep`` (default): the step after an episode's end ignores its action and resets.
            ``SameStep``: a row that ends is reset at once; the last observation and info are in
            ``infos["final_obs"]`` and ``infos["final_info"]``. ``Disabled``: the caller resets the rows that ended
            with ``reset(options={"reset_mask": ...})``.
        max_episode_steps: Longest episode, truncated then, as Gymnasium's ``TimeLimit`` does for the single
            environment; ``None`` for none.
        threads: Rows are shared out among so many threads; the results are the same.
        info_level: ``none``, ``episode`` (info at the end of episodes, default) or ``step``.
        render_mode: Each row draws by itself, as the single environment does.
        overrides: Single keys of the configuration.
    """

    definition: ClassVar[EnvDefinition]

    def __init__(
        self,
        num_envs: int = 1,
        config: str | Path | Mapping[str, Any] | Any | None = None,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        threads: int = 1,
        info_level: str = "episode",
        render_mode: str | None = None,
        **overrides: Any,
    ) -> None:
        check_counts(num_envs=num_envs, threads=threads, max_episode_steps=max_episode_steps)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {
            "render_modes": list(RENDER_MODES),
            "render_fps": RENDER_FPS,
            "autoreset_mode": self.autoreset_mode,
        }
        self.render_mode = check_render_mode(render_mode)
        self.info_level = check_info_level(info_level)
        self.config = self.definition.load_config(config, **overrides)
        self.num_envs = num_envs
        self.batch = Batch(self.definition, self.config, num_envs, threads, max_episode_steps)
        self.layout = self.batch.layout
        self.single_observation_space = self.batch.observation_space
        self.single_action_space = self.batch.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._randoms = [np.random.default_rng() for _ in range(num_envs)]
        self._over = np.zeros(num_envs, np.bool_)
        self._all = np.ones(num_envs, np.bool_)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every row, or in those of ``options["reset_mask"]``.

        Args:
            seed: Row i plays the episode of number ``seed + i``, or ``seed[i]``; ``None`` draws the row's next number.
            options: ``reset_mask`` (bool, shape ``(num_envs,)``), and those of the single environment; ``experiment``
                may be a list of one for each row.

        Raises:
            ValueError: Not a seed for every row, an unknown option, or a mask of another shape or without a row.
            TypeError: The mask is not an array of bools.
        """
        options = dict(options or {})
        chosen = self._read_mask(options.pop(_MASK, self._all))
        given, source = split_experiment(options)
        read = read_options(given, self.batch)
        numbers = episode_numbers(seed, self.num_envs)
        self._start(chosen, numbers, read, source)
        self._over[chosen] = False
        infos = self._infos(chosen) if self.info_level == "step" else {}
        if self.info_level != "none":
            seeds = np.where(chosen, self.batch.worlds["seed"], 0).astype(np.float64)
            infos |= {SEED: seeds, f"_{SEED}": chosen.copy()} | self._experiments(chosen)
        return self._observations(), infos

    def step(self, actions: Any) -> tuple[Any, NDArray[Any], Bools, Bools, dict[str, Any]]:
        """Send the actions' orders and let ``step_s`` pass in every row.

        Raises:
            ValueError: An action is not in its space.
            gymnasium.error.ResetNeeded: A row was never reset, or ended and is not reset by itself.
        """
        resets = self._over & (self.autoreset_mode == AutoresetMode.NEXT_STEP)
        chosen = ~resets
        batch = self.batch
        idle = chosen & ((batch.status != RUNNING) | self._over)
        if idle.any():
            which = np.flatnonzero(idle).tolist()
            raise gym.error.ResetNeeded(
                f"step() was called, and the episodes of rows {which} are not running; reset them"
            )
        actions = self.batch.check(actions, chosen)
        if resets.any():
            self._start(resets)
        batch.step(chosen, actions)
        terminated, truncated = batch.terminated, batch.truncated
        rewards = batch.rewards.copy()
        self._over = terminated | truncated
        with_info = self._all if self.info_level == "step" else self._over & (self.info_level == "episode")
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._over.any():
            infos = self._start_again(with_info)
        else:
            infos = self._infos(with_info)
        return self._observations(), rewards, terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """Return the depth ladder of every row."""
        if self.render_mode is None:
            gym.logger.warn("render() without a render_mode: pass render_mode='ansi' or 'rgb_array' to make_vec")
            return None
        from twin_env.envs.rendering.render import draw_ansi, draw_rgb

        draw: Any = draw_ansi if self.render_mode == "ansi" else draw_rgb
        batch = self.batch
        return tuple(draw(batch.worlds[i], batch.tasks[i], batch.market.instrument) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Let the threads go."""
        if hasattr(self, "batch"):  # Gymnasium before 1.3 also closes what __init__ refused to make
            self.batch.close()

    def _start_again(self, with_info: Bools) -> dict[str, Any]:
        """Reset the rows that ended, and keep what they showed last."""
        ended = self._over.copy()
        infos: dict[str, Any] = {}
        finals = np.empty(self.num_envs, object)
        for row in np.flatnonzero(ended):
            finals[row] = self.layout.present(self.batch.observations[row])
        infos["final_obs"], infos["_final_obs"] = finals, ended
        if (with_info & ended).any():
            infos["final_info"], infos["_final_info"] = self._infos(ended), ended
        self._start(ended)
        self._over[:] = False
        return infos | (self._infos(self._all) if self.info_level == "step" else {})

    def _start(
        self,
        chosen: Bools,
        numbers: Sequence[int | None] | None = None,
        options: ResetOptions = (),
        source: Any = None,
    ) -> None:
        experiments = list(source) if isinstance(source, list | tuple) else [source] * self.num_envs
        if len(experiments) != self.num_envs:
            raise ValueError(f"options['experiment'] has {len(experiments)} entries, expected {self.num_envs} or one")
        seeds = number_episodes(self._randoms, chosen, numbers or [None] * self.num_envs)
        self.batch.start(chosen, seeds, options, experiments)

    def _experiments(self, chosen: Bools) -> dict[str, Any]:
        """Return what goes wrong in the rows that were reset, as JSON; nothing where nothing does."""
        shown = [experiment_info(experiment) for experiment in self.experiments]
        wrong = chosen & np.array([bool(one) for one in shown])
        if not wrong.any():
            return {}
        key = f"chaos/{EXPERIMENT}"
        texts = np.array([one.get(key, "") if bad else "" for one, bad in zip(shown, wrong, strict=True)], object)
        return {key: texts, f"_{key}": wrong}

    @property
    def experiments(self) -> list[Experiment]:
        """What goes wrong in each row's episode."""
        return list(self.batch.experiments.current)

    def inject(self, what: Any, rows: Sequence[int] | None = None) -> None:
        """Let something go wrong from now on in some rows, all by default; see :meth:`TwinEnv.inject`."""
        for row in range(self.num_envs) if rows is None else rows:
            if self.batch.status[row] == RUNNING:
                self.batch.experiments.inject(self.batch.worlds, row, what)

    def _read_mask(self, mask: Any) -> Bools:
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] is {mask!r}, expected a numpy array of bools")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(f"options['reset_mask'] is {mask!r}, expected {self.num_envs} bools, one true at least")
        return mask

    def _observations(self) -> Any:
        return self.layout.present(self.batch.observations)

    @property
    def episode_seeds(self) -> NDArray[np.uint64]:
        """Number of each row's episode, shape ``(num_envs,)``."""
        seeds: NDArray[np.uint64] = self.batch.worlds["seed"].copy()
        return seeds

    def _infos(self, wanted: Bools) -> dict[str, Any]:
        """Return the info of rows, a column per key; the others hold zeros and are masked."""
        if not wanted.any():
            return {}
        table, keys = np.where(wanted[:, None], self.batch.infos, 0.0), self.definition.info.keys
        columns = {key: np.ascontiguousarray(table[:, place]) for place, key in enumerate(keys)}
        return columns | {f"_{key}": wanted.copy() for key in keys}
