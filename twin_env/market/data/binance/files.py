"""Recordings of Binance's streams: lines of a receive time and one JSON message, as columns of numbers."""

import gzip
import json
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.tape import IntArray, TapeError

SNAPSHOT: Final = 0
DIFF: Final = 1
TICKER: Final = 2
_NS_PER_MS: Final = 1_000_000
_NO_ID: Final = -1


@dataclass(frozen=True)
class Recording:
    """What a recording holds, in the order of its lines.

    Attributes:
        name: The file.
        line_count: Lines.
        books: Snapshots, diffs and tickers, by column: line, recv_ns, ts_ns (-1: none), kind, first (U), last (u or
            lastUpdateId), before (pu, -1: none), cells (how many levels it names); int64, shape ``(messages,)``.
        sides: +1 bid, -1 ask, of every level named, in the order of the messages; int64, shape ``(levels,)``.
        prices: Its price; float64.
        sizes: Its size; float64.
        trades: By column: line, recv_ns, ts_ns, id, side (of the aggressor), source (0 trade, 1 aggTrade); int64.
        trade_prices: float64, shape ``(trades,)``.
        trade_sizes: float64.
        dropped: Messages that are none of these, by reason.
        symbols: Symbols that occur.
    """

    name: str
    line_count: int
    books: dict[str, IntArray]
    sides: IntArray
    prices: NDArray[np.float64]
    sizes: NDArray[np.float64]
    trades: dict[str, IntArray]
    trade_prices: NDArray[np.float64]
    trade_sizes: NDArray[np.float64]
    dropped: Counter[str]
    symbols: frozenset[str]

    def delay_ns(self) -> IntArray:
        """Return receive time minus exchange time of everything that has one; negative where the clocks disagree."""
        ts_ns = np.concatenate([self.books["ts_ns"], self.trades["ts_ns"]])
        recv_ns = np.concatenate([self.books["recv_ns"], self.trades["recv_ns"]])
        delay_ns: IntArray = (recv_ns - ts_ns)[ts_ns >= 0]
        return delay_ns


_BOOK_COLUMNS: Final = ("line", "recv_ns", "ts_ns", "kind", "first", "last", "before", "cells")
_TRADE_COLUMNS: Final = ("line", "recv_ns", "ts_ns", "id", "side", "source")


class _Columns:
    """Columns under construction: compact arrays, whatever the length of the recording."""

    def __init__(self, symbol: str | None) -> None:
        self.symbol = symbol
        self.books = array("q")
        self.sides, self.prices, self.sizes = array("q"), array("d"), array("d")
        self.trades = array("q")
        self.trade_prices, self.trade_sizes = array("d"), array("d")
        self.dropped: Counter[str] = Counter()
        self.symbols: set[str] = set()
        self._handlers: dict[str, Callable[[int, int, dict[str, Any]], None]] = {
            "depthUpdate": self._diff,
            "bookTicker": self._ticker,
            "trade": self._trade,
            "aggTrade": self._trade,
        }

    def add(self, line: int, recv_ns: int, message: dict[str, Any]) -> None:
        """Take in one message."""
        message = message.get("data", message)
        if "lastUpdateId" in message:
            return self._snapshot(line, recv_ns, message)
        symbol = message.get("s")
        if symbol is not None:
            if self.symbol is not None and symbol != self.symbol:
                self.dropped["other_symbol"] += 1
                return None
            self.symbols.add(symbol)
        # The ticker of the spot market does not say what it is.
        kind = message.get("e", "bookTicker" if {"u", "b", "B", "a", "A"} <= message.keys() else None)
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            self.dropped["other_message"] += 1
            return None
        return handler(line, recv_ns, message)

    def _snapshot(self, line: int, recv_ns: int, message: dict[str, Any]) -> None:
        last = int(message["lastUpdateId"])
        cells = self._levels(message["bids"], message["asks"])
        self.books.extend((line, recv_ns, _time_ns(message), SNAPSHOT, last, last, _NO_ID, cells))

    def _diff(self, line: int, recv_ns: int, message: dict[str, Any]) -> None:
        cells = self._levels(message["b"], message["a"])
        first, last, before = int(message["U"]), int(message["u"]), int(message.get("pu", _NO_ID))
        self.books.extend((line, recv_ns, _time_ns(message), DIFF, first, last, before, cells))

    def _ticker(self, line: int, recv_ns: int, message: dict[str, Any]) -> None:
        cells = self._levels([(message["b"], message["B"])], [(message["a"], message["A"])])
        last = int(message["u"])
        self.books.extend((line, recv_ns, _time_ns(message), TICKER, last, last, _NO_ID, cells))

    def _trade(self, line: int, recv_ns: int, message: dict[str, Any]) -> None:
        aggregated = message["e"] == "aggTrade"
        if message.get("X", "MARKET") != "MARKET":  # of the insurance fund, or the like: not against the book
            self.dropped["trade_off_book"] += 1
            return
        number = int(message["a"] if aggregated else message["t"])
        side = -1 if message["m"] else 1  # m: the buyer's order rested
        self.trades.extend((line, recv_ns, _time_ns(message), number, side, aggregated))
        self.trade_prices.append(float(message["p"]))
        self.trade_sizes.append(float(message["q"]))

    def _levels(self, bids: list[Any], asks: list[Any]) -> int:
        for side, levels in ((1, bids), (-1, asks)):
            for level in levels:
                self.sides.append(side)
                self.prices.append(float(level[0]))
                self.sizes.append(float(level[1]))
        return len(bids) + len(asks)

    def finish(self, name: str, line_count: int) -> Recording:
        """Return what was taken in."""
        books = np.array(self.books, np.int64).reshape(-1, len(_BOOK_COLUMNS)).T
        trades = np.array(self.trades, np.int64).reshape(-1, len(_TRADE_COLUMNS)).T
        return Recording(
            name,
            line_count,
            dict(zip(_BOOK_COLUMNS, books, strict=True)),
            np.array(self.sides, np.int64),
            np.array(self.prices),
            np.array(self.sizes),
            dict(zip(_TRADE_COLUMNS, trades, strict=True)),
            np.array(self.trade_prices),
            np.array(self.trade_sizes),
            self.dropped,
            frozenset(self.symbols),
        )


def read_recording(path: Path, *, symbol: str | None = None, recv_unit_ns: int = 1) -> Recording:
    """Read a recording.

    Args:
        path: Plain text or .gz; each line a receive time, a blank, and one message, of a raw or a combined stream, or
            the REST answer to a request for depth.
        symbol: Read only messages about this symbol.
        recv_unit_ns: What 1 means in receive times.

    Raises:
        TapeError: The file is missing, damaged, empty, or a line is not what it should be.
    """
    columns, line = _Columns(symbol), 0
    for line, text in enumerate(_lines(path), start=1):
        recv_text, _, body = text.partition(" ")
        try:
            columns.add(line, int(recv_text) * recv_unit_ns, _message(body))
        except KeyError as error:
            raise TapeError(f"{path} line {line}: field {error.args[0]!r} is missing, expected it there") from error
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            shown = text[:60].rstrip()
            raise TapeError(
                f"{path} line {line}: line is {shown!r} ({error}), expected a receive time, a blank, a JSON message"
            ) from error
    if line == 0:
        raise TapeError(f"{path}: 0 lines, expected at least one")
    return columns.finish(path.name, line)


def _message(body: str) -> dict[str, Any]:
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("no object")
    return message


def _lines(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected a recording of Binance streams, plain or .gz")
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            yield from file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TapeError(f"{path}: gzip data are damaged or cut short ({error}), expected a whole file") from error
    except UnicodeDecodeError as error:
        raise TapeError(f"{path}: is not UTF-8 text ({error.reason}), expected lines of JSON") from error


def _time_ns(message: dict[str, Any]) -> int:
    """Return the exchange's transaction time, or else when it sent the message; -1 if it says neither."""
    time_ms = message.get("T", message.get("E"))
    return -1 if time_ms is None else int(time_ms) * _NS_PER_MS
