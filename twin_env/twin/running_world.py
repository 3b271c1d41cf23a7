"""One running world: the stream of what it does, and who may touch it when."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twin_env.core.state.world import raw
from twin_env.twin.exchange import room_of
from twin_env.twin.stream import Batch, Stream


class RunningWorld:
    """A world of one's own, its stream, and the locks that let other threads look between two of its moments.

    Args:
        worlds: Record array of one world.
        stream: What it writes into while it runs.

    Attributes:
        worlds: As given.
        index: Where in it: 0.
        stream: As given.
        is_closed: Whether it can be read alone.
        follow: Called with what the world wrote, before anybody else sees it again; ``None`` for nobody.
    """

    def __init__(self, worlds: Any, stream: Stream) -> None:
        self.worlds, self.index, self.stream = worlds, 0, stream
        self.is_closed = False
        self.follow: Callable[[Batch], None] | None = None
        self._lock, self._turn = threading.RLock(), threading.RLock()

    @property
    def place(self) -> tuple[Any, int]:
        """The world as kernels take it: the array, and where in it."""
        return self.worlds, self.index

    @property
    def record(self) -> Any:
        """The world's record; read it in a block of :meth:`reading`."""
        return self.worlds[self.index]

    @property
    def world_bytes(self) -> Any:
        """Every byte of the world, uint8, not a copy."""
        return raw(self.worlds)[self.index]

    @property
    def now_ns(self) -> int:
        """The market's time, ns since the epoch, UTC."""
        return int(self.worlds["now_ns"][self.index])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A block in which the world stands still.

        Whoever waits for it holds the turn, so a thread that advances slice by slice cannot take the next one first.
        """
        with self._turn:
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A block that changes the world: what it does is part of the stream.

        Raises:
            ValueError: It is closed.
        """
        with self.reading():
            self._check_open()
            begin = self.stream.end
            with self.stream.attached(*self.place):
                yield
            self._pass_on(begin)

    def run(self, step: Callable[[], bool]) -> None:
        """Let time pass, with the world closed to other threads, as often as the stream has to be drained.

        Args:
            step: Lets time pass and says whether it came to its end; an advance that paused did not.

        Raises:
            ValueError: It is closed.
        """
        with self.reading():
            self._check_open()
            done = False
            while not done:
                begin = self.stream.end
                with self.stream.attached(*self.place):
                    done = bool(step())
                self._pass_on(begin)
                if not done and self.stream.end == begin:
                    self.stream.grow(2 * int(room_of(*self.place)))

    def copy(self, worlds: Any) -> "RunningWorld":
        """Return one that goes its own way from here.

        Args:
            worlds: Room for it: a record array of one world of the same layout.
        """
        with self.reading():
            raw(worlds)[0] = self.world_bytes
            return RunningWorld(worlds, self.stream.fork())

    def _check_open(self) -> None:
        if self.is_closed:
            raise ValueError("the twin is closed, expected one that runs: fork() one to go on from here")

    def _pass_on(self, begin: int) -> None:
        if self.follow is not None and begin < self.stream.end:
            self.follow(self.stream.read(begin))
