"""Cells of a table turned into numbers, whole nanoseconds and signs; what cannot be read stays marked."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.columns.column_map import Columns
from twin_env.market.data.columns.files import Column, Source, polars, reading
from twin_env.market.data.tape import IntArray, TapeError

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["time", "number", "side", "first"]
_NS_PER_S: Final = 1_000_000_000
_DIGITS: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_NO_SIDE: Final = ("", "n", "0", "none", "unknown")
_SYMBOL_NAMES: Final = ("symbol", "ticker", "instrument", "instrument_id", "contract")
_DATE: Final = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


@dataclass(frozen=True)
class Cells:
    """The columns of one table that were asked for.

    Attributes:
        source: The open table.
        columns: By the name in :class:`Columns`: int64 times in ns, float64 numbers (NaN where the cell is empty or no
            number), int64 sides, bool; shape ``(rows,)``.
        unreadable: By the same names, where a cell is not empty and means nothing; bool.
        index: Row of the table behind each row, from 0; int64.
        total: Rows of the table, before any were left out.
    """

    source: Source
    columns: dict[str, NDArray[Any]]
    unreadable: dict[str, NDArray[np.bool_]]
    index: IntArray
    total: int

    def where(self, row: int) -> str:
        """Return how errors call a row."""
        return f"{self.source.name} {self.source.place} {self.source.first + int(self.index[row])}"

    def text(self, row: int, column: Column) -> str:
        """Return a cell as the file has it, for errors."""
        name = self.source.column(column)
        return repr(self.source.frame.select(name).slice(int(self.index[row]), 1).collect().item())


def read_cells(
    source: Source, columns: Columns, wanted: dict[str, Kind], symbol: str | None, day: date | None
) -> Cells:
    """Read the columns named by ``wanted``, of the rows that ``keep`` and ``symbol`` leave.

    Raises:
        TapeError: A column is missing, or the table holds several symbols and none was chosen.
    """
    pl = polars()
    _check_symbols(source, columns, symbol)
    parsed, given = [], [name for name in wanted if getattr(columns, name) is not None]
    for name in given:
        value = _parse(source, columns, name, wanted[name], day)
        parsed += [value.alias(name), (value.is_null() & ~_is_empty(source, columns, name)).alias(f"{name}?")]
    with reading(source.name):
        chosen = source.frame.with_row_index("row?").filter(_chosen(source, columns, symbol))
        table = chosen.select(pl.col("row?").cast(pl.Int64), *parsed).collect(engine="streaming")
        total = int(source.frame.select(pl.len()).collect(engine="streaming").item())
    return Cells(
        source,
        {name: _array(table[name], wanted[name]) for name in given},
        {name: table[f"{name}?"].to_numpy() | _is_hole(table[name], wanted[name]) for name in given},
        table["row?"].to_numpy(),
        total,
    )


def _array(series: "pl.Series", kind: Kind) -> NDArray[Any]:
    empty = {"number": float("nan"), "first": False}.get(kind, 0)
    values: NDArray[Any] = series.fill_null(empty).to_numpy()
    return values


def _is_hole(series: "pl.Series", kind: Kind) -> NDArray[np.bool_]:
    """Tell where there is nothing though every row needs a value; an empty number may mean something."""
    holes: NDArray[np.bool_] = series.is_null().to_numpy()
    return holes if kind == "time" else np.zeros(len(holes), bool)


def _chosen(source: Source, columns: Columns, symbol: str | None) -> Any:
    chosen = polars().lit(True)
    for column, texts in columns.keep.items():
        chosen &= _text(source, column).is_in(list(texts))
    if symbol is not None:
        if columns.symbol is None:
            raise TapeError(f"{source.name}: symbol is {symbol!r}, expected columns.symbol to say where symbols are")
        chosen &= _text(source, columns.symbol) == symbol
    return chosen


def _check_symbols(source: Source, columns: Columns, symbol: str | None) -> None:
    """Refuse a table of several symbols when none was chosen."""
    names = source.frame.collect_schema().names() if columns.has_header else []
    hidden = [name for name in names if name.lower() in _SYMBOL_NAMES and name not in columns.keep]
    column = columns.symbol if columns.symbol is not None else (hidden[0] if hidden else None)
    if column is None or symbol is not None:
        return
    with reading(source.name):
        values = source.frame.select(_text(source, column).unique()).collect(engine="streaming").to_series()
    if len(values) > 1:
        some = ", ".join(sorted(map(str, values.to_list()))[:10])
        raise TapeError(
            f"{source.name}: {column} has {len(values)} values ({some}), expected one, or symbol to choose it"
        )


def _text(source: Source, column: Column) -> Any:
    pl = polars()
    return pl.col(source.column(column)).cast(pl.String).fill_null("").str.strip_chars()


def _is_empty(source: Source, columns: Columns, name: str) -> Any:
    column = getattr(columns, name)
    return _text(source, column[0] if isinstance(column, tuple) else column) == ""


def _parse(source: Source, columns: Columns, name: str, kind: Kind, day: date | None) -> Any:
    pl = polars()
    column = getattr(columns, name)
    if kind == "time":
        return _parse_time(source, columns, day)
    if kind == "first":
        return pl.col(source.column(column)).is_first_distinct()
    if kind == "number":
        number = _text(source, column).cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    text = _text(source, column).str.to_lowercase()
    return (
        pl.when(text.is_in(list(columns.buy)))
        .then(pl.lit(1, pl.Int64))
        .when(text.is_in(list(columns.sell)))
        .then(pl.lit(-1, pl.Int64))
        .when(text.is_in(list(_NO_SIDE)))
        .then(pl.lit(0, pl.Int64))
    )


def _parse_time(source: Source, columns: Columns, day: date | None) -> Any:
    """Return nanoseconds UTC; null where there is no time."""
    pl = polars()
    shift_ns = round(columns.time_shift_s * _NS_PER_S)
    parts = columns.time if isinstance(columns.time, tuple) else (columns.time,)
    names = [source.column(part) for part in parts]
    dtype = source.frame.collect_schema()[names[0]]
    if dtype.is_temporal():
        time = pl.col(names[0]).cast(pl.Datetime("ns", getattr(dtype, "time_zone", None)))
        return _utc_ns(time, columns, getattr(dtype, "time_zone", None) is not None) + shift_ns
    if columns.time_unit == "text":
        return _parse_text(pl.concat_str([_text(source, part) for part in parts], separator=" "), columns) + shift_ns
    return (
        _parse_number(_text(source, parts[0]), _DIGITS[columns.time_unit]) + _origin_ns(source, columns, day) + shift_ns
    )


def _parse_number(text: "pl.Expr", digits: int) -> Any:
    """Turn a decimal number into a whole count of 10^-digits, exactly; finer decimals are cut off."""
    pl = polars()
    parts = text.str.extract_groups(r"^(\d{1,19})(?:\.(\d*))?$")
    fraction = parts.struct[1].fill_null("").str.pad_end(max(1, digits), "0").str.slice(0, digits)
    return parts.struct[0].cast(pl.Int64, strict=False) * 10**digits + fraction.cast(pl.Int64, strict=False).fill_null(
        0
    )


def _parse_text(text: "pl.Expr", columns: Columns) -> Any:
    pl = polars()
    if columns.time_format is not None:
        time = text.str.to_datetime(columns.time_format, time_unit="ns", strict=False)
        return _utc_ns(time, columns, "%z" in columns.time_format or "%#z" in columns.time_format)
    # ISO 8601, date and time apart by a blank or a T; texts that name their zone and texts that do not may be mixed.
    offset = text.str.extract_groups(r"(?i)[T ][\d:.]+(z|([+-])(\d\d):?(\d\d))$")
    iso = text.str.replace(" ", "T").str.replace(r"(?i)(T[\d:.]+)(?:z|[+-]\d\d:?\d\d)$", "$1")
    time = pl.coalesce(
        iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ns", strict=False),
        iso.str.to_datetime("%Y-%m-%dT%H:%M", time_unit="ns", strict=False),
        iso.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ns")),
    )
    minutes = offset.struct[2].cast(pl.Int64).fill_null(0) * 60 + offset.struct[3].cast(pl.Int64).fill_null(0)
    sign = pl.when(offset.struct[1] == "-").then(-1).otherwise(1)
    in_own_zone = time.dt.timestamp("ns") - sign * minutes * 60 * _NS_PER_S
    return pl.when(offset.struct[0].is_not_null()).then(in_own_zone).otherwise(_utc_ns(time, columns, False))


def _utc_ns(time: "pl.Expr", columns: Columns, zoned: bool) -> Any:
    if not zoned:
        time = time.dt.replace_time_zone(columns.time_zone, ambiguous="earliest", non_existent="null")
    return time.dt.convert_time_zone("UTC").dt.timestamp("ns")


def _origin_ns(source: Source, columns: Columns, day: date | None) -> int:
    if columns.time_since == "epoch":
        return 0
    midnight = day or file_date(source.name)
    return int(datetime(midnight.year, midnight.month, midnight.day, tzinfo=columns.zone).timestamp()) * _NS_PER_S


def file_date(name: str) -> date:
    """Return the day a file name holds, as YYYYMMDD or YYYY-MM-DD; the last one where there are several.

    Raises:
        TapeError: There is none.
    """
    # The member of a zip says it more exactly than the zip; folders say nothing.
    for match in reversed(list(_DATE.finditer(Path(name).name))):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            continue
    raise TapeError(f"{name}: date is not in the file name, expected YYYYMMDD there or the key date")
