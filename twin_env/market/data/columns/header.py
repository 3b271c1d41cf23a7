"""Tables that need no map: what columns with plain names mean."""

import csv
import fnmatch
import gzip
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from twin_env.market.data.columns.column_map import Columns, TimeUnit
from twin_env.market.data.columns.files import polars, reading
from twin_env.market.data.tape import TapeError

_ROWS: Final = 20  # looked at to find a time
_LINE_BYTES: Final = 10_000
_SEPARATORS: Final = ",;\t|"
_NAMES: Final = {
    "price": ("price",),
    "size": ("size", "qty", "quantity", "amount"),
    "side": ("side", "aggressor"),
    "bid": ("bid", "bid_price"),
    "ask": ("ask", "ask_price"),
    "bid_size": ("bid_size", "bid_qty"),
    "ask_size": ("ask_size", "ask_qty"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume",),
    "symbol": ("symbol", "ticker", "instrument", "instrument_id", "contract"),
    "id": ("id", "trade_id"),
}
_TIMES: Final = ("ts", "time", "timestamp", "datetime", "ts_event", "date")
_UNITS: Final[tuple[TimeUnit, ...]] = ("ns", "us", "ms", "s")
_TABLES: Final = {
    "trades": ("price", "size"),
    "quotes": ("bid", "ask"),
    "bars": ("open", "high", "low", "close"),
}
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_NUMBER: Final = re.compile(r"(\d+)(\.\d*)?")
# Whole digits of a time between 1973 and 2286, by unit.
_DIGITS: Final[dict[int, TimeUnit]] = {9: "s", 10: "s", 12: "ms", 13: "ms", 15: "us", 16: "us", 18: "ns", 19: "ns"}


@dataclass(frozen=True)
class Head:
    """The first rows of a table.

    Attributes:
        names: Cells of the first line of a csv, names of the columns of a parquet file.
        rows: The rows after it, as texts.
        separator: Between the cells of a csv.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    separator: str = ","


def read_head(path: Path, member: str | None) -> Head | None:
    """Read the first rows of a table, None where a file is none. Does not raise."""
    try:
        if path.suffix == ".parquet":
            return _parquet_head(path)
        with _open_text(path, member) as file:
            return None if file is None else _csv_head(file)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, csv.Error):
        return None


@contextmanager
def _open_text(path: Path, member: str | None) -> Iterator[IO[bytes] | None]:
    """Open the csv of a file; in a zip the first that fits."""
    if path.name.endswith(".csv.gz"):
        with gzip.open(path) as file:
            yield file  # type: ignore[misc]
    elif path.suffix == ".csv":
        with path.open("rb") as file:
            yield file
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            fitting = [name for name in names if member is None or fnmatch.fnmatch(name, member)]
            if not fitting:
                yield None
                return
            with archive.open(fitting[0]) as file:
                yield file
    else:
        yield None


def _csv_head(file: IO[bytes]) -> Head | None:
    lines = [file.readline(_LINE_BYTES).decode() for _ in range(1 + _ROWS)]
    separator = max(_SEPARATORS, key=lines[0].count)
    rows = [tuple(row) for row in csv.reader(filter(None, lines), delimiter=separator)]
    return Head(rows[0], tuple(rows[1:]), separator) if rows else None


def _parquet_head(path: Path) -> Head:
    with reading(str(path)):
        table = polars().scan_parquet(path, glob=False).head(_ROWS).collect()
    return Head(tuple(table.columns), tuple(tuple(map(str, row)) for row in table.rows()))


def tables_of(columns: Columns | dict[str, Any]) -> tuple[str, ...]:
    """Return which of trades, quotes and bars a map describes."""
    given = columns if isinstance(columns, dict) else dict(columns)
    return tuple(table for table, needed in _TABLES.items() if all(given.get(name) is not None for name in needed))


def has_plain_names(head: Head) -> bool:
    """Tell whether the header names a time and trades, quotes or bars."""
    return bool(_find_time(head)) and bool(tables_of(_find_columns(head)))


def plain_columns(name: str, head: Head) -> Columns:
    """Make a map of a header with plain names.

    Args:
        name: Of the file, for errors.
        head: For which ``has_plain_names`` is true.

    Raises:
        TapeError: The times do not tell what they mean.
    """
    time, unit = _find_time(head)[0]
    text = next((row[head.names.index(time)] for row in head.rows if row[head.names.index(time)].strip()), "")
    if unit is None and (unit := _unit_of(text.strip())) is None:
        raise TapeError(
            f"{name}: {time} is {text!r}, expected YYYY-MM-DD with a time of day, or a number since 1970; "
            "or --columns to say what it means"
        )
    return Columns.model_validate({"time": time, "time_unit": unit, **_find_columns(head)})


def describe(columns: Columns) -> str:
    """Say in one sentence what was made of plain names."""
    unit = "texts or dates" if columns.time_unit == "text" else f"{columns.time_unit} since 1970"
    means = ", ".join(f"{name} is {getattr(columns, name)}" for name in _NAMES if getattr(columns, name) is not None)
    return f"Recognised by its header: time is {columns.time} ({unit}), {means}."


def _find_columns(head: Head) -> dict[str, str]:
    plain = {_plain(name): name for name in reversed(head.names)}
    found = {key: next((plain[name] for name in names if name in plain), None) for key, names in _NAMES.items()}
    return {key: name for key, name in found.items() if name is not None}


def _find_time(head: Head) -> list[tuple[str, TimeUnit | None]]:
    """Return the columns of times, the best first, and their unit where the name tells it."""
    plain = {_plain(name): name for name in reversed(head.names)}
    pairs = [
        (plain[f"{time}_{unit}"], unit) for time, unit in itertools.product(_TIMES, _UNITS) if f"{time}_{unit}" in plain
    ]
    return [*pairs, *((plain[time], None) for time in _TIMES if time in plain)]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _unit_of(text: str) -> TimeUnit | None:
    if _ISO.fullmatch(text):
        return "text"
    number = _NUMBER.fullmatch(text)
    return _DIGITS.get(len(number.group(1))) if number else None
