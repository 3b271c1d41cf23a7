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
from twin_env.core.stream import BOOK_ENTRY
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
    PLANES,
    ROW,
    ROWS_OF_ENTRY,
    TRADE,
    begin_record,
    read_entries,
)
from twin_env.twin.stream import join
from twin_env.twin.twin import Twin

__all__ = [
    "BOOK",
    "CANCEL",
    "DEPTH_TICKS",
    "LIMIT",
    "ROW",
    "TRADE",
    "Recorder",
    "Recording",
    "RecordingError",
    "record_market",
]

FORMAT: Final = 1  # of the file Recording.save makes
STEP_NS: Final = 1_000_000_000
_NS_PER_HOUR: Final = 3_600_000_000_000
_READ_NS: Final = 10 * STEP_NS  # time of the market between two looks at its stream
_FACTS: Final = ("name", "tick_size", "start_ns", "end_ns", "levels")
_ARRAYS: Final = ("events", "depth", "depth_ns", "touch")

IntArray = NDArray[np.int64]


class RecordingError(ValueError):
    """A recording that cannot be made or read. One sentence: what, where, value, what was expected."""


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


class Recorder:
    """Records a running market from its present time on: a reader of its stream, whatever drives it.

    Args:
        twin: Writes the planes EXCHANGE and BOOK.

    Raises:
        RecordingError: It does not write them.

    Attributes:
        cursor: Where it stands in the stream of the twin; rows before it may be forgotten.
    """

    def __init__(self, twin: Twin) -> None:
        if twin.planes & PLANES != PLANES:
            raise RecordingError(f"planes={twin.planes} of the twin, expected at least {PLANES}: exchange and book")
        self._twin, self.cursor, self._start_ns = twin, twin.cursor, twin.now_ns
        self._book = twin.exchange.copy_book()
        self._held = np.zeros(twin.market.config.capacities.orders, HELD)
        self._state = np.zeros(1, CURSOR)
        self._state["ts_ns"] = self._state["sample_ns"] = self._start_ns
        self._state["step_ns"] = STEP_NS
        resting = twin.exchange.resting_orders()
        rows = np.zeros(len(resting), ROW)
        begin_record(resting, self._book, self._state, self._held, rows)
        self._rows, self._depth, self._touch = [rows], [_no_depth(0)], [_no_touch(0)]

    def read(self) -> None:
        """Take in what happened since the last call; a reading now and then keeps the stream short.

        Raises:
            StreamError: Rows of the stream are not kept any more.
        """
        until_ns, batch = self._twin.now_ns, self._twin.events(self.cursor)
        entries = batch.rows.view()
        entries.flags.writeable = False  # of one type for the kernel, copied or not
        samples = (until_ns - int(self._state["sample_ns"][0])) // STEP_NS + 1
        rows, depth, touch = np.zeros(ROWS_OF_ENTRY * len(entries), ROW), _no_depth(samples), _no_touch(samples)
        read_entries(
            entries, entries.view(BOOK_ENTRY), until_ns, self._book, self._state, self._held, rows, depth, touch
        )
        self._rows.append(join([rows[: self._state["rows"][0]]]))
        self._depth.append(depth)
        self._touch.append(touch)
        self.cursor = batch.next

    def finish(self, name: str | None = None) -> Recording:
        """Return the recording up to the present time, under a name, by default the instrument's symbol."""
        self.read()
        depth, touch = np.concatenate(self._depth), np.concatenate(self._touch)
        depth_ns = self._start_ns + STEP_NS * np.arange(len(depth), dtype=np.int64)
        instrument, levels = self._twin.instrument, self._twin.market.levels
        span_ns, name = (self._start_ns, self._twin.now_ns), name or instrument.symbol
        return Recording(name, instrument.tick_size, *span_ns, join(self._rows), depth, depth_ns, touch, levels)


def _no_depth(samples: int) -> IntArray:
    return np.zeros((samples, 2, DEPTH_TICKS), np.int64)


def _no_touch(samples: int) -> IntArray:
    return np.zeros((samples, 4), np.int64)


def record_market(
    market: MarketConfig,
    seed: int,
    hours: float,
    start_ns: int | None = None,
    *,
    chaos: Any = None,
    name: str | None = None,
    on_chunk: Callable[[int], None] | None = None,
) -> Recording:
    """Play a market by itself and record it.

    Args:
        market: Which.
        seed: Of the synthetic flow.
        hours: How long; a history ends earlier if it is over.
        start_ns: When to begin, by default where the market does.
        chaos: What goes wrong, as :class:`Twin` takes it; its times count from the start.
        name: Of the recording, by default the instrument's symbol.
        on_chunk: Called now and then with the time reached.

    Raises:
        RecordingError: There is no time to record.
        ConfigError: The experiment does not fit the market.
    """
    compiled = Market(market, load_config(LinksConfig, "instant", folder="links"))
    begin_ns = compiled.first_ns if start_ns is None else start_ns
    end_ns = begin_ns + round(hours * _NS_PER_HOUR)
    if compiled.last_ns is not None:
        end_ns = min(end_ns, compiled.last_ns)
    if end_ns <= begin_ns:
        raise RecordingError(f"{market.instrument.symbol}: ends at {end_ns}, expected later than its start {begin_ns}")
    twin = Twin(compiled, chaos=chaos, seed=seed, start_ns=begin_ns, planes=PLANES, wires=chaos is not None)
    recorder = Recorder(twin)
    while twin.now_ns < end_ns:
        twin.advance_until(min(end_ns, twin.now_ns + _READ_NS))
        recorder.read()
        twin.forget(recorder.cursor)
        if on_chunk is not None:
            on_chunk(twin.now_ns)
    return recorder.finish(name)
