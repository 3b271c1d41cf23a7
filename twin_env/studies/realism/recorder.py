"""The compiled half of recording: turn entries of a market's stream into rows and samples.

``recording`` is the half that callers use. A shadow of every resting order (``HELD``) is what turns the exchange's
entries, which speak of slots that are used again, into rows about orders; a copy of the price levels follows the
entries of plane BOOK.
"""

from typing import Any, Final

from twin_env.core.exchange.book import touch_ticks
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE, record
from twin_env.core.stream import BOOK as BOOK_PLANE
from twin_env.core.stream import EXCHANGE as EXCHANGE_PLANE
from twin_env.core.wire.feed import ADDED
from twin_env.twin.followed_book import best_lots, follow_level

PLANES: Final = EXCHANGE_PLANE | BOOK_PLANE  # of the stream: what is read

BOOK: Final = 0
LIMIT: Final = 1
CANCEL: Final = 2
TRADE: Final = 3
DEPTH_TICKS: Final = 10

ROW: Final = record(
    [
        ("ts_ns", "i8"),
        ("order", "i8"),
        ("group", "i8"),
        ("price_ticks", "i8"),
        ("lots", "i8"),
        ("left_lots", "i8"),
        ("bid", "i8"),
        ("ask", "i8"),
        ("bid_lots", "i8"),
        ("ask_lots", "i8"),
        ("distance_ticks", "i4"),
        ("kind", "i1"),
        ("side", "i1"),
    ]
)
ROWS_OF_ENTRY: Final = 3  # at most: a trade of an opening makes three rows
HELD: Final = record([("lots", "i8"), ("price", "i8"), ("entry", "i8"), ("side", "i8")])
CURSOR: Final = record(
    [
        ("rows", "i8"),
        ("samples", "i8"),
        ("sample_ns", "i8"),  # time of the next sample
        ("step_ns", "i8"),
        ("message", "i8"),  # being noted: its number in the stream, NONE before the first
        ("ts_ns", "i8"),
        ("flag", "i8"),  # of it
        ("begin", "i8"),  # its first row
        ("group", "i8"),
        ("history_ns", "i8"),  # time and side of the history's trade that ended the rows, if one did
        ("history_side", "i8"),
        ("bid", "i8"),  # touch before it
        ("ask", "i8"),
        ("incoming", "i8"),  # slot of the order that is in the book's door
        ("rested", "i8"),  # its place in time once it rests, NONE before
        ("rested_side", "i8"),
        ("rested_price", "i8"),
        ("rested_lots", "i8"),
    ]
)
_FARTHEST: Final = 2**31 - 1


@kernel
def begin_record(resting: Any, followed: Any, cursors: Any, held: Any, rows: Any) -> None:
    """Note the book that is there as ``BOOK`` rows.

    Args:
        resting: Its orders, ``RESTING`` array in the order of their place in time.
        followed: The price levels, ``followed_dtype`` array of one.
        cursors: ``CURSOR`` array of one: time, and time and distance of samples are set.
        held: ``HELD`` array, one element per order slot, zero.
        rows: Output, ``ROW`` array as long as ``resting``.
    """
    cursor, book = cursors[0], followed[0]
    cursor.message = NONE
    cursor.incoming = NONE
    cursor.rested = NONE
    cursor.history_ns = -codes.NEVER_NS
    cursor.flag = codes.SNAPSHOT
    cursor.bid = touch_ticks(book, codes.BUY)
    cursor.ask = touch_ticks(book, codes.SELL)
    for place in range(resting.shape[0]):
        order = resting[place]
        _appear(cursor, held, rows, order.order, order.entry, order.side, order.price_ticks, order.lots)
    _stamp_touch(cursor, book, rows)


@kernel
def read_entries(
    entries: Any, changes: Any, until_ns: int, followed: Any, cursors: Any, held: Any, rows: Any, depth: Any, touch: Any
) -> None:
    """Read what a market did up to and including ``until_ns``: whole messages, the next ones in the stream.

    Args:
        entries: ``EXCHANGE_ENTRY`` array, entries of all planes among them.
        changes: The same memory as a ``BOOK_ENTRY`` array.
        until_ns: The market's time.
        followed: The price levels before; afterwards those at ``until_ns``.
        cursors: Where the recording stands; see :func:`begin_record`.
        held: Shadow of the resting orders.
        rows: Output, ``ROW`` array with room for ``ROWS_OF_ENTRY`` rows an entry.
        depth: Output, int64, shape ``(samples, 2, DEPTH_TICKS)``, zero where nothing is written.
        touch: Output, int64, shape ``(samples, 4)``: bid, ask, lots at either.
    """
    cursor, book = cursors[0], followed[0]
    cursor.rows = 0
    cursor.begin = 0
    cursor.samples = 0
    for place in range(entries.shape[0]):
        entry = entries[place]
        if entry.plane & PLANES == 0:
            continue
        if entry.message != cursor.message:
            _end_message(cursor, book, held, rows)
            _sample(cursor, book, i64(entry.ts_ns - 1), depth, touch)
            _begin_message(cursor, book, entry)
        if entry.plane == BOOK_PLANE:
            follow_level(book, changes[place])
            if entry.kind == ADDED:
                _rest(cursor, changes[place])
        else:
            _note(cursor, held, rows, entry)
    _end_message(cursor, book, held, rows)
    _sample(cursor, book, until_ns, depth, touch)


@kernel
def _begin_message(cursor: Any, book: Any, entry: Any) -> None:
    """Number the message and remember the touch it meets.

    A history's trades of one moment and side, one after another, are one aggressor: they share number and touch.
    Messages of which nothing came have no entry, but a number in the stream, and one here.
    """
    silent = entry.message - cursor.message - 1 if cursor.message != NONE else 0
    is_history = entry.message_kind == codes.EXECUTE or entry.message_kind == codes.PRINT
    goes_on = cursor.history_ns == entry.ts_ns and cursor.history_side == entry.side and silent == 0
    cursor.message = entry.message
    cursor.ts_ns = entry.ts_ns
    cursor.flag = entry.flag
    if is_history and goes_on:
        return
    cursor.group += silent + 1
    cursor.history_ns = entry.ts_ns if is_history else -codes.NEVER_NS
    cursor.history_side = entry.side
    cursor.bid = touch_ticks(book, codes.BUY)
    cursor.ask = touch_ticks(book, codes.SELL)


@kernel
def _end_message(cursor: Any, book: Any, held: Any, rows: Any) -> None:
    _settle(cursor, held, rows)
    _stamp_touch(cursor, book, rows)
    cursor.begin = cursor.rows


@kernel
def _note(cursor: Any, held: Any, rows: Any, entry: Any) -> None:
    """Turn one thing that the exchange did into rows."""
    kind = entry.kind
    slot = i64(entry.order)
    if kind == codes.TRADED:
        _trade(cursor, held, rows, entry)
    elif kind == codes.PRINTED:
        _write(cursor, rows, TRADE, 0, i64(entry.side), entry.price, entry.lots, 0)
    elif kind == codes.CANCELLED and slot == cursor.incoming:
        cursor.incoming = NONE
    elif kind == codes.CANCELLED or kind == codes.REDUCED:
        _withdraw(cursor, held, rows, slot, min(entry.lots, held[slot].lots))
    elif kind == codes.ACCEPTED or kind == codes.TRIGGERED or kind == codes.REPLACED:
        _settle(cursor, held, rows)
        _come(cursor, held, rows, entry)


@kernel
def _come(cursor: Any, held: Any, rows: Any, entry: Any) -> None:
    """Note that an order is at the door; what it leaves in the book for it is withdrawn."""
    slot = i64(entry.order)
    mine = held[slot]
    if entry.kind == codes.REPLACED and mine.lots >= entry.lots and mine.price == entry.price:
        _withdraw(cursor, held, rows, slot, i64(mine.lots - entry.lots))
        return
    _withdraw(cursor, held, rows, slot, i64(mine.lots))
    cursor.incoming = slot


@kernel
def _rest(cursor: Any, change: Any) -> None:
    """Note that what is left of the order at the door rests; it may still be cancelled by the same message."""
    cursor.rested = change.entry
    cursor.rested_side = change.side
    cursor.rested_price = change.price
    cursor.rested_lots = change.change


@kernel
def _settle(cursor: Any, held: Any, rows: Any) -> None:
    """Let the order at the door appear if it rests; it does not if it is filled, or is a stop that waits."""
    slot, entry = cursor.incoming, cursor.rested
    cursor.incoming = NONE
    cursor.rested = NONE
    if slot != NONE and entry != NONE:
        _appear(cursor, held, rows, slot, entry, cursor.rested_side, cursor.rested_price, cursor.rested_lots)


@kernel
def _appear(cursor: Any, held: Any, rows: Any, slot: int, entry: int, side: int, price: int, lots: int) -> None:
    mine = held[slot]
    mine.lots = lots
    mine.price = price
    mine.side = side
    mine.entry = entry
    kind = BOOK if cursor.flag & codes.SNAPSHOT else LIMIT
    _write(cursor, rows, kind, entry, side, price, lots, lots)


@kernel
def _withdraw(cursor: Any, held: Any, rows: Any, slot: int, lots: int) -> None:
    if lots <= 0:
        return
    mine = held[slot]
    mine.lots -= lots
    if cursor.flag & codes.SNAPSHOT:
        _write(cursor, rows, BOOK, mine.entry, mine.side, mine.price, -lots, mine.lots)
    else:
        _write(cursor, rows, CANCEL, mine.entry, mine.side, mine.price, lots, mine.lots)


@kernel
def _trade(cursor: Any, held: Any, rows: Any, entry: Any) -> None:
    slot, contra = i64(entry.order), i64(entry.contra)
    if slot != NONE and slot != cursor.incoming:  # an opening: both rested, perhaps at other prices than they trade at
        _withdraw(cursor, held, rows, contra, entry.lots)
        _withdraw(cursor, held, rows, slot, entry.lots)
        _write(cursor, rows, TRADE, 0, i64(entry.side), entry.price, entry.lots, 0)
        return
    mine = held[contra]
    mine.lots -= entry.lots
    _write(cursor, rows, TRADE, mine.entry, i64(entry.side), entry.price, entry.lots, mine.lots)


@kernel
def _write(cursor: Any, rows: Any, kind: int, order: int, side: int, price: int, lots: int, left: int) -> None:
    row = rows[cursor.rows]
    cursor.rows += 1
    row.ts_ns = cursor.ts_ns
    row.order = order
    row.group = cursor.group
    row.price_ticks = price
    row.lots = lots
    row.left_lots = left
    # An aggressor's distance is how far beyond the opposite touch it trades: the same formula with that touch.
    from_bid = (side == codes.BUY) != (kind == TRADE)
    distance = side * (cursor.bid - price) if from_bid else side * (cursor.ask - price)
    if kind == TRADE:
        distance = -distance
    row.distance_ticks = max(-_FARTHEST, min(_FARTHEST, distance))
    row.kind = kind
    row.side = side


@kernel
def _stamp_touch(cursor: Any, book: Any, rows: Any) -> None:
    """Write the touch as it is now into the rows of the message."""
    if cursor.begin == cursor.rows:
        return
    bid = touch_ticks(book, codes.BUY)
    ask = touch_ticks(book, codes.SELL)
    bid_lots = best_lots(book, codes.BUY)
    ask_lots = best_lots(book, codes.SELL)
    for place in range(cursor.begin, cursor.rows):
        row = rows[place]
        row.bid = bid
        row.ask = ask
        row.bid_lots = bid_lots
        row.ask_lots = ask_lots


@kernel
def _sample(cursor: Any, followed: Any, until_ns: int, depth: Any, touch: Any) -> None:
    """Take every sample that is due up to and including ``until_ns``."""
    book = followed.book
    while cursor.sample_ns <= until_ns and cursor.samples < depth.shape[0]:
        sample = cursor.samples
        cursor.samples += 1
        cursor.sample_ns += cursor.step_ns
        touch[sample, 0] = touch_ticks(followed, codes.BUY)
        touch[sample, 1] = touch_ticks(followed, codes.SELL)
        touch[sample, 2] = best_lots(followed, codes.BUY)
        touch[sample, 3] = best_lots(followed, codes.SELL)
        for row in range(2):
            count = book.count[row]
            for place in range(count - 1, -1, -1):
                away = book.key[row, count - 1] - book.key[row, place]
                if away >= DEPTH_TICKS:
                    break
                depth[sample, row, away] = book.levels[book.level[row, place]].lots
