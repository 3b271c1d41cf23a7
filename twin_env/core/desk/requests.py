"""Requests of the desk: what it decides leaves on the order link."""

from typing import Any

from twin_env.core.conditions import AT_LIMIT, AT_ONCE, AT_TRIGGER, EXIT, GIVEN_UP, SIZED
from twin_env.core.desk.desk import HELD, SENT, free_row, occupy_row, release_row
from twin_env.core.exchange import ladder
from twin_env.core.faults.modifiers import DECISION_DELAY
from twin_env.core.ledger import clear_marks, on_cancel, on_change, on_decision, on_end, on_send
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.stream import DROPPED as REQUEST_DROPPED
from twin_env.core.stream import HELD as REQUEST_HELD
from twin_env.core.stream import SENT as REQUEST_SENT
from twin_env.core.stream import write_order, write_request
from twin_env.core.wire.links import arrival_ns, depart_at


@kernel
def _request(world: Any, row: int, kind: int, price: int, trigger: int, lots: int) -> bool:
    """Put a request on the order link.

    As many may be unanswered as the link holds; one more is refused here, at once, and counted.
    """
    desk = world.desk
    link = world.order_link
    # Unanswered requests are bounded, not those on the wire: the ring of reports is sized by the answers owed.
    if desk.pending == world.requests.shape[0]:
        desk.rejects += 1
        desk.last_reason = codes.LINK_CAPACITY
        world.rejects[codes.LINK_CAPACITY] += 1
        return False
    request = world.requests[link.pushed & (world.requests.shape[0] - 1)]
    # A host that a fault holds decides now and sends when it is back.
    decided_ns = world.now_ns + desk.decision_ns + i64(world.modifiers[DECISION_DELAY])
    request.sent_ns = max(decided_ns, world.chaos.host_hold_ns)
    request.row = row
    request.kind = kind
    request.price = price
    request.trigger = trigger
    request.lots = lots
    request.side = desk.orders[row].side
    request.type = desk.orders[row].type
    request.tif = codes.GTC
    request["flags"] = 0
    link.pushed += 1
    desk.orders[row].pending += 1
    desk.pending += 1
    return True


@kernel
def send_new(
    world: Any, side: int, kind: int, tif: int, flags: int, price: int, trigger: int, lots: int, intent: int
) -> int:
    """Send a new order.

    Args:
        world: One world.
        side: +1 buy, -1 sell.
        kind: Order type of ``codes``.
        tif: Time in force of ``codes``.
        flags: ``codes.POST_ONLY`` or 0.
        price: Limit, ticks; 0 without one.
        trigger: Of a stop, ticks; 0 without one.
        lots: At least 1.
        intent: The decision that it carries out, NONE for a decision of its own.

    Returns:
        Its row, or NONE when no row is free or the link is full.
    """
    row = free_row(world)
    if row == NONE:
        return NONE
    occupy_row(world.desk, row, side, kind, tif, price, trigger, lots)
    world.desk.orders[row].post_only = 1 if flags & codes.POST_ONLY else 0
    if not _send_row(world, row, flags):
        release_row(world.desk, row)
        return NONE
    number_row(world, row, intent)
    if intent == NONE:
        condition, desired = _condition(world, world.desk.orders[row], price, trigger)
        on_decision(world, row, side, lots, condition, desired)
    _leave(world, 1)
    return row


@kernel
def number_row(world: Any, row: int, intent: int) -> None:
    """Give the order of a row the next number, and note whose decision it carries out; NONE is its own."""
    desk = world.desk
    desk.live += 1
    desk.clients += 1
    desk.orders[row].client = desk.clients
    marks = world.desk_order_marks[row]
    clear_marks(marks)  # the order before in this row is told from its own sends
    marks.client = desk.clients
    marks.intent = row if intent == NONE else intent
    marks.side = desk.orders[row].side


@kernel
def _send_row(world: Any, row: int, flags: int) -> bool:
    """Put the order of a row on the order link as it stands."""
    order = world.desk.orders[row]
    if not _request(world, row, codes.NEW, i64(order.price), i64(order.trigger), i64(order.lots)):
        return False
    request = world.requests[(world.order_link.pushed - 1) & (world.requests.shape[0] - 1)]
    request.tif = order.tif
    request["flags"] = flags
    order.state = SENT
    order.sent_ns = request.sent_ns
    return True


@kernel
def send_held(world: Any, row: int, lots: int) -> bool:
    """Send an exit that waited for its entry; false if the link is full, and it goes on waiting."""
    order = world.desk.orders[row]
    order.lots = lots
    order.asked = lots
    if not _send_row(world, row, 0):
        return False
    _leave(world, 0)
    return True


@kernel
def _condition(world: Any, order: Any, price: int, trigger: int) -> Any:
    """Return when the decision behind an order comes true, and its desired price in half-ticks.

    A limit that crosses the book which the desk sees, and a stop whose trigger it has seen traded, want to trade now:
    at once, at the mid.
    """
    desk = world.desk
    side = order.side
    if order.type == codes.LIMIT:
        row = ladder.row_of(-side)
        count = desk.book.count[row]
        crosses = count > 0 and desk.book.key[row, count - 1] >= -side * price
        if not crosses or order.post_only == 1:
            return waiting_condition(order, price, trigger)
    elif order.type != codes.MARKET:
        heard = desk.trades > 0 or desk.last_trade != 0  # of a trade, be it before the start
        if not heard or side * (trigger - desk.last_trade) > 0:
            return waiting_condition(order, price, trigger)
    return i64(AT_ONCE), i64(desk.mid)


@kernel
def waiting_condition(order: Any, price: int, trigger: int) -> Any:
    """Return when the decision behind a limit order or a stop comes true that cannot do so yet, and its price."""
    if order.type == codes.LIMIT:
        return i64(AT_LIMIT), i64(2 * price)
    return i64(AT_TRIGGER), i64(2 * trigger)


@kernel
def send_cancel(world: Any, row: int) -> bool:
    """Decide that an order is no longer wanted, and ask for it to be cancelled; false if the link is full."""
    order = world.desk.orders[row]
    if order.state == HELD:
        drop_held(world, row)
        return True
    if not withdraw(world, row, 1):
        return False
    on_cancel(world, row)
    if order.role == EXIT or order.role == SIZED:
        order.role = GIVEN_UP
    return True


@kernel
def send_replace(world: Any, row: int, price: int, trigger: int, lots: int) -> bool:
    """Decide on a new price and new total lots of an order, and ask for them; false if the link is full.

    An exit that waits for its entry takes the price alone: its lots are what the entry fills.
    """
    order = world.desk.orders[row]
    if order.state == HELD:
        order.price = price
        order.trigger = trigger
        condition, desired = waiting_condition(order, price, trigger)
        on_change(world, row, i64(order.lots), condition, desired)
        write_order(world, row, REQUEST_HELD, 1)
        return True
    if not change(world, row, price, trigger, lots, 1):
        return False
    if order.role == EXIT or order.role == SIZED or order.role == GIVEN_UP:
        order.role = SIZED if lots - order.filled < world.desk.group_left[order.group] else EXIT
    condition, desired = _condition(world, order, price, trigger)
    on_change(world, row, lots, condition, desired)
    return True


@kernel
def drop_held(world: Any, row: int) -> None:
    """Forget an exit that was never sent."""
    write_order(world, row, REQUEST_DROPPED, 0)
    on_end(world, row)
    release_row(world.desk, row)
    world.desk.live -= 1


@kernel
def withdraw(world: Any, row: int, decided: int) -> bool:
    """Ask for an order to be cancelled; ``decided`` is 0 for the desk's own. False if the link is full."""
    if not _request(world, row, codes.CANCEL, 0, 0, 0):
        return False
    _leave(world, decided)
    return True


@kernel
def change(world: Any, row: int, price: int, trigger: int, lots: int, decided: int) -> bool:
    """Ask for a new price and new total lots of an order; ``decided`` as in :func:`withdraw`."""
    if not _request(world, row, codes.REPLACE, price, trigger, lots):
        return False
    order = world.desk.orders[row]
    order.asked = max(order.asked, lots)
    order.trigger = trigger
    _leave(world, decided)
    return True


@kernel
def _leave(world: Any, decided: int) -> None:
    """Let the newest request leave the desk, now or when its time has come."""
    if world.stream != 0:
        request = world.requests[(world.order_link.pushed - 1) & (world.requests.shape[0] - 1)]
        write_request(world, request, REQUEST_SENT, decided)
    depart(world)


@kernel
def next_departure_ns(world: Any) -> int:
    """Return when the next decided request leaves the desk."""
    link = world.order_link
    if link.departed == link.pushed:
        return codes.NEVER_NS
    return i64(world.requests[link.departed & (world.requests.shape[0] - 1)].sent_ns)


@kernel
def depart(world: Any) -> None:
    """Let requests whose time has come leave."""
    link = world.order_link
    while next_departure_ns(world) <= world.now_ns:
        request = world.requests[link.departed & (world.requests.shape[0] - 1)]
        on_send(world, request)
        request.at_ns = arrival_ns(link, request.sent_ns)
        depart_at(link, request.at_ns)
