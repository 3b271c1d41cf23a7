"""The anchored flow: orders of many participants around a price they believe in.

The *anchor* is the efficient price plus the price impact of signed flow. Limit orders are
placed around it, orders on its wrong side are cancelled or taken, informed market orders
lean towards it, and metaorders of long-tailed length (Lillo, Mike, Farmer 2005) give trade signs
their long memory. Every order goes through the exchange's inbox, and the trades of
metaorders and of the agent have price impact by the same rule.

Each candidate draws all it could need from its own counter; the book then decides what becomes
of it. No book can make a rate infinite or negative: a book thins a bounded stream.
"""

import math
from typing import Any, Final

import numpy as np

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.exchange.inbox import write
from twin_env.core.faults.mechanisms.makers import spread_cap
from twin_env.core.faults.modifiers import (
    BELIEF,
    BUY_LIMIT_SHARE,
    CANCEL_RATE,
    HERDING,
    LIMIT_SIZE,
    MARKET_ORDER_SHARE,
    PACE,
    SELL_LIMIT_SHARE,
    SPREAD,
)
from twin_env.core.flow.arrivals import draw_candidate, excite, propose
from twin_env.core.flow.efficient_price import (
    half_hour,
    refresh_volatility,
    start_efficient_price,
    step_efficient_price,
    update_volatility,
)
from twin_env.core.flow.price_impact import FIRST_METAORDER, reset_impact, reset_participant, step_impact
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE, REACH
from twin_env.core.state.rng import (
    ARRIVAL_STREAM,
    CANDIDATE_STREAM,
    EFFICIENT_PRICE_STREAM,
    METAORDER_STREAM,
    bits,
    high_half,
    low_half,
    normal,
    stream_key,
    uniform,
)

_DRAWS: Final = (
    5  # per candidate, used or not, so that no draw depends on the book: action, price, size, opinion, patience
)
_HERDING_NS: Final = 10e9  # relaxation time of herding
_NO_HERDING_TICKS: Final = 0.01  # a smaller offset is set to zero, so that a fault leaves nothing behind
_TINY: Final = 2.3283064365386963e-10  # 2^-32: keeps the logarithm of a 32-bit draw finite


@kernel
def start_anchored(world: Any) -> None:
    """Begin the flow at the world's present time around its present mid."""
    price, arrivals, impact, flow = world.efficient_price, world.arrivals, world.price_impact, world.anchored
    seed = world.seed
    price.key = stream_key(seed, EFFICIENT_PRICE_STREAM, 0)
    price.jump_key = stream_key(seed, EFFICIENT_PRICE_STREAM, 1)
    price.volatility_key = stream_key(seed, EFFICIENT_PRICE_STREAM, 2)
    price.noise_key = stream_key(seed, EFFICIENT_PRICE_STREAM, 3)
    arrivals.key = stream_key(seed, ARRIVAL_STREAM, 0)
    flow.key = stream_key(seed, CANDIDATE_STREAM, 0)
    flow.meta_key = stream_key(seed, METAORDER_STREAM, 0)
    flow.thinning_key = stream_key(seed, CANDIDATE_STREAM, 1)
    if price.follows_history == 0:
        price.efficient_ticks = 0.5 * (touch_ticks(world, codes.BUY) + touch_ticks(world, codes.SELL))
    price.observed_ticks = price.efficient_ticks
    flow.anchor_ticks = price.efficient_ticks
    start_efficient_price(price, world.now_ns)
    reset_impact(impact, world.now_ns)
    arrivals.undisturbed_pace = refresh_volatility(price, world.now_ns)
    arrivals.pace = arrivals.undisturbed_pace
    arrivals.now_ns = world.now_ns
    for place in range(flow.metaorders):
        _start_metaorder(flow, place)
        # A metaorder that runs at a random moment is part done: without this all would be young together.
        flow.meta_left[place] = 1 + i64(flow.meta_left[place] * uniform(flow.meta_key, 3 * flow.meta_count - 1))
    _start_excitement(arrivals)


@kernel
def _start_excitement(arrivals: Any) -> None:
    """Begin with the excitement a market has on average, and the first proposal."""
    intensity = arrivals.base_rate * arrivals.pace
    branching = 0.0
    for scale in range(arrivals.gain.shape[0]):
        branching += arrivals.gain[scale] / arrivals.decay_rate[scale]
    mean = intensity / (1.0 - branching)
    for scale in range(arrivals.gain.shape[0]):
        arrivals.excitement[scale] = mean * arrivals.gain[scale] / arrivals.decay_rate[scale]
        intensity += arrivals.excitement[scale]
    propose(arrivals, intensity)


@kernel
def next_anchored(world: Any, until_ns: int) -> bool:
    """Pass over time steps and candidates up to ``until_ns`` until one becomes a message in the exchange's inbox."""
    while True:
        next_step_ns = world.price_impact.next_step_ns
        if next_step_ns <= until_ns and next_step_ns <= world.arrivals.next_ns:
            world.now_ns = next_step_ns
            if _step(world):
                return True
        elif world.arrivals.next_ns <= until_ns:
            world.now_ns = world.arrivals.next_ns
            if draw_candidate(world.arrivals) and world.venue.halted == 0 and _decide(world):
                return True
        else:
            return False


@kernel
def _step(world: Any) -> bool:
    """Advance efficient price, arrivals and impact by one time step; return whether the session opened or closed."""
    price = world.efficient_price
    updates_volatility = price.steps % price.steps_per_update == 0
    if updates_volatility:
        world.arrivals.undisturbed_pace = update_volatility(price, world.now_ns)
    excite(
        world.arrivals,
        world.now_ns,
        step_efficient_price(price, world.modifiers),
        world.arrivals.undisturbed_pace * world.modifiers[PACE],
    )
    step_impact(world.price_impact, 1)
    world.anchored.anchor_ticks = price.observed_ticks + world.price_impact.shift_ticks + world.modifiers[BELIEF]
    if world.modifiers[HERDING] > 0.0 or world.anchored.herding_ticks != 0.0:
        _apply_herding(world)
    return updates_volatility and price.closes != 0 and _session(world)


@kernel
def _apply_herding(world: Any) -> None:
    """Shift the anchor towards a mid that a fault has moved, and relax back once the fault has ended."""
    flow = world.anchored
    mid = 0.5 * (touch_ticks(world, codes.BUY) + touch_ticks(world, codes.SELL))
    wanted = world.modifiers[HERDING] * (mid - flow.anchor_ticks)
    flow.herding_ticks += (wanted - flow.herding_ticks) * min(1.0, world.price_impact.step_ns / _HERDING_NS)
    if world.modifiers[HERDING] == 0.0 and abs(flow.herding_ticks) < _NO_HERDING_TICKS:
        flow.herding_ticks = 0.0
    flow.anchor_ticks += flow.herding_ticks


@kernel
def _session(world: Any) -> bool:
    """Close or open the market where the activity curve says so."""
    # Opened and closed by a message like any other: the exchange alone changes the state of the venue.
    closed = world.efficient_price.activity_curve[half_hour(world.efficient_price, world.now_ns)] == 0.0
    if closed == (world.venue.halted & codes.HALT_SESSION != 0):
        return False
    write(world, codes.CLOSE if closed else codes.RESUME, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
    return True


@kernel
def _decide(world: Any) -> bool:
    """Decide what a candidate does; return whether it became a message."""
    flow = world.anchored
    first = flow.candidates * _DRAWS
    flow.candidates += 1
    word = bits(flow.key, first)
    chosen = high_half(word)
    if world.chaos.flow_modified and _is_suppressed(world, chosen, low_half(word)):
        return False
    draw = 2.0 * low_half(word)
    side = codes.BUY if draw < 1.0 else codes.SELL
    mark = draw if draw < 1.0 else draw - 1.0
    if chosen < flow.market_share:
        return _market_order(world, first, mark, side)
    if chosen < flow.limit_share:
        return _limit_order(world, first, mark, side)
    return _cancel(world, first, mark, side)


@kernel
def _is_suppressed(world: Any, chosen: float, side_draw: float) -> bool:
    """Return whether a fault suppresses a candidate (thinning)."""
    flow = world.anchored
    if chosen < flow.market_share:
        kept = world.modifiers[MARKET_ORDER_SHARE]
    elif chosen < flow.limit_share:
        kept = world.modifiers[BUY_LIMIT_SHARE if side_draw < 0.5 else SELL_LIMIT_SHARE]
    else:
        return False
    return bool(kept < 1.0 and uniform(flow.thinning_key, flow.candidates) >= kept)


@kernel
def _size(sizes: Any, word: np.uint64) -> int:
    """Draw a size from 64 bits: one lot, or Pareto rounded down."""
    if high_half(word) < sizes.one_share:
        return 1
    return i64(min(sizes.scale * (low_half(word) + _TINY) ** (-1.0 / sizes.tail), sizes.largest))


@kernel
def _market_order(world: Any, first: int, mark: float, coin: int) -> bool:
    """Send a market order of an informed trader, a noise trader, or the next child of a metaorder."""
    if world.venue.auction:
        return False
    flow = world.anchored
    best_bid, best_ask = touch_ticks(world, codes.BUY), touch_ticks(world, codes.SELL)
    word = bits(flow.key, first + 1)
    # Thinning by the spread: the candidate was drawn at the rate of a one-tick market, the book only rejects.
    if high_half(word) >= math.exp(-flow.spread_aversion * (best_ask - best_bid - 1)):
        return False
    side = coin
    trader = codes.NOISE
    if mark < flow.informed_share:
        trader = codes.INFORMED
        # Informed traders compare the anchor with the real mid: their flow is what pulls a displaced price back.
        lean = flow.information * (flow.anchor_ticks - 0.5 * (best_bid + best_ask))
        side = codes.BUY if low_half(word) < 1.0 / (1.0 + math.exp(-lean)) else codes.SELL
    elif mark >= flow.informed_share + flow.noise_share:
        place = i64(low_half(word) * flow.metaorders)
        side = _next_child(world, place)
        world.price_impact.sender = FIRST_METAORDER + place
        trader = codes.METAORDER
    level = ladder.touch(world.book, -side)
    if level == NONE:
        return False
    size_word = bits(flow.key, first + 2)
    lots = _size(flow.market_sizes, size_word)
    if uniform(flow.key, first + 3) < flow.touch_share:
        lots = min(lots, world.book.levels[level].lots)
    world.trader = trader
    write(world, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, lots)
    return True


@kernel
def _next_child(world: Any, place: int) -> int:
    """Count a child of the metaorder in a slot and return its side; a finished metaorder is replaced by a new one."""
    flow = world.anchored
    if flow.meta_left[place] <= 0:
        _start_metaorder(flow, place)
        reset_participant(world.price_impact, FIRST_METAORDER + place)
    flow.meta_left[place] -= 1
    return i64(flow.meta_side[place])


@kernel
def _start_metaorder(flow: Any, place: int) -> None:
    """Draw side and length of a metaorder by its number, so that they do not depend on which slot became free."""
    draws = 3 * flow.meta_count
    flow.meta_count += 1
    flow.meta_side[place] = codes.BUY if uniform(flow.meta_key, draws) < 0.5 else codes.SELL
    length = uniform(flow.meta_key, draws + 1) ** (-1.0 / flow.meta_tail)
    flow.meta_left[place] = i64(min(length, flow.meta_largest))


@kernel
def _limit_order(world: Any, first: int, mark: float, side: int) -> bool:
    """Send a limit order at a distance behind the anchor as its sender sees it, or take a stale quote."""
    flow = world.anchored
    word = bits(flow.key, first + 1)
    if high_half(word) < flow.near_share:
        distance = -flow.near_scale * math.log(low_half(word) + _TINY)
    else:
        distance = flow.far_scale * ((low_half(word) + _TINY) ** (-1.0 / flow.far_tail) - 1.0)
    opinion = side * flow.anchor_ticks + flow.opinion_sd * normal(flow.key, first + 3)
    key = i64(math.floor(opinion - flow.margin + 0.5 - min(distance, flow.far_largest)))
    size_word = bits(flow.key, first + 2)
    lots = _size(flow.limit_sizes, size_word)
    if world.chaos.flow_modified:
        lots = max(1, i64(lots * world.modifiers[LIMIT_SIZE]))
        if world.modifiers[SPREAD] > 0.0:
            key = min(key, spread_cap(world, side))
    level = ladder.touch(world.book, -side)
    if level != NONE and key >= -world.book.levels[level].key and world.venue.auction == 0:
        if mark < flow.snipe_share:
            lots = min(lots, world.book.levels[level].lots)
            world.trader = codes.SNIPER
            write(world, codes.NEW, side, NONE, codes.LIMIT, codes.IOC, side * key, lots)
            return True
        # The others are makers: they quote as near as they can without crossing.
        key = -world.book.levels[level].key - 1
        if world.chaos.flow_modified:
            key -= i64(min(distance, flow.far_largest))
    world.trader = codes.MAKER
    patient = uniform(flow.key, first + 4) < flow.patient_share
    tif = codes.GTC if patient else codes.DAY
    write(world, codes.NEW, side, NONE, codes.LIMIT, tif, side * key, lots)
    return True


@kernel
def _cancel(world: Any, first: int, mark: float, side: int) -> bool:
    """Cancel an order; those on the wrong side of the anchor have higher rates."""
    flow = world.anchored
    slot = _order_to_cancel(world, side, mark * flow.cancel_cap / world.modifiers[CANCEL_RATE])
    # An order of the desk or of a fault takes part in the walk, but only its owner may cancel it: the candidate is lost
    # rather than passed on, so the rates of the others do not depend on the agent.
    if slot == NONE or world.orders[slot].owner != codes.BACKGROUND:
        return False
    if world.orders[slot].tif == codes.GTC and uniform(flow.key, first + 1) >= flow.patient_factor:
        return False
    write(world, codes.CANCEL, side, slot, codes.LIMIT, codes.GTC, 0, 0)
    return True


@kernel
def _order_to_cancel(world: Any, side: int, rate: float) -> int:
    """Walk the queues of a side from the touch until their cancel rates sum to ``rate``; NONE if they do not.

    Most candidates find no order to cancel. The sum of a side's rates is cached; it holds until an event or a time
    step.
    """
    flow, book = world.anchored, world.book
    row = ladder.row_of(side)
    fresh = flow.summed_event[row] == world.event_count and flow.summed_step[row] == world.efficient_price.steps
    if fresh and rate >= flow.summed_rate[row]:
        return NONE
    count = i64(book.count[row])
    if count == 0:
        return NONE
    touch = book.key[row, count - 1]
    # The factor counts how far a price lies beyond anchor - margin, seen from the order's side. The exponent is capped:
    # exp(50) times any rate is still finite, so an anchor that has run away cannot make the walk return NaN.
    factor = math.exp(min(flow.sensitivity * (touch + flow.margin - side * flow.anchor_ticks), 50.0))
    total = 0.0
    key = touch
    place = count - 1
    while place >= 0 and factor >= flow.min_cancel_factor:
        at = book.key[row, place]
        while key > at:
            key -= 1
            factor *= flow.sensitivity_factor
        level = book.levels[book.level[row, place]]
        level_rate = (
            level.orders
            * flow.cancel_rate[min(touch - key, REACH - 1)]
            * min(max(factor, flow.min_cancel_factor), flow.max_cancel_factor)
        )
        total += level_rate
        if rate < total:
            return _order_in(world, i64(level.head), i64((rate - total + level_rate) / level_rate * level.orders))
        place -= 1
    while place >= 0:  # from here on the factor is at its lower bound
        level = book.levels[book.level[row, place]]
        behind = min(touch - book.key[row, place], REACH - 1)
        level_rate = level.orders * flow.cancel_rate[behind] * flow.min_cancel_factor
        total += level_rate
        if rate < total:
            return _order_in(world, i64(level.head), i64((rate - total + level_rate) / level_rate * level.orders))
        place -= 1
    flow.summed_event[row] = world.event_count
    flow.summed_step[row] = world.efficient_price.steps
    flow.summed_rate[row] = total
    return NONE


@kernel
def _order_in(world: Any, slot: int, place: int) -> int:
    """Return the order at a place of a queue, by its first order."""
    for _ in range(place):
        slot = i64(world.orders[slot].next)
    return slot
