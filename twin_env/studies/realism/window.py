"""What a source that shows only the k best prices of each side would have shown of a recording.

A file of k levels holds a message if it lies within the k best prices of its side. Held against a recording of the
whole book it would be a market in which nobody acts farther away; looked at through k levels, both are alike.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.jit import i64, kernel
from twin_env.studies.realism.estimators import Ints
from twin_env.studies.realism.recording import BOOK, CANCEL, LIMIT, TRADE, Recording

_SIDES: Final = (1, -1)


def common_levels(recording: Recording, reference: Recording, levels: int | None = None) -> int | None:
    """Return through how many levels two recordings are alike to look at; ``None`` where both show all.

    Args:
        recording: One of them.
        reference: The other.
        levels: What is asked for; by default what the one that shows less shows.

    Raises:
        ValueError: Fewer than one is asked for, or more than one of them shows.
    """
    if levels is not None and levels < 1:
        raise ValueError(f"levels is {levels}, expected at least 1")
    for one in (recording, reference):
        if levels is not None and one.levels is not None and levels > one.levels:
            raise ValueError(
                f"levels is {levels}, expected at most {one.levels}, which is what {one.name} shows a side"
            )
    shown = [count for count in (levels, recording.levels, reference.levels) if count is not None]
    return min(shown, default=None)


def seen_through(recording: Recording, levels: int | None) -> Recording:
    """Return what shows of a recording within the best ``levels`` prices of each side.

    Limit orders that rest, and lots withdrawn, beyond them become ``BOOK`` rows: the book is whole, but nobody was
    seen to act. Depth samples keep the lots at those prices. Trades are all seen.

    Args:
        recording: Of any number of levels.
        levels: Prices with lots on them, counted from the best one; ``None`` changes nothing.
    """
    if levels is None:
        return recording
    events = recording.events.copy()
    hidden = np.isin(events["kind"], (LIMIT, CANCEL)) & (levels_better(events) >= levels)
    events["lots"][hidden & (events["kind"] == CANCEL)] *= -1
    events["kind"][hidden] = BOOK
    seen = np.cumsum(recording.depth > 0, axis=2) <= levels
    return replace(recording, events=events, depth=np.where(seen, recording.depth, 0), levels=levels)


def levels_better(events: NDArray[np.void]) -> Ints:
    """Return how many prices of its side better than its own held lots before each row.

    Args:
        events: Of a recording, from its start.

    Returns:
        int64, shape ``(rows,)``; 0 for trades that met no visible order.
    """
    better = np.zeros(len(events), np.int64)
    book_side = np.where(events["kind"] == TRADE, -events["side"], events["side"])
    leaves = np.isin(events["kind"], (CANCEL, TRADE))
    change = np.where(leaves, -events["lots"], events["lots"])
    for side in _SIDES:
        rows = np.flatnonzero((book_side == side) & (events["order"] > 0))
        prices, place = np.unique(-side * events["price_ticks"][rows], return_inverse=True)
        held, filled = np.zeros(len(prices), np.int64), np.zeros(len(prices) + 1, np.int64)
        found = np.zeros(len(rows), np.int64)
        _count_better(place.astype(np.int64), change[rows], held, filled, found)
        better[rows] = found
    return better


@kernel
def _count_better(place: Any, change: Any, held: Any, filled: Any, better: Any) -> None:
    """Play the changes of one side and note how many better prices held lots before each.

    Args:
        place: Of the price of each change, 0 the best; int64.
        change: Lots that come, or leave (negative); int64.
        held: Lots at each price, zero; int64.
        filled: Room for a binary indexed tree of the prices that hold lots, one longer, zero; int64.
        better: Output; int64.
    """
    for row in range(place.shape[0]):
        at = place[row]
        better[row] = _filled_before(filled, at)
        was = held[at] > 0
        held[at] += change[row]
        step = i64(held[at] > 0) - i64(was)
        if step != 0:
            _fill(filled, at, step)


@kernel
def _filled_before(filled: Any, at: int) -> int:
    count = i64(0)
    node = at
    while node > 0:
        count += filled[node]
        node -= node & -node
    return count


@kernel
def _fill(filled: Any, at: int, step: int) -> None:
    node = at + 1
    while node < filled.shape[0]:
        filled[node] += step
        node += node & -node
