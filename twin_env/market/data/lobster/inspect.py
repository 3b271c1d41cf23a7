"""What there is to say about a LOBSTER day."""

import gzip
import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from twin_env.market.data.inspection import Inspection, InspectOptions, Spread, SpreadMeter, TimeMeter, problems_of
from twin_env.market.data.lobster.files import file_date, has_books, read_books, read_messages
from twin_env.market.data.lobster.reader import midnight_ns, read_lobster
from twin_env.market.data.lobster.tables import Books, Units
from twin_env.market.data.tape import IntArray

_TICK_SIZE: Final = 0.01
_LINE: Final = re.compile(rb"\d+(\.\d+)?,[1-7],\d+,\d+,-?\d+,-?1\s*")
_LINE_BYTES: Final = 200
_KINDS: Final = {1: "new", 2: "reduce", 3: "cancel", 4: "execute", 5: "print", 6: "cross trade", 7: "halt mark"}


def is_lobster(path: Path) -> bool:
    """Tell a message file by its first line, a zip and a parquet file by their names."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return any("_message_" in name for name in archive.namelist())
        if path.suffix == ".parquet":
            return "_message_" in path.name
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _LINE.fullmatch(file.readline(_LINE_BYTES)) is not None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return False


def inspect_lobster(path: Path, options: InspectOptions) -> Inspection:
    """Look into a message file, or a zip with message and orderbook file.

    Raises:
        TapeError: The file is missing or broken.
    """
    tick_size = options.tick_size or _TICK_SIZE
    units = Units(tick_size, 1e-4)
    feed = read_messages(path)
    feed.check(units)
    time_ns = midnight_ns(file_date(feed.name)) + feed.time_ns
    meter = TimeMeter()
    meter.add(time_ns, {name: feed.kind == kind for kind, name in _KINDS.items()})
    books = read_books(path) if has_books(path) else None
    tape = read_lobster(path, tick_size=tick_size, window=books is not None)
    counts = {"dropped": dict(tape.report.dropped), "repaired": dict(tape.report.repaired)}
    spread, first = None, dict[str, int]()
    if books is not None:
        spread, counts["state"], first = _look_at_books(books, time_ns, units.per_tick)
    return Inspection(
        path=str(path),
        format="LOBSTER messages" + (f" and orderbook of {books.levels} levels" if books is not None else ""),
        instruments=(Path(feed.name.rpartition(":")[2]).name.split("_")[0],),
        tick_size=tick_size,
        rows=len(feed),
        start_ns=meter.start_ns,
        end_ns=meter.end_ns,
        rates=meter.rates(),
        spread=spread,
        silences=meter.silences,
        silence_count=meter.silence_count,
        problems=problems_of(counts, first, "line"),
        notes=(f"{tape.report.unknown_rows} messages name an order that was not live.",),
    )


def _look_at_books(
    books: Books, time_ns: IntArray, per_tick: int
) -> tuple[Spread | None, dict[str, int], dict[str, int]]:
    """Return the spread, and crossed and locked states: how often, and in which line first."""
    both = (books.table[:, 1] > 0) & (books.table[:, 3] > 0)
    ticks = np.where(both, (books.table[:, 0] - books.table[:, 2]) // per_tick, 1)
    meter = SpreadMeter()
    if len(ticks) == len(time_ns):
        meter.add(time_ns, np.where(both, ticks, 0))
    counts, first = {}, {}
    for name, found in (("crossed", ticks < 0), ("locked", ticks == 0)):
        counts[name] = int(found.sum())
        first[name] = int(found.argmax()) + 1 if found.any() else 0
    return meter.spread(), counts, first
