"""One price ladder: which levels exist, sorted towards the touch.

Each side is an array of keys, ``key = side * price``, ascending, so the touch is the
last element on either side and everything below is written once. Orders come and go
near the touch, that is near the end of the array, where inserting a level moves a few
elements; a level thousands of ticks away costs a binary search. Any price works: there
is no window that could be left. ``near`` maps the low bits of a price to its level and
answers nearly every look-up; it is a cache, checked against the key on every use.

The exchange's book and the desk's mirror are both ladders.
"""

from typing import Any

from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NO_KEY, NONE

_SCAN = 16  # levels from the touch that are searched one by one before bisecting


@kernel
def row_of(side: int) -> int:
    """Return the array row of a side: 0 for buys (+1), 1 for sells (-1)."""
    return (1 - side) >> 1


@kernel
def clear(ladder: Any) -> None:
    """Make the ladder empty, whatever it held."""
    ladder.count[0] = 0
    ladder.count[1] = 0
    ladder.near[:] = NONE
    pool = ladder.levels.shape[0]
    for index in range(pool):
        level = ladder.levels[index]
        level.key = NO_KEY
        level.lots = 0
        level.orders = 0
        level.head = index + 1 if index + 1 < pool else NONE
        level.tail = NONE
    ladder.free = 0


@kernel
def touch(ladder: Any, side: int) -> int:
    """Return the best level of a side, or NONE."""
    row = row_of(side)
    count = ladder.count[row]
    if count == 0:
        return NONE
    return i64(ladder.level[row, count - 1])


@kernel
def place_of(ladder: Any, row: int, key: int) -> int:
    """Return the first place whose key is not smaller than ``key``. O(1) near the touch, else O(log n)."""
    high = ladder.count[row]
    stop = max(high - _SCAN, 0)
    while high > stop and ladder.key[row, high - 1] >= key:
        high -= 1
    if high > stop or stop == 0:
        return i64(high)
    low = 0
    while low < high:
        middle = (low + high) >> 1
        if ladder.key[row, middle] < key:
            low = middle + 1
        else:
            high = middle
    return i64(low)


@kernel
def _near(ladder: Any, side: int, key: int) -> int:
    return i64((side * key) & (ladder.near.shape[1] - 1))


@kernel
def find(ladder: Any, side: int, key: int) -> int:
    """Return the level with ``key``, or NONE."""
    row = row_of(side)
    near = _near(ladder, side, key)
    level = ladder.near[row, near]
    if level != NONE and ladder.levels[level].key == key:
        return i64(level)
    place = place_of(ladder, row, key)
    if place < ladder.count[row] and ladder.key[row, place] == key:
        ladder.near[row, near] = ladder.level[row, place]
        return i64(ladder.level[row, place])
    return NONE


@kernel
def has_room(ladder: Any, side: int) -> bool:
    """Return whether one more level fits on a side."""
    return bool(ladder.count[row_of(side)] < ladder.key.shape[1])


@kernel
def insert(ladder: Any, side: int, key: int) -> int:
    """Add an empty level and return it. The caller has checked that it is new and that there is room."""
    row = row_of(side)
    place = place_of(ladder, row, key)
    count = ladder.count[row]
    for index in range(count, place, -1):
        ladder.key[row, index] = ladder.key[row, index - 1]
        ladder.level[row, index] = ladder.level[row, index - 1]
    fresh = ladder.free
    level = ladder.levels[fresh]
    ladder.free = level.head
    level.key = key
    level.lots = 0
    level.orders = 0
    level.head = NONE
    level.tail = NONE
    level.side = side
    ladder.key[row, place] = key
    ladder.level[row, place] = fresh
    ladder.count[row] = count + 1
    ladder.near[row, _near(ladder, side, key)] = fresh
    return i64(fresh)


@kernel
def remove(ladder: Any, index: int) -> None:
    """Take a level away."""
    level = ladder.levels[index]
    side = i64(level.side)
    row = row_of(side)
    place = place_of(ladder, row, level.key)
    count = ladder.count[row] - 1
    for position in range(place, count):
        ladder.key[row, position] = ladder.key[row, position + 1]
        ladder.level[row, position] = ladder.level[row, position + 1]
    ladder.count[row] = count
    near = _near(ladder, side, level.key)
    if ladder.near[row, near] == index:  # no stale entry may ever name a level in the pool
        ladder.near[row, near] = NONE
    level.key = NO_KEY
    level.lots = 0
    level.orders = 0
    level.head = ladder.free
    ladder.free = index
