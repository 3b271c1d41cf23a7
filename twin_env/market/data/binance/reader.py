"""Recordings of Binance's depth, ticker and trade streams as tapes; the rules stand in docs/sources.md."""

from collections import Counter
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.market.data.binance.files import TICKER, Recording, read_recording
from twin_env.market.data.binance.sequence import GapRule, Sequence, follow_ids
from twin_env.market.data.levels.reader import DepthChanges, QueueModel, make_tape
from twin_env.market.data.levels.rebuild import CHANGE, LEVEL, RESET, TOUCH, TOUCH_SIGHT, TRADE
from twin_env.market.data.tape import IntArray, Rule, Tape, TapeError, TapeReport, enforce

_UNIT_NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000}
_TOLERANCE: Final = 1e-6  # of a tick or lot, for floats of decimal numbers
_RELATIVE_TOLERANCE: Final = 1e-15  # where floats themselves are coarser than that

RecvUnit = Literal["ns", "us", "ms"]


def read_binance(
    path: Path,
    *,
    tick_size: float,
    lot_size: float,
    symbol: str | None = None,
    queue: QueueModel | None = None,
    tickers: bool = True,
    gaps: GapRule = "snapshot",
    recv_unit: RecvUnit = "ns",
) -> Tape:
    """Read a recording of Binance's streams.

    Args:
        path: Text or .gz.
        tick_size: Price of one tick, in the quote currency.
        lot_size: Size of one lot, in the base currency or contracts.
        symbol: Which one, where the recording holds several.
        queue: Who leaves a queue; by default ``QueueModel()``.
        tickers: Use ``bookTicker`` between two depth messages.
        gaps: What to do where update ids are missing, see :func:`binance_sequence.follow_ids`.
        recv_unit: Unit of the receive times.

    Returns:
        The tape. ``ts_ns`` is the exchange's transaction time, ``recv_ns`` the local receive time of the message.

    Raises:
        TapeError: The file is missing, damaged, has a gap that cannot be mended, or a price between two ticks.
    """
    recording = read_recording(path, symbol=symbol, recv_unit_ns=_UNIT_NS[recv_unit])
    if len(recording.symbols) > 1:
        known = ", ".join(sorted(recording.symbols))
        raise TapeError(f"{path}: {len(recording.symbols)} symbols ({known}), expected one, or symbol to choose it")
    sequence = follow_ids(recording, tickers=tickers, gaps=gaps)
    return make_tape(
        read_messages(recording, sequence, tick_size, lot_size), queue or QueueModel(), tick_size=tick_size
    )


def read_messages(recording: Recording, sequence: Sequence, tick_size: float, lot_size: float) -> DepthChanges:
    """Say as changes what the chosen messages and the trades tell, in one order.

    Depth and tickers come by update id. A trade comes before all of them that are not earlier: what it took is in the
    levels of its own time.

    Raises:
        TapeError: A price lies between two ticks, or a size is negative.
    """
    chosen = np.array(sequence.messages, np.int64)
    books = {name: column[chosen] for name, column in recording.books.items()}
    repaired = Counter(sequence.repaired)
    books["ts_ns"], repaired["time_back"] = _settle_times(books["ts_ns"])
    levels, repaired["size_rounded"] = _levels(recording, tick_size, lot_size)
    trades, dropped = _trades(recording, tick_size, lot_size, repaired)
    parts = [_book_changes(recording, chosen, books, levels), _resets(chosen, books, sequence)]
    before = np.searchsorted(books["ts_ns"], trades["ts_ns"], side="left")
    rank = np.concatenate([part[1] for part in parts] + [2 * before])
    rows = np.concatenate([part[0] for part in parts] + [trades])
    order = np.lexsort((rows["kind"] != RESET, rank))
    rows, rank = rows[order], rank[order]
    rows["last"] = 1
    rows["last"][:-1] = (np.diff(rank) != 0) | (rows["kind"][1:] == TRADE)
    delay_ns = recording.delay_ns()
    repaired["received_before_sent"] = int((delay_ns < 0).sum())
    report = TapeReport(
        recording.line_count,
        {},
        dropped=_some(recording.dropped + sequence.dropped + dropped),
        repaired=_some(repaired),
    )
    return DepthChanges(rows, recording.name, report)


def _some(counts: Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}


def _settle_times(ts_ns: IntArray) -> tuple[IntArray, int]:
    """Give messages without a time that of the next with one, or else of the one before, and let no time go back.

    Returns:
        Times, and how many went back.
    """
    known = np.where(ts_ns < 0, np.iinfo(np.int64).max, ts_ns)
    following = np.minimum.accumulate(known[::-1])[::-1]
    filled = np.where(following == np.iinfo(np.int64).max, 0, following)
    filled = np.where(ts_ns < 0, filled, ts_ns)
    latest = np.maximum.accumulate(filled)
    return latest, int((filled < latest).sum())


def _levels(recording: Recording, tick_size: float, lot_size: float) -> tuple[NDArray[np.void], int]:
    """Return every level named, as changes without time and kind, and how many sizes were rounded."""
    levels = np.zeros(len(recording.sides), CHANGE)
    levels["line"] = np.repeat(recording.books["line"], recording.books["cells"])
    levels["side"] = recording.sides
    levels["price"] = _ticks(recording, levels["line"], recording.prices, tick_size)
    levels["lots"], rounded = _lots(recording, levels["line"], recording.sizes, lot_size)
    return levels, rounded


def _ticks(recording: Recording, lines: IntArray, prices: NDArray[np.float64], tick_size: float) -> IntArray:
    exact = prices / tick_size
    ticks = np.rint(exact)
    between = ~(abs(exact - ticks) <= _TOLERANCE + _RELATIVE_TOLERANCE * abs(exact))
    _enforce(recording, lines, Rule("price", prices, between, f"a multiple of tick_size {tick_size:g}"))
    _enforce(recording, lines, Rule("price", prices, abs(ticks) > codes.MAX_PRICE_TICKS, "within 2^40 ticks of zero"))
    return ticks.astype(np.int64)


def _lots(recording: Recording, lines: IntArray, sizes: NDArray[np.float64], lot_size: float) -> tuple[IntArray, int]:
    """Return sizes in lots, at least one lot for more than nothing, and how many were rounded."""
    exact = sizes / lot_size
    most = codes.MAX_LOTS
    _enforce(
        recording, lines, Rule("size", sizes, ~((exact >= 0) & (exact <= most)), "at least 0 and at most 2^40 lots")
    )
    lots = np.where(sizes > 0, np.maximum(np.rint(exact), 1), 0)
    rounded = abs(exact - lots) > _TOLERANCE + _RELATIVE_TOLERANCE * exact
    return lots.astype(np.int64), int(rounded.sum())


def _enforce(recording: Recording, lines: IntArray, rule: Rule) -> None:
    """Raise for the first broken value, naming its line."""
    if rule.broken.any():
        at = int(rule.broken.argmax())
        first = Rule(rule.field, rule.values[at : at + 1], rule.broken[at : at + 1], rule.expected)
        enforce(recording.name, "line", [first], int(lines[at]) - 1)


def _book_changes(
    recording: Recording, chosen: IntArray, books: dict[str, IntArray], levels: NDArray[np.void]
) -> tuple[NDArray[np.void], IntArray]:
    """Return the changes of depth messages and tickers, and the rank of each: odd, by message."""
    start = np.cumsum(recording.books["cells"]) - recording.books["cells"]
    message = np.repeat(np.arange(len(chosen)), books["cells"])
    offset = np.arange(len(message)) - np.repeat(np.cumsum(books["cells"]) - books["cells"], books["cells"])
    rows = levels[start[chosen][message] + offset]
    rows["ts_ns"], rows["recv_ns"] = books["ts_ns"][message], books["recv_ns"][message]
    ticker = books["kind"][message] == TICKER
    rows["kind"] = np.where(ticker, TOUCH, LEVEL)
    # A ticker also says that nothing is better than its price; a side without lots is empty.
    sights = rows[ticker]
    sights["kind"] = TOUCH_SIGHT
    sights["price"] = np.where(sights["lots"] > 0, sights["price"], -sights["side"] * codes.MAX_PRICE_TICKS)
    rank = 2 * message + 1
    there = ~ticker | (rows["lots"] > 0)
    return np.concatenate([sights, rows[there]]), np.concatenate([rank[ticker], rank[there]])


def _resets(chosen: IntArray, books: dict[str, IntArray], sequence: Sequence) -> tuple[NDArray[np.void], IntArray]:
    """Return the change that empties the book before each snapshot."""
    at = np.flatnonzero(np.isin(chosen, list(sequence.resets)))
    rows = np.zeros(len(at), CHANGE)
    rows["kind"] = RESET
    for name in ("ts_ns", "recv_ns", "line"):
        rows[name] = books[name][at]
    rows["lots"] = np.where(np.isin(chosen[at], list(sequence.recovered)), codes.GAP, 0)
    return rows, 2 * at + 1


def _trades(
    recording: Recording, tick_size: float, lot_size: float, repaired: Counter[str]
) -> tuple[NDArray[np.void], Counter[str]]:
    """Return the trades as changes in time order, and how many were left out."""
    columns, dropped = recording.trades, Counter[str]()
    aggregated = columns["source"] == 1
    use = aggregated if aggregated.all() else ~aggregated  # single trades, where both were recorded
    dropped["trade_aggregated"] = int((~use).sum())
    latest = np.maximum.accumulate(np.where(use, columns["id"], -1))
    repeated = np.zeros(len(use), bool)
    repeated[1:] = columns["id"][1:] <= latest[:-1]
    dropped["trade_duplicate"] = int((use & repeated).sum())
    use &= ~repeated
    empty = recording.trade_sizes == 0
    dropped["trade_empty"] = int((use & empty).sum())
    use &= ~empty
    rows = np.zeros(int(use.sum()), CHANGE)
    rows["kind"] = TRADE
    for name in ("line", "ts_ns", "recv_ns", "side"):
        rows[name] = columns[name][use]
    rows["price"] = _ticks(recording, rows["line"], recording.trade_prices[use], tick_size)
    rows["lots"], rounded = _lots(recording, rows["line"], recording.trade_sizes[use], lot_size)
    repaired["size_rounded"] += rounded
    repaired["trade_reordered"] = int((rows["ts_ns"] < np.maximum.accumulate(rows["ts_ns"])).sum()) if len(rows) else 0
    return rows[np.argsort(rows["ts_ns"], kind="stable")], dropped
