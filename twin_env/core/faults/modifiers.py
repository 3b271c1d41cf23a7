"""What faults turn: a row of numbers in each world that everything else reads, and that is neutral without a fault.

A dial combines whatever turns it by one rule that does not ask for an order (sum, product, largest,
smallest, or independent chances), so faults commute. Nobody adds to a dial and takes it off again: it is
made anew from the levers that are on, so nothing can be left behind.
"""

from typing import Any, Final

from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import DIALS

# Flow: of the anchored synthetic flow.
BUYERS_KEPT: Final = 0  # share of the limit orders of a side that still come; sells are the next
SELLERS_KEPT: Final = 1
MARKET_KEPT: Final = 2  # share of the market orders that still come
LIMIT_SIZE: Final = 3  # factor of the size of new limit orders
CANCEL_RATE: Final = 4  # factor of the rates at which orders leave
PACE: Final = 5  # factor of the clock's pace
VOLATILITY: Final = 6  # factor of the efficient price's moves
FLUTTER: Final = 7  # ticks: sd of what everybody believes for a moment, beside the usual
SPREAD: Final = 8  # ticks that new limit orders keep between the sides, 0 for none
BELIEF: Final = 9  # ticks that everybody believes the price should be higher
HERD: Final = 28  # share of the way from what was believed to where the price is that the crowd comes to believe
# Feed.
FEED_LOSS: Final = 10  # chance of a message to be lost
FEED_TWICE: Final = 11  # chance to come twice
FEED_SWAPPED: Final = 12  # chance to change places with the message before it
FEED_DELAY: Final = 13  # ns on top
BIDS_MUTED: Final = 14  # above 0: changes of bids are not published; asks are the next
ASKS_MUTED: Final = 15
# Orders and reports.
ORDER_DELAY: Final = 16  # ns on top
REPORT_DELAY: Final = 17
REPORT_LOSS: Final = 18  # chance of a report to be lost
REPORT_TWICE: Final = 19
REQUEST_TWICE: Final = 20  # chance of a request to reach the exchange twice
# Venue and account.
REFUSAL: Final = 21  # chance of a request to be refused
REQUEST_RATE: Final = 22  # requests a second that are let through, NO_LIMIT without
BAND: Final = 23  # ticks through the last trade a limit may reach, NO_LIMIT without
FEE: Final = 24  # factor of fees
POSITION_CAP: Final = 25  # lots the account may hold, NO_LIMIT without
# Clock and host.
SKEW: Final = 26  # ns the desk's clock is ahead
DECISION_DELAY: Final = 27  # ns on top of the desk's own

# How a dial combines what turns it.
SUM: Final = 0
PRODUCT: Final = 1
LARGEST: Final = 2
SMALLEST: Final = 3
CHANCE: Final = 4  # of independent events: 1 - (1 - a)(1 - b)
NO_LIMIT: Final = 1e300
RULES: Final = (
    PRODUCT, PRODUCT, PRODUCT, PRODUCT, PRODUCT, PRODUCT, PRODUCT, LARGEST, LARGEST, SUM,
    CHANCE, CHANCE, CHANCE, SUM, SUM, SUM,
    SUM, SUM, CHANCE, CHANCE, CHANCE,
    CHANCE, SMALLEST, SMALLEST, PRODUCT, SMALLEST,
    SUM, SUM, LARGEST,
)  # fmt: skip
_FLOW_DIALS: Final = BELIEF + 1


@kernel
def clear_dials(world: Any) -> None:
    """Bring every dial to rest."""
    for dial in range(DIALS):
        world.dials[dial] = _neutral(RULES[dial])
    world.chaos.flow_turned = 0
    world.chaos.wires_turned = 0
    _pass_on(world)


@kernel
def turn_dial(world: Any, dial: int, value: float) -> None:
    """Let one more lever turn a dial."""
    present = world.dials[dial]
    rule = RULES[dial]
    if rule == SUM:
        world.dials[dial] = present + value
    elif rule == PRODUCT:
        world.dials[dial] = present * value
    elif rule == LARGEST:
        world.dials[dial] = max(present, value)
    elif rule == SMALLEST:
        world.dials[dial] = min(present, value)
    else:
        world.dials[dial] = 1.0 - (1.0 - present) * (1.0 - value)
    if dial < _FLOW_DIALS or dial == HERD:
        world.chaos.flow_turned = 1
    else:
        world.chaos.wires_turned = 1
    _pass_on(world)


@kernel
def _neutral(rule: int) -> float:
    if rule == PRODUCT:
        return 1.0
    return NO_LIMIT if rule == SMALLEST else 0.0


@kernel
def _pass_on(world: Any) -> None:
    """Tell the wires, which do not see the world, how much longer they take."""
    world.tick_link.extra_ns = i64(world.dials[FEED_DELAY])
    world.order_link.extra_ns = i64(world.dials[ORDER_DELAY])
    world.report_link.extra_ns = i64(world.dials[REPORT_DELAY])
