"""The rows of a batch that somebody watches: each writes what happens in it into a stream of its own.

A compiled step cannot pause to have a stream drained, for it plays all rows at once. So a row whose buffer was too
small is put back to where it stood before the step, gets a larger buffer, and is stepped again: the same bytes come out
of it, and nothing is missing from the stream.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.world import raw
from twin_env.envs.rows import BatchArrays
from twin_env.twin.stream import ROOM, Stream

_GROWTH: Final = 2


class _Moment(NamedTuple):
    """Where a row and its stream stood before a step."""

    row: int
    cursor: int
    messages: int
    parts: tuple[NDArray[np.uint8], ...]


class WatchedRows:
    """Streams of a batch's rows.

    Attributes:
        streams: By row.
    """

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}

    def __bool__(self) -> bool:
        return bool(self.streams)

    def watch(self, row: int, planes: int, keep: int | None, room: int = ROOM) -> Stream:
        """Return the stream of a row; see :meth:`twin_env.envs.batch.Batch.watch`."""
        stream = self.streams.get(row)
        if stream is None:
            stream = self.streams[row] = Stream(planes, keep, pauses=False, room=room)
            return stream
        stream.add_planes(planes)
        if stream.keep is not None:
            stream.keep = None if keep is None else max(stream.keep, keep)
        return stream

    def step(self, arrays: BatchArrays, run: Callable[[], None]) -> None:
        """Step the chosen rows and let the watched ones among them write.

        Args:
            arrays: Of the batch; ``chosen`` says which rows, and is as it was afterwards.
            run: Steps every chosen row.
        """
        chosen = arrays.chosen.copy()
        before = [self._moment(arrays, row) for row in self.streams if chosen[row]]
        self._run(arrays, [moment.row for moment in before], run)
        try:
            while before := [moment for moment in before if self.streams[moment.row].lost]:
                for moment in before:
                    self._go_back(arrays, moment)
                arrays.chosen[:] = False
                arrays.chosen[[moment.row for moment in before]] = True
                self._run(arrays, [moment.row for moment in before], run)
        finally:
            arrays.chosen[:] = chosen

    def _run(self, arrays: BatchArrays, rows: Sequence[int], run: Callable[[], None]) -> None:
        with ExitStack() as stack:
            for row in rows:
                stack.enter_context(self.streams[row].attached(arrays.worlds, row))
            run()

    def _moment(self, arrays: BatchArrays, row: int) -> _Moment:
        stream = self.streams[row]
        return _Moment(row, stream.end, stream.messages, tuple(part[row].copy() for part in _bytes_of(arrays)))

    def _go_back(self, arrays: BatchArrays, moment: _Moment) -> None:
        """Undo a step of a row, and make its buffer large enough for what it wrote, or nearly."""
        for part, kept in zip(_bytes_of(arrays), moment.parts, strict=True):
            part[moment.row] = kept
        stream = self.streams[moment.row]
        room = _GROWTH * (stream.room + stream.lost)
        stream.take_back(moment.cursor, moment.messages)
        stream.grow(room)


def _bytes_of(arrays: BatchArrays) -> tuple[NDArray[np.uint8], ...]:
    """Return everything that a step changes, as bytes of shape ``(rows, bytes)``."""
    shown = (arrays.observations, arrays.infos, arrays.rewards, arrays.status)
    return (raw(arrays.worlds), arrays.task_bytes, *map(raw, shown))
