"""``TwinExecution-v0``: work a parent order through a delayed, reacting market."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.config import load_config
from twin_env.envs.batch import Batch
from twin_env.envs.config import ExecutionConfig
from twin_env.envs.info import INFO_KEYS
from twin_env.envs.options import check_info_level, draw_seeds, read_options
from twin_env.envs.state import pack, unpack
from twin_env.envs.task import OUT_OF_DATA, OVER, RUNNING

DEFAULT_CONFIG: Final[dict[str, Any]] = {"market": "mgc_2025", "links": "retail"}
_THIS: Final = np.ones(1, np.bool_)


class TwinExecutionEnv(gym.Env[NDArray[np.float32], NDArray[Any]]):
    """Work a parent order through a live, delayed order book.

    ## Description
    A trader has decided to buy or sell ``task.lots`` lots (of two numbers: a size drawn between them) within
    ``task.horizon_s`` seconds. Every ``task.step_s`` seconds the agent says what its child orders should do.
    They travel over a wire with delay and jitter, meet everybody else's orders in a full price-time order book,
    and the answers travel back. The agent sees the market as it reached its desk, never as it is.

    ## Action Space
    ``action.codec: orders`` (default): ``MultiDiscrete([4, offsets, sizes] * slots)``, three numbers for
    each order slot:

    | Num | Meaning | Values |
    |---|---|---|
    | 0 | choice | 0 keep, 1 cancel, 2 limit, 3 market |
    | 1 | price of a limit | index into ``action.offsets_ticks``: ticks behind the own touch |
    | 2 | size | index into ``action.sizes``: fraction of the parent order, at least one lot |

    *Keep* sends nothing, so the order keeps its place in the queue. A limit for a live order replaces it
    (smaller at the same price keeps the place); one that changes nothing sends nothing. Sizes are cut to what
    is neither filled nor committed, so the parent cannot be overfilled. A slot with an unanswered request
    is left alone. ``action.codec: schedule``: ``Box(-1, 1, (1,))``; -1 trades nothing, +1 takes
    ``action.max_participation`` of the volume printed since the last step.

    ## Observation Space
    ``Box`` of float32, shape ``(len(env.unwrapped.layout),)``. Groups, in order: the task (time left,
    remaining, uncommitted, size, side), the market (spread, drift since the decision and since the last step,
    imbalance), ``observation.levels`` levels of each side (distance from the own touch, lots), the flow since
    the last step (volume with and against, prints, messages), the wire (feed age, round trip, unanswered requests,
    gap), and per slot (live, pending, distance, lots left, lots ahead). docs/environment.md has the whole table with
    units and ranges; ``layout.decode(observation)`` gives names and units back. Prices are signed by
    the side, so buying and selling look alike.

    ## Rewards
    A weighted sum of named terms, each in ``info``:

    | Term | Weight | Meaning |
    |---|---|---|
    | ``reward/execution`` | ``reward.execution``, 1 | increment of execution alpha, bps of the parent's notional |
    | ``reward/drift`` | ``reward.drift``, 0 | what the efficient price's move cost on the lots not yet filled |

    With the default weights the sum over an episode is minus the implementation shortfall, ``-info["exec/is_bps"]``.
    The second term has mean zero under any policy: at weight 1 the reward keeps its mean and loses most of its noise.

    ## Starting State
    A synthetic market after ``warm_up_s`` seconds of its own, or a history at a time drawn from the seed. The desk
    holds a fresh snapshot and has no orders. The side is drawn where ``task.side`` is ``random``.

    ## Episode End
    Terminated when the desk knows that everything is filled, or at the deadline: the deadline is part of
    the task. ``task.leftover: sweep`` then cancels what rests and sends a market order for the rest, within
    ``task.grace_s``; ``mark`` values it at the mid. Truncated when a history ends first.

    ## Information
    Flat float keys, the same at every step: ``alpha/*`` (the split, account currency, cumulative), ``exec/*``,
    ``chaos/*``, ``link/*``, ``reward/*``. They are the exchange's truth: for reports, not for policies.

    ## Arguments
    ``config``: a preset's path, a mapping or an ``ExecutionConfig``; further keyword arguments override single
    keys, e.g. ``gymnasium.make("TwinExecution-v0", links="colocated", task={"lots": 50})``.
    ``info_level`` is ``step`` (default), ``episode`` (info at the end of an episode only) or ``none``.
    ``reset(options=...)`` takes ``side`` and ``start_s``.

    ## Version History
    * v0: first release.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 10,
    }

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | ExecutionConfig | None = None,
        render_mode: str | None = None,
        info_level: str = "step",
        **overrides: Any,
    ) -> None:
        self.config = load_config(ExecutionConfig, DEFAULT_CONFIG if config is None else config, **overrides)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode={render_mode!r} is not one of {self.metadata['render_modes']}")
        self.render_mode = render_mode
        self.info_level = check_info_level(info_level)
        self.batch = Batch(self.config)
        self.market = self.batch.market
        self.layout = self.batch.layout
        self.observation_space = self.batch.observation_space
        self.action_space = self.batch.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Names every random stream of the episode.
            options: ``side`` ("buy" or "sell") and ``start_s`` (seconds after the history's start) fix what
                is drawn otherwise; other keys are refused.
        """
        super().reset(seed=seed)
        wishes = read_options(options, self.batch)
        self.batch.start(_THIS, draw_seeds([self.np_random], _THIS), *wishes)
        return self._look(self.info_level == "step")

    def step(self, action: NDArray[Any]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
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
        from twin_env.envs.render import draw_ansi, draw_rgb  # only who draws pays for it

        draw = draw_ansi if self.render_mode == "ansi" else draw_rgb
        return draw(self.world, self.task, self.market.instrument)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which numbers of an ``orders`` action do something now, as MaskablePPO of sb3-contrib asks for it.

        Shape ``(sum(action_space.nvec),)``: all numbers of the first entry, then of the second, and so on.

        Raises:
            TypeError: The action is not one of choices.
        """
        mask: NDArray[np.bool_] = self.batch.masks()[0]
        return mask

    def fork(self) -> "TwinExecutionEnv":
        """Return an environment that stands where this one stands and goes its own way from here.

        A planner tries an action in a fork and forgets it. A fork shares the market and its tape, so it costs
        a copy of the world. Reset without a seed, both would draw the same next episodes.
        """
        twin = copy.copy(self)
        twin.batch = self.batch.fork()
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
    def world(self) -> Any:
        """The world's record: the whole truth, for tests, reports and debuggers, not for policies."""
        return self.batch.worlds[0]

    @property
    def task(self) -> Any:
        """The parent order's record."""
        return self.batch.tasks[0]

    def _look(self, told: bool) -> tuple[NDArray[np.float32], dict[str, Any]]:
        info = dict(zip(INFO_KEYS, self.batch.infos[0].tolist(), strict=True)) if told else {}
        return self.batch.observations[0].copy(), info
