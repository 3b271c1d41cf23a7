"""The compiled half of recording: play a world's background and note what its book did.

``recording`` is the half that callers use. A shadow of every resting order (``HELD``) is what
turns the exchange's events, which speak of slots that are used again, into rows about orders.
"""

from typing import Any, Final

from twin_env.core.exchange.book import touch_ticks
from twin_env.core.exchange.exchange import handle
from twin_env.core.exchange.inbox import write
from twin_env.core.exchange.ladder import row_of
from twin_env.core.exchange.protections import reopening_ns
from twin_env.core.flow.flow import next_message
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE, record

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
HELD: Final = record([("lots", "i8"), ("price", "i8"), ("entry", "i8"), ("side", "i8")])
CURSOR: Final = record(
    [
        ("rows", "i8"),
        ("samples", "i8"),
        ("sample_ns", "i8"),  # time of the next sample
        ("step_ns", "i8"),
        ("group", "i8"),
        ("history_ns", "i8"),  # time and side of the history's trade that ended the rows, if one did
        ("history_side", "i8"),
        ("flags", "i8"),  # of the message being noted
        ("bid", "i8"),  # touch before it
        ("ask", "i8"),
        ("incoming", "i8"),  # order that is in the book's door: its slot, and what is left of it
        ("incoming_side", "i8"),
        ("incoming_price", "i8"),
        ("incoming_lots", "i8"),
        ("overflow", "i8"),  # events of the message that did not fit the ring, 0 if all did
    ]
)
_FARTHEST: Final = 2**31 - 1


@kernel
def begin_record(worlds: Any, index: int, cursors: Any, held: Any, rows: Any) -> None:
    """Note the book that is there, as ``BOOK`` rows in no particular order, and switch the wires off.

    Args:
        worlds: Record array of worlds.
        index: The world.
        cursors: ``CURSOR`` array of one element.
        held: ``HELD`` array, one element per order slot, zero.
        rows: Output, ``ROW`` array with room for every live order.
    """
    world = worlds[index]
    cursor = cursors[0]
    world.published = 0
    cursor.flags = codes.SNAPSHOT
    cursor.bid = touch_ticks(world, codes.BUY)
    cursor.ask = touch_ticks(world, codes.SELL)
    for slot in range(world.orders.shape[0]):
        order = world.orders[slot]
        if order.lots > 0 and order.level != NONE:
            level = world.book.levels[order.level]
            side = i64(level.side)
            _appear(world, cursor, held, rows, slot, side, i64(side * level.key), i64(order.lots))
    _stamp_touch(world, rows, 0, cursor.rows)


@kernel
def record_until(
    worlds: Any, index: int, tape: Any, until_ns: int, cursors: Any, held: Any, rows: Any, depth: Any, touch: Any
) -> bool:
    """Play the background up to and including ``until_ns``, or until ``rows`` could overflow.

    Args:
        worlds: Record array of worlds.
        index: The world.
        tape: ``layout.MESSAGE`` array.
        until_ns: The world's time afterwards, unless room ran out.
        cursors: Where the recording stands; see :func:`begin_record`.
        held: Shadow of the resting orders.
        rows: Output, ``ROW`` array.
        depth: Output, int64, shape ``(samples, 2, DEPTH_TICKS)``, zero where nothing was written.
        touch: Output, int64, shape ``(samples, 4)``: bid, ask, lots at either.

    Returns:
        Whether ``until_ns`` was reached.
    """
    world = worlds[index]
    cursor = cursors[0]
    margin = 3 * world.events.shape[0] + 2  # a trade of an opening makes three rows
    while cursor.rows + margin <= rows.shape[0]:
        reopen_ns = reopening_ns(world)
        if not next_message(world, tape, min(reopen_ns, until_ns)):
            if reopen_ns > until_ns:
                _sample(world, cursor, until_ns, depth, touch)
                world.now_ns = until_ns
                return True
            world.now_ns = reopen_ns
            write(world, codes.OPEN, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
        _sample(world, cursor, world.now_ns - 1, depth, touch)
        first = world.event_count
        _choose_group(world, cursor, world.inbox)
        handle(world, world.inbox)
        if world.event_count - first > world.events.shape[0]:
            cursor.overflow = world.event_count - first
            return False
        _note(world, cursor, held, rows, first)
    return False


@kernel
def _choose_group(world: Any, cursor: Any, message: Any) -> None:
    """Number the message and remember the touch it meets.

    A history's trades of one moment and side, one after another, are one aggressor: they share number and touch.
    """
    cursor.flags = message["flags"]
    is_history = message.kind == codes.EXECUTE or message.kind == codes.PRINT
    if is_history and cursor.history_ns == world.now_ns and cursor.history_side == message.side:
        return
    cursor.group += 1
    cursor.history_ns = world.now_ns if is_history else -codes.NEVER_NS
    cursor.history_side = message.side
    cursor.bid = touch_ticks(world, codes.BUY)
    cursor.ask = touch_ticks(world, codes.SELL)


@kernel
def _note(world: Any, cursor: Any, held: Any, rows: Any, first: int) -> None:
    """Turn the events of one message into rows."""
    begin = cursor.rows
    cursor.incoming = NONE
    for count in range(first, world.event_count):
        event = world.events[count & (world.events.shape[0] - 1)]
        kind = event.kind
        slot = i64(event.order)
        if kind == codes.TRADED:
            _trade(world, cursor, held, rows, event)
        elif kind == codes.PRINTED:
            _write(world, cursor, rows, TRADE, 0, i64(event.side), event.price, event.lots, 0)
        elif kind == codes.CANCELLED and slot == cursor.incoming:
            cursor.incoming = NONE
        elif kind == codes.CANCELLED or kind == codes.REDUCED:
            _withdraw(world, cursor, held, rows, slot, min(event.lots, held[slot].lots))
        elif kind == codes.ACCEPTED or kind == codes.TRIGGERED or kind == codes.REPLACED:
            _settle(world, cursor, held, rows)
            _come(world, cursor, held, rows, event)
    _settle(world, cursor, held, rows)
    _stamp_touch(world, rows, begin, cursor.rows)


@kernel
def _come(world: Any, cursor: Any, held: Any, rows: Any, event: Any) -> None:
    """Note that an order is at the door; what it leaves in the book for it is withdrawn."""
    slot = i64(event.order)
    mine = held[slot]
    if event.kind == codes.REPLACED and mine.lots >= event.lots and mine.price == event.price:
        _withdraw(world, cursor, held, rows, slot, i64(mine.lots - event.lots))
        return
    _withdraw(world, cursor, held, rows, slot, i64(mine.lots))
    cursor.incoming = slot
    cursor.incoming_side = event.side
    cursor.incoming_price = event.price
    cursor.incoming_lots = event.lots


@kernel
def _settle(world: Any, cursor: Any, held: Any, rows: Any) -> None:
    """Let what is left of the order at the door rest, unless it is a stop that waits."""
    slot = cursor.incoming
    cursor.incoming = NONE
    if slot != NONE and cursor.incoming_lots > 0 and world.orders[slot].waiting == 0:
        side = cursor.incoming_side
        _appear(world, cursor, held, rows, slot, side, _limit_of(world, cursor, slot), cursor.incoming_lots)


@kernel
def _limit_of(world: Any, cursor: Any, slot: int) -> int:
    """Return where an order came to rest: an elected stop says its trigger, not its limit."""
    order = world.orders[slot]
    if order.lots > 0 and order.level != NONE:
        level = world.book.levels[order.level]
        return i64(level.side * level.key)
    return i64(cursor.incoming_price)


@kernel
def _appear(world: Any, cursor: Any, held: Any, rows: Any, slot: int, side: int, price: int, lots: int) -> None:
    mine = held[slot]
    mine.lots = lots
    mine.price = price
    mine.side = side
    mine.entry = world.orders[slot].entry
    kind = BOOK if cursor.flags & codes.SNAPSHOT else LIMIT
    _write(world, cursor, rows, kind, mine.entry, side, price, lots, lots)


@kernel
def _withdraw(world: Any, cursor: Any, held: Any, rows: Any, slot: int, lots: int) -> None:
    if lots <= 0:
        return
    mine = held[slot]
    mine.lots -= lots
    if cursor.flags & codes.SNAPSHOT:
        _write(world, cursor, rows, BOOK, mine.entry, mine.side, mine.price, -lots, mine.lots)
    else:
        _write(world, cursor, rows, CANCEL, mine.entry, mine.side, mine.price, lots, mine.lots)


@kernel
def _trade(world: Any, cursor: Any, held: Any, rows: Any, event: Any) -> None:
    slot = i64(event.order)
    if slot != NONE and slot != cursor.incoming:  # an opening: both rested, perhaps at other prices than they trade at
        _withdraw(world, cursor, held, rows, i64(event.contra), event.lots)
        _withdraw(world, cursor, held, rows, slot, event.lots)
        _write(world, cursor, rows, TRADE, 0, i64(event.side), event.price, event.lots, 0)
        return
    mine = held[event.contra]
    mine.lots -= event.lots
    if slot != NONE:
        cursor.incoming_lots -= event.lots
    _write(world, cursor, rows, TRADE, mine.entry, i64(event.side), event.price, event.lots, mine.lots)


@kernel
def _write(
    world: Any, cursor: Any, rows: Any, kind: int, order: int, side: int, price: int, lots: int, left: int
) -> None:
    row = rows[cursor.rows]
    cursor.rows += 1
    row.ts_ns = world.now_ns
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
def _stamp_touch(world: Any, rows: Any, begin: int, end: int) -> None:
    """Write the touch as it is now into rows."""
    bid = touch_ticks(world, codes.BUY)
    ask = touch_ticks(world, codes.SELL)
    bid_lots = _best_lots(world, codes.BUY)
    ask_lots = _best_lots(world, codes.SELL)
    for place in range(begin, end):
        row = rows[place]
        row.bid = bid
        row.ask = ask
        row.bid_lots = bid_lots
        row.ask_lots = ask_lots


@kernel
def _best_lots(world: Any, side: int) -> int:
    book = world.book
    row = row_of(side)
    count = book.count[row]
    if count == 0:
        return i64(0)
    return i64(book.levels[book.level[row, count - 1]].lots)


@kernel
def _sample(world: Any, cursor: Any, until_ns: int, depth: Any, touch: Any) -> None:
    """Take every sample that is due up to and including ``until_ns``."""
    book = world.book
    while cursor.sample_ns <= until_ns and cursor.samples < depth.shape[0]:
        sample = cursor.samples
        cursor.samples += 1
        cursor.sample_ns += cursor.step_ns
        touch[sample, 0] = touch_ticks(world, codes.BUY)
        touch[sample, 1] = touch_ticks(world, codes.SELL)
        touch[sample, 2] = _best_lots(world, codes.BUY)
        touch[sample, 3] = _best_lots(world, codes.SELL)
        for row in range(2):
            count = book.count[row]
            for place in range(count - 1, -1, -1):
                away = book.key[row, count - 1] - book.key[row, place]
                if away >= DEPTH_TICKS:
                    break
                depth[sample, row, away] = book.levels[book.level[row, place]].lots
