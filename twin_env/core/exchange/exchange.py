"""The door of the exchange: every message of every participant passes :func:`handle`."""

from typing import Any

from twin_env.core.exchange.auction import open_market, pre_open
from twin_env.core.exchange.book import open_slot, pool_of
from twin_env.core.exchange.cancel_replace import cancel, is_live, reduce, remove_order, replace
from twin_env.core.exchange.events import emit
from twin_env.core.exchange.history import end_order, execute, print_trade
from twin_env.core.exchange.inbox import write
from twin_env.core.exchange.matching import admit, enter, refuse, schedule_entry, sender_row
from twin_env.core.exchange.messages import as_messages
from twin_env.core.exchange.protections import farthest_key, reopening_ns
from twin_env.core.exchange.stops import append_stop, elect_stop, forget_reach, wrong_side
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.reports import report


@kernel
def handle(world: Any, message: Any) -> None:
    """Handle one message, then elect the stops its trades reached.

    Args:
        world: One world; only it changes.
        message: One ``layout.MESSAGE`` record.
    """
    slot = _dispatch(world, message)
    if slot != NONE:
        enter(world, slot)
    if message["flags"] & codes.ENDS_ORDER:  # np.record has flags of its own: the field goes by its name
        end_order(world, message)
    while world.stop_count > 0 and world.venue.auction == 0:
        slot = elect_stop(world)
        if slot == NONE:
            break
        enter(world, slot)


@kernel
def _dispatch(world: Any, message: Any) -> int:
    """Do what a message asks for and return the order that enters the book for it, NONE if none does."""
    kind = message.kind
    if kind == codes.NEW:
        return new_order(world, message)
    if kind == codes.CANCEL:
        cancel(world, message)
    elif kind == codes.REDUCE:
        reduce(world, message)
    elif kind == codes.REPLACE:
        return replace(world, message)
    elif kind == codes.EXECUTE:
        execute(world, message)
    elif kind == codes.PRINT:
        print_trade(world, message)
    elif kind == codes.HALT:
        world.venue.halted |= codes.HALT_SESSION
    elif kind == codes.RESUME or kind == codes.OPEN:
        open_market(world, i64(kind))
    elif kind == codes.PRE_OPEN:
        pre_open(world)
    elif kind == codes.CLOSE:
        close_session(world)
    elif kind == codes.DISCONNECT:
        disconnect(world, i64(message.owner))
    else:
        refuse(world, message, codes.BAD_ORDER)
    return NONE


@kernel
def new_order(world: Any, message: Any) -> int:
    """Handle a ``NEW`` and return the order if it enters the book, NONE if it waits or was rejected."""
    reason = _check(world, message)
    if reason != codes.NO_REASON:
        refuse(world, message, reason)
        return NONE
    side = i64(message.side)
    kind = i64(message.type)
    lots = message.lots
    post_only = message["flags"] & codes.POST_ONLY
    is_stop = kind >= codes.STOP
    price = message.trigger
    if not is_stop:
        reason, price = admit(
            world, side, kind, i64(message.tif), i64(post_only), i64(message.owner), message.price, lots
        )
        if reason != codes.NO_REASON:
            refuse(world, message, reason)
            return NONE
    slot = open_slot(world, i64(message.order), i64(message.owner), sender_row(world, message), lots)
    order = world.orders[slot]
    order.tif = message.tif
    order.post_only = post_only
    emit(world, codes.ACCEPTED, codes.NO_REASON, side, i64(message.owner), slot, NONE, price, lots)
    report(world, sender_row(world, message), codes.ACCEPTED, codes.NO_REASON, lots, price, 0)
    if is_stop:
        append_stop(world, slot, side, kind, message.trigger, message.price)
        return NONE
    return schedule_entry(world, slot, side, i64(price))


@kernel
def _check(world: Any, message: Any) -> int:
    """Apply checks 1 to 6 of docs/exchange.md."""
    kind = message.type
    limited = kind == codes.LIMIT or kind == codes.STOP_LIMIT
    is_stop = kind == codes.STOP or kind == codes.STOP_LIMIT
    if world.venue.halted:
        return codes.HALTED
    if message.lots < 1 or message.lots > codes.MAX_LOTS:
        return codes.BAD_LOTS
    if not _is_sound(message):
        return codes.BAD_ORDER
    if (limited and abs(message.price) > codes.MAX_PRICE_TICKS) or (
        is_stop and abs(message.trigger) > codes.MAX_PRICE_TICKS
    ):
        return codes.BAD_PRICE
    if limited and message.side * message.price > farthest_key(world, i64(message.side)):
        return codes.PRICE_BAND
    reason = _check_slot(world, i64(message.order), pool_of(i64(message.owner)))
    if reason == codes.NO_REASON and is_stop:
        if wrong_side(world, i64(message.side), message.trigger):
            return codes.STOP_PRICE
        if world.stop_count == world.stops.shape[0]:
            return codes.STOP_CAPACITY
    return reason


@kernel
def _is_sound(message: Any) -> bool:
    if message.side != codes.BUY and message.side != codes.SELL:
        return False
    if message.type < codes.LIMIT or message.type > codes.STOP_LIMIT:
        return False
    if message.tif < codes.GTC or message.tif > codes.FOK:
        return False
    restable = message.type == codes.LIMIT and message.tif <= codes.DAY
    return bool(restable or not message["flags"] & codes.POST_ONLY)


@kernel
def _check_slot(world: Any, slot: int, pool: int) -> int:
    if slot == NONE:
        return codes.ORDER_CAPACITY if world.free_order[pool] == NONE else codes.NO_REASON
    if slot < 0 or slot >= world.tape_orders:
        return codes.ORDER_CAPACITY
    return codes.DUPLICATE_ORDER if world.orders[slot].lots > 0 else codes.NO_REASON


@kernel
def close_session(world: Any) -> None:
    """Expire day orders (buys, then sells, best first, oldest first; then stops), halt, and collect no more orders."""
    book = world.book
    for row in range(2):
        place = book.count[row] - 1
        while place >= 0:
            slot = i64(book.levels[book.level[row, place]].head)
            while slot != NONE:
                following = i64(world.orders[slot].next)
                if world.orders[slot].tif == codes.DAY:
                    remove_order(world, slot, codes.SESSION_CLOSE)
                slot = following
            place -= 1
    place = 0
    while place < world.stop_count:
        slot = i64(world.stops[place].order)
        if world.orders[slot].tif == codes.DAY:
            remove_order(world, slot, codes.SESSION_CLOSE)
        else:
            place += 1
    venue = world.venue
    venue.halted |= codes.HALT_SESSION
    venue.auction = 0
    venue.reopen_ns = codes.NEVER_NS
    forget_reach(world)  # stops that a pause kept from being elected go on waiting


@kernel
def disconnect(world: Any, owner: int) -> None:
    """Cancel all orders of an owner whose session is gone, by their slots; also while halted."""
    if owner == codes.BACKGROUND:
        return
    for slot in range(world.orders.shape[0]):
        if is_live(world, slot, owner):
            remove_order(world, slot, codes.DISCONNECTED)


def handle_all(worlds: Any, index: int, messages: Any, events: Any) -> int:
    """Handle messages one after another and copy out what the exchange did.

    A pause that is over by the time of a message ends before it is handled.

    Args:
        worlds: Record array of worlds.
        index: The world that handles them.
        messages: Structured array with the fields of ``layout.MESSAGE``, loaded from a file or made here.
        events: Output, ``layout.EVENT`` array; may be shorter than the stream (the rest is hashed only).

    Returns:
        How many events there were.

    Raises:
        ValueError: The messages have other fields, or values that do not fit.
    """
    return _handle_all(worlds, index, as_messages(messages), events)


@kernel
def _handle_all(worlds: Any, index: int, messages: Any, events: Any) -> int:
    """Do :func:`handle_all`, compiled."""
    world = worlds[index]
    first = world.event_count
    ring = world.events.shape[0]
    row = 0
    while row < messages.shape[0]:
        message = messages[row]
        opening_ns = reopening_ns(world)
        if opening_ns <= message.ts_ns:
            world.now_ns = opening_ns
            write(world, codes.OPEN, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
            message = world.inbox
        else:
            world.now_ns = message.ts_ns
            row += 1
        before = world.event_count
        handle(world, message)
        begin = max(before, world.event_count - ring)
        end = min(world.event_count, first + events.shape[0])
        for count in range(begin, end):
            events[count - first] = world.events[count & (ring - 1)]
    return i64(world.event_count - first)
