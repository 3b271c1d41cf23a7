"""Actors: participants that a fault drives. They send orders like any other participant and own what they send.

An actor looks at the market every ``period_ns`` and sends at most one message each time it is called; as long as it
has more to do it stays due. Everything is written for a buyer; a seller sees prices with their sign turned.
"""

from typing import Any

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.exchange.inbox import write_as
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE


@kernel
def has_orders(world: Any, place: int) -> bool:
    """Return whether the actor of an effect has orders in the book."""
    return first_order(world, place) != NONE


@kernel
def first_order(world: Any, place: int) -> int:
    """Return the slot of an actor's first live order, NONE if it has none."""
    for slot in range(world.actors, world.orders.shape[0]):
        order = world.orders[slot]
        if order.owner == codes.ACTOR + place and order.lots > 0:
            return i64(slot)
    return NONE


@kernel
def quoted_touch(world: Any, side: int) -> int:
    """Return the price that an actor quotes behind: the best of a side, of an empty one a tick from the other side's.

    Never the last price of a side that is empty: that was the actor's own, and it would follow itself without end.
    """
    if ladder.touch(world.book, side) != NONE:
        return touch_ticks(world, side)
    if ladder.touch(world.book, -side) != NONE:
        return i64(touch_ticks(world, -side) - side)
    return i64(world.last_trade) if world.traded == 1 else touch_ticks(world, side)


@kernel
def postpone(world: Any, effect: Any) -> bool:
    """Let an actor look at the market again after its period; ``False``: no message was sent."""
    effect.act_ns = world.now_ns + max(effect.period_ns, 1)
    return False


@kernel
def send_limit(world: Any, place: int, side: int, price: int, lots: int, tif: int) -> bool:
    """Send a new limit order; always ``True``, as a message was sent."""
    effect = world.effects[place]
    effect.sent_messages += 1
    effect.sent_lots += lots
    write_as(world, codes.ACTOR + place, codes.NEW, side, NONE, codes.LIMIT, tif, price, lots)
    return True


@kernel
def send_market(world: Any, place: int, side: int, lots: int) -> bool:
    """Send a market order; always ``True``, as a message was sent."""
    effect = world.effects[place]
    effect.sent_messages += 1
    effect.sent_lots += lots
    write_as(world, codes.ACTOR + place, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, lots)
    return True


@kernel
def send_change(world: Any, place: int, kind: int, slot: int, price: int, lots: int) -> bool:
    """Send a cancel or replace of one order, or a disconnect (slot NONE); always ``True``, as a message was sent."""
    effect = world.effects[place]
    effect.sent_messages += 1
    write_as(world, codes.ACTOR + place, kind, i64(effect.side), slot, codes.LIMIT, codes.DAY, price, lots)
    return True
