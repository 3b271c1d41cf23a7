"""LOBSTER days as tapes. The mapping and its rules are described in docs/history.md."""

import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import NONE
from twin_env.market.data.cache import cached_tape
from twin_env.market.data.lobster import tables
from twin_env.market.data.lobster.files import file_date, has_books, read_books, read_messages
from twin_env.market.data.lobster.rebuild import Rebuild, new_rebuild, rebuild
from twin_env.market.data.lobster.steps import claims, make_steps, set_levels, undo
from twin_env.market.data.lobster.tables import Books, Messages, Units
from twin_env.market.data.lobster.window import SIDES, Levels, Sight, entered, first_book, look, no_sight, open_levels
from twin_env.market.data.tape import Tape, TapeError, TapeReport, count_kinds
from twin_env.market.data.tape_file import write_tape

_EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")


def read_lobster(
    messages: Path,
    orderbook: Path | None = None,
    *,
    date: datetime.date | None = None,
    tick_size: float = 0.01,
    price_unit: float = 1e-4,
    window: bool = True,
    levels: int | None = None,
) -> Tape:
    """Read a LOBSTER day.

    Args:
        messages: Message file (.csv, .csv.gz, .parquet), or a .zip that holds message and orderbook file.
        orderbook: Orderbook file (.csv, .csv.gz, .zip). Its first row gives the initial book. Default: the
            one in the zip; without any, the tape starts with an empty book.
        date: Trading day; default: the one in the file name.
        tick_size: In the quote currency.
        price_unit: What 1 means in the files' price columns.
        window: Apply the window rule, which needs an orderbook row for every message. False: use the first row only.
        levels: Use only this many levels of the orderbook file; default: all.

    Returns:
        The tape, background orders only.

    Raises:
        TapeError: A file is missing, damaged or against the format; the error names file, line, field and value.
    """
    units = Units(tick_size, price_unit)
    feed = read_messages(messages)
    feed.check(units)
    books = _find_books(messages, orderbook)
    shown = None if books is None else books.levels  # the messages are those of all levels of the file
    if books is not None:
        books = books if levels is None else books.best(levels)
        books.check(units)
        _check_pair(feed, books, window)
    steps = make_steps(feed, units.per_tick, midnight_ns(date or file_date(feed.name)))
    market = _build(feed, books, steps, units.per_tick, window)
    rows = _finish(market)
    return Tape(
        rows=rows,
        orders=int(market.state[0].slots),
        tick_size=tick_size,
        start_ns=int(steps["ts_ns"][0]),
        end_ns=int(steps["ts_ns"][-1]),
        source=messages.name,
        report=_report(feed, steps, units.per_tick, rows, market),
        lines=market.lines[: len(rows)],
        levels=shown,
    )


def load_lobster(
    messages: Path,
    orderbook: Path | None = None,
    *,
    cache_dir: Path | None = None,
    date: datetime.date | None = None,
    tick_size: float = 0.01,
    price_unit: float = 1e-4,
    window: bool = True,
    levels: int | None = None,
) -> Tape:
    """Read a LOBSTER day as :func:`read_lobster` does, or the tape an earlier call left in the cache."""

    def write(target: Path) -> None:
        tape = read_lobster(
            messages, orderbook, date=date, tick_size=tick_size, price_unit=price_unit, window=window, levels=levels
        )
        write_tape(tape, target)

    files = [messages] if orderbook is None else [messages, orderbook]
    return cached_tape(files, (date, tick_size, price_unit, window, levels), __package__, write, cache_dir)


def _find_books(messages: Path, orderbook: Path | None) -> Books | None:
    if orderbook is not None:
        return read_books(orderbook)
    return read_books(messages) if has_books(messages) else None


def _check_pair(feed: Messages, books: Books, window: bool) -> None:
    if window and len(books) != len(feed):
        raise TapeError(
            f"{books.name}: {len(books)} rows, expected {len(feed)} as in {feed.name} "
            "(window=False uses the first row alone)"
        )


def midnight_ns(date: datetime.date) -> int:
    """Return the start of a day in New York as nanoseconds since the Unix epoch."""
    midnight = datetime.datetime.combine(date, datetime.time(), tzinfo=_EXCHANGE_ZONE)
    return int(midnight.timestamp()) * 1_000_000_000


def _build(feed: Messages, books: Books | None, steps: NDArray[np.void], per_tick: int, window: bool) -> Rebuild:
    """Rebuild the day from its steps and what its orderbook file shows."""
    sights = {side: no_sight() if books is None else look(books, side, per_tick, window) for side in SIDES}
    levels = set_levels(steps, sights)
    book = first_book(levels, sights, {} if books is None else undo(steps[0], levels, sights))
    if books is not None and (book["lots"] < 0).any():
        raise TapeError(f"{books.name} line 1: book is without the order of {feed.name} line 1, expected it there")
    market = _run(steps, levels, sights, book)
    if line := int(market.state[0].resubmitted):
        raise TapeError(f"{feed.name} line {line}: order id is {feed.order[line - 1]}, expected one not in the book")
    return market


def _run(steps: NDArray[np.void], levels: Levels, sights: dict[int, Sight], book: NDArray[np.void]) -> Rebuild:
    """Rebuild the day; a second time, with enough room, where the first guess of the tape's length was too short."""
    seen, window = entered(levels, sights), open_levels(levels, sights)
    room = len(steps) + len(steps) // 8 + len(book) + 2 * len(seen)
    while True:
        market = new_rebuild(levels.table(), claims(steps), len(book) + len(seen), room)
        rebuild(market, steps.view(np.recarray), book.view(np.recarray), window, seen.view(np.recarray))
        if market.state[0].rows <= room:
            return market
        room = int(market.state[0].rows)


def _finish(market: Rebuild) -> NDArray[np.void]:
    """Cut the tape to its length and fill the fields every row has alike."""
    rows: NDArray[np.void] = market.rows[: market.state[0].rows].view(np.ndarray)
    rows["recv_ns"] = rows["ts_ns"]
    rows["seq"] = np.arange(1, len(rows) + 1)
    rows["row"] = NONE
    rows["owner"] = codes.BACKGROUND
    rows["type"] = codes.LIMIT
    rows["tif"] = codes.GTC
    return rows


def _report(
    feed: Messages, steps: NDArray[np.void], per_tick: int, rows: NDArray[np.void], market: Rebuild
) -> TapeReport:
    state = market.state[0]
    hidden = feed.kind == tables.HIDDEN_EXECUTION
    dropped = {
        "cross_trade": (feed.kind == tables.CROSS_TRADE).sum(),
        "halt_repeated": ((feed.kind == tables.HALT_MARK) & (steps["kind"] == 0)).sum(),
        "withdrawal_unseen": state.vanished,
    }
    repaired = {
        "withdrawal_shrunk": state.shrunk,
        "execution_printed": state.printed,
        "execution_price": state.moved,
        "print_rounded": (hidden & (feed.price % per_tick != 0)).sum(),
        "order_passed": state.cleared,
    }
    return TapeReport(
        source_rows=len(feed),
        kinds=count_kinds(rows),
        snapshot_orders=int((market.lines[: len(rows)] == 0).sum()),
        window_rows=int(state.entries),
        unknown_rows=int(state.unknown),
        dropped={reason: int(count) for reason, count in dropped.items()},
        repaired={reason: int(count) for reason, count in repaired.items()},
    )
