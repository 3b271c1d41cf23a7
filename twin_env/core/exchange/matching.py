"""Matching: how an order that enters the book trades, and what becomes of the rest of it.

docs/exchange.md states the rules; ``twin_env.reference`` has them in readable Python.
Buys and sells share one path: a level of the other side is within reach of a limit
``p`` of side ``s`` when its key is at least ``-s * p``.
"""

from typing import Any

from twin_env.core.conditions import on_trade
from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import (
    close_slot,
    is_one_sided,
    mid_half_ticks,
    pull,
    rest,
    shrink,
    touch_ticks,
)
from twin_env.core.exchange.events import emit
from twin_env.core.exchange.protections import check_guards, farthest_key
from twin_env.core.flow.price_impact import add_to_impact
from twin_env.core.ledger import on_entry, on_fill
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import EFFECTS, NONE
from twin_env.core.wire.feed import TRADE
from twin_env.core.wire.reports import report


@kernel
def sender_row(world: Any, message: Any) -> int:
    """Return the desk's row of a message, NONE if the desk did not send it, whatever the message says."""
    if message.owner != codes.DESK or message.row < 0 or message.row >= world.desk_order_marks.shape[0]:
        return NONE
    return i64(message.row)


@kernel
def is_actor(owner: int) -> bool:
    """Return whether a fault drives an owner."""
    return bool(owner >= codes.ACTOR and owner < codes.ACTOR + EFFECTS)


@kernel
def refuse(world: Any, message: Any, reason: int) -> None:
    """Reject a message: an event, a report to its sender, a count."""
    world.rejects[reason] += 1
    if is_actor(i64(message.owner)):
        world.effects[message.owner - codes.ACTOR].refused_messages += 1
    price = message.price
    lots = message.lots
    emit(world, codes.REJECTED, reason, i64(message.side), i64(message.owner), i64(message.order), NONE, price, lots)
    # A refused cancel or replace leaves its order as it was; only a refused new order has ended.
    final = 1 if message.kind == codes.NEW else 0
    report(world, sender_row(world, message), codes.REJECTED, reason, lots, price, final)


@kernel
def cancel_event(world: Any, slot: int, side: int, price: int, lots: int, reason: int) -> None:
    """Announce that what was left of an order is gone, and free its slot. It must not rest any more."""
    order = world.orders[slot]
    emit(world, codes.CANCELLED, reason, side, i64(order.owner), slot, NONE, price, lots)
    report(world, i64(order.row), codes.CANCELLED, reason, lots, price, 1)
    close_slot(world, slot)


@kernel
def crosses(world: Any, side: int, limit: int) -> bool:
    """Return whether a limit reaches the other side's touch."""
    row = ladder.row_of(-side)
    count = world.book.count[row]
    return bool(count > 0 and world.book.key[row, count - 1] >= -side * limit)


@kernel
def reachable_lots(world: Any, side: int, limit: int, owner: int, enough: int) -> int:
    """Count lots within reach of a limit, up to ``enough``, as self-match prevention would leave them."""
    book = world.book
    row = ladder.row_of(-side)
    policy = world.venue.self_match
    guarded = owner != codes.BACKGROUND and policy != codes.ALLOW
    found = 0
    for place in range(book.count[row] - 1, -1, -1):
        if book.key[row, place] < -side * limit or found >= enough:
            break
        level = book.levels[book.level[row, place]]
        if not guarded:
            found += level.lots
            continue
        slot = level.head
        while slot != NONE:
            order = world.orders[slot]
            # Lots behind the owner's own order are out of reach where that order ends the incoming one. All is counted
            # here because fill-or-kill is decided before the first lot trades: an exchange does not take fills back.
            if order.owner != owner:
                found += order.lots
            elif policy != codes.CANCEL_RESTING:
                return found
            slot = order.next
    return found


@kernel
def level_room(world: Any, side: int, price: int, leaving: int) -> bool:
    """Return whether an order could rest at ``price``, with ``leaving`` levels of its side about to go."""
    book = world.book
    if ladder.find(book, side, side * price) != NONE:
        return True
    return bool(book.count[ladder.row_of(side)] - leaving < book.key.shape[1])


@kernel
def admit(world: Any, side: int, kind: int, tif: int, post_only: int, owner: int, price: int, lots: int) -> Any:
    """Apply checks 7 to 10 to a limit or market order.

    Returns:
        The reason it cannot enter (``NO_REASON`` if it can) and its effective limit in ticks.
    """
    limit = price
    if world.venue.auction and (kind == codes.MARKET or tif > codes.DAY):
        return codes.NO_MATCHING, limit
    if kind == codes.MARKET:
        if ladder.touch(world.book, -side) == NONE:
            return codes.NO_OPPOSITE, limit
        # CME's market order with protection: a limit a fixed distance through the touch, at which the remainder rests,
        # so that a thin book cannot fill it at any price.
        limit = touch_ticks(world, -side) + side * world.venue.protection_ticks
        limit = side * min(side * limit, farthest_key(world, side))
    if post_only and crosses(world, side, limit):
        return codes.WOULD_CROSS, limit
    if tif <= codes.DAY and not level_room(world, side, limit, 0):
        return codes.LEVEL_CAPACITY, limit
    if tif == codes.FOK and reachable_lots(world, side, limit, owner, lots) < lots:
        return codes.FOK_UNFILLABLE, limit
    return codes.NO_REASON, limit


@kernel
def trade(world: Any, side: int, slot: int, resting: int, lots: int) -> None:
    """Let an aggressor of ``side`` trade with the resting order. ``slot`` is NONE for a history's aggressor."""
    maker = world.orders[resting]
    maker_row = i64(maker.row)
    price = -side * world.book.levels[maker.level].key
    taker_row = NONE
    taker_owner = codes.BACKGROUND
    if slot != NONE:
        taker_row = i64(world.orders[slot].row)
        taker_owner = i64(world.orders[slot].owner)
    is_desk_trade = maker_row != NONE or taker_row != NONE
    # Read before the trade changes the book: a fill is measured against the mid it met, not the one it made.
    mid = mid_half_ticks(world) if is_desk_trade else 0
    one_sided = is_one_sided(world) if is_desk_trade else False
    emit(world, codes.TRADED, codes.NO_REASON, side, taker_owner, slot, resting, price, lots)
    note_trade(world, price, lots)
    add_to_impact(world, side, taker_owner, lots)
    if is_actor(taker_owner):
        world.effects[taker_owner - codes.ACTOR].traded_lots += lots
    if is_actor(i64(maker.owner)):
        world.effects[maker.owner - codes.ACTOR].traded_lots += lots
    maker.filled += lots
    shrink(world, resting, lots, TRADE)
    done = 1 if maker.lots == 0 else 0
    # Maker before taker, always: the order of reports is part of what has to be deterministic.
    if maker_row != NONE:
        on_fill(world, maker_row, price, lots, mid, one_sided)
        report(world, maker_row, codes.TRADED, codes.NO_REASON, lots, price * lots, done)
    if done:
        close_slot(world, resting)
    if slot != NONE:
        taker = world.orders[slot]
        taker.lots -= lots
        taker.filled += lots
    if taker_row != NONE:
        on_fill(world, taker_row, price, lots, mid, one_sided)
        report(world, taker_row, codes.TRADED, codes.NO_REASON, lots, price * lots, 1 if taker.lots == 0 else 0)


@kernel
def note_trade(world: Any, price: int, lots: int) -> None:
    """Record a print: last price, counts, what waits for it (stops, conditions of decisions), the venue's guards."""
    world.last_trade = price
    world.traded = 1
    world.trade_count += 1
    world.traded_lots += lots
    world.traded_notional += float(price) * lots
    world.reach_high = max(world.reach_high, price)
    world.reach_low = min(world.reach_low, price)
    on_trade(world, price)
    guards = world.venue.guards
    if guards[0].move_ticks | guards[1].move_ticks:
        check_guards(world, price)


@kernel
def match(world: Any, slot: int, side: int, limit: int) -> bool:
    """Trade an incoming order against the book within its limit, unless and until the venue only collects orders.

    Returns:
        False if self-match prevention ends the incoming order.
    """
    book = world.book
    row = ladder.row_of(-side)
    incoming = world.orders[slot]
    policy = world.venue.self_match
    guarded = incoming.owner != codes.BACKGROUND and policy != codes.ALLOW
    while incoming.lots > 0 and world.venue.auction == 0 and crosses(world, side, limit):
        resting = i64(book.levels[book.level[row, book.count[row] - 1]].head)
        maker = world.orders[resting]
        # Checked order by order: lots of others that stand before the owner's order trade first, as priority demands.
        if guarded and maker.owner == incoming.owner:
            if policy != codes.CANCEL_INCOMING:
                price = -side * book.levels[maker.level].key
                cancel_event(world, resting, -side, price, pull(world, resting), codes.SELF_MATCH)
            if policy != codes.CANCEL_RESTING:
                return False
            continue
        trade(world, side, slot, resting, min(incoming.lots, maker.lots))
    return True


@kernel
def schedule_entry(world: Any, slot: int, side: int, limit: int) -> int:
    """Note the terms on which an accepted order enters the book next, and return its slot.

    Entering is left to ``exchange.handle``: everything a function calls is optimised again as part
    of it, so one caller instead of three makes a cold start seconds shorter.
    """
    world.entering_side = side
    world.entering_limit = limit
    return slot


@kernel
def enter(world: Any, slot: int) -> None:
    """Let an accepted order into the book: match it, then rest, cancel or close what is left."""
    side = world.entering_side
    limit = world.entering_limit
    order = world.orders[slot]
    on_entry(world, i64(order.row), side)
    go_on = match(world, slot, side, limit)
    # Room for the remainder was checked on admission: nothing after the first fill may refuse the order. Where nothing
    # matches (an auction) an order that must trade at once is cancelled, it cannot wait for the opening.
    if order.lots == 0:
        close_slot(world, slot)
    elif not go_on:
        cancel_event(world, slot, side, limit, order.lots, codes.SELF_MATCH)
    elif order.tif <= codes.DAY:
        rest(world, slot, side, side * limit)
    else:
        reason = codes.NO_MATCHING if world.venue.auction else codes.IOC_REMAINDER
        cancel_event(world, slot, side, limit, order.lots, reason)
