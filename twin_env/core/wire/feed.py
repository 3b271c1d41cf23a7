"""Market data: what the exchange publishes, and the mirror the desk makes of it.

Every change of a level is one sequence-numbered message with the level's new total, so
a mirror heals by itself where it is touched; what a lost message left wrong elsewhere is
repaired by a snapshot, asked for once a gap in the numbers was seen.
"""

from typing import Any, Final

from twin_env.core.exchange import ladder
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
    link = world.market_data_link
    modifiers = world.modifiers
    if modifiers[BIDS_MUTED + ladder.row_of(side)] > 0.0 and kind != PRINT_ONLY:
        return
    # Numbered before it can be lost: a gap in the numbers is the only way in which the desk learns of a loss.
    world.feed_seq += 1
    if in_flight(link) == world.market_data.shape[0]:
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
    link, modifiers, chaos = world.market_data_link, world.modifiers, world.chaos
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
        and in_flight(link) < world.market_data.shape[0]
    ):
        chaos.feed_twice += 1
        _push(world, kind, side, price, lots, change, entry, row)


@kernel
def _swap(world: Any) -> None:
    """Let the two newest messages on the wire change places; each takes the time of the other."""
    link = world.market_data_link
    mask = world.market_data.shape[0] - 1
    newest, before = world.market_data[(link.pushed - 1) & mask], world.market_data[(link.pushed - 2) & mask]
    # Contents change places, times do not: arrivals on the ring stay sorted, which the event loop relies on.
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
    link = world.market_data_link
    mask = world.market_data.shape[0] - 1
    message = world.market_data[link.pushed & mask]
    newest = world.market_data[(link.pushed - 1) & mask]
    # What is sent at one nanosecond travels in one packet: one delay, so no draw depends on how many levels changed.
    same_packet = link.pushed > link.popped and newest.sent_ns == world.now_ns
    message.at_ns = link.last_ns if same_packet else arrival_ns(link, world.now_ns)
    message.sent_ns = world.now_ns
    message.seq = world.feed_seq
    message.price = price
    message.lots = lots
    message.change = change
    message.entry = entry
    message.row = row
    message.client = world.desk_order_marks[row].client if row != NONE else 0
    message.kind = kind
    message.side = side
    link.pushed += 1
    depart_at(link, message.at_ns)


@kernel
def publish_snapshot(world: Any) -> None:
    """Send the whole book as levels; try again later when the wire is full."""
    desk = world.desk
    if in_flight(world.market_data_link) == world.market_data.shape[0]:
        desk.snapshot_ns = world.now_ns + max(desk.recovery_ns, 1_000_000)
        return
    desk.snapshot_ns = NEVER_NS
    book = world.book
    for row in range(2):
        world.snapshot_count[row] = book.count[row]
        for place in range(book.count[row]):
            world.snapshot_key[row, place] = book.key[row, place]
            world.snapshot_lots[row, place] = book.levels[book.level[row, place]].lots
    if world.stream != 0:
        write_level(world, SNAPSHOT, BUY, 0, 0, 0, 0, NONE)
    _push(world, SNAPSHOT, BUY, 0, 0, 0, 0, NONE)


@kernel
def mirror_snapshot(world: Any) -> None:
    """Replace the desk's mirror by the snapshot."""
    mirror = world.desk.book
    ladder.clear(mirror)
    for row in range(2):
        side = 1 - 2 * row
        for place in range(world.snapshot_count[row]):
            set_level(mirror, side, world.snapshot_key[row, place], world.snapshot_lots[row, place])


@kernel
def set_level(mirror: Any, side: int, key: int, lots: int) -> None:
    """Give a level of the mirror its new total; zero removes it."""
    index = ladder.find(mirror, side, key)
    if lots <= 0:
        if index != NONE:
            ladder.remove(mirror, index)
        return
    if index == NONE:
        if not ladder.has_room(mirror, side):
            return  # only stale levels of a gap can fill the mirror; the snapshot clears them
        index = ladder.insert(mirror, side, key)
    mirror.levels[index].lots = lots


@kernel
def receive_market_data(world: Any) -> None:
    """Deliver the oldest market data message on the wire to the desk."""
    link = world.market_data_link
    mask = world.market_data.shape[0] - 1
    message = world.market_data[link.popped & mask]
    link.popped += 1
    link.next_ns = world.market_data[link.popped & mask].at_ns if link.popped < link.departed else NEVER_NS
    if message.sent_ns < world.chaos.feed_back_ns:
        link.lost += 1
        return
    desk = world.desk
    # The only clock the desk has of the exchange: how stale its picture is, it knows from this alone.
    desk.feed_ns = message.sent_ns
    desk.received_ns = world.now_ns
    if world.stream != 0:
        write_feed(world, message, 1 if message.kind != SNAPSHOT and message.seq < desk.next_seq else 0)
    if message.kind == SNAPSHOT:
        mirror_snapshot(world)
        desk.gap = 0
        desk.next_seq = message.seq + 1
    elif message.seq < desk.next_seq:
        world.chaos.feed_late += 1  # a duplicate, or overtaken by a newer message: its totals are out of date
    else:
        if message.seq != desk.next_seq:
            _start_recovery(world)
        desk.next_seq = message.seq + 1
        _apply(world, message)
    _update_mid(desk)


@kernel
def _start_recovery(world: Any) -> None:
    desk = world.desk
    # The mirror goes on meanwhile: levels that are touched are right again, the others wait for the snapshot.
    desk.gaps += 1
    if desk.gap == 0 and world.chaos.unrecovered == 0:
        desk.gap = 1
        desk.snapshot_ns = world.now_ns + desk.recovery_ns


@kernel
def _apply(world: Any, message: Any) -> None:
    desk = world.desk
    side = i64(message.side)
    desk.updates += 1
    if message.kind == TRADE or message.kind == PRINT_ONLY:
        # A trade's side is that of the level it took from, a bare print's is the aggressor's: there is no level.
        aggressor = -side if message.kind == TRADE else side
        traded = -message.change if message.kind == TRADE else message.lots
        desk.last_trade = message.price
        desk.trades += 1
        if aggressor == BUY:
            desk.bought_lots += traded
        else:
            desk.sold_lots += traded
    if message.kind == PRINT_ONLY:
        return
    set_level(desk.book, side, side * message.price, message.lots)
    # Rows are used again: the client number tells a message about the row's order from one about the order before.
    if message.row != NONE and desk.orders[message.row].client == message.client:
        _follow_desk_order(desk.orders[message.row], message)
    if desk.live > 0 and message.kind != ADDED:
        _advance_queue_positions(desk, side, message)


@kernel
def _advance_queue_positions(desk: Any, side: int, message: Any) -> None:
    """Move desk orders forward by the lots that left the queue before them."""
    for row in range(desk.orders.shape[0]):
        order = desk.orders[row]
        if (
            order.shown_lots > 0
            and order.side == side
            and order.shown_price == message.price
            and order.entry > message.entry
        ):
            order.ahead = max(order.ahead + message.change, 0)


@kernel
def _follow_desk_order(order: Any, message: Any) -> None:
    """Note where the feed shows a desk order in its queue, and when it leaves."""
    if message.kind == ADDED:
        order.entry = message.entry
        order.ahead = message.lots - message.change
        order.shown_price = message.price
        order.shown_lots = message.change
        return
    order.shown_lots += message.change
    if order.shown_lots <= 0:
        order.shown_lots = 0
        order.ahead = NONE
        order.entry = NONE


@kernel
def _update_mid(desk: Any) -> None:
    mirror = desk.book
    bids = mirror.count[0]
    asks = mirror.count[1]
    if bids > 0 and asks > 0:
        desk.mid = mirror.key[0, bids - 1] - mirror.key[1, asks - 1]
