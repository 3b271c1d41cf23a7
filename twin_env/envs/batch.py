"""N worlds stepped by one compiled call: what every environment is made of.

The single environment is a batch of one, ``gymnasium.make_vec`` and stable-baselines3 get a
batch of many; there is one simulator. Rows know nothing of each other, so a row gives
the same bytes in any batch and on any number of threads.
"""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.core import codes
from twin_env.core.jit import i64, kernel
from twin_env.core.rng import TASK_STREAM, stream_key, uniform
from twin_env.core.world import create_worlds, raw, start
from twin_env.envs.actions import CHOICES, ORDERS, act_orders, act_schedule, mask_choices
from twin_env.envs.config import ExecutionConfig, OrdersAction, ScheduleAction
from twin_env.envs.info import DRIFT_REWARD, EXECUTION_REWARD, INFO_KEYS, write_info
from twin_env.envs.observations import Layout, observe
from twin_env.envs.rules import ANY_SIDE, NO_END, compile_rules
from twin_env.envs.task import OUT_OF_DATA, OVER, RUNNING, TASK, begin, run
from twin_env.market.market import Market

IDLE: Final = 3  # status of a row before its first episode
ANY_START: Final = -1


class Batch:
    """Worlds of one configuration, their parent orders, and what is seen of them.

    Attributes:
        config: What the rows are made of.
        market: The market they trade in.
        layout: Of an observation.
        count: Rows.
        worlds: Record array, a world per row.
        tasks: ``TASK`` array, a parent order per row.
        observation_space: Of one row.
        action_space: Of one row.
        observations: float32 of shape ``(count, len(layout))``, written anew at every step.
        infos: float64 of shape ``(count, len(INFO_KEYS))``, likewise.
        rewards: float64 of shape ``(count,)``, likewise.
        status: int64 of shape ``(count,)``: ``RUNNING``, ``OVER``, ``OUT_OF_DATA`` or ``IDLE``.
    """

    def __init__(self, config: ExecutionConfig, count: int = 1, threads: int = 1) -> None:
        self.config = config
        self.count = count
        self.market = Market(config.market, config.links)
        self.rules = compile_rules(config, self.market)
        slots = int(self.rules["slots"][0])
        self.layout = Layout(config.observation.levels, slots)
        self.worlds = create_worlds(self.market.config.capacities, count)
        self.tasks = np.zeros(count, TASK)
        self.observation_space = gym.spaces.Box(*self.layout.bounds(), dtype=np.float32)
        self.action_space = _action_space(config.action)
        self.observations = np.zeros((count, len(self.layout)), np.float32)
        self.infos = np.zeros((count, len(INFO_KEYS)), np.float64)
        self.rewards = np.zeros(count, np.float64)
        self.status = np.full(count, IDLE)
        nvec = getattr(self.action_space, "nvec", None)
        self._least: Any = -1.0 if nvec is None else 0
        self._most: Any = 1.0 if nvec is None else nvec - 1
        self._shape = self.action_space.shape or ()
        self._numbers = np.zeros((count, max(3 * slots, 1)), np.int64)
        self._rates = np.zeros(count, np.float64)
        self._threads = min(threads, count)
        self._pool: ThreadPoolExecutor | None = None

    def start(
        self, chosen: NDArray[np.bool_], seeds: NDArray[np.uint64], side: int = ANY_SIDE, start_ns: int = ANY_START
    ) -> None:
        """Begin an episode in each chosen row.

        Args:
            chosen: Bool of shape ``(count,)``.
            seeds: uint64 of shape ``(count,)``: name the random streams of the episodes.
            side: Of the parent orders; by default what the configuration says.
            start_ns: Start of the episodes after the market's first moment; drawn by default.
        """
        template = raw(self.market.template)
        market, bytes_, tasks = self.market, raw(self.worlds), self.tasks.view(np.uint8).reshape(self.count, -1)
        self._share_out(
            lambda first, last: _start_rows(
                first, last, chosen, self.worlds, bytes_, template, market.opening, market.tape, market.anchors,
                self.tasks, tasks, self.rules, seeds, side, start_ns,
                self.observations, self.infos, self.rewards, self.status,
            )
        )  # fmt: skip

    def step(self, chosen: NDArray[np.bool_], actions: NDArray[Any]) -> None:
        """Carry out an action in each chosen row and let a step pass.

        Args:
            chosen: Bool of shape ``(count,)``; their episodes are running.
            actions: One action per row, checked by :meth:`check`.
        """
        if isinstance(self.config.action, OrdersAction):
            self._numbers[:] = actions
        else:
            self._rates[:] = actions[:, 0]
        self._share_out(
            lambda first, last: _step_rows(
                first, last, chosen, self.worlds, self.tasks, self.rules, self.market.tape, self._numbers, self._rates,
                self.observations, self.infos, self.rewards, self.status,
            )
        )  # fmt: skip

    def check(self, actions: Any, chosen: NDArray[np.bool_]) -> NDArray[Any]:
        """Return actions as an array of one per row.

        Raises:
            ValueError: One of a chosen row is not in the action space; says which number it is.
        """
        numbers, space = np.asarray(actions), self.action_space
        discrete = isinstance(space, gym.spaces.MultiDiscrete)
        if numbers.shape != (self.count, *self._shape) or numbers.dtype.kind not in ("iu" if discrete else "fiu"):
            raise ValueError(f"action={actions!r} is not in {self._named(space)}")
        if ((numbers >= self._least) & (numbers <= self._most) | ~chosen[:, None]).all():
            return numbers
        bad = np.argwhere(~((numbers >= self._least) & (numbers <= self._most)) & chosen[:, None])
        row, entry = bad[0].tolist()
        where = f"entry {entry}" if self.count == 1 else f"row {row}, entry {entry}"
        shown = numbers[row] if self.count == 1 else numbers
        raise ValueError(f"action={shown!r} is not in {self._named(space)}: {where} is {numbers[row, entry]}")

    def _named(self, space: gym.Space[Any]) -> str:
        return f"{space}" if self.count == 1 else f"{self.count} times {space}"

    def fork(self) -> "Batch":
        """Return a batch that stands where this one stands; they share the market, and nothing that changes."""
        twin = copy.copy(self)
        twin.worlds, twin.tasks = self.worlds.copy(), self.tasks.copy()
        twin.observations, twin.infos = self.observations.copy(), self.infos.copy()
        twin.rewards, twin.status = self.rewards.copy(), self.status.copy()
        twin._numbers, twin._rates = self._numbers.copy(), self._rates.copy()
        return twin

    def masks(self) -> NDArray[np.bool_]:
        """Return which numbers of an ``orders`` action do something now, shape ``(count, sum(nvec))``.

        Raises:
            TypeError: The action is not one of choices.
        """
        if not isinstance(self.config.action, OrdersAction):
            raise TypeError("action_masks() needs the codec 'orders': a Box has no choices to mask")
        masks = np.ones((self.count, int(self._most.sum()) + len(self._most)), np.bool_)
        _mask_rows(self.worlds, self.tasks, self.rules, masks)
        return masks

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes along: everything but the threads."""
        return self.__dict__ | {"_pool": None}

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


def _action_space(action: OrdersAction | ScheduleAction) -> gym.Space[Any]:
    """Return the space of one row's actions."""
    if isinstance(action, OrdersAction):
        return gym.spaces.MultiDiscrete([CHOICES, len(action.offsets_ticks), len(action.sizes)] * action.slots)
    return gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


@kernel
def _start_rows(
    first: int,
    last: int,
    chosen: Any,
    worlds: Any,
    world_bytes: Any,
    template_bytes: Any,
    opening: Any,
    tape: Any,
    anchors: Any,
    tasks: Any,
    task_bytes: Any,
    rules: Any,
    seeds: Any,
    side: int,
    start_ns: int,
    observations: Any,
    infos: Any,
    rewards: Any,
    status: Any,
) -> None:
    """Begin an episode in each chosen row from ``first`` to before ``last``."""
    rule = rules[0]
    for index in range(first, last):
        if not chosen[index]:
            continue
        seed = seeds[index]
        key = stream_key(seed, TASK_STREAM, 0)
        own_side = i64(rule.side if side == ANY_SIDE else side)
        if own_side == ANY_SIDE:
            own_side = codes.BUY if uniform(key, 0) < 0.5 else codes.SELL
        at_ns = start_ns
        if at_ns == ANY_START:
            at_ns = 0 if rule.room_ns == NO_END else i64(uniform(key, 1) * rule.room_ns)
        at_ns += rule.first_ns
        start(worlds, index, world_bytes, template_bytes, opening, tape, anchors, seed, at_ns)
        task_bytes[index, :] = 0
        lots = i64(rule.lots + uniform(key, 2) * (rule.lots_more + 1))
        begin(worlds[index], tasks[index], rule, own_side, lots)
        status[index] = RUNNING
        rewards[index] = _show(worlds[index], tasks[index], rule, observations[index], infos[index])


@kernel
def _step_rows(
    first: int,
    last: int,
    chosen: Any,
    worlds: Any,
    tasks: Any,
    rules: Any,
    tape: Any,
    numbers: Any,
    rates: Any,
    observations: Any,
    infos: Any,
    rewards: Any,
    status: Any,
) -> None:
    """Act, and let a step pass, in each chosen row from ``first`` to before ``last``."""
    rule = rules[0]
    for index in range(first, last):
        if not chosen[index]:
            continue
        world = worlds[index]
        task = tasks[index]
        if rule.codec == ORDERS:
            act_orders(world, task, rule, numbers[index])
        else:
            act_schedule(world, task, rule, rates[index])
        status[index] = run(world, task, tape)
        rewards[index] = _show(world, task, rule, observations[index], infos[index])


@kernel
def _mask_rows(worlds: Any, tasks: Any, rules: Any, masks: Any) -> None:
    """Mask the choices of each slot: nothing but *keep* moves an order that waits for an answer."""
    rule = rules[0]
    width = CHOICES + rule.offset_choices + rule.size_choices
    for index in range(masks.shape[0]):
        for slot in range(rule.slots):
            mask_choices(worlds[index], tasks[index], slot, masks[index, slot * width : slot * width + CHOICES])


@kernel
def _show(world: Any, task: Any, rule: Any, observation: Any, info: Any) -> float:
    """Write what a row shows and return its reward; of a start it is zero."""
    observe(world, task, i64(rule.levels), i64(rule.slots), observation)
    write_info(world, task, info)
    return float(rule.execution_weight * info[EXECUTION_REWARD] + rule.drift_weight * info[DRIFT_REWARD])


__all__ = ["ANY_START", "IDLE", "OUT_OF_DATA", "OVER", "RUNNING", "Batch"]
