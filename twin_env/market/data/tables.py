"""Market data that names no single orders: trades, quotes, bars and depth, as columns of integers.

Prices are ticks, sizes lots, times nanoseconds of the Unix epoch (UTC), all int64. Every table checks itself when
it is made and is read-only afterwards.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import MAX_LOTS, MAX_PRICE_TICKS
from twin_env.market.data.tape import IntArray, Rule, TapeError, TapeReport, enforce

_PRICE: Final = "within 2^40 ticks of zero"
_NO_REPORT: Final = TapeReport(0, {})


@dataclass(frozen=True, eq=False)
class _Table:
    """Columns of equal length. Subclasses add them and say what must hold."""

    def __post_init__(self) -> None:
        for column in fields(self):
            values = getattr(self, column.name)
            if isinstance(values, np.ndarray):
                object.__setattr__(self, column.name, self._column(column.name, values))
        enforce(self._source, "row", self._rules())

    def __len__(self) -> int:
        return int(getattr(self, fields(self)[0].name).shape[0])

    @property
    def _source(self) -> str:
        return str(vars(self)["source"])  # a field of every subclass

    def _column(self, name: str, values: NDArray[Any]) -> IntArray:
        """Return a column as read-only int64 of the right length."""
        if values.dtype.kind not in "iu" or values.ndim == 0 or len(values) != len(self):
            found = f"{values.dtype} of shape {values.shape}"
            raise TapeError(f"{self._source}: {name} is {found}, expected integers, one for each of {len(self)} rows")
        column = values.astype(np.int64)  # a copy: nobody else can write to it
        column.flags.writeable = False
        return column

    def _rules(self) -> list[Rule]:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Trades(_Table):
    """Trades in time order.

    Attributes:
        ts_ns: When it happened at the exchange; int64, shape ``(rows,)``, as all columns.
        price_ticks: Its price.
        lots: Its size, at least 1.
        side: Of the aggressor: +1 bought, -1 sold, 0 unknown.
        source: Where they came from, for errors.
        report: What the reader dropped and repaired.
    """

    ts_ns: IntArray
    price_ticks: IntArray
    lots: IntArray
    side: IntArray
    source: str = "trades"
    report: TapeReport = field(default=_NO_REPORT, repr=False)

    def _rules(self) -> list[Rule]:
        return [
            later("ts_ns", self.ts_ns),
            Rule("price_ticks", self.price_ticks, abs(self.price_ticks) > MAX_PRICE_TICKS, _PRICE),
            Rule("lots", self.lots, (self.lots < 1) | (self.lots > MAX_LOTS), "1 to 2^40"),
            Rule("side", self.side, abs(self.side) > 1, "+1 (buy), -1 (sell) or 0 (unknown)"),
        ]


@dataclass(frozen=True, eq=False)
class Quotes(_Table):
    """Best bid and ask, each row valid until the next.

    Attributes:
        ts_ns: Since when; int64, shape ``(rows,)``, as all columns.
        bid_ticks: Best bid; means nothing where ``bid_lots`` is 0.
        ask_ticks: Best ask, above the bid where there are both.
        bid_lots: Lots at the bid, 0: nobody bids.
        ask_lots: Lots at the ask, 0: nobody offers.
        source: Where they came from, for errors.
        report: What the reader dropped and repaired.
    """

    ts_ns: IntArray
    bid_ticks: IntArray
    ask_ticks: IntArray
    bid_lots: IntArray
    ask_lots: IntArray
    source: str = "quotes"
    report: TapeReport = field(default=_NO_REPORT, repr=False)

    def _rules(self) -> list[Rule]:
        both = (self.bid_lots > 0) & (self.ask_lots > 0)
        crossed = both & (self.bid_ticks >= self.ask_ticks)
        rules = [later("ts_ns", self.ts_ns)]
        for name, price, lots in (("bid", self.bid_ticks, self.bid_lots), ("ask", self.ask_ticks, self.ask_lots)):
            rules.append(Rule(f"{name}_ticks", price, abs(price) > MAX_PRICE_TICKS, _PRICE))
            rules.append(Rule(f"{name}_lots", lots, (lots < 0) | (lots > MAX_LOTS), "0 to 2^40"))
        return [*rules, Rule("bid_ticks", self.bid_ticks, crossed, "less than ask_ticks")]


@dataclass(frozen=True, eq=False)
class Bars(_Table):
    """Bars that do not overlap, in time order.

    Attributes:
        start_ns: First moment of the bar; int64, shape ``(rows,)``, as all columns.
        duration_ns: Its length, at least 1.
        open_ticks: First price.
        high_ticks: Highest price.
        low_ticks: Lowest price.
        close_ticks: Last price.
        volume_lots: Lots traded, 0 or more.
        source: Where they came from, for errors.
        report: What the reader dropped and repaired.
    """

    start_ns: IntArray
    duration_ns: IntArray
    open_ticks: IntArray
    high_ticks: IntArray
    low_ticks: IntArray
    close_ticks: IntArray
    volume_lots: IntArray
    source: str = "bars"
    report: TapeReport = field(default=_NO_REPORT, repr=False)

    def _rules(self) -> list[Rule]:
        early = np.zeros(len(self), bool)
        early[1:] = self.start_ns[1:] < self.start_ns[:-1] + self.duration_ns[:-1]
        ends = (self.open_ticks, self.close_ticks)
        low, high = np.minimum(*ends), np.maximum(*ends)
        far = np.maximum(abs(self.high_ticks), abs(self.low_ticks)) > MAX_PRICE_TICKS
        return [
            Rule("duration_ns", self.duration_ns, self.duration_ns < 1, "at least 1"),
            Rule("start_ns", self.start_ns, early, "no earlier than the end of the bar before"),
            Rule("low_ticks", self.low_ticks, self.low_ticks > low, "no higher than open and close"),
            Rule("high_ticks", self.high_ticks, self.high_ticks < high, "no lower than open and close"),
            Rule("high_ticks", self.high_ticks, far, _PRICE),
            Rule("volume_lots", self.volume_lots, self.volume_lots < 0, "at least 0"),
        ]


@dataclass(frozen=True, eq=False)
class DepthSnapshots(_Table):
    """The k best levels of both sides, each row valid until the next.

    A side with fewer than k levels has 0 lots in the entries that are left over; their prices mean nothing.
    Where a row also reports a trade, its levels are those before the trade; what it took shows in a later row.

    Attributes:
        ts_ns: Since when; int64, shape ``(rows,)``.
        bid_ticks: Bid prices, best first; int64, shape ``(rows, k)``.
        bid_lots: Lots at each of them.
        ask_ticks: Ask prices, best first.
        ask_lots: Lots at each of them.
        trade_ticks: Price of the trade the row reports; int64, shape ``(rows,)``; None where the source has no trades.
        trade_lots: Its lots, 0 in a row without a trade.
        trade_side: Its aggressor: +1 bought, -1 sold, 0 unknown.
        source: Where they came from, for errors.
        report: What the reader dropped and repaired.
    """

    ts_ns: IntArray
    bid_ticks: IntArray
    bid_lots: IntArray
    ask_ticks: IntArray
    ask_lots: IntArray
    trade_ticks: IntArray | None = None
    trade_lots: IntArray | None = None
    trade_side: IntArray | None = None
    source: str = "depth"
    report: TapeReport = field(default=_NO_REPORT, repr=False)

    def __post_init__(self) -> None:
        self._check_shapes()
        super().__post_init__()

    @property
    def levels(self) -> int:
        """Levels of each side: k."""
        return int(self.bid_ticks.shape[1])

    def _check_shapes(self) -> None:
        shape = self.bid_ticks.shape
        for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"):
            found = getattr(self, name).shape
            if len(shape) != 2 or shape[1] < 1 or found != shape:
                raise TapeError(f"{self.source}: {name} has shape {found}, expected (rows, levels) alike for all four")
        trades = [values is None for values in (self.trade_ticks, self.trade_lots, self.trade_side)]
        if any(trades) and not all(trades):
            raise TapeError(
                f"{self.source}: one of trade_ticks, trade_lots, trade_side is missing, expected all or none"
            )

    def _rules(self) -> list[Rule]:
        both = (self.bid_lots[:, 0] > 0) & (self.ask_lots[:, 0] > 0)
        crossed = both & (self.bid_ticks[:, 0] >= self.ask_ticks[:, 0])
        return [
            later("ts_ns", self.ts_ns),
            *self._level_rules("bid", 1, self.bid_ticks, self.bid_lots),
            *self._level_rules("ask", -1, self.ask_ticks, self.ask_lots),
            Rule("bid_ticks", self.bid_ticks[:, 0], crossed, "less than ask_ticks"),
            *self._trade_rules(),
        ]

    def _level_rules(self, name: str, side: int, price: IntArray, lots: IntArray) -> list[Rule]:
        disorder = np.zeros(lots.shape, bool)
        better = side * np.diff(price, axis=1) >= 0
        disorder[:, 1:] = (lots[:, 1:] > 0) & (better | (lots[:, :-1] == 0))
        far = (lots > 0) & (abs(price) > MAX_PRICE_TICKS)
        return [
            cell_rule(f"{name}_lots", lots, (lots < 0) | (lots > MAX_LOTS), "0 to 2^40"),
            cell_rule(f"{name}_ticks", price, far, _PRICE),
            cell_rule(f"{name}_ticks", price, disorder, "a worse price than the level before"),
        ]

    def _trade_rules(self) -> list[Rule]:
        if self.trade_ticks is None or self.trade_lots is None or self.trade_side is None:
            return []
        far = (self.trade_lots > 0) & (abs(self.trade_ticks) > MAX_PRICE_TICKS)
        return [
            Rule("trade_lots", self.trade_lots, (self.trade_lots < 0) | (self.trade_lots > MAX_LOTS), "0 to 2^40"),
            Rule("trade_ticks", self.trade_ticks, far, _PRICE),
            Rule("trade_side", self.trade_side, abs(self.trade_side) > 1, "+1 (buy), -1 (sell) or 0 (unknown)"),
        ]


def later(name: str, time_ns: IntArray) -> Rule:
    """Return the rule that times never go back."""
    earlier = np.zeros(len(time_ns), bool)
    earlier[1:] = time_ns[1:] < time_ns[:-1]
    return Rule(name, time_ns, earlier, "no earlier than the row before")


def cell_rule(name: str, values: IntArray, broken: NDArray[np.bool_], expected: str) -> Rule:
    """Turn a rule about cells (rows x levels) into one about rows, showing the first bad cell of each."""
    at = broken.argmax(axis=1)
    rows = np.arange(len(values))
    return Rule(name, values[rows, at], broken[rows, at], expected)
