"""Trades, quotes and bars from csv or parquet files of any layout, by a map of their columns (docs/sources.md)."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date as date_
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_env.config import Config, Preset
from twin_env.market.data.columns.cells import read_cells
from twin_env.market.data.columns.column_map import Columns
from twin_env.market.data.columns.files import open_table
from twin_env.market.data.columns.sheet import Sheet, kinds_of
from twin_env.market.data.tables import Bars, Quotes, Trades
from twin_env.market.data.tape import IntArray, TapeError, TapeReport

_NS_PER_S: Final = 1_000_000_000
_REQUIRED: Final = {
    "trades": ("price", "size"),
    "quotes": ("bid", "ask"),
    "bars": ("open", "high", "low", "close"),
}

Arrays = dict[str, IntArray]
Table = TypeVar("Table", Trades, Quotes, Bars)


class TableFile(Config):
    """One table in one file, or in several that follow each other in time.

    Attributes:
        path: .csv, .csv.gz, .zip with csv members, or .parquet; or a list of such files.
        columns: What the columns mean: a map, or the name or path of a file that holds one (``configs/columns``).
        member: Which member of a zip: its name, or a pattern such as ``*_201312.csv`` that fits one.
        symbol: Read only the rows that have this in ``columns.symbol``.
        date: Day of times counted from midnight; by default that of the file name.
        separator: Between the cells of a csv.
        rounding: ``refuse`` a price between two ticks or a size between two lots; or take the ``nearest`` (of a quote
            the bid goes down and the ask up) and count it.
        bad_rows: ``refuse`` the file for the first row that cannot be true, or ``drop`` such rows and count them.
    """

    path: Path | tuple[Path, ...]
    columns: Annotated[Columns, Preset("columns")]
    member: str | None = None
    symbol: str | None = None
    date: date_ | None = None
    separator: str = Field(default=",", min_length=1, max_length=1)
    rounding: Literal["refuse", "nearest"] = "refuse"
    bad_rows: Literal["refuse", "drop"] = "refuse"

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in order."""
        return self.path if isinstance(self.path, tuple) else (self.path,)


def read_trades(file: TableFile, tick_size: float) -> Trades:
    """Read trades.

    Args:
        file: Where they are; ``columns`` needs time, price and size.
        tick_size: Price of one tick, in the quote currency.

    Returns:
        Trades in time order; the report says what was left out and rounded.

    Raises:
        TapeError: A file is missing, damaged, or holds what cannot be; the error names file, line, field and value.
    """
    return _read(Trades, file, "trades", lambda sheet: _trades(sheet, tick_size))


def read_quotes(file: TableFile, tick_size: float) -> Quotes:
    """Read best bids and asks; ``columns`` needs time, bid and ask. Otherwise as :func:`read_trades`."""
    return _read(Quotes, file, "quotes", lambda sheet: _quotes(sheet, tick_size))


def read_bars(file: TableFile, tick_size: float, *, bar_s: float = 60.0) -> Bars:
    """Read bars; ``columns`` needs time, open, high, low and close. Otherwise as :func:`read_trades`.

    Args:
        file: Where they are; times are those of the bars' beginnings.
        tick_size: Price of one tick, in the quote currency.
        bar_s: Length of a bar.
    """
    return _read(Bars, file, "bars", lambda sheet: _bars(sheet, tick_size, round(bar_s * _NS_PER_S)))


def _read(make: type[Table], file: TableFile, table: str, convert: Callable[[Sheet], Arrays]) -> Table:
    """Read every file and put the tables together."""
    for name in _REQUIRED[table]:
        if getattr(file.columns, name) is None:
            raise TapeError(f"{file.paths[0]}: columns.{name} is not set, expected the column of {table} that holds it")
    parts: list[Arrays] = []
    dropped: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    total = 0
    for path in file.paths:
        sheet, arrays = _read_one(path, file, table, convert)
        _check_follows(sheet.cells.source.name, parts, arrays)
        parts.append(arrays)
        dropped.update(sheet.dropped)
        repaired.update(sheet.repaired)
        total += sheet.cells.total
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    source = ", ".join(path.name for path in file.paths)
    return make(
        **columns, source=source, report=TapeReport(total, {}, dropped=_some(dropped), repaired=_some(repaired))
    )


def _some(counts: Counter[str]) -> Mapping[str, int]:
    return {reason: count for reason, count in counts.items() if count}


def _read_one(path: Path, file: TableFile, table: str, convert: Callable[[Sheet], Arrays]) -> tuple[Sheet, Arrays]:
    layout = file.columns
    with open_table(path, member=file.member, header=layout.has_header, separator=file.separator) as source:
        cells = read_cells(source, layout, kinds_of(table), file.symbol, file.date)
        sheet = Sheet(cells, layout, file.rounding, file.bad_rows)
        arrays = convert(sheet)
        kept = sheet.finish()
        return sheet, {name: values[kept] for name, values in arrays.items()}


def _check_follows(name: str, parts: list[Arrays], arrays: Arrays) -> None:
    """Refuse a file that begins before the one before it ends."""
    time = "ts_ns" if "ts_ns" in arrays else "start_ns"
    if parts and arrays[time][0] < parts[-1][time][-1]:
        raise TapeError(
            f"{name}: the first time is {arrays[time][0]} ns, "
            f"expected no earlier than the last of the file before, {parts[-1][time][-1]} ns"
        )


def _trades(sheet: Sheet, tick_size: float) -> Arrays:
    sheet.require("price", "size")
    price, lots = sheet.ticks("price", tick_size), sheet.lots("size")
    sheet.forbid("size", lots < 1, "at least one lot", "size_zero")
    time_ns: IntArray = sheet.cells.columns["time"]
    if sheet.has("id"):
        sheet.forbid("id", ~sheet.cells.columns["id"], "one that no row before has", "duplicate")
    sheet.in_order(time_ns)
    side: NDArray[Any] = sheet.cells.columns["side"] if sheet.has("side") else np.zeros(len(sheet), np.int64)
    return {"ts_ns": time_ns, "price_ticks": price, "lots": lots, "side": side}


def _quotes(sheet: Sheet, tick_size: float) -> Arrays:
    time_ns: IntArray = sheet.cells.columns["time"]
    bid, bid_lots = _best(sheet, "bid", tick_size, -1)
    ask, ask_lots = _best(sheet, "ask", tick_size, +1)
    crossed = (bid_lots > 0) & (ask_lots > 0) & (bid >= ask)
    sheet.forbid("bid", crossed, "less than the ask of its row", "quote_crossed")
    sheet.in_order(time_ns)
    return {"ts_ns": time_ns, "bid_ticks": bid, "ask_ticks": ask, "bid_lots": bid_lots, "ask_lots": ask_lots}


def _best(sheet: Sheet, name: str, tick_size: float, toward: int) -> tuple[IntArray, IntArray]:
    """Return prices and lots of one side; 0 lots where the price is empty."""
    price, there = sheet.ticks(name, tick_size, toward), ~np.isnan(sheet.number(name))
    size = f"{name}_size"
    if not sheet.has(size):
        return price, there.astype(np.int64)
    sheet.forbid(size, there & np.isnan(sheet.number(size)), "a number", f"{size}_missing")
    return price, np.where(there, sheet.lots(size), 0)


def _bars(sheet: Sheet, tick_size: float, duration_ns: int) -> Arrays:
    names = ("open", "high", "low", "close")
    sheet.require(*names)
    prices = {name: sheet.ticks(name, tick_size) for name in names}
    first, last = prices["open"], prices["close"]
    sheet.forbid("high", prices["high"] < np.maximum(first, last), "no lower than open and close", "high_wrong")
    sheet.forbid("low", prices["low"] > np.minimum(first, last), "no higher than open and close", "low_wrong")
    volume = sheet.lots("volume") if sheet.has("volume") else np.zeros(len(sheet), np.int64)
    start_ns: IntArray = sheet.cells.columns["time"]
    sheet.in_order(start_ns, duration_ns)
    return {
        "start_ns": start_ns,
        "duration_ns": np.full(len(sheet), duration_ns),
        **{f"{name}_ticks": values for name, values in prices.items()},
        "volume_lots": volume,
    }
