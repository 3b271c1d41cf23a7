"""Actors: participants that a fault drives. They send orders like everybody else and own what they send.

An actor looks at the market every ``period_ns`` and sends at most one message each time it is called; as long as it
has more to do it stays due. Everything is written for a buyer; a seller sees prices with their sign turned.
"""

import math
from typing import Any, Final

from twin_env.core.exchange import ladder as ladders
from twin_env.core.exchange.book import mid_half_ticks, touch_ticks
from twin_env.core.exchange.inbox import write_as
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE

# Numbers: ticks, seconds there, seconds held, share given back, its half life in seconds, lots of the wall, how far
# the crowd follows, share of those in the way that still come, how much busier everybody is on the way.
PATH: Final = 1
TAKER: Final = 2  # numbers: lots, bursts, seconds between two, 1 to trade back
LAYERS: Final = 3  # numbers: lots of a layer, layers, seconds held, ticks of the first behind the touch
STUFF: Final = 4  # numbers: ticks behind the touch, lots

# Ramps of a path.
_LINEAR: Final = 0
_CONVEX: Final = 1
_SMOOTH: Final = 2
_NS_PER_S: Final = 1e9


@kernel
def has_orders(world: Any, place: int) -> bool:
    """Tell whether the actor of a lever has orders in the book."""
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
def act_for(world: Any, place: int) -> bool:
    """Let the actor of a lever do one thing; tell whether it is a message in the exchange's inbox."""
    lever = world.levers[place]
    if lever.mechanism != PATH or lever.step == 0:  # between two messages of one look the book is half done
        note_move(world, lever)
    if lever.mechanism == PATH:
        return _follow_path(world, place)
    if lever.mechanism == TAKER:
        return _take(world, place)
    if lever.mechanism == LAYERS:
        return _layer(world, place)
    return _stuff(world, place)


@kernel
def note_move(world: Any, lever: Any) -> None:
    """Remember how far the mid went the lever's way, and how long that took."""
    went = lever.side * (mid_half_ticks(world) - lever.start_mid)
    if went > lever.farthest:
        lever.farthest = went
        lever.took_ns = world.now_ns - lever.began_ns


@kernel
def _send(
    world: Any, place: int, kind: int, side: int, order: int, order_type: int, tif: int, price: int, lots: int
) -> bool:
    """Send one message of an actor and count it."""
    lever = world.levers[place]
    lever.sent += 1
    if kind == codes.NEW:
        lever.sent_lots += lots
    write_as(world, codes.ACTOR + place, kind, side, order, order_type, tif, price, lots)
    return True


@kernel
def _later(world: Any, lever: Any) -> bool:
    lever.act_ns = world.now_ns + max(lever.period_ns, 1)
    return False


@kernel
def _follow_path(world: Any, place: int) -> bool:
    """Keep the mid where the path wants it: take what stands in its way, then stand there.

    A mid of ``target`` half-ticks needs every offer up to ``limit`` gone and a bid at ``limit``, or lower if the
    next offer is farther away than one tick.
    """
    lever = world.levers[place]
    side = i64(lever.side)
    target = _path_mid(world, lever)
    limit = target >> 1
    if lever.step == 0:
        lever.step = 1
        lots = _lots_within(world, -side, limit)
        if lots > 0:
            return _send(world, place, codes.NEW, side, NONE, codes.LIMIT, codes.IOC, side * limit, lots)
    if lever.step == 1:
        lever.step = 2
        if ladders.touch(world.book, -side) != NONE:
            limit = min(limit, target - side * touch_ticks(world, -side))
        if _stand(world, place, side, limit):
            return True
    lever.step = 0
    return _later(world, lever)


@kernel
def _path_mid(world: Any, lever: Any) -> int:
    """Return where the mid should be now, in half-ticks, as a buyer sees it; one look early on the way there."""
    numbers = lever.numbers
    elapsed_s = (world.now_ns - lever.began_ns) / _NS_PER_S
    there_s = max(numbers[1] - lever.period_ns / _NS_PER_S, 0.0)
    back_s = elapsed_s - numbers[1] - numbers[2]
    share = 1.0
    if elapsed_s < there_s:
        share = _ramp(i64(lever.value), elapsed_s / there_s)
    elif back_s > 0.0 and numbers[4] > 0.0:
        share = 1.0 - numbers[3] + numbers[3] * 0.5 ** (back_s / numbers[4])
    return i64(lever.side * lever.start_mid + math.ceil(2.0 * numbers[0] * share - 1e-9))


@kernel
def _ramp(shape: int, part: float) -> float:
    """Return how much of a move is done when a part of its time is over."""
    if shape == _LINEAR:
        return part
    if shape == _CONVEX:
        return part * part
    return part * part * (3.0 - 2.0 * part) if shape == _SMOOTH else 1.0


@kernel
def _lots_within(world: Any, opposite: int, limit: int) -> int:
    """Count the lots of a side up to a price, as somebody who trades against it sees that."""
    book = world.book
    row = ladders.row_of(opposite)
    lots = 0
    for place in range(book.count[row] - 1, -1, -1):
        if -book.key[row, place] > limit:
            break
        lots += book.levels[book.level[row, place]].lots
    return i64(lots)


@kernel
def _stand(world: Any, place: int, side: int, limit: int) -> bool:
    """Have a wall of lots at a price; tell whether that took a message."""
    lever = world.levers[place]
    wall = i64(lever.numbers[5])
    slot = first_order(world, place)
    if slot == NONE:
        return _send(world, place, codes.NEW, side, NONE, codes.LIMIT, codes.DAY, side * limit, wall)
    order = world.orders[slot]
    if order.level == NONE:
        return False
    if world.book.levels[order.level].key == limit and 2 * order.lots >= wall:
        return False
    return _send(
        world, place, codes.REPLACE, side, slot, codes.LIMIT, codes.DAY, side * limit, i64(order.filled + wall)
    )


@kernel
def _take(world: Any, place: int) -> bool:
    """Send the next burst, one way and then perhaps back."""
    lever = world.levers[place]
    bursts = i64(lever.numbers[1])
    step = i64(lever.step)
    if step >= bursts * (2 if lever.numbers[3] > 0.0 else 1):
        lever.act_ns = codes.NEVER_NS
        return False
    lever.step += 1
    lever.act_ns = world.now_ns + max(i64(lever.numbers[2] * _NS_PER_S), 1)
    side = i64(lever.side if step < bursts else -lever.side)
    return _send(world, place, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, i64(lever.numbers[0]))


@kernel
def _layer(world: Any, place: int) -> bool:
    """Put layers up, trade a lot on the other side, and take them away when it is time or the price is near."""
    lever = world.levers[place]
    side = i64(lever.side)
    layers = i64(lever.numbers[1])
    step = i64(lever.step)
    if step < layers:
        lever.step += 1
        price = touch_ticks(world, side) - side * (i64(lever.numbers[3]) + step)
        return _send(world, place, codes.NEW, side, NONE, codes.LIMIT, codes.DAY, price, i64(lever.numbers[0]))
    if step == layers:
        lever.step += 1
        lever.mark = world.now_ns + i64(lever.numbers[2] * _NS_PER_S)
        lever.shown_lots = max(lever.shown_lots, _live_lots(world, place))
        return _send(world, place, codes.NEW, -side, NONE, codes.MARKET, codes.IOC, 0, 1)
    if world.now_ns < lever.mark and not _is_first(world, place, side):
        return _later(world, lever)
    lever.step = 0
    _later(world, lever)  # where nobody else is on the side, the next layers would be first again at once
    return _send(world, place, codes.DISCONNECT, side, NONE, codes.LIMIT, codes.DAY, 0, 0)


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
    """Tell whether an order of an actor is the next to trade on its side."""
    level = ladders.touch(world.book, side)
    return bool(level != NONE and world.orders[world.book.levels[level].head].owner == codes.ACTOR + place)


@kernel
def _stuff(world: Any, place: int) -> bool:
    """Place an order far from the touch, or cancel the one that is there."""
    lever = world.levers[place]
    side = i64(lever.side)
    _later(world, lever)
    slot = first_order(world, place)
    if slot != NONE:
        return _send(world, place, codes.CANCEL, side, slot, codes.LIMIT, codes.DAY, 0, 0)
    price = touch_ticks(world, side) - side * i64(lever.numbers[0])
    return _send(world, place, codes.NEW, side, NONE, codes.LIMIT, codes.DAY, price, i64(lever.numbers[1]))
