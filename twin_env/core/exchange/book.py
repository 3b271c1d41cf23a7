"""The exchange's book: individual orders in price-time priority.

A level is a doubly linked list through the order slots, oldest first. Free slots are a
list through the same links. Nothing here decides anything: rules are in ``matching``.
"""

from typing import Any

from twin_env.core.exchange import ladder
from twin_env.core.state.codes import ACTOR, BACKGROUND, BUY, SELL
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import ACTORS, NONE
from twin_env.core.wire.feed import ADDED, REMOVED, publish


@kernel
def clear_book(world: Any, tape_orders: int) -> None:
    """Remove every order; slots from ``tape_orders`` on become the exchange's to hand out.

    The last ones, as many as the desk has rows, are for all owners but the background, and those before them for the
    actors of faults: which slots one gets must not depend on who else trades.
    """
    ladder.clear(world.book)
    capacity = world.orders.shape[0]
    external = max(capacity - world.desk_order_marks.shape[0], tape_orders)
    actors = max(external - ACTORS, tape_orders)
    for slot in range(capacity):
        order = world.orders[slot]
        order.lots = 0
        order.filled = 0
        order.entry = 0
        order.level = NONE
        order.prev = NONE
        last = slot + 1 == external or slot + 1 == actors or slot + 1 == capacity
        order.next = NONE if last or slot < tape_orders else slot + 1
        order.row = NONE
        order.owner = BACKGROUND
        order.tif = 0
        order.post_only = 0
        order.waiting = 0
    world.tape_orders = tape_orders
    world.actors = actors
    world.free_order[0] = tape_orders if tape_orders < actors else NONE
    world.free_order[1] = external if external < capacity else NONE
    world.free_order[2] = actors if actors < external else NONE
    world.live_orders = 0
    world.foreign = 0
    world.stop_count = 0
    world.entries = 0


@kernel
def touch_ticks(world: Any, side: int) -> int:
    """Return the best price of a side; of an empty one the last there was, but never through the other side."""
    row = ladder.row_of(side)
    count = world.book.count[row]
    if count > 0:
        return i64(side * world.book.key[row, count - 1])
    # The flow and the ledger's marks need a price of an empty side too: the last known one, which uses nothing later
    # than now and does not jump when the side empties.
    last = side * (world.bid if side == BUY else world.ask)
    others = world.book.count[1 - row]
    if others > 0:  # a last known bid above the best offer is out of date
        last = min(last, -world.book.key[1 - row, others - 1] - 1)
    return i64(side * last)


@kernel
def mid_half_ticks(world: Any) -> int:
    """Return bid + ask in ticks, which is the mid in half-ticks."""
    return touch_ticks(world, BUY) + touch_ticks(world, SELL)


@kernel
def is_one_sided(world: Any) -> bool:
    """Return whether a side is empty, so that its touch is the last known one."""
    return bool(world.book.count[0] == 0 or world.book.count[1] == 0)


@kernel
def pool_of(owner: int) -> int:
    """Return which free list an owner's slots come from."""
    if owner >= ACTOR:
        return 2
    return 0 if owner == BACKGROUND else 1


@kernel
def open_slot(world: Any, slot: int, owner: int, row: int, lots: int) -> int:
    """Make a slot live, taking a free one when ``slot`` is NONE. The caller checked that there is one."""
    if slot == NONE:
        pool = pool_of(owner)
        slot = i64(world.free_order[pool])
        world.free_order[pool] = world.orders[slot].next
    order = world.orders[slot]
    order.lots = lots
    order.filled = 0
    order.level = NONE
    order.next = NONE
    order.prev = NONE
    order.owner = owner
    order.row = row
    order.waiting = 0
    if row != NONE:
        world.desk_order_marks[row].order = slot
    world.live_orders += 1
    return slot


@kernel
def close_slot(world: Any, slot: int) -> None:
    """Make a slot that is in no queue free again; a tape's slots stay the tape's."""
    order = world.orders[slot]
    order.lots = 0
    order.waiting = 0
    world.live_orders -= 1
    if order.row != NONE:
        world.desk_order_marks[order.row].order = NONE
    # A tape names its slots itself and may name this one again: handed out, it would belong to another order by then.
    if slot >= world.tape_orders:
        pool = pool_of(i64(order.owner))
        order.next = world.free_order[pool]
        world.free_order[pool] = slot


@kernel
def rest(world: Any, slot: int, side: int, key: int) -> None:
    """Put an order at the back of the queue at ``key``."""
    book = world.book
    index = ladder.find(book, side, key)
    if index == NONE:
        index = ladder.insert(book, side, key)
    level = book.levels[index]
    order = world.orders[slot]
    # The number says who is older across levels and in the feed; the link order says it within the level. Both must
    # be given here, at the back of the queue: a replaced order that lost its place gets a new one.
    world.entries += 1
    order.entry = world.entries
    order.level = index
    order.prev = level.tail
    order.next = NONE
    if level.tail == NONE:
        level.head = slot
    else:
        world.orders[level.tail].next = slot
    level.tail = slot
    level.orders += 1
    level.lots += order.lots
    if order.owner != BACKGROUND:
        world.foreign += 1
    if order.row != NONE:
        world.desk_order_marks[order.row].resting = 1
    publish(world, ADDED, side, side * key, level.lots, order.lots, order.entry, i64(order.row))


@kernel
def shrink(world: Any, slot: int, lots: int, kind: int) -> None:
    """Take ``lots`` off a resting order; at zero it leaves its queue (its slot stays open)."""
    book = world.book
    order = world.orders[slot]
    index = i64(order.level)
    level = book.levels[index]
    side = i64(level.side)
    price = side * level.key
    order.lots -= lots
    level.lots -= lots
    # Published while the order still has its level: the message carries the level's new total, which heals a mirror
    # that missed an earlier one.
    publish(world, kind, side, price, level.lots, -lots, order.entry, i64(order.row))
    if order.lots == 0:
        unlink(world, slot)


@kernel
def unlink(world: Any, slot: int) -> None:
    """Take an order with no lots out of its queue, and its level away if it was the last one."""
    book = world.book
    order = world.orders[slot]
    index = i64(order.level)
    level = book.levels[index]
    if order.prev == NONE:
        level.head = order.next
    else:
        world.orders[order.prev].next = order.next
    if order.next == NONE:
        level.tail = order.prev
    else:
        world.orders[order.next].prev = order.prev
    level.orders -= 1
    order.level = NONE
    if order.owner != BACKGROUND:
        world.foreign -= 1
    if level.orders == 0:
        side = i64(level.side)
        price = side * level.key
        ladder.remove(book, index)
        if book.count[ladder.row_of(side)] == 0:
            if side == BUY:
                world.bid = price
            else:
                world.ask = price


@kernel
def pull(world: Any, slot: int) -> int:
    """Take all of a resting order out of the book and return its lots; its slot stays open."""
    lots = world.orders[slot].lots
    shrink(world, slot, lots, REMOVED)
    return i64(lots)
