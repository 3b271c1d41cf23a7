"""The opening: orders that were collected without matching trade at one price.

While ``venue.auction`` is set, limit orders rest even where they cross. At the opening all that trades,
trades at one price: the one at which most lots trade; among several, the one that leaves fewest lots over;
then the one nearest to the last trade. Who trades is decided by price and time on both sides. Orders of one
owner that would trade with each other are dealt with before that, so the price is made by what is left.
"""

from typing import Any

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import close_slot, is_one_sided, mid_half_ticks, shrink, touch_ticks
from twin_env.core.exchange.cancel_replace import remove_order
from twin_env.core.exchange.events import emit
from twin_env.core.exchange.matching import crosses, is_actor, note_trade
from twin_env.core.exchange.protections import reset_guards
from twin_env.core.flow.price_impact import ANONYMOUS, add_to_impact
from twin_env.core.ledger import on_fill
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.feed import PRINT_ONLY, REMOVED, publish
from twin_env.core.wire.reports import report


@kernel
def pre_open(world: Any) -> None:
    """Handle a ``PRE_OPEN``: end a session halt and collect orders until an ``OPEN``."""
    venue = world.venue
    venue.halted &= ~codes.HALT_SESSION
    venue.auction = 1
    venue.reopen_ns = codes.NEVER_NS


@kernel
def open_market(world: Any, kind: int) -> None:
    """Handle an ``OPEN`` or ``RESUME``: end a session halt, uncross, let trading go on.

    A ``RESUME`` while orders are collected ends the halt alone. Under another halt the opening waits for its end.
    """
    venue = world.venue
    venue.halted &= ~codes.HALT_SESSION
    if kind == codes.RESUME and venue.auction:
        return
    venue.auction = 1  # trades of an opening do not count for the guards
    if venue.halted:
        venue.reopen_ns = world.now_ns
        return
    # No message causes the trades of the uncross: without this they would count for the sender of the latest one.
    world.price_impact.sender = ANONYMOUS
    world.trader = codes.UNKNOWN_TRADER
    _uncross(world)
    venue.auction = 0
    venue.reopen_ns = codes.NEVER_NS
    reset_guards(world)
    if world.traded:  # stops that the last trade reached are elected next, those of a paused market among them
        world.reach_high = world.last_trade
        world.reach_low = world.last_trade


@kernel
def _uncross(world: Any) -> None:
    while _is_crossed(world):
        # After self-match prevention the price is computed anew: orders that cannot trade must not set it.
        price = opening_price(world)
        if not _resolve_self_match(world, price):
            while crosses(world, codes.BUY, price) and crosses(world, codes.SELL, price):
                _trade(world, price)


@kernel
def _is_crossed(world: Any) -> bool:
    book = world.book
    if book.count[0] == 0 or book.count[1] == 0:
        return False
    return bool(touch_ticks(world, codes.BUY) >= touch_ticks(world, codes.SELL))


@kernel
def opening_price(world: Any) -> int:
    """Return the one price of an opening in ticks; the book must be crossed.

    Lots wanted fall with the price and lots offered rise, so the best prices are neighbours: those at which
    most lots trade, and of them those that leave fewest over. Without a trade to be near to, the mid decides,
    rounded down.
    """
    book = world.book
    bid, ask = touch_ticks(world, codes.BUY), touch_ticks(world, codes.SELL)
    buys = ladder.place_of(book, 0, ask)  # the lowest bid that still wants to trade at the price
    sells = book.count[1] - 1  # the lowest offer that does not yet
    wanted, offered = _lots_from(world, buys), 0
    price, low, high, most, least = ask, ask, ask, -1, 0
    while price <= bid:
        while sells >= 0 and -book.key[1, sells] <= price:
            offered += book.levels[book.level[1, sells]].lots
            sells -= 1
        # Volume and surplus change at prices in the book alone: the walk goes from one to the next, not tick by tick,
        # so a crossed book a thousand ticks wide costs no more than its levels.
        last = book.key[0, buys]  # the last price before any of this changes
        if sells >= 0:
            last = min(last, -book.key[1, sells] - 1)
        volume, surplus = min(wanted, offered), abs(wanted - offered)
        # Volume first, then least surplus. The range from low to high holds every price that does equally well.
        if volume > most or (volume == most and surplus < least):
            low, most, least = price, volume, surplus
        if volume == most and surplus == least:
            high = last
        if last == book.key[0, buys]:
            wanted -= book.levels[book.level[0, buys]].lots
            buys += 1
        price = last + 1
    near = world.last_trade if world.traded else (bid + ask) >> 1
    return i64(min(max(near, low), high))


@kernel
def _lots_from(world: Any, first: int) -> int:
    """Return the lots of all bids from a place in the ladder up to the touch."""
    book = world.book
    lots = 0
    for place in range(first, book.count[0]):
        lots += book.levels[book.level[0, place]].lots
    return lots


@kernel
def _resolve_self_match(world: Any, price: int) -> bool:
    """Let self-match prevention have the first pair of one owner that would trade; return whether there was one."""
    policy = world.venue.self_match
    if policy == codes.ALLOW or world.foreign < 2:
        return False
    orders = world.orders
    buy, sell = _first_in_line(world, codes.BUY), _first_in_line(world, codes.SELL)
    bought, sold = 0, 0  # lots of the two that trade with others before
    while _accepts(world, buy, price) and _accepts(world, sell, price):
        if orders[buy].owner == orders[sell].owner and orders[buy].owner != codes.BACKGROUND:
            _prevent(world, buy, sell, policy)
            return True
        lots = min(orders[buy].lots - bought, orders[sell].lots - sold)
        bought += lots
        sold += lots
        if bought == orders[buy].lots:
            buy, bought = _next_in_line(world, buy), 0
        if sold == orders[sell].lots:
            sell, sold = _next_in_line(world, sell), 0
    return False


@kernel
def _prevent(world: Any, buy: int, sell: int, policy: int) -> None:
    """Cancel what the policy says; of two that rest, the older counts as resting and the younger as incoming."""
    is_buy_older = world.orders[buy].entry < world.orders[sell].entry
    older, younger = (buy, sell) if is_buy_older else (sell, buy)
    if policy != codes.CANCEL_INCOMING:
        remove_order(world, older, codes.SELF_MATCH)
    if policy != codes.CANCEL_RESTING:
        remove_order(world, younger, codes.SELF_MATCH)


@kernel
def _first_in_line(world: Any, side: int) -> int:
    return i64(world.book.levels[ladder.touch(world.book, side)].head)


@kernel
def _next_in_line(world: Any, slot: int) -> int:
    """Return the order that trades after one: the next of its level, or the first of the next level."""
    order = world.orders[slot]
    if order.next != NONE:
        return i64(order.next)
    book = world.book
    level = book.levels[order.level]
    row = ladder.row_of(i64(level.side))
    place = ladder.place_of(book, row, level.key) - 1
    return NONE if place < 0 else i64(book.levels[book.level[row, place]].head)


@kernel
def _accepts(world: Any, slot: int, price: int) -> bool:
    """Return whether there is such an order and it would trade at a price."""
    if slot == NONE:
        return False
    level = world.book.levels[world.orders[slot].level]
    return bool(level.key >= level.side * price)


@kernel
def _trade(world: Any, price: int) -> None:
    """Let the first order of either side trade at the opening's price; the younger counts as the aggressor."""
    buy, sell = _first_in_line(world, codes.BUY), _first_in_line(world, codes.SELL)
    side = codes.BUY if world.orders[buy].entry > world.orders[sell].entry else codes.SELL
    younger, older = (buy, sell) if side == codes.BUY else (sell, buy)
    lots = i64(min(world.orders[buy].lots, world.orders[sell].lots))
    owner = i64(world.orders[younger].owner)
    mid = mid_half_ticks(world)
    one_sided = is_one_sided(world)
    emit(world, codes.TRADED, codes.NO_REASON, side, owner, younger, older, price, lots)
    note_trade(world, price, lots)
    add_to_impact(world, side, owner, lots)
    # The older order first, as the maker in continuous trading: reports have one order everywhere.
    for slot in (older, younger):
        _fill(world, slot, price, lots, mid, one_sided)
    # Both levels were shown to shrink, at their own prices; the print alone has the price of the opening.
    publish(world, PRINT_ONLY, side, price, lots, 0, 0, NONE)


@kernel
def _fill(world: Any, slot: int, price: int, lots: int, mid: int, one_sided: bool) -> None:
    """Fill one order where it rests. The feed shows it leave; its level's price is not that of the trade."""
    order = world.orders[slot]
    row = i64(order.row)
    order.filled += lots
    if is_actor(i64(order.owner)):
        world.effects[order.owner - codes.ACTOR].traded_lots += lots
    shrink(world, slot, lots, REMOVED)
    if row != NONE:
        on_fill(world, row, price, lots, mid, one_sided)
        report(world, row, codes.TRADED, codes.NO_REASON, lots, price * lots, 1 if order.lots == 0 else 0)
    if order.lots == 0:
        close_slot(world, slot)
