"""What actions of all kinds need to know of the desk: slots, prices, and how many lots may still be sent."""

from typing import Any, Final

from twin_env.core.conditions import ENTRY
from twin_env.core.desk.desk import DONE, FREE, HELD, SENT, committed_lots, desk_touch
from twin_env.core.desk.requests import send_cancel, send_new, send_replace
from twin_env.core.exchange import ladder
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE

MAX_SLOTS: Final = 4
SWEEPS: Final = 8  # market orders that may be sent at the end, where one finds less than it needs


@kernel
def slot_row(world: Any, task: Any, slot: int) -> int:
    """Return the desk row of a slot's order, NONE when the slot is empty."""
    return live_row(world, task.row[slot], task.client[slot])


@kernel
def live_row(world: Any, row: int, number: int) -> int:
    """Return a desk row if the order of a number is still in it and not over, else NONE."""
    if row == NONE:
        return NONE
    order = world.desk.orders[row]
    if order.client != number or order.state == FREE or order.state == DONE:
        return NONE
    return i64(row)


@kernel
def uncommitted_lots(world: Any, task: Any) -> int:
    """Return the lots that may still be sent, as the desk knows.

    They are the parent's that are neither filled nor in an order that may still fill, as far as the
    participation of the market's volume allows them.
    """
    most = min(task.lots, task.cap_lots)
    return i64(max(most - world.desk.filled_lots - committed_lots(world), 0))


@kernel
def offset_price(world: Any, side: int, offset: int) -> int:
    """Return the price ``offset`` ticks behind the own touch, as the desk sees it.

    A negative offset improves on the best price of others: an order that improved once does not outbid itself.
    """
    touch = desk_touch(world, side)
    if offset < 0:
        mirror, row = world.desk.book, ladder.row_of(side)
        for place in range(mirror.count[row] - 1, -1, -1):
            price = i64(side * mirror.key[row, place])
            if mirror.levels[mirror.level[row, place]].lots > shown_lots(world, price):
                touch = price
                break
    return i64(touch - side * offset)


@kernel
def shown_lots(world: Any, price: int) -> int:
    """Return how many lots at a price the feed showed to be the desk's own."""
    lots = i64(0)
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.shown_lots > 0 and order.shown_price == price:
            lots += order.shown_lots
    return lots


@kernel
def coming_lots(world: Any, side: int) -> int:
    """Return the lots that live orders of a side could still fill, as the desk knows.

    Of two exits of a bracket both could, where one fills while the cancel of the other is on its way; exits that wait
    for their entry could fill no more than the one that it opens.
    """
    lots = i64(0)
    if world.desk.live == 0:
        return lots
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.state == FREE or order.state == DONE or order.state == HELD:
            continue
        left = max(order.lots, order.asked) - order.filled
        if order.side == side:
            lots += left
        elif order.role == ENTRY:
            lots += max(_exits_of(world, i64(order.group)) - 1, 0) * left
    return lots


@kernel
def _exits_of(world: Any, group: int) -> int:
    """Return how many exits of a group are not over."""
    count = i64(0)
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.group == group and order.role != ENTRY and order.state != DONE:
            count += 1
    return count


@kernel
def is_idle(order: Any) -> bool:
    """Tell whether a desk order works and no request about it is unanswered."""
    return bool(order.state != FREE and order.state != DONE and order.pending == 0)


@kernel
def crossing_price(world: Any, side: int) -> int:
    """Return the limit at which a replaced order takes whatever a market order would."""
    return i64(desk_touch(world, -side) + side * world.venue.protection_ticks)


@kernel
def standing_price(world: Any, order: Any) -> int:
    """Return the limit of a desk order; of a market order that is not acknowledged, the one it is about to have."""
    if order.type == codes.MARKET and order.state == SENT:
        return crossing_price(world, i64(order.side))
    return i64(order.price)


@kernel
def send_limit(world: Any, task: Any, price: int, lots: int) -> int:
    """Send a limit order for the parent and return its row, NONE if it could not leave."""
    return send_new(world, task.side, codes.LIMIT, codes.DAY, 0, price, 0, lots, 0)


@kernel
def send_market(world: Any, task: Any, lots: int) -> int:
    """Send a market order for the parent and return its row, NONE if it could not leave."""
    return send_new(world, task.side, codes.MARKET, codes.IOC, 0, 0, 0, lots, 0)


@kernel
def cancel_all(world: Any) -> None:
    """Ask for every live order to be cancelled."""
    for row in range(world.desk.orders.shape[0]):
        state = world.desk.orders[row].state
        if state != FREE and state != DONE:
            send_cancel(world, row)


@kernel
def keep_participation(world: Any, task: Any, params: Any) -> None:
    """Work out how many lots the volume printed since the decision allows, before an action is carried out."""
    task.cap_lots = task.lots
    if params.most_participation > 0.0:
        task.cap_lots = min(i64(params.most_participation * printed_lots(world, task)), task.lots)


@kernel
def printed_lots(world: Any, task: Any) -> int:
    """Return the volume printed since the decision, as the desk heard, own trades included."""
    return i64(world.desk.bought_lots + world.desk.sold_lots - task.printed_before)


@kernel
def catch_up(world: Any, task: Any, params: Any) -> None:
    """Send to market what an action left below the smallest participation; resting orders are turned over last."""
    if params.least_participation <= 0.0:
        return
    desk = world.desk
    owed = min(i64(params.least_participation * printed_lots(world, task)), task.lots) - desk.filled_lots
    for row in range(desk.orders.shape[0]):
        if _takes(task, desk.orders[row], row):
            owed -= desk.orders[row].lots - desk.orders[row].filled
    lots = min(owed, uncommitted_lots(world, task))
    if lots > 0 and send_market(world, task, lots) != NONE:
        owed -= lots
    price = crossing_price(world, task.side)
    for row in range(desk.orders.shape[0]):
        order = desk.orders[row]
        if owed > 0 and order.state != FREE and order.state != DONE and not _takes(task, order, row):
            # Also where a request is unanswered: the exchange takes them one after another.
            lots = min(owed, order.lots - order.filled)
            if send_replace(world, row, price, 0, i64(order.filled + lots)):
                task.turned[row] = order.client
                owed -= lots


@kernel
def _takes(task: Any, order: Any, row: int) -> bool:
    """Tell whether an order is on its way to trade: a market order, or one that was turned over."""
    live = order.state != FREE and order.state != DONE
    return bool(live and (order.type == codes.MARKET or task.turned[row] == order.client))
