"""What LOBSTER files hold: message and orderbook tables in the file's units, and their checks."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from twin_env.core.state.codes import MAX_LOTS, MAX_PRICE_TICKS
from twin_env.market.data.tables import cell_rule
from twin_env.market.data.tape import IntArray, Rule, TapeError, enforce

SUBMISSION: Final = 1
PARTIAL_CANCEL: Final = 2
DELETION: Final = 3
EXECUTION: Final = 4
HIDDEN_EXECUTION: Final = 5
CROSS_TRADE: Final = 6
HALT_MARK: Final = 7
HALTED: Final = -1  # prices of a halt mark
QUOTING: Final = 0
TRADING: Final = 1

_DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True)
class Units:
    """Units of the prices in a file.

    Attributes:
        tick_size: Price of one tick, in the quote currency.
        price_unit: What 1 stands for in the file's price columns.
    """

    tick_size: float
    price_unit: float

    def __post_init__(self) -> None:
        ratio = self.tick_size / self.price_unit if self.price_unit > 0 else 0.0
        if ratio < 0.5 or abs(ratio - round(ratio)) > 1e-6:
            raise TapeError(f"tick_size is {self.tick_size}, expected a whole multiple of price_unit {self.price_unit}")

    @property
    def per_tick(self) -> int:
        """File price units in one tick."""
        return round(self.tick_size / self.price_unit)


@dataclass(frozen=True)
class Messages:
    """A message file, one array per column, in the file's units; each int64, shape ``(rows,)``.

    Attributes:
        name: File (and member of a zip) for errors and labels.
        time_ns: Since midnight in New York.
        kind: LOBSTER's type code, 1 to 7.
        order: Order id.
        lots: Size.
        price: In the file's price unit.
        side: Of the resting order, +1 buy, -1 sell.
    """

    name: str
    time_ns: IntArray
    kind: IntArray
    order: IntArray
    lots: IntArray
    price: IntArray
    side: IntArray

    def __len__(self) -> int:
        return len(self.time_ns)

    def check(self, units: Units) -> None:
        """Check every field of every row.

        Raises:
            TapeError: The first row that breaks a rule, by line.
        """
        farthest = MAX_PRICE_TICKS * units.per_tick
        booked, traded = self.kind <= EXECUTION, self.kind <= HIDDEN_EXECUTION
        later = np.r_[False, np.diff(self.time_ns) < 0]
        mark = (self.kind == HALT_MARK) & (abs(self.price) > 1)
        tick = f"a multiple of {units.per_tick} (tick_size {units.tick_size} in units of {units.price_unit})"
        outside = (self.time_ns < 0) | (self.time_ns >= _DAY_NS)
        rules = [
            Rule("time", self.time_ns / 1e9, outside, "seconds after midnight, 0 to 86400"),
            Rule("time", self.time_ns / 1e9, later, "no earlier than the line before"),
            Rule("type", self.kind, (self.kind < SUBMISSION) | (self.kind > HALT_MARK), "1 to 7"),
            Rule("size", self.lots, traded & ((self.lots < 1) | (self.lots > MAX_LOTS)), "1 to 2^40"),
            Rule("direction", self.side, traded & (abs(self.side) != 1), "1 (buy order) or -1 (sell order)"),
            Rule("price", self.price, booked & (self.price % units.per_tick != 0), tick),
            Rule("price", self.price, traded & (abs(self.price) > farthest), "within 2^40 ticks of zero"),
            Rule("price", self.price, mark, "-1 (halt), 0 (quoting) or 1 (trading) in a line of type 7"),
        ]
        enforce(self.name, "line", rules)


@dataclass(frozen=True)
class Books:
    """An orderbook file: the best levels after each message.

    Attributes:
        name: File (and member of a zip) for errors and labels.
        table: int64, shape ``(rows, 4 x levels)``: ask price, ask size, bid price, bid size of each level.
    """

    name: str
    table: IntArray

    def __len__(self) -> int:
        return len(self.table)

    @property
    def levels(self) -> int:
        """Levels of each side."""
        return int(self.table.shape[1]) // 4

    def best(self, levels: int) -> "Books":
        """Keep only the best ``levels`` levels.

        Raises:
            TapeError: The file has fewer.
        """
        if not 1 <= levels <= self.levels:
            raise TapeError(f"{self.name}: levels is {levels}, expected 1 to {self.levels}, what the file has")
        return Books(self.name, np.ascontiguousarray(self.table[:, : 4 * levels]))

    def check(self, units: Units) -> None:
        """Check prices, sizes and the order of the levels.

        Raises:
            TapeError: The first row that breaks a rule, by line.
        """
        for first, name, side in ((0, "ask", -1), (2, "bid", 1)):
            price, lots = self.table[:, first::4], self.table[:, first + 1 :: 4]
            off_tick = (lots > 0) & (price % units.per_tick != 0)
            far = (lots > 0) & (abs(price) > MAX_PRICE_TICKS * units.per_tick)
            worse = side * np.diff(price, axis=1) < 0
            disorder = np.zeros(lots.shape, bool)
            disorder[:, 1:] = (lots[:, 1:] > 0) & ~(worse & (lots[:, :-1] > 0))
            rules = [
                cell_rule(f"{name} size", lots, (lots < 0) | (lots > MAX_LOTS), "0 to 2^40"),
                cell_rule(f"{name} price", price, off_tick, f"a multiple of {units.per_tick}"),
                cell_rule(f"{name} price", price, far, "within 2^40 ticks of zero"),
                cell_rule(f"{name} price", price, disorder, "a worse price than the level before"),
            ]
            enforce(self.name, "line", rules)
