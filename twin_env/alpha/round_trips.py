"""Round trips: stretches of time between two moments at which a desk holds nothing, in fact and in theory.

A trip begins when a decision comes due, or a fill comes in, while neither fact nor theory holds anything. It ends when
both hold nothing again, or when a fill turns the position, or opens one anew, while theory still holds what was missed.
So trips do not overlap, and because no price changes the split of a desk that holds nothing, those of a record sum to
all of it, in integers. A trip without a fill is one that the strategy had and the market did not give.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.fills import PARTS
from twin_env.alpha.split import RunningSplit, Split
from twin_env.alpha.touches import Touches
from twin_env.core.conditions import EXIT, GIVEN_UP, SIZED
from twin_env.core.state import codes
from twin_env.core.stream import DUE, SETTLED

EntryReason = Literal["market", "limit", "stop", "missed"]
ExitReason = Literal["target", "stop", "signal", "close", "missed", "open"]
_EXITS: Final = (EXIT, SIZED, GIVEN_UP)


@dataclass(frozen=True)
class RoundTrip:
    """One round trip.

    Attributes:
        side: +1 for long, -1 for short; of a trip that was missed that of its decision.
        lots: Largest position.
        begin_ns: When it was decided, or filled without being due.
        end_ns: When it was over; the end of the record for one that is open.
        entry_ticks: Mean price of the fills that opened it; ``None`` without any.
        exit_ticks: Mean price of those that closed it.
        entry_reason: Kind of the order that filled first.
        exit_reason: What closed it: ``target`` for a limit, ``stop``, ``signal`` for a market order, ``close`` for one
            that was sent when the time to trade was over; ``missed`` without a fill, ``open`` if it is not over.
        fills: Their number.
        mae: Largest loss on the way (maximum adverse excursion): of what was held, at the touch at which it could have
            been closed, with what was realised so far, before fees; half-ticks x lots, >= 0.
        mfe: Largest profit on the way (maximum favourable excursion), likewise.
        risk: What its first stop was to lose, half-ticks x lots; ``None`` without a stop.
        split: Its share of the record's.
    """

    side: int
    lots: int
    begin_ns: int
    end_ns: int
    entry_ticks: float | None
    exit_ticks: float | None
    entry_reason: EntryReason
    exit_reason: ExitReason
    fills: int
    mae: int
    mfe: int
    risk: int | None
    split: Split


@dataclass
class _Stretch:
    """A trip as far as it has come."""

    begin_ns: int
    before: Split
    fills: list[NDArray[np.void]]
    side: int


class RoundTripFinder:
    """Goes through a record once and finds its trips.

    Args:
        touches: Best prices over time.
        orders: ``ORDER`` array.
        half_tick_micro: Money of half a tick of one lot.
        closes_ns: An order sent at this time or later was sent to close; ``NEVER_NS`` if time is no reason.
    """

    def __init__(
        self, touches: Touches, orders: NDArray[np.void], half_tick_micro: int, closes_ns: int = codes.NEVER_NS
    ) -> None:
        self._touches, self._closes_ns = touches, closes_ns
        self._orders = {int(order["order"]): order for order in orders}
        self.running = RunningSplit(half_tick_micro)
        self._open: _Stretch | None = None
        self._trips: list[RoundTrip] = []

    def trips(self, intents: NDArray[np.void], fills: NDArray[np.void], numbers: Any) -> list[RoundTrip]:
        """Return all trips, an unfinished one last.

        Args:
            intents: Entries of plane INTENTS.
            fills: ``FILL`` array.
            numbers: Places in the stream of the intents' entries and of the fills.
        """
        for entry, is_fill in in_order(intents, fills, numbers):
            if is_fill:
                for part in self._parts_of(entry):
                    self._fill(part)
            elif entry["kind"] in (DUE, SETTLED):
                self._follow_theory(entry)
        if self._open is not None:
            mid = int(self._touches.bid[-1] + self._touches.ask[-1])
            self._end(self._touches.end_ns, mid, "open")
        return self._trips

    def _follow_theory(self, entry: Any) -> None:
        if self._open is None:
            self._begin(int(entry["ts_ns"]), int(entry["side"]), int(entry["mid"]))
        self.running.follow_intent(entry)
        self._end_if_flat(int(entry["ts_ns"]), int(entry["mid"]))

    def _fill(self, fill: Any) -> None:
        position, mid, ts_ns = self.running.position, int(fill["mid"]), int(fill["ts_ns"])
        opens = position == 0
        if self._open is not None and opens and self._open.fills:  # a new position while an old trip is not settled
            self._end(ts_ns, mid, None)
        if self._open is None:
            self._begin(ts_ns, int(fill["side"]), mid)
        assert self._open is not None
        if not self._open.fills:
            self._open.side = int(fill["side"])
        self._open.fills.append(fill)
        self.running.follow_fill(fill)
        self._end_if_flat(ts_ns, mid)

    def _parts_of(self, fill: Any) -> Iterator[Any]:
        """Yield a fill as it is, or what of it closes a position and what opens the opposite one, apart."""
        held = abs(self.running.position)
        if self.running.position * int(fill["side"]) >= 0 or int(fill["lots"]) <= held:
            yield fill
            return
        first, rest = fill.copy(), fill.copy()
        for name in ("lots", "due_lots", "fee_micro", *PARTS):
            share = int(fill[name]) * held // int(fill["lots"])
            first[name], rest[name] = share, int(fill[name]) - share
        yield first
        yield rest

    def _begin(self, ts_ns: int, side: int, mid: int) -> None:
        self._open = _Stretch(ts_ns, self.running.at(mid), [], side)

    def _end_if_flat(self, ts_ns: int, mid: int) -> None:
        if self.running.is_flat:
            self._end(ts_ns, mid, None)

    def _end(self, end_ns: int, mid: int, reason: ExitReason | None) -> None:
        one, self._open = self._open, None
        assert one is not None
        split = self.running.at(mid) - one.before
        if not one.fills and split == Split():
            return  # something was settled that came to nothing
        self._trips.append(self._describe(one, end_ns, split, reason))

    def _describe(self, one: _Stretch, end_ns: int, split: Split, reason: ExitReason | None) -> RoundTrip:
        opening = [fill for fill in one.fills if fill["side"] == one.side]
        closing = [fill for fill in one.fills if fill["side"] != one.side]
        held = np.cumsum([one.side * int(fill["side"]) * int(fill["lots"]) for fill in one.fills])
        lots = int(held.max()) if one.fills else 0
        entry_ticks, exit_ticks = _mean_price(opening), _mean_price(closing)
        mae, mfe = self._excursions(one, end_ns)
        return RoundTrip(
            side=one.side,
            lots=lots,
            begin_ns=one.begin_ns,
            end_ns=end_ns,
            entry_ticks=entry_ticks,
            exit_ticks=exit_ticks,
            entry_reason=self._entry_reason(opening),
            exit_reason=reason or self._exit_reason(closing),
            fills=len(one.fills),
            mae=mae,
            mfe=mfe,
            risk=self._risk(one, opening, entry_ticks, lots),
            split=split,
        )

    def _excursions(self, one: _Stretch, end_ns: int) -> tuple[int, int]:
        """Return the largest loss and profit of what was held, with what was realised so far, before fees.

        It is looked at between its fills, at the touch at which it could have been closed; the touch that is left by
        the fill that closes it belongs to no position any more.
        """
        low = high = position = cash = 0
        times = [int(fill["ts_ns"]) for fill in one.fills]
        for fill, until_ns in zip(one.fills, [*times, end_ns + 1][1:], strict=True):
            signed = int(fill["side"]) * int(fill["lots"])
            position, cash = position + signed, cash - 2 * signed * int(fill["price"])
            if position != 0 and until_ns > int(fill["ts_ns"]):
                span = self._touches.between(int(fill["ts_ns"]), until_ns - 1)
                closes = (self._touches.bid if position > 0 else self._touches.ask)[span]
                profit = 2 * position * closes + cash
                low, high = min(low, int(profit.min())), max(high, int(profit.max()))
        return -low, high

    def _entry_reason(self, opening: list[Any]) -> EntryReason:
        if not opening:
            return "missed"
        order = self._orders.get(int(opening[0]["order"]))
        kind = codes.MARKET if order is None else int(order["type"])
        return "market" if kind == codes.MARKET else "limit" if kind == codes.LIMIT else "stop"

    def _exit_reason(self, closing: list[Any]) -> ExitReason:
        if not closing:
            return "missed"
        order = self._orders.get(int(closing[-1]["order"]))
        if order is None:
            return "signal"
        if order["sent_ns"] >= self._closes_ns:
            return "close"
        kind = int(order["type"])
        return "signal" if kind == codes.MARKET else "target" if kind == codes.LIMIT else "stop"

    def _risk(self, one: _Stretch, opening: list[Any], entry_ticks: float | None, lots: int) -> int | None:
        """Return what the stop that was there first was to lose: one of the entry's group, or on the other side."""
        if entry_ticks is None:
            return None
        for order in self._orders.values():
            is_stop = order["type"] in (codes.STOP, codes.STOP_LIMIT) and order["side"] == -one.side
            in_time = one.begin_ns <= order["sent_ns"] <= int(one.fills[-1]["ts_ns"])
            if is_stop and in_time:
                lost = one.side * (entry_ticks - int(order["trigger"]))
                return round(2 * lots * lost) if lost > 0 else None
        return None


def in_order(intents: NDArray[np.void], fills: NDArray[np.void], numbers: Any) -> Iterator[tuple[Any, bool]]:
    """Yield entries of plane INTENTS and fills as they happened, each with whether it is a fill.

    Args:
        intents: The entries.
        fills: ``FILL`` array.
        numbers: Places in the stream of the entries, and of the fills.
    """
    order = np.argsort(np.concatenate(numbers), kind="stable")
    for place in order.tolist():
        is_fill = place >= len(intents)
        yield (fills[place - len(intents)], True) if is_fill else (intents[place], False)


def _mean_price(fills: list[Any]) -> float | None:
    lots = sum(int(fill["lots"]) for fill in fills)
    return sum(int(fill["lots"]) * int(fill["price"]) for fill in fills) / lots if lots else None
