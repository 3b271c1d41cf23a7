"""Strategy Alpha a second time: from the recorded stream alone, in plain Python, without the compiled ledger.

The ledger keeps Strategy Alpha inside the world while it runs. Here it is worked out afterwards, by the definition
(DESIGN section 9) and from what was recorded: what the desk was told, what it decided, what the market traded, when
orders were over. Nothing of ``core.intents`` and its neighbours is used, so that a mistake there cannot repeat itself
here; tests hold both to the same integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.stream import BOOK, EXCHANGE, FEED, JOINED, LOST, MARKS, REQUESTS, SENT
from twin_env.core.stream import DROPPED as NEVER_SENT
from twin_env.core.stream import ENTRIES as LAYOUTS
from twin_env.core.stream import HELD as WAITS_AT_DESK
from twin_env.core.wire.feed import PRINT_ONLY, SNAPSHOT, TRADE
from twin_env.twin.exchange import Depth
from twin_env.twin.twin import Twin

PLANES: Final = EXCHANGE | BOOK | FEED | REQUESTS | MARKS
_ENTRY_ROLE: Final = 1
_ALL: Final = 1 << 30  # levels


class _Levels:
    """Price levels of both sides, with the last price of a side that is empty."""

    def __init__(self, lots: Mapping[int, Mapping[int, int]]) -> None:
        self.lots = {side: dict(lots[side]) for side in (codes.BUY, codes.SELL)}
        self.last = {side: side * max((side * price for price in self.lots[side]), default=0) for side in self.lots}

    def set(self, side: int, price: int, lots: int) -> None:
        """Give a level its new total."""
        if lots > 0:
            self.lots[side][price] = lots
            return
        self.lots[side].pop(price, None)
        if not self.lots[side]:
            self.last[side] = price

    def best(self, side: int) -> int | None:
        """Return the best price, None without one."""
        return side * max(side * price for price in self.lots[side]) if self.lots[side] else None

    def touch(self, side: int) -> int:
        """Return the best price; of an empty side the last there was, a tick from the other side at most."""
        best, other = self.best(side), self.best(-side)
        if best is not None:
            return best
        return self.last[side] if other is None else side * min(side * self.last[side], side * other - 1)

    @property
    def mid(self) -> int:
        """Bid + ask, half-ticks."""
        return self.touch(codes.BUY) + self.touch(codes.SELL)


@dataclass
class _Decision:
    """One order that somebody decided on."""

    number: int
    side: int
    wanted: int  # lots whose condition has not come true
    price: int = 0  # desired, half-ticks
    above: int = 0  # +1 if trades at or above the price let it come true, -1 at or below
    had: int = 0  # lots in theory
    filled: int = 0  # lots in fact
    left: int = 0  # lots at the exchange
    is_exit: bool = False
    grows: bool = True  # with the entry, unless it was made smaller than what is left
    given_up: bool = False
    post_only: bool = False
    group: "_Group | None" = None


@dataclass
class _Group:
    """Orders that share one life."""

    members: list[_Decision] = field(default_factory=list)
    allowed: int = 0  # lots that exits may still have


class StrategyRecount:
    """Follows a stream and keeps what the decisions of the strategy would hold, each filled as it wished.

    Args:
        book: Lots by price of the exchange at the beginning, by side.
        seen: The same of the desk's picture.
        seen_mid: Mid of that picture, half-ticks.
        last_trade: Price of the last trade the desk heard of, ticks; ``None`` before the first.
        parent: Side and lots of a parent order that was decided at the beginning; orders are then its children.
    """

    def __init__(
        self,
        book: Mapping[int, Mapping[int, int]],
        seen: Mapping[int, Mapping[int, int]],
        seen_mid: int,
        last_trade: int | None = None,
        parent: tuple[int, int] | None = None,
    ) -> None:
        self._book, self._seen = _Levels(book), _Levels(seen)
        self._seen_mid, self._heard = seen_mid, last_trade
        self._snapshot = self._book
        self._decisions: dict[int, _Decision] = {}
        self._groups: dict[int, _Group] = {}
        self._is_parent = parent is not None
        self._latest = 0  # number of the latest order
        self.lots = self.value = 0
        if parent is not None:
            self._trade_in_theory(parent[0] * parent[1], seen_mid)

    @classmethod
    def beside(cls, twin: Twin) -> Self:
        """Return a recount that begins where a running market stands, whose desk has sent nothing so far."""
        desk, to_ticks = twin.desk, twin.instrument.to_ticks
        heard = None if desk.last_price is None else to_ticks(desk.last_price)
        book, seen = (_lots_by_price(of.book(_ALL)) for of in (twin.exchange, desk))
        return cls(book, seen, to_ticks(2 * desk.mid), heard)

    @property
    def strategy(self) -> int:
        """Strategy Alpha at the exchange's present mid, half-ticks x lots."""
        return self.lots * self._book.mid - self.value

    def follow(self, rows: NDArray[np.void]) -> None:
        """Take the next rows of the stream: all planes of ``PLANES``, in their order."""
        planes = rows["plane"].tolist()
        entries = {plane: iter(_records(rows, plane)) for plane in (EXCHANGE, BOOK, FEED, REQUESTS, MARKS)}
        steps = {
            EXCHANGE: self._see_event,
            BOOK: self._see_level,
            FEED: self._hear,
            REQUESTS: self._ask,
            MARKS: self._fill,
        }
        for plane in planes:
            if plane in steps:
                steps[plane](next(entries[plane]))

    # -- the market ----------------------------------------------------------------------------------------------------

    def _see_level(self, entry: dict[str, int]) -> None:
        if entry["kind"] == SNAPSHOT:
            self._snapshot = _Levels(self._book.lots)
        elif entry["kind"] != PRINT_ONLY:
            self._book.set(entry["side"], entry["price"], entry["lots"])

    def _hear(self, entry: dict[str, int]) -> None:
        kind = entry["kind"]
        if entry["flag"] == 1 and kind != SNAPSHOT:  # the desk knew it already, or better
            pass
        elif kind == SNAPSHOT:
            self._seen = _Levels(self._snapshot.lots)
        else:
            if kind in (TRADE, PRINT_ONLY):
                self._heard = entry["price"]
            if kind != PRINT_ONLY:
                self._seen.set(entry["side"], entry["price"], entry["lots"])
        if all(self._seen.lots.values()):
            self._seen_mid = self._seen.mid

    def _see_event(self, entry: dict[str, int]) -> None:
        kind, order = entry["kind"], self._decisions.get(entry["client"])
        if kind in (codes.TRADED, codes.PRINTED):
            self._see_trade(entry["price"])
        elif order is not None and entry["owner"] == codes.DESK:
            if kind in (codes.ACCEPTED, codes.REPLACED):
                order.left = entry["lots"]
            elif kind == codes.REDUCED:
                order.left -= entry["lots"]
            elif kind == codes.CANCELLED or (kind == codes.REJECTED and entry["message_kind"] == codes.NEW):
                self._end(order)

    def _see_trade(self, price: int) -> None:
        reached = [
            order
            for order in self._decisions.values()
            if order.wanted > 0 and order.above * (2 * price - order.price) >= 0
        ]
        for order in sorted(reached, key=lambda order: order.number):
            self._come_true(order, order.price)

    # -- the desk ------------------------------------------------------------------------------------------------------

    def _ask(self, entry: dict[str, int]) -> None:
        stage, kind, number = entry["flag"], entry["kind"], entry["client"]
        if self._is_parent:
            return
        if stage == JOINED:
            self._join(entry)
        elif (
            stage in (SENT, WAITS_AT_DESK) and entry["decided"] and kind == codes.NEW and entry["client"] > self._latest
        ):
            self._decide(entry)
        elif (order := self._decisions.get(number)) is None:
            return  # over, which the desk does not know
        elif stage in (NEVER_SENT, LOST):
            if kind == codes.NEW:
                self._end(order)
        elif stage in (SENT, WAITS_AT_DESK) and entry["decided"]:
            if kind == codes.CANCEL:
                order.given_up, order.wanted = True, 0
            else:
                self._decide_anew(order, entry)

    def _decide(self, entry: dict[str, int]) -> None:
        order = _Decision(entry["client"], entry["side"], entry["lots"])
        self._decisions[order.number], self._latest = order, order.number
        if entry["flag"] == WAITS_AT_DESK:
            self._join(entry)
        self._wish(order, entry, entry["flag"] == WAITS_AT_DESK)

    def _decide_anew(self, order: _Decision, entry: dict[str, int]) -> None:
        order.wanted = max(entry["lots"] - order.had, 0)
        if order.wanted == 0:
            return
        if order.group is not None and order.is_exit:
            order.given_up = False
            order.grows = order.wanted >= max(order.group.allowed, 0)
            order.wanted = min(order.wanted, max(order.group.allowed, 0))
        self._wish(order, entry, entry["flag"] == WAITS_AT_DESK)

    def _wish(self, order: _Decision, entry: dict[str, int], waits: bool) -> None:
        """Set what an order wishes for: a price to wait for, or the mid the desk sees, at once."""
        side, kind = order.side, entry["type"]
        best = self._seen.best(-side)
        if kind == codes.LIMIT:
            order.price, order.above = 2 * entry["price"], -side
            crosses = best is not None and side * entry["price"] >= side * best
            if entry["kind"] == codes.NEW:
                order.post_only = bool(entry["flags"] & codes.POST_ONLY)
            now = crosses and not order.post_only
        else:
            order.price, order.above = 2 * entry["trigger"], side
            passed = self._heard is not None and side * (entry["trigger"] - self._heard) <= 0
            now = kind == codes.MARKET or passed
        if now and not waits:
            order.price = self._seen_mid
            self._come_true(order, self._seen_mid)

    def _join(self, entry: dict[str, int]) -> None:
        """Put an order into its group; the first member of a number that is free begins a new one."""
        order, number = self._decisions[entry["client"]], entry["group"]
        group = self._groups.get(number)
        if group is None or not group.members:
            group = self._groups[number] = _Group()
            group.allowed = 0 if entry["role"] == _ENTRY_ROLE else order.wanted + order.had
        order.group, order.is_exit = group, entry["role"] != _ENTRY_ROLE
        group.members.append(order)
        if order.is_exit and (excess := order.had - max(group.allowed, 0)) > 0:
            order.had -= excess
            self._trade_in_theory(-order.side * excess, order.price)
        self._share(order, order.had)

    # -- theory --------------------------------------------------------------------------------------------------------

    def _come_true(self, order: _Decision, price: int) -> None:
        lots, order.wanted = order.wanted, 0
        if lots == 0:
            return
        order.had += lots
        self._trade_in_theory(order.side * lots, price)
        if order.group is not None:
            self._share(order, lots)

    def _share(self, order: _Decision, lots: int) -> None:
        """Tell a group that a member has lots in theory: exits may have what the entry has, once."""
        group = order.group
        assert group is not None
        group.allowed += -lots if order.is_exit else lots
        for other in group.members:
            if other.is_exit and not other.given_up:
                most = max(group.allowed, 0)
                other.wanted = most if other.grows else min(other.wanted, most)

    def _fill(self, entry: dict[str, int]) -> None:
        order = self._decisions.get(entry["client"])
        if order is None:
            return
        order.filled += entry["lots"]
        order.left -= entry["lots"]
        if order.left == 0:
            self._end(order)

    def _end(self, order: _Decision) -> None:
        """Note that an order is over; with the last of its group, theory trades what it has and fact has not."""
        if self._decisions.pop(order.number, None) is None:
            return
        order.wanted, order.given_up = 0, True
        members = [order] if order.group is None else order.group.members
        if any(member.number in self._decisions for member in members):
            return
        difference = sum(member.side * (member.had - member.filled) for member in members)
        self._trade_in_theory(-difference, self._book.mid)
        members.clear()

    def _trade_in_theory(self, lots: int, price: int) -> None:
        self.lots += lots
        self.value += lots * price


def _lots_by_price(depth: Depth) -> dict[int, dict[int, int]]:
    return {codes.BUY: dict(depth.bids.tolist()), codes.SELL: dict(depth.asks.tolist())}


def _records(rows: NDArray[np.void], plane: int) -> list[dict[str, Any]]:
    """Return the entries of one plane as plain numbers by name."""
    chosen = rows[rows["plane"] == plane].view(LAYOUTS[plane])
    names = [name for name in chosen.dtype.names or () if name != "spare"]
    columns = [chosen[name].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
