"""The hooks of the execution task; :func:`twin_env.envs.rows.compile_rows` says what each is for."""

from typing import Any

from twin_env.core.state.jit import i64, kernel
from twin_env.envs.actions.ladder import act_ladder
from twin_env.envs.actions.orders import CHOICES, act_orders, act_table, mask_choices, mask_table
from twin_env.envs.actions.parent import catch_up
from twin_env.envs.actions.parent import keep_participation as settle
from twin_env.envs.actions.schedule import act_schedule
from twin_env.envs.execution.info import REWARD_PLACE, SHARED_PLACE, write_info
from twin_env.envs.execution.observations import observe
from twin_env.envs.execution.params import LADDER, ORDERS, TABLE
from twin_env.envs.execution.task import advance_step, begin, start_ns

__all__ = [
    "REWARD_PLACE",
    "SHARED_PLACE",
    "act",
    "advance_step",
    "begin",
    "observe",
    "settle",
    "start_ns",
    "write_info",
    "write_masks",
]


@kernel
def act(world: Any, task: Any, params: Any, numbers: Any, weights: Any) -> None:
    """Send the orders of an action, and what the smallest participation asks for beyond them."""
    if params.codec == ORDERS:
        act_orders(world, task, params, numbers)
    elif params.codec == TABLE:
        act_table(world, task, params, i64(numbers[0]))
    elif params.codec == LADDER:
        act_ladder(world, task, params, weights)
    else:
        act_schedule(world, task, params, weights[0])
    catch_up(world, task, params)


@kernel
def write_masks(world: Any, task: Any, params: Any, mask: Any) -> None:
    """Mask the choices of each slot: nothing but *keep* moves an order that waits for an answer."""
    if params.codec == TABLE:
        mask_table(world, task, mask)
        return
    width = CHOICES + params.offset_choices + params.size_choices
    for slot in range(params.slots):
        mask_choices(world, task, slot, mask[slot * width : slot * width + CHOICES])
