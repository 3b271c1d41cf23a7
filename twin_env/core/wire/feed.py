"""Market data: what the exchange publishes, and the mirror the desk makes of it.

Every change of a level is one sequence-numbered message with the level's new total, so
a mirror heals by itself where it is touched; what a lost message left wrong elsewhere is
repaired by a snapshot, asked for once a gap in the numbers was seen.
"""

from typing import Any, Final

from twin_env.core.exchange import ladder as ladders
from twin_env.core.faults.modifiers import BIDS_MUTED, FEED_DUPLICATION, FEED_LOSS, FEED_REORDERING
from twin_env.core.state.codes import BUY, NEVER_NS
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.state.rng import CHAOS_STREAM, stream_key, uniform
from twin_env.core.stream import write_feed, write_level
from twin_env.core.wire.links import arrival_ns, depart_at, in_flight

ADDED: Final = 1
REMOVED: Final = 2
TRADE: Final = 3  # a resting order traded: the level shrinks and the print is the aggressor's
PRINT_ONLY: Final = 4  # a trade against an order that was not in the book
SNAPSHOT: Final = 5

_FAULT_OFFSET: Final = 6 << 40  # beside the draws of the gateway
_LOSS_OFFSET: Final = 1 << 40  # loss draws sit far from delay draws on the same stream


@kernel
def publish(world: Any, kind: int, side: int, price: int, lots: int, change: int, entry: int, row: int) -> None:
    """Send one market data message. ``side`` is that of the level, or of the aggressor of a print."""
    if world.stream != 0:
        write_level(world, kind, side, price, lots, change, entry, row)
    if world.published == 0:
        return
    link = world.tick_link
    modifiers = world.modifiers
    if modifiers[BIDS_MUTED + ladders.row_of(side)] > 0.0 and kind != PRINT_ONLY:
        return
    world.feed_seq += 1
    if in_flight(link) == world.ticks.shape[0]:
        link.conflated += 1  # a full wire drops; the desk sees the gap and recovers
        return
    if link.loss > 0.0 and uniform(link.key, world.feed_seq + _LOSS_OFFSET) < link.loss:
        link.lost += 1
        return
    if world.chaos.wires_modified:
        _push_badly(world, kind, side, price, lots, change, entry, row)
    else:
        _push(world, kind, side, price, lots, change, entry, row)


@kernel
def _push_badly(world: Any, kind: int, side: int, price: int, lots: int, change: int, entry: int, row: int) -> None:
    """Send a message over a wire that loses, repeats or swaps."""
    link, modifiers, chaos = world.tick_link, world.modifiers, world.chaos
    draw = 4 * world.feed_seq + _FAULT_OFFSET
    key = stream_key(world.seed, CHAOS_STREAM, 0)
    if modifiers[FEED_LOSS] > 0.0 and uniform(key, draw) < modifiers[FEED_LOSS]:
        link.lost += 1
        return
    _push(world, kind, side, price, lots, change, entry, row)
    if modifiers[FEED_REORDERING] > 0.0 and in_flight(link) > 1:
        chaos.feed_neighbours += 1
        if uniform(key, draw + 1) < modifiers[FEED_REORDERING]:
            chaos.feed_swapped += 1
            _swap(world)
    if (
        modifiers[FEED_DUPLICATION] > 0.0
        and uniform(key, draw + 2) < modifiers[FEED_DUPLICATION]
        and in_flight(link) < world.ticks.shape[0]
    ):
        chaos.feed_twice += 1
        _push(world, kind, side, price, lots, change, entry, row)


@kernel
def _swap(world: Any) -> None:
    """Let the two newest messages on the wire change places; each takes the time of the other."""
    link = world.tick_link
    mask = world.ticks.shape[0] - 1
    newest, before = world.ticks[(link.pushed - 1) & mask], world.ticks[(link.pushed - 2) & mask]
    newest.seq, before.seq = before.seq, newest.seq
    newest.price, before.price = before.price, newest.price
    newest.lots, before.lots = before.lots, newest.lots
    newest.change, before.change = before.change, newest.change
    newest.entry, before.entry = before.entry, newest.entry
    newest.client, before.client = before.client, newest.client
    newest.row, before.row = before.row, newest.row
    newest.kind, before.kind = before.kind, newest.kind
    newest.side, before.side = before.side, newest.side


@kernel
def _push(world: Any, kind: int, side: int, price: int, lots: int, change: int, entry: int, row: int) -> None:
    link = world.tick_link
    mask = world.ticks.shape[0] - 1
    tick = world.ticks[link.pushed & mask]
    newest = world.ticks[(link.pushed - 1) & mask]
    same_packet = link.pushed > link.popped and newest.sent_ns == world.now_ns
    tick.at_ns = link.last_ns if same_packet else arrival_ns(link, world.now_ns)
    tick.sent_ns = world.now_ns
    tick.seq = world.feed_seq
    tick.price = price
    tick.lots = lots
    tick.change = change
    tick.entry = entry
    tick.row = row
    tick.client = world.own[row].client if row != NONE else 0
    tick.kind = kind
    tick.side = side
    link.pushed += 1
    depart_at(link, tick.at_ns)


@kernel
def publish_snapshot(world: Any) -> None:
    """Send the whole book as levels; try again later when the wire is full."""
    desk = world.desk
    if in_flight(world.tick_link) == world.ticks.shape[0]:
        desk.snapshot_ns = world.now_ns + max(desk.recovery_ns, 1_000_000)
        return
    desk.snapshot_ns = NEVER_NS
    book = world.book
    for row in range(2):
        world.snapshot_count[row] = book.count[row]
        for place in range(book.count[row]):
            world.snapshot_key[row, place] = book.key[row, place]
            world.snapshot_lots[row, place] = book.levels[book.level[row, place]].lots
    _push(world, SNAPSHOT, BUY, 0, 0, 0, 0, NONE)


@kernel
def mirror_snapshot(world: Any) -> None:
    """Replace the desk's mirror by the snapshot."""
    mirror = world.desk.book
    ladders.clear(mirror)
    for row in range(2):
        side = 1 - 2 * row
        for place in range(world.snapshot_count[row]):
            set_level(mirror, side, world.snapshot_key[row, place], world.snapshot_lots[row, place])


@kernel
def set_level(mirror: Any, side: int, key: int, lots: int) -> None:
    """Give a level of the mirror its new total; zero removes it."""
    index = ladders.find(mirror, side, key)
    if lots <= 0:
        if index != NONE:
            ladders.remove(mirror, index)
        return
    if index == NONE:
        if not ladders.has_room(mirror, side):
            return  # only stale levels of a gap can fill it; the snapshot clears them
        index = ladders.insert(mirror, side, key)
    mirror.levels[index].lots = lots


@kernel
def hear(world: Any) -> None:
    """Let the oldest market data message on the wire reach the desk."""
    link = world.tick_link
    mask = world.ticks.shape[0] - 1
    tick = world.ticks[link.popped & mask]
    link.popped += 1
    link.next_ns = world.ticks[link.popped & mask].at_ns if link.popped < link.departed else NEVER_NS
    if tick.sent_ns < world.chaos.feed_back_ns:
        link.lost += 1
        return
    desk = world.desk
    desk.feed_ns = tick.sent_ns
    desk.heard_ns = world.now_ns
    if world.stream != 0:
        write_feed(world, tick, 1 if tick.kind != SNAPSHOT and tick.seq < desk.next_seq else 0)
    if tick.kind == SNAPSHOT:
        mirror_snapshot(world)
        desk.gap = 0
        desk.next_seq = tick.seq + 1
    elif tick.seq < desk.next_seq:
        world.chaos.feed_late += 1  # it came twice, or a newer one overtook it: what it says is old
    else:
        if tick.seq != desk.next_seq:
            _notice_gap(world)
        desk.next_seq = tick.seq + 1
        _apply(world, tick)
    _remember_mid(desk)


@kernel
def _notice_gap(world: Any) -> None:
    desk = world.desk
    desk.gaps += 1
    if desk.gap == 0 and world.chaos.unrecovered == 0:
        desk.gap = 1
        desk.snapshot_ns = world.now_ns + desk.recovery_ns


@kernel
def _apply(world: Any, tick: Any) -> None:
    desk = world.desk
    side = i64(tick.side)
    desk.updates += 1
    if tick.kind == TRADE or tick.kind == PRINT_ONLY:
        aggressor = -side if tick.kind == TRADE else side
        traded = -tick.change if tick.kind == TRADE else tick.lots
        desk.last_trade = tick.price
        desk.trades += 1
        if aggressor == BUY:
            desk.bought_lots += traded
        else:
            desk.sold_lots += traded
    if tick.kind == PRINT_ONLY:
        return
    set_level(desk.book, side, side * tick.price, tick.lots)
    if tick.row != NONE and desk.orders[tick.row].client == tick.client:
        _show_own(desk.orders[tick.row], tick)
    if desk.live > 0 and tick.kind != ADDED:
        _advance_own(desk, side, tick)


@kernel
def _advance_own(desk: Any, side: int, tick: Any) -> None:
    """Lots that left the queue before an own order bring it forward."""
    for row in range(desk.orders.shape[0]):
        own = desk.orders[row]
        if own.shown_lots > 0 and own.side == side and own.shown_price == tick.price and own.entry > tick.entry:
            own.ahead = max(own.ahead + tick.change, 0)


@kernel
def _show_own(own: Any, tick: Any) -> None:
    """Follow an own order's appearance in its queue, and its leaving."""
    if tick.kind == ADDED:
        own.entry = tick.entry
        own.ahead = tick.lots - tick.change
        own.shown_price = tick.price
        own.shown_lots = tick.change
        return
    own.shown_lots += tick.change
    if own.shown_lots <= 0:
        own.shown_lots = 0
        own.ahead = NONE
        own.entry = NONE


@kernel
def _remember_mid(desk: Any) -> None:
    mirror = desk.book
    bids = mirror.count[0]
    asks = mirror.count[1]
    if bids > 0 and asks > 0:
        desk.mid = mirror.key[0, bids - 1] - mirror.key[1, asks - 1]
