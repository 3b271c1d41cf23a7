"""The exchange's best prices over time, from the recorded changes of its book."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.exchange.book import touch_ticks
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.jit import kernel
from twin_env.twin.followed_book import follow_level

NEVER: Final = -1


@dataclass(frozen=True)
class Touches:
    """Best bid and offer, a row for each change of either; where a side is empty its last price stands in.

    Attributes:
        ts_ns: When, int64 of shape ``(changes,)``, rising; the first is where the record begins.
        bid: Ticks, int64 of the same shape.
        ask: Ticks.
        end_ns: Until when the last ones are known to hold.
    """

    ts_ns: NDArray[np.int64]
    bid: NDArray[np.int64]
    ask: NDArray[np.int64]
    end_ns: int

    def rows_at(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which row holds at each time, after all that happened at it; ``NEVER`` outside the record."""
        times = np.asarray(times_ns, np.int64)
        rows = np.searchsorted(self.ts_ns, times, side="right") - 1
        return np.where((rows >= 0) & (times <= self.end_ns), rows, NEVER)

    def mids_at(self, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mid at each time in half-ticks; NaN outside the record."""
        rows = self.rows_at(times_ns)
        mids = (self.bid + self.ask).astype(np.float64)[rows]
        return np.where(rows == NEVER, np.nan, mids)

    def between(self, begin_ns: int, end_ns: int) -> slice:
        """Return the rows that hold at some moment from one time to another."""
        first = max(int(np.searchsorted(self.ts_ns, begin_ns, side="right")) - 1, 0)
        return slice(first, max(int(np.searchsorted(self.ts_ns, end_ns, side="right")), first + 1))


class TouchRecorder:
    """Follows the book of a running market.

    Args:
        followed: Copy of its price levels, ``followed_dtype`` array of one record.
        now_ns: When it was taken.
    """

    def __init__(self, followed: NDArray[np.void], now_ns: int) -> None:
        self._followed = followed.view(np.recarray)
        self._begin = np.zeros((1, 3), np.int64)
        _note_touch(self._followed, self._begin)
        self._begin[0, 0] = now_ns
        self._parts = [self._begin]

    def follow(self, changes: NDArray[np.void]) -> None:
        """Take the next entries of plane BOOK."""
        found = np.zeros((len(changes), 3), np.int64)
        count = _follow_touches(self._followed, changes, self._parts[-1][-1], found)
        if count:
            self._parts.append(found[:count].copy())

    def touches(self, end_ns: int) -> Touches:
        """Return what was recorded so far; ``end_ns`` is now."""
        rows = np.concatenate(self._parts)
        return Touches(rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy(), end_ns)


@kernel
def _note_touch(followed: Any, found: Any) -> None:
    """Write the present touch into the first row of an array."""
    found[0, 1] = touch_ticks(followed[0], BUY)
    found[0, 2] = touch_ticks(followed[0], SELL)


@kernel
def _follow_touches(followed: Any, changes: Any, latest: Any, found: Any) -> int:
    """Do to a copy of the book what entries say, and note each new touch.

    Args:
        followed: Array of one ``followed_dtype`` record.
        changes: ``BOOK_ENTRY`` array.
        latest: Time, bid and ask of the row before, int64.
        found: Output, int64 of shape ``(len(changes), 3)``: time, bid, ask.

    Returns:
        Rows written.
    """
    count = 0
    bid, ask = latest[1], latest[2]
    for number in range(changes.shape[0]):
        follow_level(followed[0], changes[number])
        new_bid, new_ask = touch_ticks(followed[0], BUY), touch_ticks(followed[0], SELL)
        if new_bid != bid or new_ask != ask:
            bid, ask = new_bid, new_ask
            found[count, 0] = changes[number].ts_ns
            found[count, 1] = bid
            found[count, 2] = ask
            count += 1
    return count
