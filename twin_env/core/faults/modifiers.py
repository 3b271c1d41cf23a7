"""Modifiers: numbers in each world that faults change and everything else reads; neutral without a fault.

A modifier combines the values that effects set by one rule that does not depend on their order (sum, product, largest,
smallest, or independent chances), so faults commute. Nothing is added to a modifier and taken off again: all are
computed anew from the effects that are on, so nothing can be left behind.
"""

from typing import Any, Final

from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import MODIFIERS

# Flow: of the anchored synthetic flow.
BUY_LIMIT_SHARE: Final = 0  # share of the limit orders of a side that still come; sells are the next
SELL_LIMIT_SHARE: Final = 1
MARKET_ORDER_SHARE: Final = 2  # share of the market orders that still come
LIMIT_SIZE: Final = 3  # factor of the size of new limit orders
CANCEL_RATE: Final = 4  # factor of the rates at which orders leave
PACE: Final = 5  # factor of the rate of all arrivals
VOLATILITY: Final = 6  # factor of the efficient price's moves
PRICE_NOISE: Final = 7  # ticks: sd of short-lived noise around the efficient price, on top of the market's own
SPREAD: Final = 8  # ticks that new limit orders keep between the sides, 0 for none
BELIEF: Final = 9  # ticks that are added to the anchor
HERDING: Final = 28  # share of the distance from what was believed to the price that others come to believe
# Feed.
FEED_LOSS: Final = 10  # chance of a message to be lost
FEED_DUPLICATION: Final = 11  # chance to come twice
FEED_REORDERING: Final = 12  # chance to change places with the message before it
FEED_DELAY: Final = 13  # ns on top
BIDS_MUTED: Final = 14  # above 0: changes of bids are not published; asks are the next
ASKS_MUTED: Final = 15
# Orders and reports.
ORDER_DELAY: Final = 16  # ns on top
REPORT_DELAY: Final = 17
REPORT_LOSS: Final = 18  # chance of a report to be lost
REPORT_DUPLICATION: Final = 19
REQUEST_DUPLICATION: Final = 20  # chance of a request to reach the exchange twice
# Venue and account.
REFUSAL: Final = 21  # chance of a request to be refused
REQUEST_RATE: Final = 22  # requests a second that are let through, NO_LIMIT without
PRICE_BAND: Final = 23  # ticks through the last trade a limit may reach, NO_LIMIT without
FEE: Final = 24  # factor of fees
POSITION_CAP: Final = 25  # lots the account may hold, NO_LIMIT without
# Clock and host.
CLOCK_SKEW: Final = 26  # ns the desk's clock is ahead
DECISION_DELAY: Final = 27  # ns on top of the desk's own

# How a modifier combines several values.
SUM: Final = 0
PRODUCT: Final = 1
LARGEST: Final = 2
SMALLEST: Final = 3
CHANCE: Final = 4  # of independent events: 1 - (1 - a)(1 - b)
NO_LIMIT: Final = 1e300
COMBINATIONS: Final = (
    PRODUCT, PRODUCT, PRODUCT, PRODUCT, PRODUCT, PRODUCT, PRODUCT, LARGEST, LARGEST, SUM,
    CHANCE, CHANCE, CHANCE, SUM, SUM, SUM,
    SUM, SUM, CHANCE, CHANCE, CHANCE,
    CHANCE, SMALLEST, SMALLEST, PRODUCT, SMALLEST,
    SUM, SUM, LARGEST,
)  # fmt: skip
_FLOW_MODIFIERS: Final = BELIEF + 1


@kernel
def reset_modifiers(world: Any) -> None:
    """Make every modifier neutral."""
    for modifier in range(MODIFIERS):
        world.modifiers[modifier] = _neutral(COMBINATIONS[modifier])
    world.chaos.flow_modified = 0
    world.chaos.wires_modified = 0


@kernel
def combine(world: Any, modifier: int, value: float) -> None:
    """Combine a modifier with one more value, by its rule."""
    present = world.modifiers[modifier]
    combination = COMBINATIONS[modifier]
    if combination == SUM:
        world.modifiers[modifier] = present + value
    elif combination == PRODUCT:
        world.modifiers[modifier] = present * value
    elif combination == LARGEST:
        world.modifiers[modifier] = max(present, value)
    elif combination == SMALLEST:
        world.modifiers[modifier] = min(present, value)
    else:
        world.modifiers[modifier] = 1.0 - (1.0 - present) * (1.0 - value)
    if modifier < _FLOW_MODIFIERS or modifier == HERDING:
        world.chaos.flow_modified = 1
    else:
        world.chaos.wires_modified = 1


@kernel
def _neutral(combination: int) -> float:
    if combination == PRODUCT:
        return 1.0
    return NO_LIMIT if combination == SMALLEST else 0.0


@kernel
def pass_on(world: Any) -> None:
    """Write modifiers to the records of the wires and the venue, which read nothing else.

    The price band is the narrower of the venue's own and that of a fault.
    """
    world.market_data_link.extra_ns = i64(world.modifiers[FEED_DELAY])
    world.order_link.extra_ns = i64(world.modifiers[ORDER_DELAY])
    world.report_link.extra_ns = i64(world.modifiers[REPORT_DELAY])
    own, band = world.chaos.band_ticks, world.modifiers[PRICE_BAND]
    if band < NO_LIMIT:
        world.venue.band_ticks = i64(band) if own == 0 else min(i64(band), own)
    elif world.chaos.count > 0:
        world.venue.band_ticks = own
