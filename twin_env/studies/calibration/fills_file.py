"""Read an execution record: one row per fill, many fills per parent order; refuse what cannot be true."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars

_NUMBERS: Final = ("decision_price", "fill_price", "daily_sigma", "daily_volume")
_COUNTS: Final = ("lots", "fill_lots")
_TIMES: Final = ("decision_time", "fill_time", "sent_time", "arrival_time")
_REQUIRED: Final = (
    "parent_id",
    "side",
    "lots",
    "decision_time",
    "decision_price",
    "fill_time",
    "fill_price",
    "fill_lots",
)
_OF_PARENT: Final = ("side", "lots", "decision_time", "decision_price", "daily_sigma", "daily_volume")
_SIDES: Final = {"buy": 1, "b": 1, "1": 1, "+1": 1, "sell": -1, "s": -1, "-1": -1}

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class FillsError(ValueError):
    """An execution record that was refused, in one sentence."""


@dataclass(frozen=True, eq=False)
class Fills:
    """Parent orders with what they paid. Arrays have one entry per parent unless said otherwise.

    Attributes:
        source: The file.
        rows: Fills in it.
        filled_lots: Lots filled.
        cost: Average fill price beyond the decision price, in price units; positive is worse.
        first_fill_ns: From the decision to the first fill.
        duration_ns: From the decision to the last fill.
        daily_sigma: Daily standard deviation of the price, in price units.
        daily_volume: Lots the market trades in a day.
        decision_to_sent_ns: Per child order, empty where the file has no ``sent_time``.
        sent_to_arrival_ns: Per child order, empty where the file has no ``sent_time`` and ``arrival_time``.
    """

    source: str
    rows: int
    filled_lots: Floats
    cost: Floats
    first_fill_ns: Integers
    duration_ns: Integers
    daily_sigma: Floats
    daily_volume: Floats
    decision_to_sent_ns: Integers
    sent_to_arrival_ns: Integers

    @property
    def shares(self) -> Floats:
        """Q / V: lots filled over a day's volume."""
        return self.filled_lots / self.daily_volume


def read_fills(path: str | Path, *, daily_sigma: float | None = None, daily_volume: float | None = None) -> Fills:
    """Read and check a fills file.

    Args:
        path: A .csv (also .csv.gz) or .parquet file, see docs/impact.md for its columns.
        daily_sigma: Daily standard deviation of the price, in price units, for a file without such a column.
        daily_volume: Lots the market trades in a day, for a file without such a column.

    Raises:
        FillsError: The file cannot be read, a column or a value is missing, or a row contradicts itself or others.
    """
    path = Path(path)
    frame = _typed(path, _read(path))
    for name, value in (("daily_sigma", daily_sigma), ("daily_volume", daily_volume)):
        frame = _with_default(path, frame, name, value)
    _check_rows(path, frame)
    return _collect(path, frame)


def _read(path: Path) -> "polars.DataFrame":
    if not path.is_file():
        raise FillsError(f"{path}: no such file, expected a .csv or .parquet file of fills")
    try:
        import polars
    except ImportError as error:
        raise FillsError(f"{path}: needs polars, expected it installed: pip install 'twin-env[data]'") from error
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise FillsError(f"{path}: has an unknown ending, expected .csv, .csv.gz or .parquet")
    try:
        frame = polars.read_parquet(path) if name.endswith(".parquet") else polars.read_csv(path, infer_schema=False)
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise FillsError(f"{path}: cannot be read ({reason}), expected a table of fills") from None
    missing = [column for column in _REQUIRED if column not in frame.columns]
    if missing:
        raise FillsError(f"{path}: column {missing[0]} is missing, expected at least {', '.join(_REQUIRED)}")
    if frame.height == 0:
        raise FillsError(f"{path}: has no rows, expected one per fill")
    return frame


def _typed(path: Path, frame: "polars.DataFrame") -> "polars.DataFrame":
    """Return the columns this module knows, as text, float64 and int64 (times in ns), without gaps."""
    known = [*_REQUIRED, *(name for name in (*_TIMES, *_NUMBERS) if name not in _REQUIRED)]
    columns = []
    for name in known:
        if name in frame.columns:
            given = frame[name]
            column = _converted(given, name)
            bad = given.is_null() | column.is_null()
            if name in _NUMBERS:
                bad |= ~column.is_finite().fill_null(False)
            if bad.any():
                row = int(bad.arg_true()[0])
                raise FillsError(f"{path}: row {row + 1}: {name} is {_shown(given[row])}, expected {_expected(name)}")
            columns.append(column)
    return frame.select(columns)


def _converted(given: Any, name: str) -> Any:
    """Return a column in its type; what does not convert becomes null."""
    import polars

    if name == "side":
        return given.cast(polars.String).str.strip_chars().str.to_lowercase().replace_strict(_SIDES, default=None)
    if name in _TIMES:
        return _nanoseconds(given)
    column = given.str.strip_chars() if given.dtype == polars.String else given
    if name not in (*_COUNTS, *_NUMBERS):
        return column.cast(polars.String, strict=False)
    column = column.cast(polars.Float64, strict=False)
    if name in _NUMBERS:
        return column
    return column.set(column != column.round(), None).cast(polars.Int64, strict=False)


def _nanoseconds(given: Any) -> Any:
    """Return times as int64 ns since the epoch: from integers, timestamps (naive is UTC) or ISO 8601 text."""
    import polars

    if given.dtype.is_integer():
        return given.cast(polars.Int64, strict=False)
    if given.dtype == polars.String:
        whole = given.cast(polars.Int64, strict=False)
        if not whole.is_null().any():
            return whole
        try:
            given = given.str.to_datetime(time_unit="ns", time_zone="UTC", strict=False)
        except polars.exceptions.PolarsError:  # no row looks like a time
            return whole
    if isinstance(given.dtype, polars.Datetime):
        return given.dt.cast_time_unit("ns").cast(polars.Int64)
    return polars.Series(given.name, [None] * len(given), dtype=polars.Int64)


def _expected(name: str) -> str:
    if name == "side":
        return "buy or sell"
    if name in _TIMES:
        return "an ISO 8601 time or whole nanoseconds since 1970 UTC"
    return {**dict.fromkeys(_NUMBERS, "a number"), **dict.fromkeys(_COUNTS, "a whole number")}.get(name, "a text")


def _shown(value: Any) -> str:
    return "empty" if value is None or value == "" else repr(value)


def _with_default(path: Path, frame: "polars.DataFrame", name: str, value: float | None) -> "polars.DataFrame":
    """Return the table with a column of the market's figures, from the file or from the argument."""
    import polars

    if name in frame.columns:
        return frame
    if value is None:
        raise FillsError(f"{path}: column {name} is missing, expected it in the file or as an argument")
    return frame.with_columns(polars.lit(float(value)).alias(name))


def _check_rows(path: Path, frame: "polars.DataFrame") -> None:
    """Refuse the first row that cannot be true."""
    import polars

    column = polars.col
    rules = [(name, column(name) < 1, "at least 1") for name in _COUNTS]
    rules += [(name, ~(column(name) > 0.0), "more than 0") for name in ("daily_sigma", "daily_volume")]
    order = [("decision_time", "fill_time"), ("decision_time", "sent_time"), ("sent_time", "arrival_time")]
    for before, after in order:
        if before in frame.columns and after in frame.columns:
            rules.append((after, column(after) < column(before), f"no earlier than {before}"))
    for name, broken, expected in rules:
        bad = frame.select(broken).to_series().arg_true()
        if len(bad):
            row = int(bad[0])
            raise FillsError(f"{path}: row {row + 1}: {name} is {frame[name][row]}, expected {expected}")


def _collect(path: Path, frame: "polars.DataFrame") -> Fills:
    """Sum fills up by parent and refuse parents that contradict themselves."""
    import polars

    column = polars.col
    parents = frame.group_by("parent_id", maintain_order=True).agg(
        *(column(name).first() for name in _OF_PARENT),
        *(column(name).n_unique().alias(f"{name}_values") for name in _OF_PARENT),
        column("fill_lots").sum().alias("filled"),
        ((column("fill_price") - column("decision_price")) * column("fill_lots")).sum().alias("paid"),
        column("fill_time").min().alias("first"),
        column("fill_time").max().alias("last"),
    )
    for name in _OF_PARENT:
        bad = parents.filter(column(f"{name}_values") > 1)
        if bad.height:
            parent = bad["parent_id"][0]
            raise FillsError(f"{path}: parent {parent!r} has {bad[f'{name}_values'][0]} values of {name}, expected one")
    bad = parents.filter(column("filled") > column("lots"))
    if bad.height:
        parent, filled, lots = bad.row(0, named=True)["parent_id"], bad["filled"][0], bad["lots"][0]
        raise FillsError(f"{path}: parent {parent!r} has {filled} lots filled, expected at most its {lots} lots")
    arrays = {name: parents[name].to_numpy() for name in (*_OF_PARENT, "filled", "paid", "first", "last")}
    return Fills(
        str(path),
        frame.height,
        arrays["filled"].astype(np.float64),
        arrays["side"] * arrays["paid"] / arrays["filled"],
        arrays["first"] - arrays["decision_time"],
        arrays["last"] - arrays["decision_time"],
        arrays["daily_sigma"],
        arrays["daily_volume"],
        _waits(frame, "decision_time", "sent_time"),
        _waits(frame, "sent_time", "arrival_time"),
    )


def _waits(frame: "polars.DataFrame", begin: str, end: str) -> Integers:
    """Return times between two columns, once per child order; several fills of one child share them."""
    if begin not in frame.columns or end not in frame.columns:
        return np.zeros(0, np.int64)
    children = frame.unique(subset=["parent_id", begin, end], maintain_order=True)
    waits: Integers = (children[end] - children[begin]).to_numpy()
    return waits
