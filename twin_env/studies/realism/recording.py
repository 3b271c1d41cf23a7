"""What a market did: one row per visible event of its book, and its depth once a second."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.config import load_config
from twin_env.core.state.layout import HISTORY
from twin_env.core.state.world import Worlds, create_worlds
from twin_env.files import whole_file
from twin_env.market.links import LinksConfig
from twin_env.market.market import Market
from twin_env.market.synthetic import MarketConfig
from twin_env.studies.realism.recorder import (
    BOOK,
    CANCEL,
    CURSOR,
    DEPTH_TICKS,
    HELD,
    LIMIT,
    ROW,
    TRADE,
    begin_record,
    record_until,
)

__all__ = [
    "BOOK",
    "CANCEL",
    "DEPTH_TICKS",
    "LIMIT",
    "ROW",
    "TRADE",
    "Recording",
    "RecordingError",
    "record_market",
    "record_world",
]

FORMAT: Final = 1  # of the file Recording.save makes
STEP_NS: Final = 1_000_000_000
_NS_PER_HOUR: Final = 3_600_000_000_000
_CHUNK_ROWS: Final = 1 << 17
_FACTS: Final = ("name", "tick_size", "start_ns", "end_ns", "levels")
_ARRAYS: Final = ("events", "depth", "depth_ns", "touch")

IntArray = NDArray[np.int64]


class RecordingError(ValueError):
    """A recording that cannot be made or read. One sentence: what, where, value, what was expected."""


class EventsLostError(RecordingError):
    """One message made more events than the world keeps."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A stretch of a market, complete enough to rebuild its book.

    ``events`` has dtype ``ROW``, in time order:

    * ``kind``: ``LIMIT`` an order, or what is left of one, comes to rest; ``CANCEL`` lots are withdrawn; ``TRADE``
      one fill of one resting order, or of none that was visible (``order`` 0); ``BOOK`` lots appear, or vanish
      (negative ``lots``), without anybody acting: the book at the start, and what a history repairs.
    * ``side``: +1 buy, -1 sell: of the order, for a trade of the aggressor.
    * ``order``: of the resting order, unique in the recording; an order that lost its place is a new one.
    * ``group``: of the message. The fills of one aggressor and what then rests of it share it; so do a history's
      trades of one moment and side.
    * ``left_lots``: of the resting order after the event; 0 when it ended.
    * ``distance_ticks``: how far behind the best price of its side the order stands or stood, negative inside
      the spread; for a trade how far beyond the opposite best price. Best prices are those before the group.
    * ``bid``, ``ask``, ``bid_lots``, ``ask_lots``: the touch after the *message*, equal in all its rows. A side that
      is empty has 0 lots and its last price.

    Attributes:
        name: Of the market.
        tick_size: Price of one tick, in the quote currency.
        start_ns: First moment, UTC epoch.
        end_ns: Last moment.
        events: See above, shape ``(rows,)``.
        depth: int64, shape ``(samples, 2, DEPTH_TICKS)``: lots at i ticks behind the best price of buys, of sells.
        depth_ns: Times of the samples, int64, shape ``(samples,)``. A sample is what the last event up to it left.
        touch: int64, shape ``(samples, 4)``: bid, ask, lots at the bid, lots at the ask.
        levels: Best prices a side beyond which its source shows nothing, as a file of n levels; ``None`` for all.
    """

    name: str
    tick_size: float
    start_ns: int
    end_ns: int
    events: NDArray[np.void]
    depth: IntArray
    depth_ns: IntArray
    touch: IntArray
    levels: int | None = None

    def __len__(self) -> int:
        return len(self.events)

    @property
    def hours(self) -> float:
        """Length in hours."""
        return (self.end_ns - self.start_ns) / _NS_PER_HOUR

    def between(self, start_ns: int, end_ns: int) -> "Recording":
        """Return the part from ``start_ns`` (its book becomes ``BOOK`` rows) up to and including ``end_ns``.

        Raises:
            RecordingError: The part does not lie in the recording.
        """
        if not self.start_ns <= start_ns < end_ns <= self.end_ns:
            raise RecordingError(
                f"{self.name}: start_ns={start_ns}, end_ns={end_ns}, "
                f"expected a part of {self.start_ns} to {self.end_ns}"
            )
        first = int(np.searchsorted(self.events["ts_ns"], start_ns, side="right"))
        last = int(np.searchsorted(self.events["ts_ns"], end_ns, side="right"))
        low = int(np.searchsorted(self.depth_ns, start_ns))
        high = int(np.searchsorted(self.depth_ns, end_ns, side="right"))
        return replace(
            self,
            start_ns=start_ns,
            end_ns=end_ns,
            events=np.concatenate([_book_after(self.events[:first], start_ns), self.events[first:last]]),
            depth=self.depth[low:high],
            depth_ns=self.depth_ns[low:high],
            touch=self.touch[low:high],
        )

    def save(self, path: Path) -> None:
        """Write it to ``path`` (npz): whole, or not at all."""
        facts = json.dumps({"format": FORMAT, **{name: getattr(self, name) for name in _FACTS}})
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        arrays["events"] = arrays["events"].view(_PLAIN_ROW)
        with whole_file(path) as draft, draft.open("wb") as file:
            np.savez_compressed(file, facts=np.array(facts), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Read what :meth:`save` wrote.

        Raises:
            RecordingError: The file is missing, is no recording, or was written in another format.
        """
        if not path.is_file():
            raise RecordingError(f"{path}: no such file, expected a recording")
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                facts = json.loads(str(archive["facts"]))
                arrays = {name: archive[name] for name in _ARRAYS}
            version = facts.pop("format")
            if version != FORMAT:
                raise RecordingError(f"{path}: format is {version}, expected {FORMAT}: record again")
            if arrays["events"].dtype != _PLAIN_ROW:
                raise RecordingError(f"{path}: events are {arrays['events'].dtype}, expected rows of a recording")
            return cls(**facts, **(arrays | {"events": arrays["events"].view(ROW)}))
        except RecordingError:
            raise
        except (OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise RecordingError(
                f"{path}: is not a whole recording ({error}), expected a file of its format"
            ) from error


_PLAIN_ROW: Final = np.dtype(ROW.descr)


def _book_after(events: NDArray[np.void], now_ns: int) -> NDArray[np.void]:
    """Return the orders that rest after ``events``, as ``BOOK`` rows, oldest first."""
    of_orders = events[events["order"] > 0]
    first = np.unique(of_orders["order"], return_index=True)[1]
    last = len(of_orders) - 1 - np.unique(of_orders["order"][::-1], return_index=True)[1]
    rests = of_orders["left_lots"][last] > 0
    rows: NDArray[np.void] = of_orders[first[rests]]
    rows["ts_ns"] = now_ns
    rows["kind"] = BOOK
    rows["lots"] = rows["left_lots"] = of_orders["left_lots"][last[rests]]
    for name in ("bid", "ask", "bid_lots", "ask_lots", "group") if len(events) else ():
        rows[name] = events[name][-1]
    side_touch = np.where(rows["side"] > 0, rows["bid"], rows["ask"])
    rows["distance_ticks"] = rows["side"] * (side_touch - rows["price_ticks"])
    return rows


def record_world(
    worlds: Worlds,
    index: int,
    tape: NDArray[np.void],
    until_ns: int,
    *,
    name: str,
    tick_size: float,
    levels: int | None = None,
    on_chunk: Callable[[int], None] | None = None,
) -> Recording:
    """Play one world's background from its present time, without its wires, and record it.

    The exchange's events are those of ``advance_world``. The world's wires are off afterwards, and its desk
    hears nothing of what was played.

    Args:
        worlds: Worlds of one profile.
        index: Which one.
        tape: Its history; empty for a synthetic market.
        until_ns: The world's time afterwards.
        name: Of the recording.
        tick_size: Price of one tick.
        levels: Best prices a side that the tape's source shows; ``None`` for all.
        on_chunk: Called now and then with the world's time.

    Raises:
        RecordingError: The time is not ahead, or one message made more events than the world's ring keeps.
    """
    world = worlds[index]
    start_ns = int(world["now_ns"])
    if until_ns <= start_ns:
        raise RecordingError(f"{name}: until_ns is {until_ns}, expected more than the world's time {start_ns}")
    samples = (until_ns - start_ns) // STEP_NS + 1
    depth = np.zeros((samples, 2, DEPTH_TICKS), np.int64)
    touch = np.zeros((samples, 4), np.int64)
    cursors, held = np.zeros(1, CURSOR), np.zeros(len(world["orders"]), HELD)
    cursors["sample_ns"], cursors["step_ns"] = start_ns, STEP_NS
    rows = np.zeros(len(held), ROW)
    begin_record(worlds, index, cursors, held, rows)
    chunks = [np.sort(rows[: cursors["rows"][0]], order="order")]
    done = False
    while not done:
        cursors["rows"] = 0
        rows = np.zeros(max(_CHUNK_ROWS, 4 * len(world["events"])), ROW)
        done = record_until(worlds, index, tape, until_ns, cursors, held, rows, depth, touch)
        _check_overflow(name, int(cursors["overflow"][0]), len(world["events"]))
        chunks.append(rows[: cursors["rows"][0]])
        if on_chunk is not None:
            on_chunk(int(world["now_ns"]))
    depth_ns = start_ns + STEP_NS * np.arange(samples, dtype=np.int64)
    return Recording(name, tick_size, start_ns, until_ns, np.concatenate(chunks), depth, depth_ns, touch, levels)


def _check_overflow(name: str, events: int, room: int) -> None:
    if events:
        raise EventsLostError(
            f"{name}: one message made {events} events and the world keeps the latest {room}, "
            "expected a profile with a larger 'events'"
        )


def record_market(
    market: MarketConfig,
    seed: int,
    hours: float,
    start_ns: int | None = None,
    *,
    name: str | None = None,
    on_chunk: Callable[[int], None] | None = None,
) -> Recording:
    """Play a market by itself and record it, in the largest profile if its own keeps too few events of a message.

    Args:
        market: Which.
        seed: Of the synthetic flow.
        hours: How long; a history ends earlier if it is over.
        start_ns: When to begin, by default where the market does.
        name: Of the recording, by default the instrument's symbol.
        on_chunk: Called now and then with the time reached.

    Raises:
        RecordingError: There is no time to record.
    """
    compiled = Market(market, load_config(LinksConfig, "instant", folder="links"))
    begin_ns = compiled.first_ns if start_ns is None else start_ns
    end_ns = begin_ns + round(hours * _NS_PER_HOUR)
    if compiled.last_ns is not None:
        end_ns = min(end_ns, compiled.last_ns)
    options = {"name": name or market.instrument.symbol, "tick_size": market.instrument.tick_size, "on_chunk": on_chunk}
    try:
        return _record_compiled(compiled, seed, begin_ns, end_ns, **options)
    except EventsLostError:
        if market.capacities is HISTORY:
            raise
    roomy = Market(market.model_copy(update={"profile": HISTORY.name}), compiled.links)
    return _record_compiled(roomy, seed, begin_ns, end_ns, **options)


def _record_compiled(compiled: Market, seed: int, begin_ns: int, end_ns: int, **options: Any) -> Recording:
    worlds = create_worlds(compiled.config.capacities)
    compiled.start(worlds, 0, seed=seed, start_ns=begin_ns)
    return record_world(worlds, 0, compiled.tape, end_ns, levels=compiled.levels, **options)
