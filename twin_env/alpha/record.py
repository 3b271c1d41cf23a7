"""Everything that a desk's decisions and orders came to, from the stream of a running market."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.decisions import decisions_of
from twin_env.alpha.fills import FILL, fills_of
from twin_env.alpha.markouts import Markouts, markouts_of
from twin_env.alpha.orders import OrderJourneys
from twin_env.alpha.round_trips import RoundTrip, RoundTripFinder, in_order
from twin_env.alpha.split import RunningSplit, Split
from twin_env.alpha.touches import Touches, TouchRecorder
from twin_env.alpha.vwap import others_vwap_ticks, vwap_ticks
from twin_env.core import stream
from twin_env.core.state import codes
from twin_env.core.state.codes import NEVER_NS
from twin_env.market.instrument import Instrument
from twin_env.twin.stream import Batch
from twin_env.twin.twin import Twin

PLANES: Final = stream.EXCHANGE | stream.BOOK | stream.REQUESTS | stream.REPORTS | stream.MARKS
ALPHA_PLANES: Final = PLANES | stream.INTENTS | stream.PARTS
"""What a recorder reads of a stream."""

_MICRO: Final = 1e-6


@dataclass(frozen=True, eq=False)
class AlphaRecord:
    """What a desk did and what it came to, from one moment to another. Money is exact, in integers.

    Attributes:
        instrument: What was traded.
        fills: ``fills.FILL`` array, in their order.
        orders: ``orders.ORDER`` array, by number.
        intents: Entries of plane INTENTS, in their order.
        touches: The exchange's best prices.
        begin_ns: From when.
        closes_ns: Orders sent at this time or later were sent to close.
        numbers: Places in the stream of the entries of ``intents``, and of the fills.
        traded: Lots that the market traded, and their notional in ticks x lots, own trades included.
    """

    instrument: Instrument
    fills: NDArray[np.void]
    orders: NDArray[np.void]
    intents: NDArray[np.void]
    touches: Touches
    begin_ns: int
    closes_ns: int
    numbers: tuple[NDArray[np.int64], NDArray[np.int64]]
    traded: tuple[int, int]

    @property
    def end_ns(self) -> int:
        """Until when."""
        return self.touches.end_ns

    @property
    def last_mid(self) -> int:
        """The exchange's mid at the end, half-ticks."""
        return int(self.touches.bid[-1] + self.touches.ask[-1])

    @property
    def vwap_ticks(self) -> float | None:
        """The market's volume-weighted average price, own trades included; ``None`` without a trade."""
        return vwap_ticks(self.traded)

    @property
    def others_vwap_ticks(self) -> float | None:
        """The same of trades among others: a benchmark that own trades do not move towards themselves."""
        return others_vwap_ticks(self.traded, self.fills)

    @cached_property
    def decisions(self) -> NDArray[np.void]:
        """Every decision, a ``decisions.DECISION`` array."""
        return decisions_of(self.intents, self.fills, self.last_mid)

    @cached_property
    def trips(self) -> list[RoundTrip]:
        """Every round trip; their splits sum to that of the record."""
        finder = RoundTripFinder(self.touches, self.orders, self.instrument.half_tick_micro, self.closes_ns)
        return finder.trips(self.intents, self.fills, self.numbers)

    @cached_property
    def markouts(self) -> Markouts:
        """What each fill was worth a while later, at the usual horizons."""
        return markouts_of(self.fills, self.touches, self.instrument.half_tick_micro * _MICRO)

    def result(self) -> "AlphaResult":
        """Return what it came to."""
        parts = (self.fills, self.orders, self.decisions, self.trips, self.markouts, self.traded)
        return AlphaResult(self.instrument, self.begin_ns, self.end_ns, self.split, *parts)

    @cached_property
    def split(self) -> Split:
        """The alpha split at the end, everything that is open marked at the exchange's mid."""
        return self.splits_at(np.array([self.end_ns]))[0]

    def splits_at(self, times_ns: Any) -> list[Split]:
        """Return the split from the beginning to each of several times, after all that happened at it.

        Args:
            times_ns: Rising, within the record; shape ``(times,)``.

        Raises:
            ValueError: A time lies outside the record.
        """
        times = np.asarray(times_ns, np.int64)
        mids = self.touches.mids_at(times)
        if np.isnan(mids).any():
            outside = int(times[np.isnan(mids)][0])
            raise ValueError(f"times_ns has {outside}, expected {self.begin_ns} to {self.end_ns}")
        entries = in_order(self.intents, self.fills, self.numbers)
        running, splits, entry = RunningSplit(self.instrument.half_tick_micro), [], next(entries, None)
        for time, mid in zip(times.tolist(), mids.tolist(), strict=True):
            while entry is not None and entry[0]["ts_ns"] <= time:
                row, is_fill = entry
                (running.follow_fill if is_fill else running.follow_intent)(row)
                entry = next(entries, None)
            splits.append(running.at(int(mid)))
        return splits


@dataclass(frozen=True, eq=False)
class AlphaResult:
    """What an :class:`AlphaRecord` came to, without the path of prices: small enough to keep for every episode.

    Attributes:
        instrument: What was traded.
        begin_ns: From when.
        end_ns: Until when.
        split: At the end.
        fills: ``fills.FILL`` array.
        orders: ``orders.ORDER`` array.
        decisions: ``decisions.DECISION`` array.
        trips: Every round trip.
        markouts: Of the fills.
        traded: Lots that the market traded, and their notional in ticks x lots, own trades included.
    """

    instrument: Instrument
    begin_ns: int
    end_ns: int
    split: Split
    fills: NDArray[np.void]
    orders: NDArray[np.void]
    decisions: NDArray[np.void]
    trips: list[RoundTrip]
    markouts: Markouts
    traded: tuple[int, int]


class AlphaRecorder:
    """Follows the stream of a running market whose desk has sent nothing, and keeps what its alpha is made of.

    Args:
        instrument: What is traded.
        followed: Copy of the exchange's price levels (``Exchange.copy_book``).
        now_ns: When it was taken.
        closes_ns: When the time to trade is over: orders sent from then on are sent to close.
        intents: Entries of plane INTENTS that tell of what was decided before, such as a parent order.
    """

    def __init__(
        self,
        instrument: Instrument,
        followed: NDArray[np.void],
        now_ns: int,
        closes_ns: int = NEVER_NS,
        intents: NDArray[np.void] | None = None,
    ) -> None:
        self._instrument, self._begin_ns, self._closes_ns = instrument, now_ns, closes_ns
        self._touches = TouchRecorder(followed, now_ns)
        self._journeys = OrderJourneys()
        self._lots = self._notional = 0
        self._cursor: int | None = None
        self._fills: list[NDArray[np.void]] = [np.zeros(0, FILL)]
        found = np.zeros(0, stream.INTENT_ENTRY) if intents is None else intents
        self._intents: list[NDArray[np.void]] = [found]
        self._places = ([np.arange(-len(found), 0)], [np.zeros(0, np.int64)])  # before the first row of the stream

    @classmethod
    def beside(cls, twin: Twin) -> Self:
        """Return a recorder that begins where a running market stands, whose desk has sent nothing so far.

        Raises:
            ValueError: The desk has sent orders, or planes of the stream are not written.
        """
        missing = [name for plane, name in stream.PLANE_NAMES.items() if plane & ALPHA_PLANES & ~twin.planes]
        if missing:
            raise ValueError(f"planes of the twin lack {', '.join(missing)}, expected all that alpha is made of")
        if twin.desk.orders():
            raise ValueError("the desk has orders, expected a recorder from before the first is sent")
        recorder = cls(twin.instrument, twin.exchange.copy_book(), twin.now_ns)
        recorder._cursor = twin.cursor
        return recorder

    def follow(self, batch: Batch) -> None:
        """Take the next rows of the stream, all planes of ``ALPHA_PLANES``.

        Raises:
            ValueError: They do not begin where the batch before ended.
        """
        if self._cursor is not None and batch.first != self._cursor:
            raise ValueError(
                f"the batch begins with row {batch.first} of the stream, expected row {self._cursor}: each row once, "
                "in their order"
            )
        self._cursor = batch.next
        places = batch.first + np.arange(len(batch))
        planes = batch.rows["plane"]
        self._touches.follow(batch.book)
        self._journeys.follow(batch)
        exchange = batch.exchange
        trades = exchange[np.isin(exchange["kind"], (codes.TRADED, codes.PRINTED))]
        self._lots += int(trades["lots"].sum())
        self._notional += int((trades["lots"] * trades["price"]).sum())
        self._fills.append(fills_of(exchange, batch.marks, batch.parts))
        self._intents.append(batch.intents)
        self._places[0].append(places[planes == stream.INTENTS])
        self._places[1].append(places[planes == stream.PARTS])

    def record(self, now_ns: int) -> AlphaRecord:
        """Return what was recorded until a time up to which every row was followed, ns."""
        intents = np.concatenate(self._intents)
        return AlphaRecord(
            self._instrument,
            np.concatenate(self._fills),
            self._journeys.orders(np.unique(intents["client"])),
            intents,
            self._touches.touches(now_ns),
            self._begin_ns,
            self._closes_ns,
            (np.concatenate(self._places[0]), np.concatenate(self._places[1])),
            (self._lots, self._notional),
        )
