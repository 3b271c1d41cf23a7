"""What the metrics are computed from: series derived from a recording, each made once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.studies.realism.estimators import Floats, Ints
from twin_env.studies.realism.recording import BOOK, CANCEL, LIMIT, TRADE, Recording

NS_PER_S: Final = 1e9


@dataclass(frozen=True)
class Trades:
    """Aggressors that traded, one row each.

    Attributes:
        ts_ns: When.
        side: +1 bought, -1 sold.
        lots: Traded.
        through_ticks: How far beyond the best price the last fill was.
        mid_before: Mid before, ticks.
        mid_after: Mid after, ticks.
        spread_before: Spread before, ticks.
        price: Mean price of the fills, ticks.
    """

    ts_ns: Ints
    side: Ints
    lots: Ints
    through_ticks: Ints
    mid_before: Floats
    mid_after: Floats
    spread_before: Ints
    price: Floats


@dataclass(frozen=True)
class Orders:
    """Limit orders that came to rest during the recording, oldest first.

    Attributes:
        born_ns: When.
        ended_ns: When nothing was left of them; of the latest event for those that still rest.
        distance_ticks: Behind the best price of their side.
        cancelled: Whether the last of them was withdrawn.
        filled: Whether the last of them traded.
        first_fill_ns: When they first traded; -1 if they did not.
        side: +1 buy, -1 sell.
    """

    born_ns: Ints
    ended_ns: Ints
    distance_ticks: Ints
    cancelled: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    first_fill_ns: Ints
    side: Ints


class Series:
    """A recording and the series derived from it.

    Messages are numbered by place: all that speak of one (``ts_ns``, ``bid``, ...) have one element per message that
    changed the book or traded, and the state *after* it. The first element is the book at the start.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    @cached_property
    def _bounds(self) -> tuple[Ints, Ints]:
        group = self.recording.events["group"]
        if not len(group):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        ends = np.append(np.flatnonzero(group[1:] != group[:-1]), len(group) - 1)
        return np.append(0, ends[:-1] + 1), ends

    @cached_property
    def message_of_row(self) -> Ints:
        """Number of the message of each row."""
        starts, ends = self._bounds
        return np.repeat(np.arange(len(starts)), ends - starts + 1)

    def _after(self, name: str) -> Ints:
        return np.ascontiguousarray(self.recording.events[name][self._bounds[1]])

    @cached_property
    def ts_ns(self) -> Ints:
        """Time of each message."""
        return self._after("ts_ns")

    @cached_property
    def bid(self) -> Ints:
        """Best bid after each message, ticks."""
        return self._after("bid")

    @cached_property
    def ask(self) -> Ints:
        """Best ask after each message, ticks."""
        return self._after("ask")

    @cached_property
    def bid_lots(self) -> Ints:
        """Lots at the best bid after each message; 0 when there is none."""
        return self._after("bid_lots")

    @cached_property
    def ask_lots(self) -> Ints:
        """Lots at the best ask after each message; 0 when there is none."""
        return self._after("ask_lots")

    @cached_property
    def mid(self) -> Floats:
        """Mid after each message, ticks."""
        return (self.bid + self.ask) / 2.0

    @cached_property
    def imbalance(self) -> Floats:
        """(bid lots - ask lots) / (bid lots + ask lots) after each message; 0 where both sides are empty."""
        return share_difference(self.bid_lots, self.ask_lots)

    @cached_property
    def order_flow(self) -> Ints:
        """Order flow imbalance of each message, lots: Cont, Kukanov and Stoikov (2014), eq. 2.1."""
        bid, ask, bids, asks = self.bid, self.ask, self.bid_lots, self.ask_lots
        flow = np.zeros(len(bid), np.int64)
        flow[1:] = (bid[1:] >= bid[:-1]) * bids[1:] - (bid[1:] <= bid[:-1]) * bids[:-1]
        flow[1:] -= (ask[1:] <= ask[:-1]) * asks[1:] - (ask[1:] >= ask[:-1]) * asks[:-1]
        return flow

    def is_acted(self) -> NDArray[np.bool_]:
        """Tell which messages somebody sent: all that are not only ``BOOK`` rows."""
        acted = np.zeros(len(self.ts_ns), bool)
        acted[self.message_of_row[self.recording.events["kind"] != BOOK]] = True
        return acted

    @cached_property
    def trades(self) -> Trades:
        """Aggressors that traded."""
        events, message = self.recording.events, self.message_of_row
        rows = np.flatnonzero(events["kind"] == TRADE)
        numbers, first = np.unique(message[rows], return_index=True)
        fills = events[rows]
        lots = np.add.reduceat(fills["lots"], first) if len(first) else np.zeros(0, np.int64)
        notional = np.add.reduceat(fills["lots"] * fills["price_ticks"], first) if len(first) else lots
        through = np.maximum.reduceat(fills["distance_ticks"], first) if len(first) else lots
        before = np.maximum(numbers - 1, 0)
        return Trades(
            ts_ns=fills["ts_ns"][first],
            side=fills["side"][first].astype(np.int64),
            lots=lots,
            through_ticks=through.astype(np.int64),
            mid_before=self.mid[before],
            mid_after=self.mid[numbers],
            spread_before=self.ask[before] - self.bid[before],
            price=notional / np.maximum(lots, 1),
        )

    @cached_property
    def orders(self) -> Orders:
        """Limit orders that came to rest during the recording."""
        events = self.recording.events
        rows = events[events["order"] > 0]
        rows = rows[np.argsort(rows["order"], kind="stable")]
        starts = np.flatnonzero(np.diff(rows["order"], prepend=-1))
        ends = np.append(starts[1:], len(rows)) - 1 if len(starts) else starts
        born = rows["kind"][starts] == LIMIT
        traded = np.where(rows["kind"] == TRADE, rows["ts_ns"], np.iinfo(np.int64).max)
        fill_ns = np.minimum.reduceat(traded, starts) if len(starts) else traded
        fill_ns = np.where(fill_ns == np.iinfo(np.int64).max, -1, fill_ns)
        gone = rows["left_lots"][ends] == 0
        return Orders(
            born_ns=rows["ts_ns"][starts][born],
            ended_ns=rows["ts_ns"][ends][born],
            distance_ticks=rows["distance_ticks"][starts][born].astype(np.int64),
            cancelled=(gone & (rows["kind"][ends] == CANCEL))[born],
            filled=(gone & (rows["kind"][ends] == TRADE))[born],
            first_fill_ns=fill_ns[born],
            side=rows["side"][starts][born].astype(np.int64),
        )

    @cached_property
    def mid_by_second(self) -> Floats:
        """Mid at each sample of the recording (one second apart), ticks."""
        touch = self.recording.touch
        return (touch[:, 0] + touch[:, 1]) / 2.0

    def by_interval(self, ts_ns: Ints, values: NDArray[Any], interval_s: float) -> Floats:
        """Sum values over whole intervals from the start of the recording."""
        recording = self.recording
        step_ns = round(interval_s * NS_PER_S)
        count = (recording.end_ns - recording.start_ns) // step_ns
        # An interval ends with its last moment, as a sample does: (start, start + step].
        place = (ts_ns - recording.start_ns - 1) // step_ns
        inside = (place >= 0) & (place < count)
        sums = np.bincount(place[inside], weights=values[inside].astype(np.float64), minlength=count)
        return sums[:count].astype(np.float64)

    def mid_by_interval(self, interval_s: int) -> Floats:
        """Mid at the ends of whole intervals, the start first, ticks."""
        return self.mid_by_second[::interval_s]


def share_difference(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    """Return (left - right) / (left + right), 0 where both are 0."""
    total = left + right
    out = np.zeros(len(total))
    np.divide(left - right, total, out=out, where=total > 0)
    return out
