"""DBN files of every schema but single orders, as tables: trades, quotes, bars and depth."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.databento.checks import (
    SIDES,
    Clock,
    Findings,
    SequenceCheck,
    numbers_of,
    round_trades,
    ticks_of,
    units_per_tick,
)
from twin_env.market.data.databento.files import Chunk, read_header, stream
from twin_env.market.data.databento.layouts import UNDEFINED_PRICE
from twin_env.market.data.tables import Bars, DepthSnapshots, Quotes, Trades
from twin_env.market.data.tape import BoolArray, IntArray, TapeError, TapeReport

_NS_PER_S: Final = 1_000_000_000
BAR_NS: Final = {
    "ohlcv-1s": _NS_PER_S,
    "ohlcv-1m": 60 * _NS_PER_S,
    "ohlcv-1h": 3600 * _NS_PER_S,
    "ohlcv-1d": 86_400 * _NS_PER_S,
    "ohlcv-eod": 86_400 * _NS_PER_S,
}
QUOTED: Final = ("mbp-1", "tbbo", "mbp-10", "bbo-1s", "bbo-1m", "cmbp-1", "tcbbo", "cbbo-1s", "cbbo-1m")
TRADED: Final = ("trades", "tbbo", "mbp-1", "mbp-10", "mbo", "cmbp-1", "tcbbo")
Columns = dict[str, NDArray[np.int64]]
_Table = TypeVar("_Table", Trades, Quotes, Bars, DepthSnapshots)


def read_trades(path: Path, *, tick_size: float, symbol: str | int | None = None) -> Trades:
    """Read the trades of a file of schema trades, tbbo, mbp-1, mbp-10, mbo, cmbp-1 or tcbbo.

    Args:
        path: The file (.dbn or .dbn.zst).
        tick_size: In the quote currency.
        symbol: Which instrument, if the file has several: symbol or instrument id.

    Raises:
        TapeError: The file is missing, damaged or of another schema, or a value cannot be right.
    """
    maker = TableMaker(path, tick_size, symbol, TRADED)
    return _join(Trades, maker, [maker.trades(chunk) for chunk in maker.chunks()])


def read_quotes(path: Path, *, tick_size: float, symbol: str | int | None = None) -> Quotes:
    """Read the best bids and asks of a file that has them (``QUOTED``); arguments as of :func:`read_trades`.

    A tbbo file has the quotes trades met, a bbo file one in a second or minute. Rows whose bid is not below the ask
    are dropped and counted.
    """
    maker = TableMaker(path, tick_size, symbol, QUOTED)
    parts = []
    for chunk in maker.chunks():
        levels = maker.levels(chunk, 1)
        keep = ~maker.crossed(levels)
        maker.dropped.note("crossed", ~keep, chunk.numbers)
        names = ("bid_ticks", "ask_ticks", "bid_lots", "ask_lots")
        parts.append({"ts_ns": maker.times(chunk)[keep], **{name: levels[name][keep, 0] for name in names}})
    return _join(Quotes, maker, parts)


def read_bars(path: Path, *, tick_size: float, symbol: str | int | None = None) -> Bars:
    """Read a file of schema ohlcv-1s, -1m, -1h, -1d or -eod; arguments as of :func:`read_trades`."""
    maker = TableMaker(path, tick_size, symbol, tuple(BAR_NS))
    return _join(Bars, maker, [maker.bars(chunk) for chunk in maker.chunks()])


def read_depth(path: Path, *, tick_size: float, symbol: str | int | None = None, levels: int = 10) -> DepthSnapshots:
    """Read a file of schema mbp-10 whole; see :func:`stream_depth`."""
    maker = TableMaker(path, tick_size, symbol, ("mbp-10",))
    return _join(DepthSnapshots, maker, list(maker.depths(levels)))


def stream_depth(
    path: Path, *, tick_size: float, symbol: str | int | None = None, levels: int = 10
) -> Iterator[DepthSnapshots]:
    """Read a file of schema mbp-10 part by part, in memory that does not grow with the file.

    Rows whose best bid is not below the best ask are dropped; one that reports a trade keeps the trade, with the levels
    of the row before. Both are counted. The report of a part tells about the file so far.

    Args:
        path: The file (.dbn or .dbn.zst).
        tick_size: In the quote currency.
        symbol: Which instrument, if the file has several: symbol or instrument id.
        levels: Keep this many of the 10.

    Raises:
        TapeError: The file is missing, damaged or of another schema, or a value cannot be right.
    """
    maker = TableMaker(path, tick_size, symbol, ("mbp-10",))
    for columns in maker.depths(levels):
        yield DepthSnapshots(**columns, source=path.name, report=maker.report())


def _join(table: type[_Table], maker: "TableMaker", parts: list[Columns]) -> _Table:
    """Make one table of the columns of all chunks."""
    if not parts:
        raise TapeError(f"{maker.path}: no records of schema {maker.schema}, expected at least one")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return table(**columns, source=maker.path.name, report=maker.report())


class TableMaker:
    """Turns chunks of records into columns, one file long."""

    def __init__(self, path: Path, tick_size: float, symbol: str | int | None, schemas: tuple[str, ...]) -> None:
        self.path = path
        self.schema = read_header(path).schema
        if self.schema not in schemas:
            raise TapeError(f"{path}: schema is {self.schema}, expected one of {', '.join(schemas)}")
        self._symbol = symbol
        self._per_tick = units_per_tick(tick_size)
        self.numbers = SequenceCheck()
        self._source_rows = 0
        self._good: Columns = {}
        self.dropped = Findings()
        self.repaired = Findings()
        self._clock = Clock(path, self.repaired)

    def report(self) -> TapeReport:
        """Tell what was done so far."""
        return TapeReport(self._source_rows, {}, dropped=dict(self.dropped.counts), repaired=dict(self.repaired.counts))

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records, without those told twice."""
        for chunk in stream(self.path, self._symbol):
            self._source_rows += len(chunk.records)
            self.dropped.add("other_instrument", chunk.others)
            self.dropped.add("other_type", chunk.strange)
            if "sequence" not in (chunk.records.dtype.names or ()):
                yield chunk
                continue
            back = self.numbers.find_back(chunk.records, np.zeros(len(chunk.records), bool))
            self.dropped.note("sequence_back", back, chunk.numbers)
            if not back.all():
                yield Chunk(chunk.records[~back], chunk.numbers[~back], 0, 0)

    def times(self, chunk: Chunk) -> IntArray:
        """Return the times of records, ns. A record of a sampled quote has the time of its sample."""
        sampled = self.schema.startswith(("bbo", "cbbo"))
        column = chunk.records["ts_recv" if sampled else "ts_event"]
        return self._clock.straighten(column, np.zeros(len(column), bool), chunk.numbers)

    def trades(self, chunk: Chunk) -> Columns:
        """Return the columns of ``Trades``."""
        records, time_ns = chunk.records, self.times(chunk)
        traded = (records["action"] == b"T") if "action" in (records.dtype.names or ()) else np.ones(len(records), bool)
        columns = self.trade_columns(chunk, traded)
        keep = columns["trade_lots"] > 0
        names = {"price_ticks": "trade_ticks", "lots": "trade_lots", "side": "trade_side"}
        return {"ts_ns": time_ns[keep], **{name: columns[column][keep] for name, column in names.items()}}

    def trade_columns(self, chunk: Chunk, traded: BoolArray) -> Columns:
        """Return the trade columns of ``DepthSnapshots``: 0 lots in rows without a trade."""
        records = chunk.records
        side = numbers_of(self.path, "side", records["side"], SIDES)
        empty = traded & (records["size"] == 0)
        unpriced = traded & ~empty & (records["price"] == UNDEFINED_PRICE)
        self.dropped.note("zero_lots", empty, chunk.numbers)
        self.dropped.note("no_price", unpriced, chunk.numbers)
        traded = traded & ~empty & ~unpriced
        price, between = round_trades(records["price"].astype(np.int64), side, traded, self._per_tick)
        self.repaired.note("trade_rounded", between, chunk.numbers)
        return {
            "trade_ticks": ticks_of(self.path, "price", price, traded, self._per_tick, chunk.numbers),
            "trade_lots": np.where(traded, records["size"], 0).astype(np.int64),
            "trade_side": np.where(traded, side, 0),
        }

    def levels(self, chunk: Chunk, count: int) -> Columns:
        """Return prices and lots of the best levels, each of shape ``(rows, count)``; 0 lots where there is none."""
        levels = chunk.records["levels"][:, :count]
        numbers = np.repeat(chunk.numbers, count)
        columns: Columns = {}
        for name in ("bid", "ask"):
            price, size = levels[name].reshape(-1), levels[f"{name}_size"].reshape(-1)
            there = (price != UNDEFINED_PRICE) & (size > 0)
            ticks = ticks_of(self.path, f"{name} price", price, there, self._per_tick, numbers)
            columns[f"{name}_ticks"] = ticks.reshape(-1, count)
            columns[f"{name}_lots"] = np.where(there, size, 0).astype(np.int64).reshape(-1, count)
        return columns

    def crossed(self, levels: Columns) -> BoolArray:
        """Return where the best bid is not below the best ask."""
        both = (levels["bid_lots"][:, 0] > 0) & (levels["ask_lots"][:, 0] > 0)
        crossed: BoolArray = both & (levels["bid_ticks"][:, 0] >= levels["ask_ticks"][:, 0])
        return crossed

    def depths(self, count: int) -> Iterator[Columns]:
        """Yield the columns of ``DepthSnapshots``."""
        if not 1 <= count <= 10:
            raise TapeError(f"{self.path}: levels is {count}, expected 1 to 10, what the file has")
        for chunk in self.chunks():
            levels = self.levels(chunk, count)
            trades = self.trade_columns(chunk, chunk.records["action"] == b"T")
            keep = self._uncross(levels, trades["trade_lots"] > 0, chunk.numbers)
            columns = {"ts_ns": self.times(chunk), **levels, **trades}
            if keep.any():
                yield {name: column[keep] for name, column in columns.items()}

    def _uncross(self, levels: Columns, traded: BoolArray, numbers: IntArray) -> BoolArray:
        """Give crossed rows with a trade the levels of the last good row before them; return what is to be kept."""
        crossed = self.crossed(levels)
        last = np.maximum.accumulate(np.where(crossed, -1, np.arange(len(crossed))))
        known = (last >= 0) | bool(self._good)
        keep: BoolArray = ~crossed | (traded & known)
        self.dropped.note("crossed", ~keep, numbers)
        self.repaired.note("crossed_with_trade", keep & crossed, numbers)
        for name, column in levels.items():
            before = self._good.get(name, column[:1])
            source = np.concatenate([before, column])
            levels[name] = source[np.where(crossed, last + 1, np.arange(1, len(source)))]
        self._good = {name: column[-1:].copy() for name, column in levels.items()} if known[-1] else self._good
        return keep

    def bars(self, chunk: Chunk) -> Columns:
        """Return the columns of ``Bars``."""
        records = chunk.records
        ends = ("open", "high", "low", "close")
        there = np.all([records[name] != UNDEFINED_PRICE for name in ends], axis=0)
        self.dropped.note("no_price", ~there, chunk.numbers)
        records, numbers = records[there], chunk.numbers[there]
        everywhere = np.ones(len(records), bool)
        prices = {
            f"{name}_ticks": ticks_of(self.path, name, records[name], everywhere, self._per_tick, numbers)
            for name in ends
        }
        return {
            "start_ns": records["ts_event"].astype(np.int64),
            "duration_ns": np.full(len(records), BAR_NS[self.schema]),
            **prices,
            "volume_lots": records["volume"].astype(np.int64),
        }
