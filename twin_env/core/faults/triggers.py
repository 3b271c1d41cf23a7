"""Triggers: events that an effect may wait for, counted by how often they began."""

from typing import Any, Final

from twin_env.core.exchange.book import mid_half_ticks
from twin_env.core.faults.engine import refresh
from twin_env.core.faults.fault_codes import (
    DRAWDOWN,
    EVENT,
    FIRST_FILL,
    MOVE,
    ORDER_IN_FLIGHT,
    POSITION_OPEN,
    STOP_RESTING,
    WAITING,
)
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.links import in_flight

_MICRO: Final = 1e6


@kernel
def check_triggers(world: Any) -> None:
    """Set the beginning of effects whose event has just begun for the time they wait for."""
    changed = False
    for place in range(world.chaos.count):
        effect = world.effects[place]
        if effect.state != WAITING or effect.trigger != EVENT or effect.begin_ns != codes.NEVER_NS:
            continue
        holds = is_event(world, i64(effect.event), effect.threshold)
        if holds and effect.event_holds == 0:
            effect.occurrences += 1
            if effect.occurrences >= effect.nth:
                effect.begin_ns = world.now_ns + effect.delay_ns
                changed = True
        effect.event_holds = 1 if holds else 0
    if changed:
        refresh(world)


@kernel
def is_event(world: Any, event: int, threshold: float) -> bool:
    """Return whether an event is the case now."""
    if event == ORDER_IN_FLIGHT:
        return bool(in_flight(world.order_link) > 0)
    if event == FIRST_FILL:
        return bool(world.ledger.fills > 0)
    if event == POSITION_OPEN:
        return bool(world.ledger.position != 0)
    if event == DRAWDOWN:
        return _is_down(world, threshold)
    if event == MOVE:
        return bool(abs(mid_half_ticks(world) - world.chaos.start_mid) >= 2.0 * threshold)
    waiting = 1 if event == STOP_RESTING else 0
    for row in range(world.desk_order_marks.shape[0]):
        slot = world.desk_order_marks[row].order
        if slot != NONE and world.orders[slot].waiting == waiting:
            return True
    return False


@kernel
def _is_down(world: Any, threshold: float) -> bool:
    """Return whether the net result lies so far below its best."""
    ledger, venue = world.ledger, world.venue
    net = (ledger.cash + ledger.position * mid_half_ticks(world)) * venue.half_tick_micro - ledger.fees_micro
    world.chaos.best_net = max(world.chaos.best_net, net)
    return bool(ledger.fills > 0 and world.chaos.best_net - net >= threshold * _MICRO)
