"""Layers: an actor shows large orders on one side, trades one lot on the other, and takes the orders away."""

from typing import Any

from twin_env.core.exchange import ladder
from twin_env.core.faults.mechanisms.actor import postpone, quoted_touch, send_change, send_limit, send_market
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE


@kernel
def act_layers(world: Any, place: int) -> bool:
    """Put up the next layer, or trade once they stand; take all away when it is time or the price is near."""
    effect = world.effects[place]
    parameters = effect.parameters.layers
    side = i64(effect.side)
    step = i64(effect.step)
    if step < parameters.layers:
        effect.step += 1
        price = quoted_touch(world, side) - side * (parameters.offset_ticks + step)
        return send_limit(world, place, side, i64(price), i64(parameters.layer_lots), codes.DAY)
    if step == parameters.layers:
        effect.step += 1
        parameters.remove_ns = world.now_ns + parameters.hold_ns
        effect.shown_lots = max(effect.shown_lots, _live_lots(world, place))
        return send_market(world, place, -side, 1)
    if world.now_ns < parameters.remove_ns and not _is_first(world, place, side):
        return postpone(world, effect)
    effect.step = 0
    postpone(world, effect)  # where nobody else is on the side, the next layers would be first again at once
    return send_change(world, place, codes.DISCONNECT, NONE, 0, 0)


@kernel
def _live_lots(world: Any, place: int) -> int:
    """Count the lots an actor has in the book."""
    lots = 0
    for slot in range(world.actors, world.orders.shape[0]):
        order = world.orders[slot]
        if order.owner == codes.ACTOR + place:
            lots += order.lots
    return i64(lots)


@kernel
def _is_first(world: Any, place: int, side: int) -> bool:
    """Return whether an order of an actor is the next to trade on its side."""
    level = ladder.touch(world.book, side)
    return bool(level != NONE and world.orders[world.book.levels[level].head].owner == codes.ACTOR + place)
