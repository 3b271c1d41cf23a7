"""One run of an experiment in one call: the market goes on, children are sent, marks are taken.

Children pass the exchange's door like every background message, so whatever remembers
or reacts to the orders of others remembers and reacts to these.
"""

from typing import Any

from twin_env.core.event_loop import advance
from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import is_one_sided, mid_half_ticks, touch_ticks
from twin_env.core.exchange.exchange import handle
from twin_env.core.flow.price_impact import EXTERNAL
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE


@kernel
def play_schedule(worlds: Any, index: int, tape: Any, children: Any, samples_ns: Any, marks: Any, legs: Any) -> None:
    """Play one world from its present time until the last child and the last sample.

    Wires stay silent: the desk hears and sends nothing. What is due at the same nanosecond goes in
    the order background, children, sample.

    Args:
        worlds: Record array of worlds; only the one at ``index`` changes.
        index: Which one.
        tape: What the world plays if it plays a history; length 0 otherwise.
        children: ``CHILD`` array in time order.
        samples_ns: Int64 array of times after the start of the run, increasing.
        marks: Output, ``MARK`` array as long as ``samples_ns``.
        legs: Output, ``LEG`` array, all zero, with a row for each leg the children name.
    """
    world = worlds[index]
    world.published = 0
    start_ns = world.now_ns
    start_lots = world.traded_lots
    own_lots = 0
    child = 0
    sample = 0
    while child < children.shape[0] or sample < samples_ns.shape[0]:
        child_ns = children[child].offset_ns if child < children.shape[0] else codes.NEVER_NS
        sample_ns = samples_ns[sample] if sample < samples_ns.shape[0] else codes.NEVER_NS
        advance(world, tape, start_ns + min(child_ns, sample_ns))
        if child_ns <= sample_ns:
            own_lots += send_child(world, children[child], legs)
            child += 1
        else:
            mark = marks[sample]
            mark.mid = mid_half_ticks(world)
            mark.traded_lots = world.traded_lots - start_lots
            mark.own_lots = own_lots
            mark.one_sided = 1 if is_one_sided(world) else 0
            sample += 1


@kernel
def send_child(world: Any, child: Any, legs: Any) -> int:
    """Send a child order, with what its leg still misses, and book what it gets.

    Returns:
        Lots filled.
    """
    leg = legs[child.leg]
    side = i64(child.side)
    leg.sent_lots += child.lots
    lots = i64(leg.sent_lots - leg.filled_lots)
    half_spread = side * (2 * touch_ticks(world, -side) - mid_half_ticks(world))
    filled, notional = within_reach(world, side, lots)
    before = world.traded_lots
    write_market_order(world, side, lots)
    handle(world, world.inbox)
    if world.traded_lots == before:
        return 0  # rejected: halted, or nobody on the other side
    leg.filled_lots += filled
    leg.notional += notional
    leg.half_spread += half_spread * filled
    return i64(filled)


@kernel
def within_reach(world: Any, side: int, lots: int) -> Any:
    """Return what a market order would trade now: lots, and ticks x lots.

    Background orders meet no self-match prevention, so the levels tell it all.
    """
    book = world.book
    row = ladder.row_of(-side)
    limit = touch_ticks(world, -side) + side * world.venue.protection_ticks
    filled = 0
    notional = 0
    for place in range(book.count[row] - 1, -1, -1):
        key = book.key[row, place]
        if filled == lots or key < -side * limit:
            break
        part = min(lots - filled, book.levels[book.level[row, place]].lots)
        filled += part
        notional -= side * key * part
    return i64(filled), i64(notional)


@kernel
def write_market_order(world: Any, side: int, lots: int) -> None:
    """Put a background market order, immediate or cancel, into the exchange's inbox."""
    world.price_impact.sender = EXTERNAL
    message = world.inbox
    message.ts_ns = world.now_ns
    message.price = 0
    message.trigger = 0
    message.lots = lots
    message.order = NONE
    message.row = NONE
    message.owner = codes.BACKGROUND
    message["flags"] = 0
    message.kind = codes.NEW
    message.side = side
    message.type = codes.MARKET
    message.tif = codes.IOC
