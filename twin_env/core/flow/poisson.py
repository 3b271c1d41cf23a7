"""Zero-intelligence order flow after Cont, Stoikov and Talreja (2010).

"A stochastic model for order book dynamics", Operations Research 58: limit orders arrive
at rates that depend on the distance from the opposite touch, market orders at a constant
rate, and each resting order is cancelled at a rate of its own.

Arrivals are *candidates* of a Poisson process whose rate does not depend on the book;
each draws everything it could need from its own counter, and the book decides whether it
happens (thinning). Worlds with and without an agent thereby share their candidates.
"""

import math
from typing import Any, Final

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.exchange.inbox import write
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import FLOW_CLASSES, FLOW_GUIDE, FLOW_LEVELS, NONE
from twin_env.core.state.rng import FLOW_STREAM, bits, high_half, low_half, stream_key, uniform

_DRAWS: Final = 3  # draws per candidate: wait, class and thinning, size
_MARKET_CLASS: Final = 2 * FLOW_LEVELS
_MAX_SIZE: Final = 1000.0  # lots; a geometric size beyond it is cut off here


@kernel
def start_poisson(world: Any) -> None:
    """Begin the stream of candidates at the world's present time."""
    flow = world.flow
    flow.key = stream_key(world.seed, FLOW_STREAM, 0)
    flow.candidates = 0
    flow.next_ns = world.now_ns + _wait_ns(flow)


@kernel
def _wait_ns(flow: Any) -> int:
    wait_s = -math.log(uniform(flow.key, flow.candidates * _DRAWS)) / flow.total_rate
    return i64(wait_s * 1e9) + 1


@kernel
def _geometric(draw: float, log_growth: float) -> int:
    """Return a size of at least one lot; each further lot has chance exp(log_keep)."""
    return i64(1.0 + min(math.log(draw) / log_growth, _MAX_SIZE))


@kernel
def next_poisson(world: Any, until_ns: int) -> bool:
    """Pass over candidates up to and including ``until_ns`` until one becomes a message.

    Returns:
        Whether one did; it is in the exchange's inbox then, and the world's time is its time.
    """
    while world.flow.next_ns <= until_ns:
        world.now_ns = world.flow.next_ns
        if _decide(world):
            return True
    return False


@kernel
def _decide(world: Any) -> bool:
    """Decide one candidate, and draw when the next one comes."""
    flow = world.flow
    first = flow.candidates * _DRAWS
    flow.candidates += 1
    flow.next_ns = world.now_ns + _wait_ns(flow)
    word = bits(flow.key, first + 1)
    draw = 2.0 * high_half(word)
    side = codes.BUY if draw < 1.0 else codes.SELL
    chosen = _class_of(flow, draw if draw < 1.0 else draw - 1.0)
    if chosen < FLOW_LEVELS:
        price = touch_ticks(world, -side) - side * (chosen + 1)
        lots = _geometric(uniform(flow.key, first + 2), flow.limit_log_growth)
        write(world, codes.NEW, side, NONE, codes.LIMIT, codes.GTC, price, lots)
        return True
    if chosen == _MARKET_CLASS:
        lots = _geometric(uniform(flow.key, first + 2), flow.market_log_growth)
        write(world, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, lots)
        return world.venue.auction == 0 and ladder.touch(world.book, -side) != NONE
    thinning = low_half(word)
    if chosen < _MARKET_CLASS:
        slot = _order_at(world, side, chosen - FLOW_LEVELS + 1, i64(thinning * flow.depth_cap))
    else:
        slot = _order_far(world, i64(thinning * world.orders.shape[0]))
    write(world, codes.CANCEL, side, slot, codes.LIMIT, codes.GTC, 0, 0)
    return slot != NONE


@kernel
def _class_of(flow: Any, draw: float) -> int:
    """Find the class of a candidate from a draw in [0, 1): a table names where to start looking."""
    rate = draw * flow.cumulative[FLOW_CLASSES - 1]
    chosen = flow.guide[i64(draw * FLOW_GUIDE)]
    while chosen < FLOW_CLASSES - 1 and flow.cumulative[chosen] <= rate:
        chosen += 1
    return i64(chosen)


@kernel
def _order_at(world: Any, side: int, distance: int, place: int) -> int:
    """Return the background order at ``place`` in the queue at a distance from the opposite touch, or NONE."""
    price = touch_ticks(world, -side) - side * distance
    level = ladder.find(world.book, side, side * price)
    if level == NONE or world.book.levels[level].orders <= place:
        return NONE
    slot = i64(world.book.levels[level].head)
    for _ in range(place):
        slot = i64(world.orders[slot].next)
    return slot if world.orders[slot].owner == codes.BACKGROUND else NONE


@kernel
def _order_far(world: Any, slot: int) -> int:
    """Return the slot if a background order rests there, farther out than the flow's levels, or NONE."""
    order = world.orders[slot]
    if order.lots == 0 or order.level == NONE or order.owner != codes.BACKGROUND:
        return NONE
    level = world.book.levels[order.level]
    side = i64(level.side)
    distance = side * (touch_ticks(world, -side) - side * level.key)
    return slot if distance > world.flow.levels else NONE
