"""The single environment: a batch of one behind Gymnasium's interface."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.experiment import Experiment
from twin_env.core.state.seed import check_seed, draw_number
from twin_env.core.stream import ALL_PLANES
from twin_env.envs.batch import Batch
from twin_env.envs.definition import EnvDefinition
from twin_env.envs.episode_status import OUT_OF_DATA, OVER, RUNNING
from twin_env.envs.info import SEED
from twin_env.envs.options import (
    RENDER_FPS,
    RENDER_MODES,
    check_info_level,
    check_render_mode,
    experiment_info,
    read_options,
    split_experiment,
)
from twin_env.envs.state import pack, unpack
from twin_env.twin.stream import Stream
from twin_env.twin.twin import Twin

_THIS: Final = np.ones(1, np.bool_)


class TwinEnv(gym.Env[Any, Any]):
    """What all single environments of twin_env share; each names its ``definition``.

    Attributes:
        config: What it is made of.
        layout: Of its observations.
        market: The market it trades in.
        batch: The batch of one that it is.
    """

    definition: ClassVar[EnvDefinition]
    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | Any | None = None,
        render_mode: str | None = None,
        info_level: str = "step",
        **overrides: Any,
    ) -> None:
        self.config = self.definition.load_config(config, **overrides)
        self.render_mode = check_render_mode(render_mode)
        self.info_level = check_info_level(info_level)
        self.batch = Batch(self.definition, self.config)
        self.market = self.batch.market
        self.layout = self.batch.layout
        self.observation_space = self.batch.observation_space
        self.action_space = self.batch.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Number of the episode, from 0 to 2^63 - 1: it is the seed of its world. Without one the number is
                drawn, below 2^31. It is in the info as ``seed``.
            options: Fix what is drawn otherwise; the class says which there are. ``experiment`` says what goes wrong in
                this episode: a model, its keys, a file, ``library:NAME`` or a sentence. Other keys are refused.

        Raises:
            ValueError: An option is impossible, or the experiment does not fit the market.
        """
        options, source = split_experiment(options)
        read = read_options(options, self.batch)
        number = None if seed is None else check_seed(seed)
        super().reset(seed=number)
        seed = draw_number(self.np_random) if number is None else number
        self.batch.start(_THIS, np.array([seed], np.uint64), read, [source])
        observation, info = self._look(self.info_level == "step")
        if self.info_level != "none":
            info |= {SEED: float(self.episode_seed)} | experiment_info(self.experiment)
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Send the action's orders and let ``step_s`` pass.

        Raises:
            ValueError: The action is not in the action space.
            gymnasium.error.ResetNeeded: The episode is over or never began.
        """
        batch = self.batch
        if batch.status[0] != RUNNING:
            raise gym.error.ResetNeeded("step() was called on an episode that is over; call reset() first")
        batch.step(_THIS, batch.check(np.asarray(action)[None], _THIS))
        status = int(batch.status[0])
        observation, info = self._look(
            self.info_level == "step" or (self.info_level == "episode" and status != RUNNING)
        )
        return observation, float(batch.rewards[0]), status == OVER, status == OUT_OF_DATA, info

    def render(self) -> Any:
        """Return the depth ladder: text for ``ansi``, uint8 of shape (height, width, 3) for ``rgb_array``."""
        if self.render_mode is None:
            gym.logger.warn("render() without a render_mode: pass render_mode='ansi' or 'rgb_array' to gymnasium.make")
            return None
        from twin_env.envs.rendering.render import draw_ansi, draw_rgb  # only who draws pays for it

        draw = draw_ansi if self.render_mode == "ansi" else draw_rgb
        return draw(self.world, self.task, self.market.instrument)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which choices of an action do something now, as MaskablePPO of sb3-contrib asks for it.

        Shape ``(sum(action_space.nvec),)``, or ``(action_space.n,)`` of a table: all numbers of the first
        entry, then of the second, and so on.

        Raises:
            TypeError: The action is not one of choices.
        """
        mask: NDArray[np.bool_] = self.batch.masks()[0]
        return mask

    def fork(self) -> Self:
        """Return an environment that stands where this one stands and goes its own way from here.

        A planner tries an action in a fork and forgets it. A fork shares the market and its tape, so it costs
        a copy of the world. Reset without a seed, both would draw the same next episodes.
        """
        twin = copy.copy(self)
        twin.batch = self.batch.fork()
        twin.action_space = copy.deepcopy(self.action_space)  # with the generator of its samples
        twin._np_random = copy.deepcopy(self._np_random)
        return twin

    def get_state(self) -> bytes:
        """Return where the episode stands, as bytes for :meth:`set_state` of an environment with this configuration."""
        return pack(self.batch, 0, self.np_random)

    def set_state(self, state: bytes) -> None:
        """Go to where :meth:`get_state` was called.

        Raises:
            StateError: The bytes are not a state, or that of another version, configuration or market.
        """
        self._np_random = unpack(state, self.batch, 0)

    @property
    def experiment(self) -> Experiment:
        """What goes wrong in this episode."""
        return self.batch.experiments.current[0]

    def inject(self, what: Any) -> Experiment:
        """Let something go wrong from now on, beside what the episode has.

        Args:
            what: A fault or its keys, or anything that names an experiment; its times count from now.

        Returns:
            What was injected.

        Raises:
            ConfigError: It does not fit the market, or there is no room for it.
            gymnasium.error.ResetNeeded: The episode is over or never began.
        """
        if self.batch.status[0] != RUNNING:
            raise gym.error.ResetNeeded("inject() was called on an episode that is over; call reset() first")
        return self.batch.experiments.inject(self.batch.worlds, 0, what)

    def watch(self, planes: int = ALL_PLANES, keep: int | None = None) -> Stream:
        """Let everything that happens be written into a stream from now on; see :meth:`Batch.watch`."""
        return self.batch.watch(0, planes, keep)

    def twin(self) -> Twin:
        """Return a running market that stands where the episode stands; see :meth:`Batch.twin`."""
        return self.batch.twin(0)

    @property
    def world(self) -> Any:
        """The world's record: the whole truth, for tests, reports and debuggers, not for policies."""
        return self.batch.worlds[0]

    @property
    def task(self) -> Any:
        """The record of what the episode is about."""
        return self.batch.tasks[0]

    @property
    def episode_seed(self) -> int:
        """Number of the episode: ``reset(seed=...)`` with it plays the same market again."""
        return int(self.batch.worlds["seed"][0])

    @property
    def event_hash(self) -> int:
        """Hash of everything that the exchange did since the world began."""
        return int(self.batch.worlds["event_hash"][0])

    @property
    def alpha_micro(self) -> tuple[int, ...]:
        """The alpha split in 1e-6 of the account currency, in the order of ``definition.info.alpha_keys``."""
        return tuple(self.batch.tasks["parts"][0].tolist())

    def _look(self, with_info: bool) -> tuple[Any, dict[str, Any]]:
        batch = self.batch
        info = self.definition.info.as_dict(batch.infos[0]) if with_info else {}
        return self.layout.present(batch.observations[0]), info
