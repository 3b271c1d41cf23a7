"""Cells checked: ticks and lots out, rows that cannot be true refused or dropped, and everything counted."""

from collections import Counter
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import MAX_LOTS, MAX_PRICE_TICKS
from twin_env.market.data.columns.cells import Cells, Kind
from twin_env.market.data.columns.column_map import Columns
from twin_env.market.data.tape import BoolArray, IntArray, TapeError

_TICK_TOLERANCE: Final = 1e-6  # of a tick or lot, for floats of decimal numbers
_RELATIVE_TOLERANCE: Final = 1e-15  # where floats themselves are coarser than that
_EXPECTED: Final = {"time": "a time as the column map describes it", "side": "one of the column map's texts"}


class Sheet:
    """The cells of one table on their way to a table of integers.

    Attributes:
        cells: As read.
        columns: What they mean.
        kept: Rows that were not dropped; bool, shape ``(rows,)``.
        dropped: Rows dropped so far, by reason.
        repaired: Rows changed so far, by reason.
    """

    def __init__(
        self,
        cells: Cells,
        columns: Columns,
        rounding: Literal["refuse", "nearest"],
        bad_rows: Literal["refuse", "drop"],
    ) -> None:
        self.cells = cells
        self.columns = columns
        self.kept: BoolArray = np.ones(len(cells.index), bool)
        self.dropped: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self._rounds = rounding == "nearest"
        self._drops = bad_rows == "drop"
        if filtered := cells.total - len(cells.index):
            self.dropped["filtered"] = filtered
        for name, broken in cells.unreadable.items():
            self.forbid(name, broken, _EXPECTED.get(name, "a number"), f"{name}_unreadable")

    def __len__(self) -> int:
        return len(self.kept)

    def has(self, name: str) -> bool:
        """Tell whether the table has the column."""
        return name in self.cells.columns

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, NaN where a cell is empty."""
        return np.asarray(self.cells.columns[name], np.float64)

    def forbid(self, name: str, broken: BoolArray, expected: str, reason: str) -> None:
        """Refuse the table for the first broken row, or drop all of them and count them under ``reason``.

        Raises:
            TapeError: A row is broken and bad rows are refused.
        """
        broken = broken & self.kept
        if not broken.any():
            return
        if not self._drops:
            row = int(broken.argmax())
            column = getattr(self.columns, name)
            text = self.cells.text(row, column[0] if isinstance(column, tuple) else column)
            raise TapeError(f"{self.cells.where(row)}: {name} is {text}, expected {expected}")
        self.kept &= ~broken
        self.dropped[reason] += int(broken.sum())

    def ticks(self, name: str, tick_size: float, toward: int = 0) -> IntArray:
        """Return prices in ticks; 0 where the cell is empty.

        Args:
            name: Of the column.
            tick_size: In the quote currency.
            toward: Where a price between two ticks goes if it may be rounded: -1 down, +1 up, 0 to the nearest.
        """
        exact = self.number(name) * (self.columns.price_unit / tick_size)
        expected = f"a price that is a multiple of tick_size {tick_size:g}"
        return self._whole(name, exact, MAX_PRICE_TICKS, expected, toward)

    def lots(self, name: str) -> IntArray:
        """Return sizes in lots; 0 where the cell is empty."""
        lot_size = self.columns.lot_size
        exact = self.number(name) / lot_size
        self.forbid(name, exact < 0, "0 or more", f"{name}_negative")
        return self._whole(name, exact, MAX_LOTS, f"a size that is a multiple of lot_size {lot_size:g}", 0)

    def require(self, *names: str) -> None:
        """Forbid empty cells."""
        for name in names:
            self.forbid(name, np.isnan(self.number(name)), "a number", f"{name}_missing")

    def in_order(self, time_ns: IntArray, after_ns: int = 0) -> None:
        """Forbid rows that begin before an earlier row ended, ``after_ns`` after its own beginning."""
        latest = np.maximum.accumulate(np.where(self.kept, time_ns, np.iinfo(np.int64).min // 2))
        early = np.zeros(len(self), bool)
        early[1:] = time_ns[1:] < latest[:-1] + after_ns
        expected = "no earlier than the row before" if not after_ns else "no earlier than the end of the bar before"
        self.forbid("time", early, expected, "time_back")

    def finish(self) -> BoolArray:
        """Return the rows that are left.

        Raises:
            TapeError: None are, or more were dropped as bad than are left.
        """
        left, bad = int(self.kept.sum()), len(self) - int(self.kept.sum())
        if left == 0 or bad > left:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "none"
            raise TapeError(
                f"{self.cells.source.name}: {left} of {self.cells.total} rows are left ({reasons}), "
                "expected most of them"
            )
        return self.kept

    def _whole(self, name: str, exact: NDArray[np.float64], most: int, expected: str, toward: int) -> IntArray:
        exact = np.where(np.isnan(exact), 0.0, exact)
        self.forbid(name, abs(exact) > most, "within 2^40 ticks or lots of zero", f"{name}_range")
        nearest = np.rint(exact)
        between = abs(exact - nearest) > _TICK_TOLERANCE + _RELATIVE_TOLERANCE * abs(exact)
        if self._rounds:
            self.repaired[f"{name}_rounded"] += int((between & self.kept).sum())
            away = {0: np.rint, 1: np.ceil, -1: np.floor}[toward](exact)
            nearest = np.where(between, away, nearest)
        else:
            self.forbid(name, between, expected, f"{name}_between_steps")
        return np.where(self.kept, nearest, 0.0).astype(np.int64)


def kinds_of(table: str) -> dict[str, Kind]:
    """Return the columns of a table of trades, quotes or bars, and how their cells are read."""
    if table == "trades":
        return {"time": "time", "price": "number", "size": "number", "side": "side", "id": "first"}
    names = ("bid", "bid_size", "ask", "ask_size") if table == "quotes" else ("open", "high", "low", "close", "volume")
    return {"time": "time", **dict.fromkeys(names, "number")}
