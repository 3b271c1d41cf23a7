"""What may set off a fault: something that happens to the desk, counted by how often it began."""

from typing import Any, Final

from twin_env.core.exchange.book import mid_half_ticks
from twin_env.core.faults.engine import EVENT, WAITING, redial
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.links import in_flight

ORDER_IN_FLIGHT: Final = 0
ORDER_RESTING: Final = 1
STOP_RESTING: Final = 2
FIRST_FILL: Final = 3
POSITION_OPEN: Final = 4
DRAWDOWN: Final = 5  # threshold: account currency
MOVE: Final = 6  # threshold: ticks
EVENTS: Final = (
    "order_in_flight", "order_resting", "stop_resting", "first_fill", "position_open", "drawdown", "move",
)  # fmt: skip
_MICRO: Final = 1e6


@kernel
def watch(world: Any) -> None:
    """Give the levers whose event has just begun, for the time they wait for, their beginning."""
    changed = False
    for place in range(world.chaos.count):
        lever = world.levers[place]
        if lever.state != WAITING or lever.trigger != EVENT or lever.begin_ns != codes.NEVER_NS:
            continue
        true = happens(world, i64(lever.event), lever.threshold)
        if true and lever.mark == 0:
            lever.step += 1
            if lever.step >= lever.nth:
                lever.begin_ns = world.now_ns + lever.delay_ns
                changed = True
        lever.mark = 1 if true else 0
    if changed:
        redial(world)


@kernel
def happens(world: Any, event: int, threshold: float) -> bool:
    """Tell whether something is the case."""
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
    for row in range(world.own.shape[0]):
        slot = world.own[row].order
        if slot != NONE and world.orders[slot].waiting == (1 if event == STOP_RESTING else 0):
            return True
    return False


@kernel
def _is_down(world: Any, threshold: float) -> bool:
    """Tell whether the net result lies so far below its best."""
    ledger, venue = world.ledger, world.venue
    net = (ledger.cash + ledger.position * mid_half_ticks(world)) * venue.half_tick_micro - ledger.fees_micro
    world.chaos.best_net = max(world.chaos.best_net, net)
    return bool(ledger.fills > 0 and world.chaos.best_net - net >= threshold * _MICRO)
