"""Starting and stepping rows of trading environments: the kernels a batch calls."""

from typing import Any

from twin_env.core.faults.engine import arm
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.rng import TASK_STREAM, stream_key, uniform
from twin_env.core.state.world import start
from twin_env.envs.definition import ANY
from twin_env.envs.status import RUNNING
from twin_env.envs.trading.info import REWARDS, write_info
from twin_env.envs.trading.observations import observe, observe_first
from twin_env.envs.trading.orders import CHOICES, act_orders, act_target, mask_choices
from twin_env.envs.trading.rules import ORDERS, TARGET
from twin_env.envs.trading.task import begin, run


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
        at_ns = i64(wishes[0])
        if at_ns == ANY:
            at_ns = i64(uniform(key, 1) * rule.room_ns)
        at_ns = i64(at_ns + rule.first_ns)
        start(worlds, index, world_bytes, template_bytes, opening, tape, anchors, seed, at_ns)
        if programs[index].count > 0 or programs[index].protections > 0:
            arm(worlds, index, programs, index)
        task_bytes[index, :] = 0
        world, task = worlds[index], tasks[index]
        begin(world, task, rule)
        status[index] = RUNNING
        observe_first(world, task, rule, observations[index])
        write_info(world, task, rule, infos[index])
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
        elif rule.codec == TARGET:
            act_target(world, task, rule, i64(round(weights[index, 0] * rule.most_lots)))
        else:
            act_target(world, task, rule, i64(rule.sizes[numbers[index, 0]]))
        status[index] = run(world, task, rule, tape)
        observe(world, task, rule, observations[index])
        write_info(world, task, rule, infos[index])
        reward = 0.0
        for term in range(rule.weights.shape[0]):
            reward += rule.weights[term] * infos[index, REWARDS + term]
        rewards[index] = reward


@kernel
def mask_rows(worlds: Any, tasks: Any, rules: Any, masks: Any) -> None:
    """Mask the choices of each slot: nothing but *keep* moves an order that waits for an answer."""
    rule = rules[0]
    if rule.codec != ORDERS:
        return  # every position may be chosen
    width = CHOICES + rule.offset_choices + rule.size_choices
    for index in range(masks.shape[0]):
        for slot in range(rule.slots):
            mask_choices(worlds[index], tasks[index], rule, slot, masks[index, slot * width : slot * width + CHOICES])
