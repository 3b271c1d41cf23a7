"""The hooks of the trading task; :func:`twin_env.envs.rows.compile_rows` says what each is for."""

from typing import Any

from twin_env.core.state.jit import i64, kernel
from twin_env.envs.trading.codecs import ORDERS, PRICES, TARGET
from twin_env.envs.trading.info import REWARD_PLACE, SHARED_PLACE, write_info
from twin_env.envs.trading.observations import observe
from twin_env.envs.trading.orders import CHOICES, act_orders, act_target, mask_choices
from twin_env.envs.trading.prices import act_prices
from twin_env.envs.trading.task import advance_step, begin, settle, start_ns

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
    """Send the orders of an action."""
    if params.codec == ORDERS:
        act_orders(world, task, params, numbers)
    elif params.codec == PRICES:
        act_prices(world, task, params, weights)
    elif params.codec == TARGET:
        act_target(world, task, params, i64(round(weights[0] * params.most_lots)))
    else:
        act_target(world, task, params, i64(params.sizes[numbers[0]]))


@kernel
def write_masks(world: Any, task: Any, params: Any, mask: Any) -> None:
    """Mask the choices of each slot: nothing but *keep* moves an order that waits for an answer."""
    if params.codec != ORDERS:
        return  # every position may be chosen
    width = CHOICES + params.offset_choices + params.size_choices
    for slot in range(params.slots):
        mask_choices(world, task, params, slot, mask[slot * width : slot * width + CHOICES])
