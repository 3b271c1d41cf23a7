"""``TwinExecution-v0``: work a parent order through a delayed, reacting market."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.config import load_config
from twin_env.core import codes
from twin_env.core.rng import TASK_STREAM, stream_key, uniform
from twin_env.core.world import create_worlds
from twin_env.envs.actions import CHOICES, VALID, act_orders, act_schedule, lots_choices
from twin_env.envs.config import ExecutionConfig, OrdersAction, ScheduleAction
from twin_env.envs.info import INFO_KEYS, write_info
from twin_env.envs.observations import Layout, observe
from twin_env.envs.task import OUT_OF_DATA, OVER, TASK, begin, run
from twin_env.market.market import Market

_NS_PER_S: Final = 1e9
_SIDES: Final = {"buy": codes.BUY, "sell": codes.SELL}
DEFAULT_CONFIG: Final[dict[str, Any]] = {"market": "mgc_2025", "links": "retail"}


class TwinExecutionEnv(gym.Env[NDArray[np.float32], NDArray[Any]]):
    """Work a parent order through a live, delayed order book.

    ## Description
    A trader has decided to buy or sell ``task.lots`` lots within ``task.horizon_s`` seconds. Every
    ``task.step_s`` seconds the agent says what its child orders should do. They travel over a wire with
    delay and jitter, meet everybody else's orders in a full price-time order book, and the answers travel
    back. The agent sees the market as it reached its desk, never as it is.

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
        **overrides: Any,
    ) -> None:
        self.config = load_config(ExecutionConfig, DEFAULT_CONFIG if config is None else config, **overrides)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode={render_mode!r} is not one of {self.metadata['render_modes']}")
        self.render_mode = render_mode
        self.market = Market(self.config.market, self.config.links)
        self._worlds = create_worlds(self.market.config.capacities)
        self._tasks = np.zeros(1, TASK)
        action = self.config.action
        self._slots = action.slots if isinstance(action, OrdersAction) else 0
        self.layout = Layout(self.config.observation.levels, self._slots)
        self._observation = np.zeros(len(self.layout), np.float32)
        self._info = np.zeros(len(INFO_KEYS), np.float64)
        low, high = self.layout.bounds()
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)
        self.action_space = _action_space(action)
        if isinstance(action, OrdersAction):
            self._offsets = np.array(action.offsets_ticks, np.int64)
            self._lots = lots_choices(action.sizes, self.config.task.lots)
        self._running = False

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
        options = _check_options(options)
        world_seed = int(self.np_random.integers(2**63))
        key = np.uint64(stream_key(np.uint64(world_seed), TASK_STREAM, 0))
        task = self.config.task
        wanted = options.get("side", task.side)
        side = _SIDES.get(wanted) or (codes.BUY if uniform(key, 0) < 0.5 else codes.SELL)
        start_ns = self._start_ns(options.get("start_s"), uniform(key, 1))
        self.market.start(self._worlds, 0, seed=world_seed, start_ns=start_ns)
        record = self._tasks[0]
        self._tasks[:] = np.zeros(1, TASK)
        record.end_ns = round(task.horizon_s * _NS_PER_S)
        record.step_ns = round(task.step_s * _NS_PER_S)
        record.grace_ns = round(task.grace_s * _NS_PER_S)
        record.sweep = task.leftover == "sweep"
        begin(self._worlds, self._tasks, 0, side, task.lots)
        self._running = True
        return self._look()

    def step(self, action: NDArray[Any]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Send the action's orders and let ``step_s`` pass.

        Raises:
            ValueError: The action is not in the action space.
            gymnasium.error.ResetNeeded: The episode is over or never began.
        """
        if not self._running:
            raise gym.error.ResetNeeded("step() was called on an episode that is over; call reset() first")
        self._act(action)
        status = run(self._worlds, self._tasks, 0, self.market.tape)
        observation, info = self._look()
        terminated, truncated = status == OVER, status == OUT_OF_DATA
        self._running = not (terminated or truncated)
        weights = self.config.reward
        reward = weights.execution * info["reward/execution"] + weights.drift * info["reward/drift"]
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        """Return the depth ladder: text for ``ansi``, uint8 of shape (height, width, 3) for ``rgb_array``."""
        if self.render_mode is None:
            gym.logger.warn("render() without a render_mode: pass render_mode='ansi' or 'rgb_array' to gymnasium.make")
            return None
        from twin_env.envs.render import draw_ansi, draw_rgb  # only who draws pays for it

        draw = draw_ansi if self.render_mode == "ansi" else draw_rgb
        return draw(self._worlds[0], self._tasks[0], self.market.instrument)

    @property
    def world(self) -> Any:
        """The world's record: the whole truth, for tests, reports and debuggers, not for policies."""
        return self._worlds[0]

    @property
    def task(self) -> Any:
        """The parent order's record."""
        return self._tasks[0]

    def _act(self, action: NDArray[Any]) -> None:
        if isinstance(self.config.action, OrdersAction):
            numbers = np.asarray(action)
            if numbers.shape != self.action_space.shape or numbers.dtype.kind not in "iu":
                raise ValueError(f"action={action!r} is not in {self.action_space}")
            bad = act_orders(self._worlds, self._tasks, 0, numbers.astype(np.int64), self._offsets, self._lots)
        else:
            numbers = np.asarray(action, np.float64)
            if numbers.shape != self.action_space.shape:
                raise ValueError(f"action={action!r} is not in {self.action_space}")
            limit = self.config.action.max_participation
            bad = act_schedule(self._worlds, self._tasks, 0, float(numbers[0]), limit)
        if bad != VALID:
            raise ValueError(f"action={action!r} is not in {self.action_space}: entry {bad} is {numbers[bad]}")

    def _look(self) -> tuple[NDArray[np.float32], dict[str, Any]]:
        observe(self._worlds, self._tasks, 0, self.layout.levels, self._slots, self._observation)
        write_info(self._worlds, self._tasks, 0, self._info)
        return self._observation.copy(), dict(zip(INFO_KEYS, self._info.tolist(), strict=True))

    def _start_ns(self, start_s: float | None, draw: float) -> int:
        """Choose when the episode starts: given, or drawn so that the horizon fits into the history."""
        first_ns, last_ns = self.market.first_ns, self.market.last_ns
        if last_ns is None:
            return first_ns
        task = self.config.task
        room_ns = last_ns - first_ns - round((task.horizon_s + task.grace_s) * _NS_PER_S)
        if room_ns < 0:
            raise ValueError(
                f"task.horizon_s={task.horizon_s} and grace_s={task.grace_s} do not fit into the history, "
                f"which spans {(last_ns - first_ns) / _NS_PER_S:.0f} s"
            )
        if start_s is None:
            return first_ns + int(draw * room_ns)
        if not 0 <= start_s * _NS_PER_S <= room_ns:
            raise ValueError(f"options['start_s']={start_s} is not between 0 and {room_ns / _NS_PER_S:.0f}")
        return first_ns + round(start_s * _NS_PER_S)


def _action_space(action: OrdersAction | ScheduleAction) -> gym.Space[Any]:
    if isinstance(action, OrdersAction):
        return gym.spaces.MultiDiscrete([CHOICES, len(action.offsets_ticks), len(action.sizes)] * action.slots)
    return gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


def _check_options(options: dict[str, Any] | None) -> dict[str, Any]:
    options = dict(options or {})
    for key, value in options.items():
        if key not in ("side", "start_s"):
            raise ValueError(f"options key {key!r} is unknown, expected 'side' or 'start_s'")
        if key == "side" and value not in _SIDES:
            raise ValueError(f"options['side']={value!r} is not 'buy' or 'sell'")
    return options
