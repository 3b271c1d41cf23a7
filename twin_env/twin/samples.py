"""Even samples of a running market: the exchange beside what its desk knows."""

from typing import Any

from twin_env.chaos.journal.trace import BEST_LEVELS, DEPTH_LEVELS
from twin_env.core.desk.desk import desk_touch
from twin_env.core.event_loop import advance
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.jit import i64, kernel


@kernel
def sample_until(
    worlds: Any, index: int, tape: Any, samples: Any, prices: Any, lots: Any, first: int, last: int
) -> int:
    """Play a world and note what it looks like at the times of samples ``first`` to before ``last``.

    Args:
        worlds: Record array of worlds.
        index: Which one.
        tape: ``layout.MESSAGE`` array it plays.
        samples: ``SAMPLE`` array; ``t_ns`` says when each is taken, all else is written.
        prices: Output, int64 of shape ``(samples, 2, DEPTH_LEVELS)``: best prices of either side, bids first.
        lots: Output, likewise: lots there; 0 where there is no level.
        first: Sample to begin with.
        last: Sample to end before.

    Returns:
        The first sample that was not taken: ``last``, or an earlier one where the stream has to be drained first.
    """
    world = worlds[index]
    for number in range(first, last):
        if not advance(world, tape, i64(samples[number].t_ns)):
            return number
        note(world, samples[number], prices[number], lots[number])
    return last


@kernel
def note(world: Any, sample: Any, prices: Any, lots: Any) -> None:
    """Write down one moment of a world."""
    book, desk, chaos = world.book, world.desk, world.chaos
    sample.bid = touch_ticks(world, BUY)
    sample.ask = touch_ticks(world, SELL)
    for row in range(2):
        count = book.count[row]
        total = 0
        for level in range(min(count, DEPTH_LEVELS)):
            place = count - 1 - level
            held = book.levels[book.level[row, place]].lots
            prices[row, level] = (1 - 2 * row) * book.key[row, place]
            lots[row, level] = held
            total += held if level < BEST_LEVELS else 0
        if row == 0:
            sample.bid_lots = total
        else:
            sample.ask_lots = total
    sample.desk_bid = desk_touch(world, BUY)
    sample.desk_ask = desk_touch(world, SELL)
    sample.desk_hash = _hash_of(desk.book)
    sample.received_ns = desk.received_ns
    sample.feed_ns = desk.feed_ns
    sample.position_gap = desk.position - world.ledger.position
    sample.last_trade = world.last_trade
    sample.volume = world.traded_lots
    sample.trades = world.trade_count
    sample.messages = world.feed_seq
    sample.events = world.event_count
    sample.lost = world.market_data_link.lost
    sample.twice = chaos.feed_twice
    sample.swapped = chaos.feed_swapped
    sample.neighbours = chaos.feed_neighbours
    sample.requests = chaos.requests
    sample.requests_twice = chaos.requests_twice
    sample.refused = chaos.refused
    sample.reports = chaos.reports
    sample.reports_lost = chaos.reports_lost
    sample.reports_twice = chaos.reports_twice
    sample.closed = 1 if world.venue.halted != 0 else 0
    sample.one_sided = 1 if book.count[0] == 0 or book.count[1] == 0 else 0
    sample.desk_one_sided = 1 if desk.book.count[0] == 0 or desk.book.count[1] == 0 else 0
    sample.active = min(chaos.active, 127)


@kernel
def _hash_of(ladder: Any) -> int:
    """Return a number that changes with any level of a ladder."""
    mixed = i64(0)
    for row in range(2):
        for place in range(ladder.count[row]):
            mixed = mixed * 1_000_003 + ladder.key[row, place]
            mixed = mixed * 1_000_003 + ladder.levels[ladder.level[row, place]].lots
    return mixed
