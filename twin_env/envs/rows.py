"""Starting and stepping rows: one loop for all environments, compiled once for each task.

A task gives its hooks as a module. A kernel that closes over a module is cached under the module's name, the same in
every process; one that closed over the hooks themselves would be compiled anew in each (numba hashes a pickle of what
a kernel closes over, and that of a compiled function holds a number of the process).
"""

from types import ModuleType
from typing import Any, Final, NamedTuple

from twin_env.core.event_loop import advance
from twin_env.core.faults.engine import arm, fault_ns
from twin_env.core.ledger import split
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.rng import TASK_STREAM, stream_key
from twin_env.core.state.world import start
from twin_env.envs.episode_status import RUNNING, episode_status
from twin_env.envs.info import write_shared
from twin_env.envs.observation import fill_frames, remember_flow
from twin_env.envs.task import open_task

_MOMENT_NS: Final = 1_000_000  # between two looks at a market that is still coming up


class BatchArrays(NamedTuple):
    """Everything that the kernels of a batch read and write: built once, and the same arrays ever after.

    Attributes:
        worlds: Record array, a world per row.
        world_bytes: The same as uint8 of shape ``(rows, bytes)``.
        template_bytes: The world every episode is a copy of, uint8 of shape ``(1, bytes)``.
        opening: ``layout.OPENING`` array of one.
        tape: ``layout.MESSAGE`` array, the history that is played.
        anchors: int64, rows of the tape that lead a synthetic market.
        programs: ``layout.PROGRAM`` array, a row's faults.
        tasks: Record array, a task per row.
        task_bytes: The same as uint8 of shape ``(rows, bytes)``.
        params: Record array of one: what the kernels need of the configuration.
        chosen: bool of shape ``(rows,)``: which rows to start or to step.
        seeds: uint64 of shape ``(rows,)``: of the worlds to start.
        options: int64 of shape ``(options,)``: of the reset, ``NOT_GIVEN`` where it does not say.
        numbers: int64 of shape ``(rows, numbers)``: actions of choices.
        weights: float64 of shape ``(rows, numbers)``: actions of weights.
        observations: float32 of shape ``(rows, len(layout))``.
        infos: float64 of shape ``(rows, len(schema))``.
        rewards: float64 of shape ``(rows,)``.
        status: int64 of shape ``(rows,)``, see :mod:`twin_env.envs.episode_status`.
    """

    worlds: Any
    world_bytes: Any
    template_bytes: Any
    opening: Any
    tape: Any
    anchors: Any
    programs: Any
    tasks: Any
    task_bytes: Any
    params: Any
    chosen: Any
    seeds: Any
    options: Any
    numbers: Any
    weights: Any
    observations: Any
    infos: Any
    rewards: Any
    status: Any


class RowKernels(NamedTuple):
    """The kernels of one task.

    Attributes:
        start: ``(arrays, first, last)``: begins an episode in each chosen row from ``first`` to before ``last``.
        step: ``(arrays, first, last)``: acts, and lets a step pass, in the same rows.
        mask: ``(arrays, masks)``: writes which choices of an action do something now.
    """

    start: Any
    step: Any
    mask: Any


@kernel
def _await_market(world: Any, tape: Any) -> None:
    """Let time pass until the desk sees two sides: nothing can be decided before there is a price.

    A history without a book to begin with fills it in its first moments; one that never has two sides is played out.
    """
    count = world.desk.book.count
    while (count[0] == 0 or count[1] == 0) and world.tape_row < tape.shape[0]:
        advance(world, tape, world.now_ns + _MOMENT_NS)


def compile_rows(hooks: ModuleType) -> RowKernels:
    """Compile the loop over rows for a task.

    Args:
        hooks: A module of kernels, in the order in which the loop calls them:
            ``start_ns(params, options, key)`` returns when the episode starts; ``begin(world, task, params, options,
            key)`` takes the decision to trade, with draws from stream ``key``; ``act(world, task, params, numbers,
            weights)`` sends the orders of an action; ``advance_step(world, task, params, tape)`` lets a step pass and
            ends the task when it is over; ``settle(world, task, params)`` looks at what a step, or the start, left;
            ``observe(world, task, params, out)``; ``write_info(world, task, params, out)`` writes the task's own keys
            and the terms of the reward; ``write_masks(world, task, params, mask)``.
            And where, in an info, what all tasks share begins: ``SHARED_PLACE``, and the terms: ``REWARD_PLACE``.
    """

    @kernel
    def start_rows(arrays: Any, first: int, last: int) -> None:
        params = arrays.params[0]
        for index in range(first, last):
            if not arrays.chosen[index]:
                continue
            seed = arrays.seeds[index]
            key = stream_key(seed, TASK_STREAM, 0)
            start(
                arrays.worlds, index, arrays.world_bytes, arrays.template_bytes, arrays.opening, arrays.tape,
                arrays.anchors, seed, i64(hooks.start_ns(params, arrays.options, key)),
            )  # fmt: skip
            _await_market(arrays.worlds[index], arrays.tape)
            arm(arrays.worlds, index, arrays.programs, index)
            arrays.task_bytes[index, :] = 0
            world, task = arrays.worlds[index], arrays.tasks[index]
            open_task(world, task)
            hooks.begin(world, task, params, arrays.options, key)
            split(world, task.parts)
            hooks.settle(world, task, params)
            arrays.status[index] = RUNNING
            hooks.observe(world, task, params, arrays.observations[index])
            fill_frames(arrays.observations[index], i64(params.width))
            hooks.write_info(world, task, params, arrays.infos[index])
            write_shared(world, task, hooks.SHARED_PLACE, arrays.infos[index])
            arrays.rewards[index] = 0.0

    @kernel
    def step_rows(arrays: Any, first: int, last: int) -> None:
        params = arrays.params[0]
        for index in range(first, last):
            if not arrays.chosen[index]:
                continue
            world, task = arrays.worlds[index], arrays.tasks[index]
            hooks.act(world, task, params, arrays.numbers[index], arrays.weights[index])
            before_ns = world.now_ns
            task.fault_ns = fault_ns(world)
            task.last_mid = world.desk.mid
            task.steps += 1
            hooks.advance_step(world, task, params, arrays.tape)
            task.elapsed_ns = world.now_ns - before_ns
            remember_flow(world.desk, task)
            split(world, task.parts)
            arrays.status[index] = episode_status(world, task, arrays.tape)
            hooks.settle(world, task, params)
            hooks.observe(world, task, params, arrays.observations[index])
            hooks.write_info(world, task, params, arrays.infos[index])
            write_shared(world, task, hooks.SHARED_PLACE, arrays.infos[index])
            reward = 0.0
            for term in range(params.weights.shape[0]):
                reward += params.weights[term] * arrays.infos[index, hooks.REWARD_PLACE + term]
            arrays.rewards[index] = reward

    @kernel
    def mask_rows(arrays: Any, masks: Any) -> None:
        params = arrays.params[0]
        for index in range(masks.shape[0]):
            hooks.write_masks(arrays.worlds[index], arrays.tasks[index], params, masks[index])

    return RowKernels(start_rows, step_rows, mask_rows)
