"""What a run looked like, sample by sample."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
        ("received_ns", "i8"),  # when the newest market data reached the desk
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

    @classmethod
    def at(cls, start_ns: int, end_ns: int, step_ns: int) -> "Trace":
        """Return an empty trace whose samples are to be taken every ``step_ns`` after ``start_ns``."""
        trace = cls(int((end_ns - start_ns) // step_ns), step_ns)
        trace.samples["t_ns"] = start_ns + step_ns * np.arange(1, len(trace) + 1)
        return trace

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.samples[name]

    def cut(self, first: int, last: int) -> "Trace":
        """Return the samples from ``first`` to before ``last``, sharing their memory."""
        part = Trace(0, self.step_ns)
        part.samples, part.prices, part.lots = self.samples[first:last], self.prices[first:last], self.lots[first:last]
        return part

    def until(self, end_ns: int) -> "Trace":
        """Return the samples up to and including ``end_ns``, sharing their memory."""
        return self.cut(0, int(np.searchsorted(self["t_ns"], end_ns, "right")))

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
class MarketRun:
    """One run of a market: what it looked like, and what it left.

    Attributes:
        trace: What it looked like.
        modifiers: float64 of shape ``(chunks, MODIFIERS)``: the modifiers at the end of every second.
        stopped_ns: When every fault was stopped before its time; ``None`` if it was not.
        effects: ``layout.EFFECT`` array: what the experiment's effects noted.
        rejects: How often each reason of ``codes`` refused a message.
        venue: ``layout.VENUE`` record: the venue's rules, and what its protections did.
        event_hash: Of everything that happened.
        twin: The running market, where it ended.
    """

    trace: Trace
    modifiers: NDArray[np.float64]
    stopped_ns: int | None
    effects: NDArray[np.void]
    rejects: dict[int, int]
    venue: Any
    event_hash: int
    twin: Any
