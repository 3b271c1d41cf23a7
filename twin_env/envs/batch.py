"""N worlds stepped by one compiled call: what every environment is made of.

The single environment is a batch of one, ``gymnasium.make_vec`` and stable-baselines3 get a
batch of many; there is one simulator. Rows know nothing of each other, so a row gives
the same bytes in any batch and on any number of threads.
"""

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.world import create_worlds, raw
from twin_env.envs.definition import ANY, Face, Wishes
from twin_env.envs.experiments import Asked, Monkey
from twin_env.envs.status import IDLE, OUT_OF_DATA, OVER
from twin_env.market.market import Market


class Batch:
    """Worlds of one configuration, what each is busy with, and what is seen of them.

    Attributes:
        face: The kind of environment.
        config: What the rows are made of.
        market: The market they trade in.
        monkey: What goes wrong in each row.
        rules: What the kernels need of the configuration.
        layout: Of an observation.
        count: Rows.
        worlds: Record array, a world per row.
        tasks: Record array of ``face.task``, one per row.
        observation_space: Of one row.
        action_space: Of one row.
        observations: float32 of shape ``(count, len(layout))``, flat, written anew at every step.
        infos: float64 of shape ``(count, len(face.info_keys))``, likewise.
        rewards: float64 of shape ``(count,)``, likewise.
        status: int64 of shape ``(count,)``: see :mod:`twin_env.envs.status`.
        steps: int64 of shape ``(count,)``: taken in the present episode.
    """

    def __init__(
        self, face: Face, config: Any, count: int = 1, threads: int = 1, max_episode_steps: int | None = None
    ) -> None:
        self.face = face
        self.config = config
        self.count = count
        self.market = Market(config.market, config.links)
        self.rules = face.compile_rules(config, self.market)
        self.layout = face.layout(config)
        self.monkey = Monkey(config.chaos, self.market, face.horizon_s(config), count)
        self.worlds = create_worlds(self.market.config.capacities, count)
        self.tasks = np.zeros(count, face.task)
        self.observation_space = self.layout.space()
        self.action_space = face.action_space(config.action)
        self.observations = np.zeros((count, len(self.layout)), np.float32)
        self.infos = np.zeros((count, len(face.info_keys)), np.float64)
        self.rewards = np.zeros(count, np.float64)
        self.status = np.full(count, IDLE)
        self.steps = np.zeros(count, np.int64)
        self._most_steps = np.iinfo(np.int64).max if max_episode_steps is None else max_episode_steps
        self._least, self._most = _limits(self.action_space)
        self._numbers = np.zeros((count, len(self._most)), np.int64)
        self._weights = np.zeros((count, len(self._most)), np.float64)
        self._threads = min(threads, count)
        self._pool: ThreadPoolExecutor | None = None

    def start(
        self,
        chosen: NDArray[np.bool_],
        seeds: NDArray[np.uint64],
        wishes: Wishes = (),
        experiments: Sequence[Asked | None] = (),
    ) -> None:
        """Begin an episode in each chosen row.

        Args:
            chosen: Bool of shape ``(count,)``.
            seeds: uint64 of shape ``(count,)``: name the random streams of the episodes.
            wishes: What the options of the reset ask for, from ``face.read_wishes``; nothing by default.
            experiments: What each row's reset wants to go wrong; ``None`` for what the configuration says.

        Raises:
            ConfigError: An experiment does not fit the market.
        """
        self.monkey.prepare(chosen, seeds, experiments)
        template = raw(self.market.template)
        market, bytes_, tasks = self.market, raw(self.worlds), self.tasks.view(np.uint8).reshape(self.count, -1)
        self.steps[chosen] = 0
        wanted = np.array(wishes or [ANY] * len(self.face.options), np.int64)
        self._share_out(
            lambda first, last: self.face.start_rows(
                first, last, chosen, self.worlds, bytes_, template, market.opening, market.tape, market.anchors,
                self.tasks, tasks, self.rules, self.monkey.programs, seeds, wanted,
                self.observations, self.infos, self.rewards, self.status,
            )
        )  # fmt: skip

    def step(self, chosen: NDArray[np.bool_], actions: NDArray[Any]) -> None:
        """Carry out an action in each chosen row and let a step pass.

        Args:
            chosen: Bool of shape ``(count,)``; their episodes are running.
            actions: One action per row, checked by :meth:`check`.
        """
        self.given[:] = actions.reshape(self.given.shape)
        self.steps[chosen] += 1
        self._share_out(
            lambda first, last: self.face.step_rows(
                first, last, chosen, self.worlds, self.tasks, self.rules, self.market.tape, self._numbers,
                self._weights, self.observations, self.infos, self.rewards, self.status,
            )
        )  # fmt: skip

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
        twin.monkey = self.monkey.fork()
        twin.worlds, twin.tasks = _copied(self.worlds), _copied(self.tasks)
        twin.observations, twin.infos = self.observations.copy(), self.infos.copy()
        twin.rewards, twin.status, twin.steps = self.rewards.copy(), self.status.copy(), self.steps.copy()
        twin._numbers, twin._weights = self._numbers.copy(), self._weights.copy()
        twin._pool = None
        return twin

    def masks(self) -> NDArray[np.bool_]:
        """Return which choices of an action do something now, shape ``(count, choices)``.

        Raises:
            TypeError: The action is not one of choices.
        """
        if isinstance(self.action_space, gym.spaces.Box):
            raise TypeError(f"action_masks() needs an action of choices: {self.action_space} has none to mask")
        masks = np.ones((self.count, int(self._most.sum()) + len(self._most)), np.bool_)
        self.face.mask_rows(self.worlds, self.tasks, self.rules, masks)
        return masks

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes along: everything but the threads."""
        return self.__dict__ | {"_pool": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> "Batch":
        twin = copy.copy(self)
        memo[id(self)] = twin
        for name, value in self.__getstate__().items():
            setattr(twin, name, _copied(value) if name in ("worlds", "tasks") else copy.deepcopy(value, memo))
        return twin

    def _share_out(self, work: Callable[[int, int], None]) -> None:
        """Do work on all rows, in as many parts as there are threads."""
        if self._threads == 1:
            work(0, self.count)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "twin_env")
        edges = [self.count * part // self._threads for part in range(self._threads + 1)]
        for done in [self._pool.submit(work, *span) for span in pairwise(edges)]:
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
