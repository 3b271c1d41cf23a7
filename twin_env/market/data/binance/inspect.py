"""What there is to say about a recording of Binance's streams."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from twin_env.market.data.binance.files import DIFF, SNAPSHOT, TICKER, Recording, read_recording
from twin_env.market.data.binance.reader import read_messages
from twin_env.market.data.binance.sequence import Sequence, follow_ids
from twin_env.market.data.grid import find_lot_size, find_tick_size
from twin_env.market.data.inspection import Inspection, InspectOptions, SpreadMeter, TimeMeter, problems_of
from twin_env.market.data.tape import BoolArray, IntArray, TapeError

_LINE: Final = re.compile(rb"(\d{13,19}) \s*\{")
_LINE_BYTES: Final = 200
_UNIT_DIGITS: Final = ((15, 1_000_000, "ms"), (18, 1_000, "us"), (20, 1, "ns"))  # below so many digits; ns of 1; name
_BOOK_KINDS: Final = {"depth": DIFF, "snapshot": SNAPSHOT, "ticker": TICKER}
_TRADE_KINDS: Final = {"trade": 0, "aggregated trade": 1}


def is_binance(path: Path) -> bool:
    """Tell by its first line whether a file is such a recording."""
    try:
        return _LINE.match(_first_line(path)) is not None
    except (OSError, EOFError, zlib.error):
        return False


def _first_line(path: Path) -> bytes:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return file.readline(_LINE_BYTES)


def inspect_binance(path: Path, options: InspectOptions) -> Inspection:
    """Look into a recording of one symbol; gaps between update ids are counted and not refused.

    Raises:
        TapeError: The file is broken, holds several symbols and none was chosen, or prices do not fit the tick size.
    """
    unit_ns, unit = _receive_unit(path)
    recording = read_recording(path, symbol=options.symbol, recv_unit_ns=unit_ns)
    if len(recording.symbols) > 1:
        known = ", ".join(sorted(recording.symbols))
        raise TapeError(f"{path}: {len(recording.symbols)} symbols ({known}), expected one, or symbol to choose it")
    sizes = np.concatenate([recording.sizes, recording.trade_sizes])
    tick_size = options.tick_size or find_tick_size(
        recording.name, np.concatenate([recording.prices, recording.trade_prices])
    )
    lot_size = options.lot_size or find_lot_size(recording.name, sizes)
    meter, spread = _follow_times(recording), SpreadMeter()
    counts, first = _look_at_tickers(recording, tick_size, spread)
    facts = _look_at_sequence(recording, tick_size, lot_size, counts, first)
    return Inspection(
        path=str(path),
        format="Binance recording",
        instruments=tuple(sorted(recording.symbols)),
        tick_size=tick_size,
        tick_size_is_found=options.tick_size is None,
        lot_size=lot_size,
        lot_size_is_found=options.lot_size is None,
        rows=recording.line_count,
        start_ns=meter.start_ns if meter.start_ns >= 0 else None,
        end_ns=meter.end_ns if meter.end_ns >= 0 else None,
        rates=meter.rates(),
        spread=spread.spread(),
        silences=meter.silences,
        silence_count=meter.silence_count,
        sequence_jumps=facts["jumps"],
        problems=problems_of(facts["counts"], first, "line"),
        notes=(*_clock_notes(recording, unit), *facts["notes"]),
    )


def _receive_unit(path: Path) -> tuple[int, str]:
    """Return the unit of the receive times, in ns and by name: a time since 1970 tells it by its digits."""
    match = _LINE.match(_first_line(path))
    digits = len(match.group(1)) if match else 19
    return next((unit_ns, name) for below, unit_ns, name in _UNIT_DIGITS if digits < below)


def _times(columns: dict[str, IntArray]) -> IntArray:
    """Return the exchange's times, the receive time where it tells none."""
    return np.where(columns["ts_ns"] >= 0, columns["ts_ns"], columns["recv_ns"])


def _follow_times(recording: Recording) -> TimeMeter:
    books, trades = recording.books, recording.trades
    time_ns = np.concatenate([_times(books), _times(trades)])
    kind = np.concatenate([books["kind"], trades["source"] + len(_BOOK_KINDS)])
    order = np.argsort(time_ns, kind="stable")
    names = _BOOK_KINDS | {name: code + len(_BOOK_KINDS) for name, code in _TRADE_KINDS.items()}
    meter = TimeMeter()
    meter.add(time_ns[order], {name: kind[order] == code for name, code in names.items()})
    return meter


def _look_at_tickers(
    recording: Recording, tick_size: float, spread: SpreadMeter
) -> tuple[dict[str, int], dict[str, int]]:
    """Add the spreads of tickers to the meter; return crossed and locked states: how often, in which line first."""
    books = recording.books
    at = np.flatnonzero(books["kind"] == TICKER)
    start = (np.cumsum(books["cells"]) - books["cells"])[at]  # the bid; the ask comes after it
    both = (recording.sizes[start] > 0) & (recording.sizes[start + 1] > 0)
    ticks = np.rint((recording.prices[start + 1] - recording.prices[start]) / tick_size).astype(np.int64)
    time_ns = books["ts_ns"][at] if (books["ts_ns"][at] >= 0).all() else books["recv_ns"][at]  # never two clocks
    order = np.argsort(books["last"][at], kind="stable")
    spread.add(np.maximum.accumulate(time_ns[order]), np.where(both, ticks, 0)[order])
    states = {"crossed": both & (ticks < 0), "locked": both & (ticks == 0)}
    return {name: int(found.sum()) for name, found in states.items()}, {
        name: _first(books["line"][at], found) for name, found in states.items()
    }


def _first(lines: IntArray, found: BoolArray) -> int:
    return int(lines[found].min(initial=np.iinfo(np.int64).max)) if found.any() else 0


def _look_at_sequence(
    recording: Recording, tick_size: float, lot_size: float, states: dict[str, int], first: dict[str, int]
) -> dict[str, Any]:
    """Return what the reader drops and repairs, and the gaps; add to ``first`` where it is known."""
    if not len(recording.books["line"]) or (recording.books["kind"] == TICKER).all():
        counts = {"state": states, "dropped": dict(recording.dropped)}
        return {"jumps": None, "counts": counts, "notes": ("There is no depth: it makes no tape.",)}
    sequence = follow_ids(recording, tickers=True, gaps="ignore")
    report = read_messages(recording, sequence, tick_size, lot_size).report
    broken, lines = _gaps(recording, sequence)
    jumps = int(broken.sum())
    first["gap"] = _first(lines, broken)
    first["received_before_sent"] = _first_early(recording)
    repaired = {reason: count for reason, count in report.repaired.items() if reason != "gap_ignored"}
    counts = {"state": states | {"gap": jumps}, "dropped": dict(report.dropped), "repaired": repaired}
    return {"jumps": jumps, "counts": counts, "notes": _refusal(recording) if jumps else ()}


def _gaps(recording: Recording, sequence: Sequence) -> tuple[BoolArray, IntArray]:
    """Return which of the diffs do not follow what is before them, and their lines."""
    chosen = np.array(sequence.messages, np.int64)
    books = {name: column[chosen] for name, column in recording.books.items()}
    whole = books["kind"] != TICKER
    books = {name: column[whole] for name, column in books.items()}
    at, fresh = np.roll(books["last"], 1), np.roll(books["kind"] == SNAPSHOT, 1)
    futures = books["before"] >= 0  # they say which id came before
    found = np.where(futures, books["before"], books["first"] - 1)
    broken = np.where(fresh, found > at, found != at) & (books["kind"] == DIFF)
    broken[0] = False  # the book begins there
    return broken, books["line"]


def _first_early(recording: Recording) -> int:
    early = [
        _first(columns["line"], (columns["ts_ns"] >= 0) & (columns["recv_ns"] < columns["ts_ns"]))
        for columns in (recording.books, recording.trades)
    ]
    return min((line for line in early if line), default=0)


def _refusal(recording: Recording) -> tuple[str, ...]:
    """Tell whether the gaps can be mended by snapshots."""
    try:
        follow_ids(recording, tickers=True, gaps="snapshot")
    except TapeError as error:
        return (f"As a source it is refused unless gaps is 'ignore': {error}.",)
    return ("Snapshots mend all gaps.",)


def _clock_notes(recording: Recording, unit: str) -> tuple[str, ...]:
    notes = [f"Receive times are read as {unit} since 1970.", "Spread, crossed and locked states are of bookTicker."]
    delay_ns = recording.delay_ns()
    if len(delay_ns):
        notes.append(f"Receive time minus exchange time is {delay_ns.min() / 1e9:.3f} to {delay_ns.max() / 1e9:.3f} s.")
    return tuple(notes)
