"""What an experiment sends to the market: child orders at set times, and times at which the market is looked at."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import MAX_LOTS
from twin_env.core.state.records import record

_NS_PER_S: Final = 1_000_000_000

CHILD: Final = record(
    [
        ("offset_ns", "i8"),  # after the start of the run
        ("lots", "i8"),
        ("side", "i8"),
        ("leg", "i8"),  # row of the totals it counts to; what a leg misses is sent with its next child
    ]
)
"""One child order: a market order, immediate or cancel."""

MARK: Final = record(
    [
        ("mid", "i8"),  # half-ticks
        ("traded_lots", "i8"),  # by everybody, since the start of the run
        ("own_lots", "i8"),  # by the experiment, both sides
        ("one_sided", "i8"),  # 1 while a side of the book was empty
    ]
)
"""The market at one sample time."""

LEG: Final = record(
    [
        ("sent_lots", "i8"),  # due in all; equals filled_lots unless the book ran out
        ("filled_lots", "i8"),
        ("notional", "i8"),  # ticks x lots
        ("half_spread", "i8"),  # half-ticks x lots: distance of the touch from the mid, over what was filled
    ]
)
"""Totals of one leg."""

Records = NDArray[np.void]


@dataclass(frozen=True)
class Metaorder:
    """A large order, worked in evenly spaced marketable children.

    Children come at k T / n, k = 1 .. n, so the last one ends the metaorder; their sizes
    differ by at most a lot and sum to ``lots``.

    Attributes:
        lots: Q.
        duration_s: T.
        child_interval_s: Shortest time between two children.
    """

    lots: int
    duration_s: float
    child_interval_s: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.lots <= MAX_LOTS:
            raise ValueError(f"lots is {self.lots}, expected 1 to 2^40")
        for name in ("duration_s", "child_interval_s"):
            value = getattr(self, name)
            if not 1e-6 <= value <= 1e7:
                raise ValueError(f"{name} is {value:g}, expected 1e-6 to 1e7 seconds")

    @property
    def duration_ns(self) -> int:
        """T in nanoseconds."""
        return round(self.duration_s * _NS_PER_S)

    @property
    def count(self) -> int:
        """Children."""
        return max(1, min(self.lots, int(self.duration_s / self.child_interval_s + 1e-9)))

    def children(self, side: int, *, begin_ns: int = 0, leg: int = 0) -> Records:
        """Return the children of a buy (+1) or sell (-1), a ``CHILD`` array in time order.

        Args:
            side: +1 or -1.
            begin_ns: When the metaorder begins, after the start of the run.
            leg: Row of the totals it counts to.
        """
        steps = np.arange(self.count + 1)
        children = np.zeros(self.count, CHILD)
        children["offset_ns"] = begin_ns + self.duration_ns * steps[1:] // self.count
        children["lots"] = np.diff(self.lots * steps // self.count)
        children["side"] = side
        children["leg"] = leg
        return children

    def samples_ns(self, fractions: tuple[float, ...]) -> NDArray[np.int64]:
        """Return sample times, int64 ns after the start, for multiples of the duration."""
        times_ns: NDArray[np.int64] = np.rint(np.array(fractions) * self.duration_ns).astype(np.int64)
        return times_ns


@dataclass(frozen=True)
class RoundTrip:
    """Build a position, hold it, undo it: what must not earn money on average.

    Attributes:
        entry: The first leg.
        wait_s: Time between the legs.
        exit: The second leg, of the same size.
    """

    entry: Metaorder
    wait_s: float
    exit: Metaorder

    def __post_init__(self) -> None:
        if self.entry.lots != self.exit.lots:
            raise ValueError(f"exit.lots is {self.exit.lots}, expected {self.entry.lots} as in entry.lots")
        if not 0 <= self.wait_s <= 1e7:
            raise ValueError(f"wait_s is {self.wait_s:g}, expected 0 to 1e7 seconds")

    @property
    def exit_begin_ns(self) -> int:
        """When the second leg begins, after the start of the run."""
        return self.entry.duration_ns + round(self.wait_s * _NS_PER_S)

    @property
    def duration_ns(self) -> int:
        """Time from the decision to the last child."""
        return self.exit_begin_ns + self.exit.duration_ns

    def children(self, side: int) -> Records:
        """Return the children of both legs; ``side`` is that of the first."""
        entry = self.entry.children(side, leg=0)
        return np.concatenate([entry, self.exit.children(-side, begin_ns=self.exit_begin_ns, leg=1)])
