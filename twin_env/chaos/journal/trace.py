"""What a run looked like, sample by sample: the market alone, with a desk that listens and does nothing."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.desk.desk import desk_touch
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import record

DEPTH_LEVELS: Final = 10
BEST_LEVELS: Final = 5
STEP_NS: Final = 10_000_000
"""Between two samples."""

SAMPLE: Final = record(
    [
        ("t_ns", "i8"),
        ("bid", "i8"),  # ticks, at the exchange
        ("ask", "i8"),
        ("bid_lots", "i8"),  # of the best five levels
        ("ask_lots", "i8"),
        ("desk_bid", "i8"),  # ticks, as the desk sees them
        ("desk_ask", "i8"),
        ("desk_hash", "i8"),  # of the desk's whole book: it changes when that does
        ("heard_ns", "i8"),  # when the newest market data reached the desk
        ("feed_ns", "i8"),  # when it was sent
        ("position_gap", "i8"),  # lots the desk's position is off
        ("last_trade", "i8"),
        ("volume", "i8"),  # lots, cumulative from here on
        ("trades", "i8"),
        ("messages", "i8"),  # of market data, numbered
        ("events", "i8"),
        ("lost", "i8"),  # market data
        ("twice", "i8"),
        ("swapped", "i8"),
        ("neighbours", "i8"),
        ("requests", "i8"),
        ("requests_twice", "i8"),
        ("refused", "i8"),
        ("reports", "i8"),
        ("reports_lost", "i8"),
        ("reports_twice", "i8"),
        ("closed", "i1"),  # 1 while nothing can trade
        ("one_sided", "i1"),
        ("desk_one_sided", "i1"),
        ("active", "i1"),  # faults that are on
    ]
)
"""One moment of a run."""


@kernel
def note(world: Any, sample: Any, prices: Any, lots: Any) -> None:
    """Write down one moment of a world."""
    book, desk, chaos = world.book, world.desk, world.chaos
    sample.t_ns = world.now_ns
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
    sample.heard_ns = desk.heard_ns
    sample.feed_ns = desk.feed_ns
    sample.position_gap = desk.position - world.ledger.position
    sample.last_trade = world.last_trade
    sample.volume = world.traded_lots
    sample.trades = world.trade_count
    sample.messages = world.feed_seq
    sample.events = world.event_count
    sample.lost = world.tick_link.lost
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


class Trace:
    """A run, sampled evenly.

    Attributes:
        samples: ``SAMPLE`` array of shape ``(n,)``.
        prices: int64 of shape ``(n, 2, DEPTH_LEVELS)``, ticks, bids first; where lots are 0 there is no level.
        lots: int64, likewise.
        step_ns: Between two samples.
    """

    def __init__(self, count: int, step_ns: int) -> None:
        self.samples: NDArray[np.void] = np.zeros(count, SAMPLE)
        self.prices = np.zeros((count, 2, DEPTH_LEVELS), np.int64)
        self.lots = np.zeros((count, 2, DEPTH_LEVELS), np.int64)
        self.step_ns = step_ns

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.samples[name]

    def cut(self, first: int, last: int) -> "Trace":
        """Return the samples from ``first`` to before ``last``, sharing their memory."""
        part = Trace(0, self.step_ns)
        part.samples, part.prices, part.lots = self.samples[first:last], self.prices[first:last], self.lots[first:last]
        return part

    def between(self, begin_ns: int, end_ns: int) -> "Trace":
        """Return the samples from ``begin_ns`` up to and including ``end_ns``."""
        first, last = np.searchsorted(self["t_ns"], [begin_ns, end_ns + 1])
        return self.cut(int(first), int(last))

    @property
    def mid_ticks(self) -> NDArray[np.float64]:
        """Mids of the exchange."""
        return np.asarray(0.5 * (self["bid"] + self["ask"]))

    @property
    def spread_ticks(self) -> NDArray[np.float64]:
        """Spreads of the exchange."""
        return np.asarray(self["ask"] - self["bid"], np.float64)

    @property
    def depth_lots(self) -> NDArray[np.float64]:
        """Mean lots of the best five levels of a side."""
        return np.asarray(0.5 * (self["bid_lots"] + self["ask_lots"]))


@dataclass
class Play:
    """One run of a market.

    Attributes:
        trace: What it looked like.
        worlds: Record array of one: where it ended.
        dials: float64 of shape ``(chunks, DIALS)``: where the dials were at the end of every second.
        healed_ns: When everything was healed before its time; ``None`` if it was not.
    """

    trace: Trace
    worlds: Any
    dials: NDArray[np.float64]
    healed_ns: int | None

    @property
    def world(self) -> Any:
        """The record it ended in."""
        return self.worlds[0]
