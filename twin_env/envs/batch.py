"""N worlds stepped by one compiled call: what every environment is made of.

The single environment is a batch of one, ``gymnasium.make_vec`` and stable-baselines3 get a
batch of many; there is one simulator. Rows know nothing of each other, so a row gives
the same bytes in any batch and on any number of threads.
"""

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.jit import compiled_for
from twin_env.core.state.world import create_worlds, raw
from twin_env.core.stream import ALL_PLANES
from twin_env.envs.definition import EnvDefinition, ResetOptions
from twin_env.envs.episode_status import IDLE, OUT_OF_DATA, OVER
from twin_env.envs.experiments import EpisodeExperiments, ExperimentSource
from twin_env.envs.row_reader import RowReader
from twin_env.envs.rows import BatchArrays
from twin_env.envs.watched_rows import WatchedRows
from twin_env.market.market import Market
from twin_env.twin.stream import ROOM, Stream
from twin_env.twin.twin import Twin

RowCode = Callable[[BatchArrays, int, int], None]
_CODE: Final = ("_start_code", "_step_code")  # found once, when first needed


class Batch:
    """Worlds of one configuration, what each is busy with, and what is seen of them.

    Attributes:
        definition: The kind of environment.
        config: What the rows are made of.
        market: The market they trade in.
        experiments: What goes wrong in each row.
        params: What the kernels need of the configuration.
        layout: Of an observation.
        count: Rows.
        worlds: Record array, a world per row.
        tasks: Record array of ``definition.task``, one per row.
        horizon_s: How long an episode lasts at most, in seconds.
        observation_space: Of one row.
        action_space: Of one row.
        observations: float32 of shape ``(count, len(layout))``, flat, written anew at every step.
        infos: float64 of shape ``(count, len(definition.info))``, likewise.
        rewards: float64 of shape ``(count,)``, likewise.
        status: int64 of shape ``(count,)``: see :mod:`twin_env.envs.episode_status`.
        steps: int64 of shape ``(count,)``: taken in the present episode.
    """

    def __init__(
        self,
        definition: EnvDefinition,
        config: Any,
        count: int = 1,
        threads: int = 1,
        max_episode_steps: int | None = None,
    ) -> None:
        self.definition = definition
        self.config = config
        self.count = count
        self.market = Market(config.market, config.links)
        self.params = definition.compile_params(config, self.market)
        self.layout = definition.layout(config)
        self.horizon_s = definition.horizon_s(config, self.market)
        self.experiments = EpisodeExperiments(config.chaos, self.market, self.horizon_s, count)
        self.worlds = create_worlds(self.market.config.capacities, count)
        self.tasks = np.zeros(count, definition.task)
        self.observation_space = self.layout.space()
        self.action_space = definition.action_space(config.action)
        self.observations = np.zeros((count, len(self.layout)), np.float32)
        self.infos = np.zeros((count, len(definition.info)), np.float64)
        self.rewards = np.zeros(count, np.float64)
        self.status = np.full(count, IDLE)
        self.steps = np.zeros(count, np.int64)
        self._most_steps = np.iinfo(np.int64).max if max_episode_steps is None else max_episode_steps
        self._least, self._most = _limits(self.action_space)
        self._numbers = np.zeros((count, len(self._most)), np.int64)
        self._weights = np.zeros((count, len(self._most)), np.float64)
        self._chosen = np.zeros(count, np.bool_)
        self._seeds = np.zeros(count, np.uint64)
        self._options = np.array(definition.read_options({}, self.params), np.int64)
        self._threads = min(threads, count)
        self._pool: ThreadPoolExecutor | None = None
        self._watched = WatchedRows()
        self._bind()

    def start(
        self,
        chosen: NDArray[np.bool_],
        seeds: NDArray[np.uint64],
        options: ResetOptions = (),
        experiments: Sequence[ExperimentSource | None] = (),
    ) -> None:
        """Begin an episode in each chosen row.

        Args:
            chosen: Bool of shape ``(count,)``.
            seeds: uint64 of shape ``(count,)``: numbers of the episodes.
            options: What the options of the reset ask for, from ``definition.read_options``; nothing by default.
            experiments: What each row's reset wants to go wrong; ``None`` for what the configuration says.

        Raises:
            ConfigError: An experiment does not fit the market.
        """
        self.experiments.prepare(chosen, seeds, experiments)
        self.steps[chosen] = 0
        self._chosen[:] = chosen
        self._seeds[:] = seeds
        self._options[:] = options or self.definition.read_options({}, self.params)
        self._share_out(self._start_code)

    def step(self, chosen: NDArray[np.bool_], actions: NDArray[Any]) -> None:
        """Carry out an action in each chosen row and let a step pass.

        Args:
            chosen: Bool of shape ``(count,)``; their episodes are running.
            actions: One action per row, checked by :meth:`check`.
        """
        self.given[:] = actions.reshape(self.given.shape)
        self.steps[chosen] += 1
        self._chosen[:] = chosen
        if self._watched:
            self._watched.step(self._arrays, lambda: self._share_out(self._step_code))
        else:
            self._share_out(self._step_code)

    def watch(self, row: int, planes: int = ALL_PLANES, keep: int | None = None, room: int = ROOM) -> Stream:
        """Let a row write everything that happens in it into a stream, from its next step on.

        The bytes of the row do not change by it, and nothing is ever lost. A start is not written: what its world did
        before the first step belongs to no episode. The stream goes on over the row's episodes; a reader takes its
        ``end`` after a start for the cursor. Watching a row again returns the same stream, with more planes if it has
        to have more. Copies of a batch are not watched.

        Args:
            row: Which.
            planes: Which planes are written, bits of ``core.stream``.
            keep: How many of the latest rows of the stream are kept at least; ``None`` for all.
            room: Rows its buffer holds at first; it grows when a step makes more.

        Raises:
            IndexError: There is no such row.
            StreamError: There is no such plane.
        """
        self._check_row(row)
        return self._watched.watch(row, planes, keep, room)

    def unwatch(self, row: int) -> None:
        """Let a row write no more; its stream keeps what it has."""
        self._check_row(row)
        self._watched.streams.pop(row, None)

    def reader(self, row: int) -> RowReader:
        """Return what reads exchange, desk and ledger of a row.

        Raises:
            IndexError: There is no such row.
        """
        self._check_row(row)
        return RowReader(self.worlds, self.tasks, row)

    def twin(self, row: int) -> Twin:
        """Return a running market that stands where a row stands and goes its own way: orders of any kind, and time.

        The row itself goes on by :meth:`step` alone. Nothing acts for the task in the copy: it ends with nothing.

        Raises:
            IndexError: There is no such row.
        """
        self._check_row(row)
        return Twin.standing_at(self.market, raw(self.worlds)[row], self.experiments.current[row])

    def _check_row(self, row: int) -> None:
        if not 0 <= row < self.count:
            raise IndexError(f"row={row}, expected 0 to {self.count - 1}")

    @property
    def given(self) -> NDArray[Any]:
        """Actions of the latest step as the kernels got them: int64 or float64, shape ``(count, numbers)``."""
        return self._weights if isinstance(self.action_space, gym.spaces.Box) else self._numbers

    def check(self, actions: Any, chosen: NDArray[np.bool_]) -> NDArray[Any]:
        """Return actions as an array of one per row.

        Raises:
            ValueError: One of a chosen row is not in the action space; says which number it is.
        """
        given, space = np.asarray(actions), self.action_space
        kinds = "fiu" if isinstance(space, gym.spaces.Box) else "iu"
        if given.shape != (self.count, *(space.shape or ())) or given.dtype.kind not in kinds:
            raise ValueError(f"action={actions!r} is not in {self._named(space)}")
        numbers = given.reshape(self.count, -1)
        fine = (numbers >= self._least) & (numbers <= self._most) | ~chosen[:, None]
        if fine.all():
            return given
        row, entry = np.argwhere(~fine)[0].tolist()
        where = f"entry {entry}" if self.count == 1 else f"row {row}, entry {entry}"
        shown = given[row] if self.count == 1 else given
        raise ValueError(f"action={shown!r} is not in {self._named(space)}: {where} is {numbers[row, entry]}")

    def _named(self, space: gym.Space[Any]) -> str:
        return f"{space}" if self.count == 1 else f"{self.count} times {space}"

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """Which rows' tasks are over, shape ``(count,)``."""
        over: NDArray[np.bool_] = self.status == OVER
        return over

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """Which rows ran out of data or of steps, shape ``(count,)``."""
        cut: NDArray[np.bool_] = (self.status == OUT_OF_DATA) | (self.steps >= self._most_steps)
        return cut

    def fork(self) -> "Batch":
        """Return a batch that stands where this one stands; they share the market, and nothing that changes."""
        twin = copy.copy(self)
        twin.experiments = self.experiments.fork()
        twin.worlds, twin.tasks = _copied(self.worlds), _copied(self.tasks)
        twin.observations, twin.infos = self.observations.copy(), self.infos.copy()
        twin.rewards, twin.status, twin.steps = self.rewards.copy(), self.status.copy(), self.steps.copy()
        twin._numbers, twin._weights = self._numbers.copy(), self._weights.copy()
        twin._chosen, twin._seeds, twin._options = self._chosen.copy(), self._seeds.copy(), self._options.copy()
        twin.__dict__ |= {name: self.__dict__[name] for name in _CODE if name in self.__dict__}
        twin._bind()
        return twin

    def masks(self) -> NDArray[np.bool_]:
        """Return which choices of an action do something now, shape ``(count, choices)``.

        Raises:
            TypeError: The action is not one of choices.
        """
        if isinstance(self.action_space, gym.spaces.Box):
            raise TypeError(f"action_masks() needs an action of choices: {self.action_space} has none to mask")
        masks = np.ones((self.count, int(self._most.sum()) + len(self._most)), np.bool_)
        self.definition.rows.mask(self._arrays, masks)
        return masks

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    @cached_property
    def _start_code(self) -> RowCode:
        return compiled_for(self.definition.rows.start, self._arrays, 0, 0)

    @cached_property
    def _step_code(self) -> RowCode:
        return compiled_for(self.definition.rows.step, self._arrays, 0, 0)

    def _bind(self) -> None:
        """Tell the kernels where the arrays are, all of which keep their place from now on."""
        market = self.market
        self._arrays = BatchArrays(
            worlds=self.worlds,
            world_bytes=raw(self.worlds),
            template_bytes=raw(market.template),
            opening=market.opening,
            tape=market.tape,
            anchors=market.anchors,
            programs=self.experiments.programs,
            tasks=self.tasks,
            task_bytes=self.tasks.view(np.uint8).reshape(self.count, -1),
            params=self.params,
            chosen=self._chosen,
            seeds=self._seeds,
            options=self._options,
            numbers=self._numbers,
            weights=self._weights,
            observations=self.observations,
            infos=self.infos,
            rewards=self.rewards,
            status=self.status,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes along: neither threads and streams nor what it can find or compile again."""
        left = {"_pool", "_arrays", "_watched", *_CODE}
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._pool = None
        self._watched = WatchedRows()
        self._bind()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Batch":
        twin = copy.copy(self)
        memo[id(self)] = twin
        for name, value in self.__getstate__().items():
            setattr(twin, name, _copied(value) if name in ("worlds", "tasks") else copy.deepcopy(value, memo))
        twin._bind()
        return twin

    def _share_out(self, code: RowCode) -> None:
        """Run compiled code on all rows, in as many parts as there are threads."""
        if self._threads == 1:
            code(self._arrays, 0, self.count)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "twin_env")
        edges = [self.count * part // self._threads for part in range(self._threads + 1)]
        for done in [self._pool.submit(code, self._arrays, *span) for span in pairwise(edges)]:
            done.result()


def _copied(records: Any) -> Any:
    """Return a copy of records byte by byte: NumPy's own leaves what lies between their fields to chance."""
    twin = np.empty_like(records)
    raw(twin)[:] = raw(records)
    return twin


def _limits(space: gym.Space[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the smallest and the largest value of each number of an action."""
    if isinstance(space, gym.spaces.Discrete):
        return np.zeros(1, np.int64), np.array([space.n - 1])
    if isinstance(space, gym.spaces.MultiDiscrete):
        return np.zeros(len(space.nvec), np.int64), space.nvec - 1
    assert isinstance(space, gym.spaces.Box)
    return space.low, space.high
