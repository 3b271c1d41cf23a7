"""Stuffing: an actor places an order far from the touch, cancels it, and so on, as fast as its period lets it."""

from typing import Any

from twin_env.core.faults.mechanisms.actor import first_order, postpone, quoted_touch, send_change, send_limit
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE


@kernel
def act_stuffing(world: Any, place: int) -> bool:
    """Place an order behind the touch, or cancel the one that is there."""
    effect = world.effects[place]
    parameters = effect.parameters.stuffing
    side = i64(effect.side)
    postpone(world, effect)
    slot = first_order(world, place)
    if slot != NONE:
        return send_change(world, place, codes.CANCEL, slot, 0, 0)
    price = i64(quoted_touch(world, side) - side * parameters.offset_ticks)
    return send_limit(world, place, side, price, i64(parameters.order_lots), codes.DAY)
