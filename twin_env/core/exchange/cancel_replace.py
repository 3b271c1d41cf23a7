"""What an owner may do to an order that lives: cancel, reduce, replace."""

from typing import Any

from twin_env.core.exchange.book import pull, shrink
from twin_env.core.exchange.events import emit
from twin_env.core.exchange.matching import cancel_event, crosses, level_room, refuse, schedule_entry
from twin_env.core.exchange.protections import farthest_key
from twin_env.core.exchange.stops import append_stop, drop_stop, find_stop, wrong_side
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.feed import REMOVED
from twin_env.core.wire.reports import report


@kernel
def is_live(world: Any, slot: int, owner: int) -> bool:
    """Return whether a slot holds a live order of ``owner``."""
    if slot < 0 or slot >= world.orders.shape[0]:
        return False
    order = world.orders[slot]
    return bool(order.lots > 0 and order.owner == owner)


@kernel
def remove_order(world: Any, slot: int, reason: int) -> None:
    """Cancel all that is left of a live order, resting or waiting."""
    order = world.orders[slot]
    if order.waiting:
        place = find_stop(world, slot)
        stop = world.stops[place]
        side = i64(stop.side)
        price = i64(stop.trigger)
        drop_stop(world, place)
        cancel_event(world, slot, side, price, order.lots, reason)
        return
    level = world.book.levels[order.level]
    side = i64(level.side)
    price = i64(side * level.key)
    cancel_event(world, slot, side, price, pull(world, slot), reason)


@kernel
def cancel(world: Any, message: Any) -> None:
    """Handle a ``CANCEL``."""
    slot = i64(message.order)
    if is_live(world, slot, i64(message.owner)):
        remove_order(world, slot, codes.BY_USER)
    else:
        _miss(world, message)


@kernel
def reduce(world: Any, message: Any) -> None:
    """Handle a ``REDUCE``."""
    slot = i64(message.order)
    if not is_live(world, slot, i64(message.owner)):
        _miss(world, message)
        return
    if message.lots < 1:
        refuse(world, message, codes.BAD_LOTS)
        return
    order = world.orders[slot]
    if message.lots >= order.lots:
        remove_order(world, slot, codes.BY_USER)
        return
    if order.waiting:
        stop = world.stops[find_stop(world, slot)]
        side = i64(stop.side)
        price = i64(stop.trigger)
        order.lots -= message.lots
    else:
        level = world.book.levels[order.level]
        side = i64(level.side)
        price = i64(side * level.key)
        shrink(world, slot, message.lots, REMOVED)
    emit(world, codes.REDUCED, codes.NO_REASON, side, i64(order.owner), slot, NONE, price, message.lots)
    report(world, i64(order.row), codes.REDUCED, codes.NO_REASON, message.lots, price, 0)


@kernel
def _miss(world: Any, message: Any) -> None:
    if message.owner == codes.BACKGROUND:
        world.divergence.missing_orders += 1
    refuse(world, message, codes.UNKNOWN_ORDER)


@kernel
def replace(world: Any, message: Any) -> int:
    """Handle a ``REPLACE``: ``lots`` is the new total, filled lots included.

    Returns:
        The order if it enters the book anew, else NONE.
    """
    slot = i64(message.order)
    reason = codes.NO_REASON
    if world.venue.halted:
        reason = codes.HALTED
    elif not is_live(world, slot, i64(message.owner)):
        reason = codes.UNKNOWN_ORDER
    elif message.lots < 1 or message.lots > codes.MAX_LOTS:
        reason = codes.BAD_LOTS
    else:
        reason = _check_prices(world, message)
    if reason != codes.NO_REASON:
        refuse(world, message, reason)
        return NONE
    order = world.orders[slot]
    left = message.lots - order.filled
    if left <= 0:
        remove_order(world, slot, codes.REPLACED_AWAY)
    elif order.waiting:
        _replace_stop(world, message, slot, left)
    else:
        return _replace_resting(world, message, slot, left)
    return NONE


@kernel
def _check_prices(world: Any, message: Any) -> int:
    """Check the prices that count: the trigger of a waiting stop, the limit of what has one."""
    slot = i64(message.order)
    order = world.orders[slot]
    if order.waiting:
        stop = world.stops[find_stop(world, slot)]
        side = i64(stop.side)
        if abs(message.trigger) > codes.MAX_PRICE_TICKS:
            return codes.BAD_PRICE
        if stop.type == codes.STOP:
            return codes.NO_REASON
    else:
        side = i64(world.book.levels[order.level].side)
    if abs(message.price) > codes.MAX_PRICE_TICKS:
        return codes.BAD_PRICE
    return codes.PRICE_BAND if side * message.price > farthest_key(world, side) else codes.NO_REASON


@kernel
def _replaced(world: Any, slot: int, side: int, price: int, limit: int, left: int) -> None:
    """Announce a replaced order: the event has its trigger if it waits, the report to its owner has its limit."""
    order = world.orders[slot]
    emit(world, codes.REPLACED, codes.NO_REASON, side, i64(order.owner), slot, NONE, price, left)
    report(world, i64(order.row), codes.REPLACED, codes.NO_REASON, left, limit, 0)


@kernel
def _replace_stop(world: Any, message: Any, slot: int, left: int) -> None:
    place = find_stop(world, slot)
    stop = world.stops[place]
    side = i64(stop.side)
    kind = i64(stop.type)
    if wrong_side(world, side, message.trigger):
        refuse(world, message, codes.STOP_PRICE)
        return
    drop_stop(world, place)
    world.orders[slot].lots = left
    append_stop(world, slot, side, kind, message.trigger, message.price)
    _replaced(world, slot, side, message.trigger, message.price, left)


@kernel
def _replace_resting(world: Any, message: Any, slot: int, left: int) -> int:
    order = world.orders[slot]
    level = world.book.levels[order.level]
    side = i64(level.side)
    price = i64(message.price)
    if price == side * level.key and left <= order.lots:
        if left < order.lots:
            shrink(world, slot, order.lots - left, REMOVED)
        _replaced(world, slot, side, price, price, left)
        return NONE
    if order.post_only and crosses(world, side, price):
        refuse(world, message, codes.WOULD_CROSS)
        return NONE
    if not level_room(world, side, price, 1 if level.orders == 1 else 0):
        refuse(world, message, codes.LEVEL_CAPACITY)
        return NONE
    pull(world, slot)
    order.lots = left
    _replaced(world, slot, side, price, price, left)
    return schedule_entry(world, slot, side, price)
