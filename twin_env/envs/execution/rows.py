"""Starting and stepping rows of execution environments: the kernels a batch calls."""

from typing import Any

from twin_env.core.faults.engine import arm
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.rng import TASK_STREAM, stream_key, uniform
from twin_env.core.state.world import start
from twin_env.envs.actions.ladder import act_ladder
from twin_env.envs.actions.orders import CHOICES, act_orders, act_table, mask_choices, mask_table
from twin_env.envs.actions.parent import catch_up, keep_participation
from twin_env.envs.actions.schedule import act_schedule
from twin_env.envs.definition import ANY
from twin_env.envs.execution.info import REWARDS, write_info
from twin_env.envs.execution.observations import observe, observe_first
from twin_env.envs.execution.rules import ANY_SIDE, LADDER, NO_END, ORDERS, TABLE
from twin_env.envs.execution.task import begin, run
from twin_env.envs.status import RUNNING


@kernel
def start_rows(
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
    programs: Any,
    seeds: Any,
    wishes: Any,
    observations: Any,
    infos: Any,
    rewards: Any,
    status: Any,
) -> None:
    """Begin an episode in each chosen row from ``first`` to before ``last``; ``face.Face`` has the arguments."""
    rule = rules[0]
    for index in range(first, last):
        if not chosen[index]:
            continue
        seed = seeds[index]
        key = stream_key(seed, TASK_STREAM, 0)
        side = i64(rule.side if wishes[0] == ANY else wishes[0])
        if side == ANY_SIDE:
            side = codes.BUY if uniform(key, 0) < 0.5 else codes.SELL
        at_ns = i64(wishes[1])
        if at_ns == ANY:
            at_ns = i64(0) if rule.room_ns == NO_END else i64(uniform(key, 1) * rule.room_ns)
        start(
            worlds, index, world_bytes, template_bytes, opening, tape, anchors, seed, i64(at_ns + rule.first_ns)
        )  # fmt: skip
        if programs[index].count > 0 or programs[index].protections > 0:
            arm(worlds, index, programs, index)
        task_bytes[index, :] = 0
        lots = i64(rule.lots + uniform(key, 2) * (rule.lots_more + 1))
        world, task = worlds[index], tasks[index]
        begin(world, task, rule, side, lots)
        keep_participation(world, task, rule)
        status[index] = RUNNING
        observe_first(world, task, rule, observations[index])
        write_info(world, task, infos[index])
        rewards[index] = 0.0


@kernel
def step_rows(
    first: int,
    last: int,
    chosen: Any,
    worlds: Any,
    tasks: Any,
    rules: Any,
    tape: Any,
    numbers: Any,
    weights: Any,
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
        world, task = worlds[index], tasks[index]
        if rule.codec == ORDERS:
            act_orders(world, task, rule, numbers[index])
        elif rule.codec == TABLE:
            act_table(world, task, rule, i64(numbers[index, 0]))
        elif rule.codec == LADDER:
            act_ladder(world, task, rule, weights[index])
        else:
            act_schedule(world, task, rule, weights[index, 0])
        catch_up(world, task, rule)
        status[index] = run(world, task, tape)
        keep_participation(world, task, rule)
        observe(world, task, rule, observations[index])
        write_info(world, task, infos[index])
        reward = 0.0
        for term in range(rule.weights.shape[0]):
            reward += rule.weights[term] * infos[index, REWARDS + term]
        rewards[index] = reward


@kernel
def mask_rows(worlds: Any, tasks: Any, rules: Any, masks: Any) -> None:
    """Mask the choices of each slot: nothing but *keep* moves an order that waits for an answer."""
    rule = rules[0]
    width = CHOICES + rule.offset_choices + rule.size_choices
    for index in range(masks.shape[0]):
        if rule.codec == TABLE:
            mask_table(worlds[index], tasks[index], masks[index])
            continue
        for slot in range(rule.slots):
            mask_choices(worlds[index], tasks[index], slot, masks[index, slot * width : slot * width + CHOICES])
