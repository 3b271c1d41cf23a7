"""Taker: an actor sends bursts of market orders one way, and perhaps as many back."""

from typing import Any

from twin_env.core.faults.mechanisms.actor import send_market
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel


@kernel
def act_taker(world: Any, place: int) -> bool:
    """Send the next burst, if one is left."""
    effect = world.effects[place]
    taker = effect.parameters.taker
    sent = i64(effect.step)
    if sent >= taker.bursts * (1 + taker.reverse):
        effect.act_ns = codes.NEVER_NS
        return False
    effect.step += 1
    effect.act_ns = world.now_ns + max(taker.gap_ns, 1)
    side = i64(effect.side if sent < taker.bursts else -effect.side)
    return send_market(world, place, side, i64(taker.burst_lots))
