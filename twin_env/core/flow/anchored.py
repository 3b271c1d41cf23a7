"""The anchored flow: orders of many participants around a price they believe in.

The *anchor* is the efficient price shifted by the memory of signed flow. Limit orders are
placed around it, orders on its wrong side are withdrawn or taken, informed market orders
lean towards it, and metaorders of long-tailed length (Lillo, Mike, Farmer 2005) give signs
their memory. Everything a participant does goes through the exchange's inbox, and the trades of
metaorders, the agent's among them, are remembered alike.

Each candidate draws all it could need from its own counter; the book then decides what becomes
of it. No book can make a rate infinite or negative: a book thins a bounded stream.
"""

import math
from typing import Any, Final

import numpy as np

from twin_env.core.exchange import ladder as ladders
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
from twin_env.core.flow.arrivals import propose, stir, tick
from twin_env.core.flow.efficient_price import half_hour, look_around, move, start_news, turn
from twin_env.core.flow.price_impact import FIRST_METAORDER, beat_memory, clear_memory, forget_pace
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE, REACH
from twin_env.core.state.rng import (
    CANDIDATE_STREAM,
    CLOCK_STREAM,
    METAORDER_STREAM,
    NEWS_STREAM,
    bits,
    high_half,
    low_half,
    normal,
    stream_key,
    uniform,
)

_DRAWS: Final = 5  # per candidate: what and who, price, size, opinion, patience
_HERD_NS: Final = 10e9  # in which the crowd goes most of the way
_HERDED: Final = 0.01  # ticks that are no more than nothing
_TINY: Final = 2.3283064365386963e-10  # 2^-32: keeps the logarithm of a 32-bit draw finite


@kernel
def start_anchored(world: Any) -> None:
    """Begin the flow at the world's present time around its present mid."""
    news, clock, memory, flow = world.news, world.clock, world.memory, world.anchored
    seed = world.seed
    news.key = stream_key(seed, NEWS_STREAM, 0)
    news.jump_key = stream_key(seed, NEWS_STREAM, 1)
    news.volatility_key = stream_key(seed, NEWS_STREAM, 2)
    news.flutter_key = stream_key(seed, NEWS_STREAM, 3)
    clock.key = stream_key(seed, CLOCK_STREAM, 0)
    flow.key = stream_key(seed, CANDIDATE_STREAM, 0)
    flow.meta_key = stream_key(seed, METAORDER_STREAM, 0)
    flow.keep_key = stream_key(seed, CANDIDATE_STREAM, 1)
    if news.told == 0:
        news.efficient_ticks = 0.5 * (touch_ticks(world, codes.BUY) + touch_ticks(world, codes.SELL))
    news.felt_ticks = news.efficient_ticks
    flow.anchor_ticks = news.efficient_ticks
    start_news(news, world.now_ns)
    clear_memory(memory, world.now_ns)
    clock.calm_pace = look_around(news, world.now_ns)
    clock.pace = clock.calm_pace
    clock.now_ns = world.now_ns
    for place in range(flow.metaorders):
        _start_metaorder(flow, place)
        flow.meta_left[place] = 1 + i64(flow.meta_left[place] * uniform(flow.meta_key, 3 * flow.meta_count - 1))
    _settle(clock)


@kernel
def _settle(clock: Any) -> None:
    """Begin with the excitement a market has on average, and the first proposal."""
    intensity = clock.base_rate * clock.pace
    branching = 0.0
    for scale in range(clock.gain.shape[0]):
        branching += clock.gain[scale] / clock.fade[scale]
    mean = intensity / (1.0 - branching)
    for scale in range(clock.gain.shape[0]):
        clock.excitement[scale] = mean * clock.gain[scale] / clock.fade[scale]
        intensity += clock.excitement[scale]
    propose(clock, intensity)


@kernel
def next_anchored(world: Any, until_ns: int) -> bool:
    """Pass over beats and candidates up to ``until_ns`` until one becomes a message in the exchange's inbox."""
    while True:
        beat_ns = world.memory.beat_ns
        if beat_ns <= until_ns and beat_ns <= world.clock.next_ns:
            world.now_ns = beat_ns
            if _beat(world):
                return True
        elif world.clock.next_ns <= until_ns:
            world.now_ns = world.clock.next_ns
            if tick(world.clock) and world.venue.halted == 0 and _decide(world):
                return True
        else:
            return False


@kernel
def _beat(world: Any) -> bool:
    """Let the market's slow state go one beat on; tell whether the session opened or closed."""
    news = world.news
    turns = news.beats % news.beats_per_turn == 0
    if turns:
        world.clock.calm_pace = turn(news, world.now_ns)
    stir(world.clock, world.now_ns, move(news, world.modifiers), world.clock.calm_pace * world.modifiers[PACE])
    beat_memory(world.memory, 1)
    world.anchored.anchor_ticks = news.felt_ticks + world.memory.shift_ticks + world.modifiers[BELIEF]
    if world.modifiers[HERDING] > 0.0 or world.anchored.herd_ticks != 0.0:
        _herd(world)
    return turns and news.closes != 0 and _session(world)


@kernel
def _herd(world: Any) -> None:
    """Let the crowd follow a price that a fault pushes, and come back to what it believed once nobody does."""
    flow = world.anchored
    mid = 0.5 * (touch_ticks(world, codes.BUY) + touch_ticks(world, codes.SELL))
    wanted = world.modifiers[HERDING] * (mid - flow.anchor_ticks)
    flow.herd_ticks += (wanted - flow.herd_ticks) * min(1.0, world.memory.step_ns / _HERD_NS)
    if world.modifiers[HERDING] == 0.0 and abs(flow.herd_ticks) < _HERDED:
        flow.herd_ticks = 0.0
    flow.anchor_ticks += flow.herd_ticks


@kernel
def _session(world: Any) -> bool:
    """Close or open the market where the activity curve says so."""
    closed = world.news.activity_curve[half_hour(world.news, world.now_ns)] == 0.0
    if closed == (world.venue.halted & codes.HALT_SESSION != 0):
        return False
    write(world, codes.CLOSE if closed else codes.RESUME, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
    return True


@kernel
def _decide(world: Any) -> bool:
    """Decide what a candidate does; tell whether it became a message."""
    flow = world.anchored
    first = flow.candidates * _DRAWS
    flow.candidates += 1
    word = bits(flow.key, first)
    chosen = high_half(word)
    if world.chaos.flow_modified and _stays_away(world, chosen, low_half(word)):
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
def _stays_away(world: Any, chosen: float, side_draw: float) -> bool:
    """Tell whether a fault keeps a candidate from coming."""
    flow = world.anchored
    if chosen < flow.market_share:
        kept = world.modifiers[MARKET_ORDER_SHARE]
    elif chosen < flow.limit_share:
        kept = world.modifiers[BUY_LIMIT_SHARE if side_draw < 0.5 else SELL_LIMIT_SHARE]
    else:
        return False
    return bool(kept < 1.0 and uniform(flow.keep_key, flow.candidates) >= kept)


@kernel
def _size(sizes: Any, word: np.uint64) -> int:
    """Draw a size from 64 bits: one lot, or Pareto rounded down."""
    if high_half(word) < sizes.one_share:
        return 1
    return i64(min(sizes.scale * (low_half(word) + _TINY) ** (-1.0 / sizes.tail), sizes.largest))


@kernel
def _market_order(world: Any, first: int, mark: float, coin: int) -> bool:
    """Somebody takes: an informed or noise trader, or a metaorder sends its next child."""
    if world.venue.auction:
        return False
    flow = world.anchored
    best_bid, best_ask = touch_ticks(world, codes.BUY), touch_ticks(world, codes.SELL)
    word = bits(flow.key, first + 1)
    if high_half(word) >= math.exp(-flow.patience * (best_ask - best_bid - 1)):
        return False
    side = coin
    if mark < flow.informed_share:
        lean = flow.information * (flow.anchor_ticks - 0.5 * (best_bid + best_ask))
        side = codes.BUY if low_half(word) < 1.0 / (1.0 + math.exp(-lean)) else codes.SELL
    elif mark >= flow.informed_share + flow.noise_share:
        place = i64(low_half(word) * flow.metaorders)
        side = _next_child(world, place)
        world.memory.speaker = FIRST_METAORDER + place
    level = ladders.touch(world.book, -side)
    if level == NONE:
        return False
    size_word = bits(flow.key, first + 2)
    lots = _size(flow.market_sizes, size_word)
    if uniform(flow.key, first + 3) < flow.touch_share:
        lots = min(lots, world.book.levels[level].lots)
    write(world, codes.NEW, side, NONE, codes.MARKET, codes.IOC, 0, lots)
    return True


@kernel
def _next_child(world: Any, place: int) -> int:
    """Count a child of the metaorder in a place and return its side; if the last one is done, the next begins."""
    flow = world.anchored
    if flow.meta_left[place] <= 0:
        _start_metaorder(flow, place)
        forget_pace(world.memory, FIRST_METAORDER + place)
    flow.meta_left[place] -= 1
    return i64(flow.meta_side[place])


@kernel
def _start_metaorder(flow: Any, place: int) -> None:
    """Draw side and length of a metaorder by its number."""
    draws = 3 * flow.meta_count
    flow.meta_count += 1
    flow.meta_side[place] = codes.BUY if uniform(flow.meta_key, draws) < 0.5 else codes.SELL
    length = uniform(flow.meta_key, draws + 1) ** (-1.0 / flow.meta_tail)
    flow.meta_left[place] = i64(min(length, flow.meta_largest))


@kernel
def _limit_order(world: Any, first: int, mark: float, side: int) -> bool:
    """Somebody makes: places an order a distance behind the anchor as they see it, or takes a stale one."""
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
    level = ladders.touch(world.book, -side)
    if level != NONE and key >= -world.book.levels[level].key and world.venue.auction == 0:
        if mark < flow.snipe_share:
            lots = min(lots, world.book.levels[level].lots)
            write(world, codes.NEW, side, NONE, codes.LIMIT, codes.IOC, side * key, lots)
            return True
        key = -world.book.levels[level].key - 1
        if world.chaos.flow_modified:  # where the price has left the anchor, buyers come down with it
            key -= i64(min(distance, flow.far_largest))
    patient = uniform(flow.key, first + 4) < flow.patient_share
    tif = codes.GTC if patient else codes.DAY
    write(world, codes.NEW, side, NONE, codes.LIMIT, tif, side * key, lots)
    return True


@kernel
def _cancel(world: Any, first: int, mark: float, side: int) -> bool:
    """Somebody withdraws an order, sooner where the anchor has left it on the wrong side."""
    flow = world.anchored
    slot = _leaving(world, side, mark * flow.cancel_cap / world.modifiers[CANCEL_RATE])
    if slot == NONE or world.orders[slot].owner != codes.BACKGROUND:
        return False
    if world.orders[slot].tif == codes.GTC and uniform(flow.key, first + 1) >= flow.patient_factor:
        return False
    write(world, codes.CANCEL, side, slot, codes.LIMIT, codes.GTC, 0, 0)
    return True


@kernel
def _leaving(world: Any, side: int, rate: float) -> int:
    """Walk the queues of a side from the touch until their cancel rates sum to ``rate``; NONE if they do not.

    Most candidates find nobody who wants to leave. What the rates of a side sum to is kept, and holds
    until an event or a beat.
    """
    flow, book = world.anchored, world.book
    row = ladders.row_of(side)
    fresh = flow.summed_event[row] == world.event_count and flow.summed_beat[row] == world.news.beats
    if fresh and rate >= flow.summed_rate[row]:
        return NONE
    count = i64(book.count[row])
    if count == 0:
        return NONE
    touch = book.key[row, count - 1]
    # An order is worried by how far its price lies beyond anchor - margin, seen from its own side.
    worry = math.exp(min(flow.worry * (touch + flow.margin - side * flow.anchor_ticks), 50.0))
    total = 0.0
    key = touch
    place = count - 1
    while place >= 0 and worry >= flow.calm:
        at = book.key[row, place]
        while key > at:
            key -= 1
            worry *= flow.worry_fade
        level = book.levels[book.level[row, place]]
        own = level.orders * flow.cancel_rate[min(touch - key, REACH - 1)] * min(max(worry, flow.calm), flow.panic)
        total += own
        if rate < total:
            return _order_in(world, i64(level.head), i64((rate - total + own) / own * level.orders))
        place -= 1
    while place >= 0:  # from here on everybody is calm
        level = book.levels[book.level[row, place]]
        behind = min(touch - book.key[row, place], REACH - 1)
        own = level.orders * flow.cancel_rate[behind] * flow.calm
        total += own
        if rate < total:
            return _order_in(world, i64(level.head), i64((rate - total + own) / own * level.orders))
        place -= 1
    flow.summed_event[row] = world.event_count
    flow.summed_beat[row] = world.news.beats
    flow.summed_rate[row] = total
    return NONE


@kernel
def _order_in(world: Any, slot: int, place: int) -> int:
    """Return the order at a place of a queue, by its first order."""
    for _ in range(place):
        slot = i64(world.orders[slot].next)
    return slot
