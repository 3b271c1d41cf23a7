"""Stop orders: they wait outside the book until a trade reaches them."""

from typing import Any, Final

from twin_env.core.exchange.events import emit
from twin_env.core.exchange.matching import admit, cancel_event, schedule_entry
from twin_env.core.exchange.protections import farthest_key
from twin_env.core.ledger import on_election
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.reports import report

FAR: Final = 2**62


@kernel
def wrong_side(world: Any, side: int, trigger: int) -> bool:
    """Return whether the last trade already reached a trigger: CME rejects such a stop, it does not elect it."""
    return bool(world.traded == 1 and side * (trigger - world.last_trade) <= 0)


@kernel
def append_stop(world: Any, slot: int, side: int, kind: int, trigger: int, price: int) -> None:
    """Let an order wait as the youngest stop. The caller checked that there is room."""
    # Only trades after a stop was accepted may elect it. While stops wait, the range is cleared by each election round;
    # without any it goes on growing unread, so it is cleared here.
    if world.stop_count == 0:
        forget_reach(world)
    stop = world.stops[world.stop_count]
    world.stop_count += 1
    stop.trigger = trigger
    stop.price = price
    stop.order = slot
    stop.side = side
    stop.type = kind
    world.orders[slot].waiting = 1


@kernel
def find_stop(world: Any, slot: int) -> int:
    """Return where in the list a waiting order stands."""
    for place in range(world.stop_count):
        if world.stops[place].order == slot:
            return place
    return NONE


@kernel
def drop_stop(world: Any, place: int) -> None:
    """Take one stop out of the list; the others stay in order of age."""
    world.orders[world.stops[place].order].waiting = 0
    # Shifted rather than swapped with the last: election goes by age, and the place in the list is the age.
    world.stop_count -= 1
    for index in range(place, world.stop_count):
        stop = world.stops[index]
        younger = world.stops[index + 1]
        stop.trigger = younger.trigger
        stop.price = younger.price
        stop.order = younger.order
        stop.side = younger.side
        stop.type = younger.type


@kernel
def _first_reached(world: Any) -> int:
    for place in range(world.stop_count):
        stop = world.stops[place]
        if (stop.side > 0 and stop.trigger <= world.reach_high) or (stop.side < 0 and stop.trigger >= world.reach_low):
            return place
    return NONE


@kernel
def elect_stop(world: Any) -> int:
    """Elect the oldest stop that trades since the last round reached.

    Returns:
        The order that enters the book next, or NONE when the round is over. What it trades
        can reach further stops: call again until NONE.
    """
    # One at a time, and the caller lets each trade before the next: a stop must meet the book that the one before left,
    # and its own trades may reach further stops in the same round.
    while world.stop_count > 0:
        place = _first_reached(world)
        if place == NONE:
            break
        slot = _elect(world, place)
        if slot != NONE:
            return slot
    forget_reach(world)
    return NONE


@kernel
def forget_reach(world: Any) -> None:
    """Let no waiting stop be reached by the trades so far."""
    world.reach_high = -FAR
    world.reach_low = FAR


@kernel
def _elect(world: Any, place: int) -> int:
    stop = world.stops[place]
    slot = i64(stop.order)
    side = i64(stop.side)
    trigger = i64(stop.trigger)
    price = i64(stop.price)
    if stop.type == codes.STOP:
        # CME's stop with protection: a limit a fixed distance through the trigger. What finds nobody within it rests,
        # so a side that is empty for a moment takes no stop away.
        price = trigger + side * world.venue.protection_ticks
        price = side * min(side * price, farthest_key(world, side))
    drop_stop(world, place)
    order = world.orders[slot]
    emit(world, codes.TRIGGERED, codes.NO_REASON, side, i64(order.owner), slot, NONE, trigger, order.lots)
    # Capacities and the other side may have changed while it waited: it passes the checks of a new limit order now.
    reason, limit = admit(world, side, codes.LIMIT, i64(order.tif), 0, i64(order.owner), price, order.lots)
    report(world, i64(order.row), codes.TRIGGERED, codes.NO_REASON, order.lots, limit, 0)
    if order.row != NONE:
        on_election(world, i64(order.row), trigger)
    if reason == codes.NO_REASON:
        return schedule_entry(world, slot, side, limit)
    world.rejects[reason] += 1
    cancel_event(world, slot, side, limit, order.lots, reason)
    return NONE
