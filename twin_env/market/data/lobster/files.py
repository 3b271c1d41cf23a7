"""LOBSTER files read: csv, csv.gz, zip or parquet in, tables of integers out."""

import gzip
import io
import re
import zipfile
import zlib
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.lobster.tables import Books, Messages
from twin_env.market.data.tape import IntArray, Rule, TapeError, enforce

_COLUMNS: Final = ("time", "type", "order id", "size", "price", "direction")
_MESSAGE: Final = np.dtype([("time", "f8"), *((name, "i8") for name in _COLUMNS[1:])])
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}")


def read_messages(path: Path) -> Messages:
    """Read a message file: csv, csv.gz, parquet, or the message member of a zip.

    Raises:
        TapeError: The file is missing, damaged, or not in LOBSTER's format.
    """
    if path.suffix == ".parquet":
        name, table = str(path), _read_parquet(path)
    else:
        name, text = _read_text(path, "message")
        table = _parse(name, text, _MESSAGE, _COLUMNS)
    columns = [np.ascontiguousarray(table[column]) for column in _COLUMNS[1:]]
    return Messages(name, _whole_ns(name, table["time"]), *columns)


def read_books(path: Path) -> Books:
    """Read an orderbook file: csv, csv.gz, or the orderbook member of a zip.

    Raises:
        TapeError: The file is missing, damaged, or not in LOBSTER's format.
    """
    name, text = _read_text(path, "orderbook")
    width = text.partition(b"\n")[0].count(b",") + 1
    if width % 4:
        raise TapeError(f"{name} line 1: {width} columns, expected four for each level")
    cells = ("ask price", "ask size", "bid price", "bid size")
    columns = [f"{cell} {level}" for level in range(1, width // 4 + 1) for cell in cells]
    return Books(name, _parse(name, text, np.dtype(np.int64), columns).reshape(-1, width))


def has_books(path: Path) -> bool:
    """Tell whether ``path`` is a zip that holds an orderbook file too."""
    return path.suffix == ".zip" and bool(_members(path, "orderbook"))


def file_date(name: str) -> date:
    """Return the trading day a file name holds.

    Raises:
        TapeError: There is none.
    """
    for text in reversed(_DATE.findall(name)):
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    raise TapeError(f"{name}: date is not in the file name, expected YYYY-MM-DD there or the argument date")


def _whole_ns(name: str, time_s: NDArray[np.float64]) -> IntArray:
    """Turn seconds of a day into nanoseconds, exactly: 9 decimals of 86400 need 47 of a double's 53 bits."""
    enforce(name, "line", [Rule("time", time_s, ~(abs(time_s) < 1e6), "seconds after midnight")])
    return np.rint(time_s * 1e9).astype(np.int64)


def _read_text(path: Path, content: str) -> tuple[str, bytes]:
    """Return the name for errors and the bytes of the csv that ``path`` is or holds; never without a line."""
    name, text = _read_bytes(path, content)
    if not text.strip():
        raise TapeError(f"{name}: no lines, expected at least one")
    return name, text


def _read_bytes(path: Path, content: str) -> tuple[str, bytes]:
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected a LOBSTER {content} file")
    if path.suffix == ".csv":
        return str(path), path.read_bytes()
    if path.suffix == ".zip":
        return _read_member(path, content)
    if path.name.endswith(".csv.gz"):
        return str(path), _read_gzip(path)
    raise TapeError(f"{path}: suffix is {path.suffix!r}, expected .csv, .csv.gz, .zip or (messages) .parquet")


def _read_gzip(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TapeError(f"{path}: gzip data are damaged or cut short ({error}), expected a whole file") from error


def _members(path: Path, content: str) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name for name in archive.namelist() if f"_{content}_" in name and name.endswith(".csv")]
    except zipfile.BadZipFile as error:
        raise TapeError(f"{path}: zip is damaged ({error}), expected a whole file") from error


def _read_member(path: Path, content: str) -> tuple[str, bytes]:
    members = _members(path, content)
    if len(members) != 1:
        raise TapeError(f"{path}: {len(members)} members named *_{content}_*.csv, expected 1")
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{path}:{members[0]}", archive.read(members[0])
    except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError) as error:  # RuntimeError: encrypted
        raise TapeError(f"{path}:{members[0]}: zip is damaged ({error}), expected a whole file") from error


def _parse(name: str, text: bytes, dtype: np.dtype[Any], columns: tuple[str, ...] | list[str]) -> NDArray[Any]:
    """Parse csv text; when it is not what it should be, say where."""
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    dimensions: Literal[1, 2] = 2 if dtype.names is None else 1
    try:
        table: NDArray[Any] = np.loadtxt(io.BytesIO(text), dtype=dtype, delimiter=",", comments=None, ndmin=dimensions)
    except (ValueError, DeprecationWarning) as error:
        raise _explain(name, text, columns) from error
    if len(table) != lines:  # a blank line
        raise _explain(name, text, columns)
    return table


def _explain(name: str, text: bytes, columns: tuple[str, ...] | list[str]) -> TapeError:
    """Find the first bad field of a csv text."""
    for number, line in enumerate(text.decode("utf-8", "replace").split("\n"), start=1):
        fields = line.rstrip("\r").split(",")
        if len(fields) != len(columns):
            return TapeError(f"{name} line {number}: {len(fields)} columns, expected {len(columns)}")
        for column, field in zip(columns, fields, strict=True):
            if not _is_number(column, field.strip()):
                expected = "seconds after midnight" if column == "time" else "an integer"
                return TapeError(f"{name} line {number}: {column} is {field!r}, expected {expected}")
    return TapeError(f"{name}: cannot be read, expected {len(columns)} columns of numbers, and nothing else")


def _is_number(column: str, field: str) -> bool:
    if column != "time":
        return _INTEGER.fullmatch(field) is not None and abs(int(field)) < 2**63
    try:
        float(field)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> NDArray[np.void]:
    """Read the first six columns of a parquet file, whatever they are called."""
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected a LOBSTER message file")
    try:
        import polars
    except ImportError as error:
        raise TapeError(f"{path}: parquet needs polars, expected it installed: pip install 'twin-env[data]'") from error
    try:
        frame = polars.read_parquet(path)
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise TapeError(f"{path}: cannot be read ({reason}), expected a parquet file") from error
    if frame.width != len(_COLUMNS):
        raise TapeError(f"{path}: {frame.width} columns, expected {len(_COLUMNS)}")
    table = np.empty(frame.height, _MESSAGE)
    for column, series in zip(_COLUMNS, frame.get_columns(), strict=True):
        table[column] = _numbers(path, column, series)
    return table


def _numbers(path: Path, column: str, series: Any) -> NDArray[Any]:
    """Return a parquet column as numbers without gaps."""
    whole = series.dtype.is_integer() or (column == "time" and series.dtype.is_float())
    if not whole or series.null_count():
        expected = "numbers" if column == "time" else "integers"
        raise TapeError(f"{path}: {column} is {series.dtype} with {series.null_count()} gaps, expected {expected}")
    values: NDArray[Any] = series.to_numpy()
    return values
