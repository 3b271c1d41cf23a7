"""The book of a recorded episode at chosen moments, from its first book and its events."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.envs.recording.book import Book, Event, Resting
from twin_env.envs.recording.desk_orders import SIDE_NAMES
from twin_env.envs.recording.folder import read_table

if TYPE_CHECKING:
    import polars as pl

_SIDES: Final = {name: side for side, name in SIDE_NAMES.items()}
_KINDS: Final = {name: kind for kind, name in codes.EVENT_NAMES.items()}
_REASONS: Final = {name: reason for reason, name in codes.REASON_NAMES.items()} | {None: codes.NO_REASON}
_OWNERS: Final = {"background": codes.BACKGROUND, "desk": codes.DESK}  # all others are driven by faults
_COLUMNS: Final = ("ts_ns", "price_ticks", "lots", "order", "contra", "kind", "reason", "side", "owner", "rests_ticks")


@dataclass(frozen=True, eq=False)
class Depth:
    """A book at some moments.

    Attributes:
        ts_ns: The moments, int64 of shape ``(moments,)``.
        touch_ticks: Best bid and ask, int64 of shape ``(moments, 2)``; the last there was where a side is empty.
        lots: By moment: resting lots by price in ticks, both sides.
    """

    ts_ns: NDArray[np.int64]
    touch_ticks: NDArray[np.int64]
    lots: list[dict[int, int]]


def sample_depth(folder: Path, ts_ns: NDArray[np.int64]) -> Depth:
    """Return the exchange's book of a recorded episode at ascending times.

    Raises:
        EpisodeError: A table cannot be read.
    """
    events = read_events(read_table(folder, "events"))
    book = first_book(read_table(folder, "book"), read_table(folder, "steps"))
    touch = np.zeros((len(ts_ns), 2), np.int64)
    lots = []
    event, rests_ticks = next(events, (None, None))
    for moment, now_ns in enumerate(ts_ns.tolist()):
        while event is not None and event.ts_ns <= now_ns:
            book.apply(event, rests_ticks)
            event, rests_ticks = next(events, (None, None))
        book.settle()
        touch[moment] = book.best(codes.BUY), book.best(codes.SELL)
        lots.append(book.lots[codes.BUY] | book.lots[codes.SELL])
    return Depth(ts_ns, touch, lots)


def first_book(resting: "pl.DataFrame", steps: "pl.DataFrame") -> Book:
    """Return the book an episode began with."""
    rows = resting.select("order", "side", "price_ticks", "lots").iter_rows()
    orders = [Resting(order, _SIDES[side], price, lots) for order, side, price, lots in rows]
    return Book(orders, steps["bid_ticks"][0], steps["ask_ticks"][0])


def read_events(events: "pl.DataFrame") -> Iterator[tuple[Event, int | None]]:
    """Yield each event of a table, and where the order that comes with it will rest."""
    for *numbers, kind, reason, side, owner, rests_ticks in events.select(_COLUMNS).iter_rows():
        plain: Any = (*numbers, _KINDS[kind], _REASONS[reason], _SIDES.get(side, 0), _OWNERS.get(owner, codes.ACTOR))
        yield Event(*plain), rests_ticks
