"""Orders of an MBO feed as its records tell them: found by id, kept in dense slots, summed up by price.

This is the book of the feed alone. What of it stands on the tape is in ``databento_book``.
"""

from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_env.core.exchange import ladder
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import HISTORY, MESSAGE, NONE, Dtype, ladder_dtype


def _fields(*names: str) -> list[tuple[str, str]]:
    return [(name, "i8") for name in names]


def _record(*names: str) -> Dtype:
    return np.dtype(_fields(*names))


STEP: Final = _record("ts_ns", "recv_ns", "order", "price", "lots", "side", "action", "last", "snapshot", "gap", "line")
"""One record of the feed: ticks and lots, ``action`` one of the codes below, ``last`` 1 at the end of an event."""

IGNORED: Final = 0
ADD: Final = 1
CANCEL: Final = 2
MODIFY: Final = 3
TRADE: Final = 4
FILL: Final = 5
CLEAR: Final = 6

ORDER: Final = _record(
    "id", "side", "price", "lots", "age", "marks", "line", "taped_side", "taped_price", "taped_lots", "taped_age"
)
"""One order. ``lots`` 0: the feed has removed it; ``taped_lots`` 0: it is not on the tape. ``age`` grows whenever it
goes to the back of a queue. ``marks``: flags of its row when it enters the tape ("flags" is a word of numpy's)."""

# What can be found in a feed, counted in ``STATE``; docs/history.md says what each means.
CROSSED: Final = 0
LOCKED: Final = 1
UNKNOWN: Final = 2
ADDED_AGAIN: Final = 3
ADDED_LIVE: Final = 4
CANCEL_UNSEEN: Final = 5
MODIFY_UNSEEN: Final = 6
FILL_UNSEEN: Final = 7
FILL_BEYOND: Final = 8
FILL_PRICE: Final = 9
TRADE_PRINTED: Final = 10
SIDE_GUESSED: Final = 11
CLEARS: Final = 12
EVENT_CUT: Final = 13
REASONS: Final = (
    *("crossed", "locked", "unknown", "added_again", "added_live", "cancel_unseen", "modify_unseen", "fill_unseen"),
    *("fill_beyond", "fill_price", "trade_printed", "side_guessed", "clears", "event_cut"),
)  # their names, by code

STATE: Final = np.dtype(
    [
        *_fields("ts_ns", "recv_ns", "last_ns", "line", "gap", "open", "rows", "last_row", "changes", "ages"),
        *_fields("slots", "free", "full", "started", "start_ns", "traded", "discarded", "records", "skipped"),
        *_fields("crossed", "crossed_ns", "halted", "last_trade", "last_side", "snapshot_orders"),
        *_fields("trade_active", "trade_side", "trade_price", "trade_left", "trade_order", "trade_line"),
        *_fields("spread", "since_ns", "spread_ns", "spread_sum", "one_tick_ns"),
        ("found", "i8", len(REASONS)),
        ("first", "i8", len(REASONS)),  # record that was the first of its kind
    ]
)


class Feed(NamedTuple):
    """Everything the rebuilding of a feed works on; one array per table.

    Attributes:
        orders: ``ORDER``, by slot.
        free: Slots free again, a stack; int64.
        keys: Hash table, ids; int64, a power of two long.
        slots: Hash table, the slot of the id at the same place, or NONE; int32.
        book: One ladder: lots by price as the feed tells them.
        changes: Slot and age of the orders that changed since the tape last followed; int64, shape ``(n, 2)``.
        rows: ``MESSAGE``: rows for the tape.
        lines: Record behind each row; int64.
        state: ``STATE``, one record.
    """

    orders: NDArray[Any]
    free: NDArray[Any]
    keys: NDArray[Any]
    slots: NDArray[Any]
    book: NDArray[Any]
    changes: NDArray[Any]
    rows: NDArray[Any]
    lines: NDArray[Any]
    state: NDArray[Any]


def new_feed(start_ns: int) -> Feed:
    """Return the feed before its first record; :func:`make_room` gives it tables.

    Args:
        start_ns: The tape begins no earlier.
    """
    state = np.zeros(1, STATE).view(np.recarray)
    state["start_ns"] = start_ns
    state["last_row"] = NONE
    book = _empty_book().copy()
    orders = np.zeros(0, ORDER).view(np.recarray)
    keys, slots = np.zeros(1, np.int64), np.full(1, NONE, np.int32)
    rows = np.zeros(0, MESSAGE).view(np.recarray)
    numbers = np.zeros(0, np.int64)
    return Feed(orders, numbers, keys, slots, book, np.zeros((0, 2), np.int64), rows, numbers, state)


@cache
def _empty_book() -> NDArray[Any]:
    """Return a ladder without levels; clearing one takes long enough to do it once."""
    book = np.zeros(1, ladder_dtype(HISTORY.levels, HISTORY.slots))
    ladder.clear(book[0])
    return book


def make_room(feed: Feed, records: int) -> Feed:
    """Return the feed with room for ``records`` more, whatever they do.

    An order is added by one record and costs at most one cancel and one new row for each event it takes part in; a
    cleared or restarted book names every order once more.
    """
    state = feed.state[0]
    live = int(state.slots - state.free)
    slots = live + records
    changes = int(state.changes) + live + 2 * records
    room = 1 + 4 * records + 4 * slots
    if slots > len(feed.orders):
        orders = np.zeros(2 * slots, ORDER).view(np.recarray)
        orders[: len(feed.orders)] = feed.orders
        free = np.zeros(2 * slots, np.int64)
        free[: len(feed.free)] = feed.free
        feed = feed._replace(orders=orders, free=free)
    if 2 * slots > len(feed.keys):
        size = 1 << (4 * slots - 1).bit_length()
        feed = feed._replace(keys=np.zeros(size, np.int64), slots=np.full(size, NONE, np.int32))
        rehash(feed)
    if changes > len(feed.changes):
        longer = np.zeros((2 * changes, 2), np.int64)
        longer[: len(feed.changes)] = feed.changes
        feed = feed._replace(changes=longer)
    if room > len(feed.rows):
        rows, lines = np.zeros(room, MESSAGE).view(np.recarray), np.zeros(room, np.int64)
        kept = int(state.rows)
        rows[:kept], lines[:kept] = feed.rows[:kept], feed.lines[:kept]
        feed = feed._replace(rows=rows, lines=lines)
    return feed


@kernel
def note(state: Any, reason: int) -> None:
    """Count something found at the record that is being played."""
    if state.found[reason] == 0:
        state.first[reason] = state.line
    state.found[reason] += 1


@kernel
def rehash(feed: Feed) -> None:
    """Enter all orders into an empty hash table."""
    for slot in range(feed.state[0].slots):
        if feed.orders[slot].age > 0:
            _enter(feed, feed.orders[slot].id, slot)


@kernel
def _home(feed: Feed, order: int) -> int:
    return i64((order ^ (order >> 17)) & (feed.keys.shape[0] - 1))


@kernel
def _enter(feed: Feed, order: int, slot: int) -> None:
    place, mask = _home(feed, order), feed.keys.shape[0] - 1
    while feed.slots[place] != NONE:
        place = (place + 1) & mask
    feed.keys[place] = order
    feed.slots[place] = slot


@kernel
def _place_of(feed: Feed, order: int) -> int:
    """Return where the hash table has an id, or the empty place where it would be."""
    place, mask = _home(feed, order), feed.keys.shape[0] - 1
    while feed.slots[place] != NONE and feed.keys[place] != order:
        place = (place + 1) & mask
    return place


@kernel
def find(feed: Feed, order: int) -> int:
    """Return the slot of an order that the feed has or the tape still has, or NONE."""
    return i64(feed.slots[_place_of(feed, order)])


@kernel
def take_slot(feed: Feed, order: int) -> int:
    """Give an unknown order a slot."""
    state = feed.state[0]
    if state.free > 0:
        state.free -= 1
        slot = feed.free[state.free]
    else:
        slot = state.slots
        state.slots += 1
    feed.orders[slot].id = order
    _enter(feed, order, slot)
    return i64(slot)


@kernel
def free_slot(feed: Feed, slot: int) -> None:
    """Forget an order."""
    mask = feed.keys.shape[0] - 1
    hole = _place_of(feed, feed.orders[slot].id)
    place = (hole + 1) & mask
    while feed.slots[place] != NONE:
        home = _home(feed, feed.keys[place])
        if ((place - home) & mask) >= ((place - hole) & mask):
            feed.keys[hole] = feed.keys[place]
            feed.slots[hole] = feed.slots[place]
            hole = place
        place = (place + 1) & mask
    feed.slots[hole] = NONE
    state = feed.state[0]
    feed.orders[slot].age = 0
    feed.free[state.free] = slot
    state.free += 1


@kernel
def set_order(feed: Feed, slot: int, side: int, price: int, lots: int) -> None:
    """Make an order what the feed says it is now; 0 lots: gone. It is listed as changed."""
    entry, state = feed.orders[slot], feed.state[0]
    back = entry.lots == 0 or side != entry.side or price != entry.price or lots > entry.lots
    if entry.lots > 0:
        _add_lots(feed, entry.side, entry.price, -entry.lots)
    if lots > 0:
        _add_lots(feed, side, price, lots)
        if back:
            state.ages += 1
            entry.age = state.ages
        entry.side = side
        entry.price = price
    entry.lots = lots
    entry.line = state.line
    feed.changes[state.changes, 0] = slot
    feed.changes[state.changes, 1] = entry.age
    state.changes += 1


@kernel
def _add_lots(feed: Feed, side: int, price: int, lots: int) -> None:
    book, key = feed.book[0], side * price
    level = ladder.find(book, side, key)
    if level == NONE:
        if not ladder.has_room(book, side):
            feed.state[0].full = 1
            return
        level = ladder.insert(book, side, key)
    book.levels[level].lots += lots
    if book.levels[level].lots == 0:
        ladder.remove(book, level)


@kernel
def spread_ticks(feed: Feed) -> int:
    """Return ask - bid of the feed's book; a very large number with an empty side."""
    book = feed.book[0]
    if book.count[0] == 0 or book.count[1] == 0:
        return _ONE_SIDED
    return i64(-book.key[1, book.count[1] - 1] - book.key[0, book.count[0] - 1])


_ONE_SIDED: Final = 2**62
