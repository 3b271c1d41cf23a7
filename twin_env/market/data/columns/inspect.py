"""What there is to say about a table of trades, quotes or bars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.config import load_config
from twin_env.market.data.columns.cells import Cells, read_cells
from twin_env.market.data.columns.column_map import Columns
from twin_env.market.data.columns.files import Source, open_table, polars, reading
from twin_env.market.data.columns.header import describe, has_plain_names, plain_columns, read_head, tables_of
from twin_env.market.data.columns.reader import TableFile
from twin_env.market.data.columns.reader import _bars as convert_bars
from twin_env.market.data.columns.reader import _quotes as convert_quotes
from twin_env.market.data.columns.reader import _trades as convert_trades
from twin_env.market.data.columns.sheet import Sheet, kinds_of
from twin_env.market.data.grid import find_lot_size, find_tick_size
from twin_env.market.data.inspection import (
    SILENCE_NS,
    Inspection,
    InspectOptions,
    Problem,
    Rate,
    Silence,
    Spread,
    SpreadMeter,
    TimeMeter,
    problems_of,
)
from twin_env.market.data.tape import BoolArray, IntArray, TapeError

_NS_PER_S: Final = 1_000_000_000
_LISTED_SILENCES: Final = 10
_LISTED_SYMBOLS: Final = 20
_PRICES: Final = {"trades": ("price",), "quotes": ("bid", "ask"), "bars": ("open", "high", "low", "close")}
_SIZES: Final = {"trades": ("size",), "quotes": ("bid_size", "ask_size"), "bars": ("volume",)}


@dataclass
class _Part:
    """What was found in a file about trades, quotes or bars."""

    meter: TimeMeter
    rows: int
    problems: tuple[Problem, ...] = ()
    spread: Spread | None = None
    silences: tuple[Silence, ...] = ()
    silence_count: int = 0
    notes: list[str] = field(default_factory=list)


class _InspectedSheet(Sheet):
    """A sheet that drops bad rows and remembers which they were."""

    def __init__(self, cells: Cells, columns: Columns) -> None:
        self.broken: dict[str, BoolArray] = {}
        super().__init__(cells, columns, "refuse", "drop")

    def forbid(self, name: str, broken: BoolArray, expected: str, reason: str) -> None:
        """Drop the rows, and keep their places."""
        fresh = broken & self.kept
        if fresh.any():
            self.broken[reason] = self.broken.get(reason, np.zeros(len(self), bool)) | fresh
        super().forbid(name, broken, expected, reason)

    def first(self, reason: str, rows: BoolArray | None = None) -> int:
        """Return the line or row of the file where something was found first."""
        found = self.broken[reason] if rows is None else rows
        return self.cells.source.first + int(self.cells.index[found.argmax()]) if found.any() else 0


def is_table(path: Path, options: InspectOptions) -> bool:
    """Tell whether a file is a table whose header says what its columns mean."""
    head = read_head(path, options.member)
    return head is not None and has_plain_names(head)


def inspect_table(path: Path, options: InspectOptions) -> Inspection:
    """Look into a table; rows that cannot be true are counted and left out.

    Raises:
        TapeError: The file is broken, or holds several members or symbols and none was chosen.
        ConfigError: The map of columns is wrong.
    """
    head = read_head(path, options.member)
    columns = _columns(path, options)
    tables = tables_of(columns)
    if not tables:
        raise TapeError(
            f"{path}: columns make no table, expected price and size, or bid and ask, or open, high, low and close"
        )
    file = TableFile(
        path=path,
        columns=columns,
        member=options.member,
        symbol=options.symbol,
        separator="," if head is None else head.separator,
    )
    with open_table(path, member=file.member, header=columns.has_header, separator=file.separator) as source:
        cells = {table: read_cells(source, columns, kinds_of(table), file.symbol, None) for table in tables}
        tick_size = options.tick_size or _find_tick(source, columns, cells)
        lot_size, lot_is_found = _lot_size(source, columns, cells, options)
        columns = columns.model_copy(update={"lot_size": lot_size})
        parts = {table: _look(table, _InspectedSheet(cells[table], columns), tick_size) for table in tables}
        instruments = _symbols(source, columns, file.symbol)
    facts = _join(parts)
    recognised = () if options.columns is not None else (describe(columns),)
    return Inspection(
        path=source.name,
        format=f"table of {' and '.join(tables)}",
        instruments=instruments,
        tick_size=tick_size,
        tick_size_is_found=options.tick_size is None,
        lot_size=lot_size,
        lot_size_is_found=lot_is_found,
        **{**facts, "notes": (*recognised, *facts["notes"])},
    )


def _columns(path: Path, options: InspectOptions) -> Columns:
    """Return the map the user named, or that of a header with plain names."""
    if options.columns is not None:
        return load_config(Columns, options.columns, folder="columns")
    head = read_head(path, options.member)
    if head is None or not has_plain_names(head):
        raise TapeError(f"{path}: no header with plain names, expected --columns to say what the columns mean")
    return plain_columns(str(path), head)


def _numbers(cells: Mapping[str, Cells], names: Mapping[str, tuple[str, ...]]) -> NDArray[np.float64]:
    """Return all prices or all sizes, one after the other."""
    found = [
        np.asarray(cells[table].columns[name], np.float64)
        for table in cells
        for name in names[table]
        if name in cells[table].columns
    ]
    return np.concatenate([np.zeros(0), *found])


def _find_tick(source: Source, columns: Columns, cells: Mapping[str, Cells]) -> float:
    return find_tick_size(source.name, _numbers(cells, _PRICES)) * columns.price_unit


def _lot_size(
    source: Source, columns: Columns, cells: Mapping[str, Cells], options: InspectOptions
) -> tuple[float, bool]:
    """Return what the user or the map says, or else what the sizes tell; and whether it is the last."""
    if options.lot_size is not None:
        return options.lot_size, False
    if "lot_size" in columns.model_fields_set:
        return columns.lot_size, False
    return find_lot_size(source.name, _numbers(cells, _SIZES)), True


def _symbols(source: Source, columns: Columns, symbol: str | None) -> tuple[str, ...]:
    """Return the names in the column of symbols; there is more than one only where one was chosen."""
    if symbol is not None:
        return (symbol,)
    if columns.symbol is None:
        return ()
    pl = polars()
    with reading(source.name):
        names = source.frame.select(pl.col(source.column(columns.symbol)).cast(pl.String).unique()).collect()
    return tuple(sorted(filter(None, names.to_series().to_list()))[:_LISTED_SYMBOLS])


def _look(table: str, sheet: _InspectedSheet, tick_size: float) -> _Part:
    part = _Part(TimeMeter(), sheet.cells.total)
    states = {"trades": _look_at_trades, "quotes": _look_at_quotes, "bars": _look_at_bars}[table](
        sheet, tick_size, part
    )
    if not sheet.kept.any() and not any(rows.any() for rows in states.values()):
        sheet.finish()  # which says why
    dropped = {reason: count for reason, count in sheet.dropped.items() if reason != "quote_crossed"}
    counts = {"state": {name: int(rows.sum()) for name, rows in states.items()}, "dropped": dropped}
    first = {reason: sheet.first(reason) for reason in sheet.broken}
    first |= {name: sheet.first(name, rows) for name, rows in states.items()}
    part.problems = problems_of(counts, first, sheet.cells.source.place)
    return part


def _look_at_trades(sheet: _InspectedSheet, tick_size: float, part: _Part) -> dict[str, BoolArray]:
    arrays = convert_trades(sheet, tick_size)
    kept = sheet.kept
    part.meter.add(arrays["ts_ns"][kept], {"trade": np.ones(int(kept.sum()), bool)})
    unknown = int((arrays["side"][kept] == 0).sum())
    part.notes.append(f"{unknown} of {int(kept.sum())} trades do not tell who was the aggressor.")
    part.silences, part.silence_count = part.meter.silences, part.meter.silence_count
    return {}


def _look_at_quotes(sheet: _InspectedSheet, tick_size: float, part: _Part) -> dict[str, BoolArray]:
    """Follow the spread; a crossed or locked quote stands where it lies between its neighbours, and has none."""
    arrays = convert_quotes(sheet, tick_size)
    wrong = sheet.broken.get("quote_crossed", np.zeros(len(sheet), bool))
    bid, ask, time_ns = arrays["bid_ticks"], arrays["ask_ticks"], arrays["ts_ns"]
    both = (arrays["bid_lots"] > 0) & (arrays["ask_lots"] > 0)
    shown = sheet.kept | (wrong & _in_order(time_ns, sheet.kept))
    times = np.maximum.accumulate(time_ns[shown])
    part.meter.add(times, {"quote": np.ones(len(times), bool)})
    spread = SpreadMeter()
    spread.add(times, np.where(both & ~wrong, ask - bid, 0)[shown])
    part.spread = spread.spread()
    part.silences, part.silence_count = part.meter.silences, part.meter.silence_count
    return {"crossed": wrong & (bid > ask), "locked": wrong & (bid == ask), "one_sided": sheet.kept & ~both}


def _in_order(time_ns: IntArray, kept: BoolArray) -> BoolArray:
    """Return which rows are no earlier than the kept ones before them and no later than those after them."""
    limits = np.iinfo(np.int64)
    before = np.maximum.accumulate(np.where(kept, time_ns, limits.min))
    after = np.minimum.accumulate(np.where(kept, time_ns, limits.max)[::-1])[::-1]
    found: BoolArray = (time_ns >= before) & (time_ns <= after)
    return found


def _look_at_bars(sheet: _InspectedSheet, tick_size: float, part: _Part) -> dict[str, BoolArray]:
    """Take the most common distance of two bars as their length: a gap is time that no bar covers."""
    duration_ns = _median_distance(sheet.cells.columns["time"][sheet.kept])
    start_ns = convert_bars(sheet, tick_size, duration_ns)["start_ns"][sheet.kept]
    part.meter.add(start_ns, {"bar": np.ones(len(start_ns), bool)})
    pauses = np.diff(start_ns) - duration_ns
    gaps = [Silence(int(start_ns[at]) + duration_ns, int(pauses[at])) for at in np.flatnonzero(pauses > SILENCE_NS)]
    longest = sorted(gaps, key=lambda gap: -gap.duration_ns)[:_LISTED_SILENCES]
    part.silences, part.silence_count = tuple(sorted(longest, key=lambda gap: gap.start_ns)), len(gaps)
    part.notes.append(
        f"Bars are taken to be {duration_ns / _NS_PER_S:g} s long, their most common distance; "
        f"{int((pauses > 0).sum())} do not follow the bar before at once, silences are what no bar covers."
    )
    return {}


def _median_distance(start_ns: IntArray) -> int:
    steps = np.diff(start_ns)
    steps, count = np.unique(steps[steps > 0], return_counts=True)
    return int(steps[count.argmax()]) if len(steps) else 60 * _NS_PER_S


def _join(parts: Mapping[str, _Part]) -> dict[str, Any]:
    """Put together what several tables of one file say; what two say alike is said once."""
    meters = [part.meter for part in parts.values() if part.meter.start_ns >= 0]
    rates: dict[str, Rate] = {}
    for meter in meters:
        rates |= meter.rates()
    busiest = max(parts.values(), key=lambda part: sum(rate.count for rate in part.meter.rates().values()))
    return {
        "rows": busiest.rows,
        "start_ns": min((meter.start_ns for meter in meters), default=None),
        "end_ns": max((meter.end_ns for meter in meters), default=None),
        "rates": rates,
        "spread": next((part.spread for part in parts.values() if part.spread is not None), None),
        "silences": busiest.silences,
        "silence_count": busiest.silence_count,
        "problems": tuple(dict.fromkeys(problem for part in parts.values() for problem in part.problems)),
        "notes": [note for part in parts.values() for note in part.notes],
    }
