"""Databento files as tapes and tables. The mapping and its rules are described in docs/history.md."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.cache import cached_tape
from twin_env.market.data.databento.book import finish, follow
from twin_env.market.data.databento.checks import units_per_tick
from twin_env.market.data.databento.files import Chunk, read_header, stream
from twin_env.market.data.databento.orders import REASONS, Feed, make_room, new_feed
from twin_env.market.data.databento.steps import StepMaker
from twin_env.market.data.tape import Tape, TapeError, TapeReport
from twin_env.market.data.tape_file import TapeWriter, read_tape

_DROPPED: Final = ("cancel_unseen", "added_again")
_REPAIRED: Final = (
    *("added_live", "modify_unseen", "fill_unseen", "fill_beyond", "fill_price", "trade_printed", "side_guessed"),
    *("clears", "event_cut", "crossed", "locked"),
)


def read_mbo(
    path: Path,
    *,
    tick_size: float,
    symbol: str | int | None = None,
    start_ns: int = 0,
) -> Tape:
    """Read a DBN file of schema mbo.

    Args:
        path: The file (.dbn or .dbn.zst).
        tick_size: In the quote currency.
        symbol: Which instrument, if the file has several: symbol or instrument id.
        start_ns: The tape begins no earlier than this (UTC epoch), with the book of that moment as snapshot. It never
            begins before continuous trading.

    Returns:
        The tape, background orders only.

    Raises:
        TapeError: The file is missing, damaged or against the format; the error names file, record, field and value.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "tape"
        _write(path, target, tick_size, symbol, start_ns)
        return read_tape(target)  # mapped files stay readable after their name is gone


def load_mbo(
    path: Path,
    *,
    tick_size: float,
    symbol: str | int | None = None,
    start_ns: int = 0,
    cache_dir: Path | None = None,
) -> Tape:
    """Read a file as :func:`read_mbo` does, or the tape an earlier call left in the cache."""
    return cached_tape(
        [path],
        (tick_size, symbol, start_ns),
        __package__,
        lambda target: _write(path, target, tick_size, symbol, start_ns),
        cache_dir,
    )


def _write(path: Path, target: Path, tick_size: float, symbol: str | int | None, start_ns: int) -> None:
    header = read_header(path)
    if header.schema != "mbo":
        raise TapeError(f"{path}: schema is {header.schema}, expected mbo")
    maker = StepMaker(path, units_per_tick(tick_size))
    with TapeWriter(target, has_lines=True) as writer:
        feed = run_feed(path, maker, new_feed(start_ns), symbol, writer)
        state = feed.state[0]
        if not maker.actions:
            raise TapeError(f"{path}: no records of {symbol or 'any instrument'}, expected at least one")
        if not len(writer):
            since = f" from start_ns {start_ns} on" if start_ns else ""
            raise TapeError(f"{path}: no moment of continuous trading{since}, expected a book that is not crossed")
        writer.finish(
            orders=int(state.slots),
            tick_size=tick_size,
            start_ns=writer.start_ns,
            end_ns=max(int(state.ts_ns), writer.end_ns),
            source=path.name,
            report=_report(maker, state, writer),
        )


def run_feed(
    path: Path,
    maker: StepMaker,
    feed: Feed,
    symbol: str | int | None,
    writer: TapeWriter | None,
    on_chunk: Callable[[Chunk, NDArray[np.void]], None] | None = None,
) -> Feed:
    """Play a whole file.

    Args:
        path: The file.
        maker: Makes its steps.
        feed: From ``new_feed``.
        symbol: Which instrument.
        writer: Where rows go; None: they are thrown away.
        on_chunk: Called with each chunk and its steps.

    Returns:
        The feed after the last record.
    """
    for chunk in stream(path, symbol):
        steps = maker.make(chunk)
        if on_chunk is not None:
            on_chunk(chunk, steps)
        feed = make_room(feed, len(steps))
        follow(feed, steps.view(np.recarray))
        if feed.state[0].full:
            raise TapeError(
                f"{path}: more prices on one side than an exchange has room for ({feed.book['key'].shape[2]})"
            )
        _flush(feed, writer, keep=1)
    feed = make_room(feed, 1)
    finish(feed)
    _flush(feed, writer, keep=0)
    return feed


def _flush(feed: Feed, writer: TapeWriter | None, keep: int) -> None:
    """Write rows down. The newest stays: it may turn out to be the last of its event."""
    state = feed.state[0]
    if state.discarded and writer is not None:
        writer.restart()
    state.discarded = 0
    count = max(0, int(state.rows) - keep)
    if writer is not None:
        writer.append(feed.rows[:count], feed.lines[:count])
    left = int(state.rows) - count
    feed.rows[:left] = feed.rows[count : count + left]
    feed.lines[:left] = feed.lines[count : count + left]
    state.rows = left
    state.last_row = left - 1


def _report(maker: StepMaker, state: Any, writer: TapeWriter) -> TapeReport:
    found = {name: int(count) for name, count in zip(REASONS, state.found, strict=True) if count}
    dropped = {"before_start": int(state.skipped), **maker.dropped.counts}
    dropped |= {name: found[name] for name in _DROPPED if name in found}
    repaired = dict(maker.repaired.counts)
    repaired |= {name: found[name] for name in _REPAIRED if name in found}
    return TapeReport(
        source_rows=sum(maker.actions.values()),
        kinds=writer.kinds,
        snapshot_orders=int(state.snapshot_orders),
        unknown_rows=found.get("unknown", 0),
        dropped=dropped,
        repaired=repaired,
    )
