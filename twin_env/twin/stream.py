"""The stream of a running market as its readers have it: batches of typed rows behind a cursor.

Any number of readers follow one stream, each with a cursor of its own. All rows are kept by default, the
latest ``keep`` on request; a cursor that lies before them is refused, for what a reader missed is never passed over in
silence.
"""

import copy
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.stream import (
    ALL_PLANES,
    BOOK,
    ENTRIES,
    ENTRY,
    EXCHANGE,
    FAULTS,
    FEED,
    HEAD,
    INTENTS,
    MARKS,
    PARTS,
    PLANE_NAMES,
    REPORTS,
    REQUESTS,
)

ROOM: Final = 1 << 14


class StreamError(ValueError):
    """A stream cannot be read as asked. One sentence: what was asked, what there is."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of a stream, in the order in which things happened.

    Attributes:
        rows: ``core.stream.ENTRY`` array: all planes together; only ``ts_ns`` to ``row`` mean the same in each.
        first: Number of the first row.
        next: The cursor that goes on behind the last row.
    """

    rows: NDArray[np.void]
    first: int
    next: int

    def __len__(self) -> int:
        return len(self.rows)

    def plane(self, plane: int) -> NDArray[np.void]:
        """Return the rows of one plane as records of its own dtype (``core.stream.ENTRIES``)."""
        chosen: NDArray[np.void] = self.rows[self.rows["plane"] == plane].view(ENTRIES[plane])
        return chosen

    @property
    def exchange(self) -> NDArray[np.void]:
        """What the exchange did: orders accepted, traded, cancelled, refused; ``EXCHANGE_ENTRY``."""
        return self.plane(EXCHANGE)

    @property
    def book(self) -> NDArray[np.void]:
        """Changes of the exchange's price levels; ``BOOK_ENTRY``."""
        return self.plane(BOOK)

    @property
    def feed(self) -> NDArray[np.void]:
        """Market data as it reached the desk; ``FEED_ENTRY``."""
        return self.plane(FEED)

    @property
    def requests(self) -> NDArray[np.void]:
        """Requests of the desk: sent, arrived, lost; ``REQUEST_ENTRY``."""
        return self.plane(REQUESTS)

    @property
    def reports(self) -> NDArray[np.void]:
        """Reports as they reached the desk; ``REPORT_ENTRY``."""
        return self.plane(REPORTS)

    @property
    def faults(self) -> NDArray[np.void]:
        """Effects of the experiment that began or ended; ``FAULT_ENTRY``."""
        return self.plane(FAULTS)

    @property
    def marks(self) -> NDArray[np.void]:
        """The prices that fills of the desk are valued with; ``MARK_ENTRY``."""
        return self.plane(MARKS)

    @property
    def intents(self) -> NDArray[np.void]:
        """What became of the strategy's decisions; ``INTENT_ENTRY``."""
        return self.plane(INTENTS)

    @property
    def parts(self) -> NDArray[np.void]:
        """What each fill of the desk cost beyond its desired price; ``PARTS_ENTRY``."""
        return self.plane(PARTS)


def join(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Return arrays of one record dtype as one, copied byte by byte: numpy goes field by field and skips padding."""
    joined: NDArray[np.void] = np.concatenate([part.view(np.uint8) for part in parts]).view(parts[0].dtype)
    return joined


class Stream:
    """Collects what a world writes while it is attached.

    Args:
        planes: Which planes to write, bits of ``core.stream``; 0 for a world without readers.
        keep: How many of the latest rows are kept at least; ``None`` for all.
        pauses: Whether an advance returns before the buffer could overflow. Otherwise the caller looks at ``lost``.
        room: Rows the buffer holds at first.
    """

    def __init__(
        self, planes: int = ALL_PLANES, keep: int | None = None, pauses: bool = True, room: int = ROOM
    ) -> None:
        check_planes(planes)
        if keep is not None and keep < 1:
            raise StreamError(f"keep={keep}, expected None or at least 1")
        self.planes, self.keep = planes, keep
        self._pauses = pauses
        self._chunks: list[NDArray[np.void]] = []
        self._starts: list[int] = []
        self._count = 0
        self._allocate(room if planes else 1)

    @contextmanager
    def attached(self, worlds: Any, index: int) -> Iterator[None]:
        """Let one world write into this stream within the block, and keep what it wrote at its end."""
        if not self.planes:
            yield
            return
        worlds["stream"][index] = self._address
        try:
            yield
        finally:
            worlds["stream"][index] = 0
            self._drain()

    def grow(self, rows: int) -> None:
        """Make the buffer larger: it holds ``rows`` from now on."""
        messages = int(self._head["messages"][0])
        self._allocate(rows)
        self._head["messages"] = messages

    @property
    def room(self) -> int:
        """Rows the buffer holds."""
        return int(self._head["room"][0])

    @property
    def lost(self) -> int:
        """Rows there was no room for, since they were last taken back; 0 where an advance pauses."""
        return int(self._head["lost"][0])

    @property
    def messages(self) -> int:
        """Messages the exchange handled while it was watched; rows of one share its number."""
        return int(self._head["messages"][0])

    @property
    def end(self) -> int:
        """The cursor behind the latest row."""
        return self._count

    @property
    def begin(self) -> int:
        """The cursor of the oldest row that is kept."""
        return self._starts[0] if self._starts else self._count

    def read(self, cursor: int = 0) -> Batch:
        """Return every row from a cursor on.

        Args:
            cursor: 0 at the beginning; later the ``next`` of the batch before.

        Raises:
            StreamError: The cursor lies before what is kept, or behind the end.
        """
        if not self.begin <= cursor <= self._count:
            raise StreamError(f"cursor={cursor}, expected {self.begin} to {self._count}: earlier rows are not kept")
        place = max(bisect_right(self._starts, cursor) - 1, 0)
        chunks = self._chunks[place:]
        if not chunks:
            return Batch(np.zeros(0, ENTRY), cursor, cursor)
        skip = cursor - self._starts[place]
        rows = chunks[0][skip:] if len(chunks) == 1 else join([chunks[0][skip:], *chunks[1:]])
        return Batch(rows, cursor, self._count)

    def take_back(self, cursor: int, messages: int | None = None) -> None:
        """Forget every row from a cursor on, and that any were lost: what they tell of is about to be played again.

        Args:
            cursor: The first row to forget.
            messages: What ``messages`` was there, so that rows have the same numbers again; left as it is without.
        """
        batch = self.read(self.begin)
        kept = batch.rows[: cursor - batch.first]
        self._chunks, self._starts = ([kept], [batch.first]) if len(kept) else ([], [])
        self._count = cursor
        self._head["lost"] = 0
        if messages is not None:
            self._head["messages"] = messages

    def add_planes(self, planes: int) -> None:
        """Write these planes too from now on.

        Raises:
            StreamError: There is no such plane.
        """
        check_planes(planes)
        self.planes |= planes
        self._head["planes"] = self.planes

    def forget(self, cursor: int) -> None:
        """Keep no row that lies before a cursor, as far as whole chunks of them can go."""
        while self._starts and (self._starts[1] if len(self._starts) > 1 else self._count) <= cursor:
            del self._chunks[0], self._starts[0]

    def fork(self) -> "Stream":
        """Return a stream that has the same rows and goes its own way from here."""
        twin = copy.copy(self)
        twin._chunks, twin._starts = list(self._chunks), list(self._starts)
        twin._allocate(self.room)
        twin._head["messages"] = self._head["messages"]
        return twin

    def _allocate(self, room: int) -> None:
        self._buffer = np.zeros(HEAD.itemsize + room * ENTRY.itemsize, np.uint8)
        self._address = self._buffer.ctypes.data
        self._head = self._buffer[: HEAD.itemsize].view(HEAD)
        self._rows = self._buffer[HEAD.itemsize :].view(ENTRY)
        self._head["room"], self._head["planes"], self._head["pauses"] = room, self.planes, int(self._pauses)

    def _drain(self) -> None:
        count = int(self._head["count"][0])
        self._head["count"] = 0
        if not count:
            return
        chunk = self._rows[:count].copy()
        self._rows[:count].view(np.uint8)[:] = 0  # spare bytes of an entry are zero, whatever was there before
        chunk.flags.writeable = False
        self._chunks.append(chunk)
        self._starts.append(self._count)
        self._count += count
        if self.keep is not None:
            while len(self._starts) > 1 and self._count - self._starts[1] >= self.keep:
                del self._chunks[0], self._starts[0]


def check_planes(planes: Any) -> int:
    """Return bits of ``core.stream``.

    Raises:
        StreamError: They are none.
    """
    if isinstance(planes, bool) or not isinstance(planes, int) or planes & ~ALL_PLANES:
        raise StreamError(f"planes={planes!r}, expected a sum of {', '.join(map(str, PLANE_NAMES))}")
    return planes
