"""Moments of an episode on an even grid that grows coarser as the episode goes on, so that their number is bounded."""

from collections.abc import Callable
from typing import Any, Final

Moment = dict[str, Any]

MOST: Final = 600
"""Moments of an episode."""
FINEST_NS: Final = 20_000_000
"""Between two moments at first."""


class Moments:
    """Takes a sample at each place of the grid; half of them go whenever there are too many.

    Args:
        begin_ns: Time of the first sample.
        take: Returns a sample of how things stand.
        most: Samples there may be.
        finest_ns: Between two samples at first.

    Attributes:
        samples: What was taken, each with its time since the beginning as ``t_ns``.
    """

    def __init__(self, begin_ns: int, take: Callable[[], Moment], most: int = MOST, finest_ns: int = FINEST_NS) -> None:
        self.samples: list[Moment] = []
        self._begin_ns, self._take, self._most = begin_ns, take, most
        self._step_ns, self._next_ns = finest_ns, begin_ns

    def reach(self, ts_ns: int) -> None:
        """Take every sample before a time that has come: each shows all that happened up to it, then included."""
        while self._next_ns < ts_ns:
            self.samples.append({"t_ns": self._next_ns - self._begin_ns} | self._take())
            self._next_ns += self._step_ns
            if len(self.samples) == self._most:
                self._thin()

    def end(self, ts_ns: int) -> None:
        """Take the samples up to the end of the episode, and one of the end."""
        self.reach(ts_ns)
        if len(self.samples) == self._most:
            self._thin()
        self.samples.append({"t_ns": ts_ns - self._begin_ns} | self._take())

    def _thin(self) -> None:
        self.samples = self.samples[::2]
        self._step_ns *= 2
        self._next_ns = self._begin_ns + self.samples[-1]["t_ns"] + self._step_ns
