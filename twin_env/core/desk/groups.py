"""Orders of the desk that share one life: brackets, and orders that cancel each other.

The desk acts on what it is told. Exits of a bracket wait there (``HELD``) and are sent for what their entry is reported
to have filled; what one exit fills is taken off the others, and the first exit that fills ends what is left of the
entry. All of that crosses the wires like everything else: an exit can fill while the cancel of another is on its way.

What a group is worth without any delay is kept by ``core.intent_groups``.
"""

from typing import Any, Final

from twin_env.core.conditions import ENTRY, EXIT, GIVEN_UP, SIZED
from twin_env.core.desk.desk import HELD, LIVE, SENT, free_row, occupy_row
from twin_env.core.desk.requests import change, drop_held, number_row, send_held, waiting_condition, withdraw
from twin_env.core.intent_groups import is_group_open, join, open_group
from twin_env.core.ledger import on_decision
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import GROUPS, NONE
from twin_env.core.stream import HELD as REQUEST_HELD
from twin_env.core.stream import JOINED as REQUEST_JOINED
from twin_env.core.stream import write_order

NO_EXIT: Final = 2**62  # in the place of an exit's price


@kernel
def free_group(world: Any) -> int:
    """Return a group without members, NONE when all are in use."""
    for group in range(GROUPS):
        orders = 0
        for row in range(world.desk.orders.shape[0]):
            orders += 1 if world.desk.orders[row].group == group else 0
        if orders == 0 and not is_group_open(world, group):
            return group
    return NONE


@kernel
def has_room(world: Any, orders: int) -> bool:
    """Return whether the desk has room for so many orders of a group of their own."""
    return bool(world.desk.orders.shape[0] - world.desk.live >= orders and free_group(world) != NONE)


@kernel
def attach_exits(world: Any, entry: int, target: int, stop: int) -> None:
    """Make an order that was just sent the entry of a bracket; the caller checked that there is room.

    Args:
        world: One world.
        entry: Its row.
        target: Limit of the exit that takes the profit, ticks; ``NO_EXIT`` for none.
        stop: Trigger of the exit that limits the loss, ticks; ``NO_EXIT`` for none.
    """
    group = free_group(world)
    _begin_group(world, group, i64(0))
    _join_group(world, entry, group, ENTRY)
    if target != NO_EXIT:
        _hold_exit(world, entry, codes.LIMIT, target)
    if stop != NO_EXIT:
        _hold_exit(world, entry, codes.STOP, stop)


@kernel
def pair_orders(world: Any, first: int, second: int) -> None:
    """Let two orders for the same lots that were just sent cancel each other (one-cancels-other)."""
    group = free_group(world)
    _begin_group(world, group, i64(world.desk.orders[first].lots))
    _join_group(world, first, group, EXIT)
    _join_group(world, second, group, EXIT)


@kernel
def _begin_group(world: Any, group: int, lots: int) -> None:
    """Begin a group whose exits may fill so many lots: of a bracket none until its entry does."""
    world.desk.group_left[group] = lots
    open_group(world, group, lots)


@kernel
def _join_group(world: Any, row: int, group: int, role: int) -> None:
    order = world.desk.orders[row]
    order.group = group
    order.role = role
    join(world, row, group, role)
    if order.state != HELD:
        write_order(world, row, REQUEST_JOINED, 1)


@kernel
def _hold_exit(world: Any, entry: int, kind: int, price: int) -> None:
    """Let an exit for all that an entry fills wait for it: a limit or a stop at a price in ticks."""
    of = world.desk.orders[entry]
    row = free_row(world)
    limit = price if kind == codes.LIMIT else i64(0)
    trigger = price if kind == codes.STOP else i64(0)
    occupy_row(world.desk, row, i64(-of.side), kind, codes.DAY, limit, trigger, i64(of.lots))
    order = world.desk.orders[row]
    order.state = HELD
    order.sent_ns = world.now_ns
    number_row(world, row, NONE)
    condition, desired = waiting_condition(order, limit, trigger)
    on_decision(world, row, i64(order.side), i64(order.lots), condition, desired)
    _join_group(world, row, i64(of.group), EXIT)
    write_order(world, row, REQUEST_HELD, 1)


@kernel
def follow_group(world: Any, row: int, lots: int, is_over: bool) -> None:
    """Act on a report about a member of a group: ``lots`` it filled, and whether it is over."""
    desk = world.desk
    order = desk.orders[row]
    group = i64(order.group)
    if order.role == ENTRY:
        desk.group_left[group] += lots
    else:
        desk.group_left[group] -= lots
        if lots > 0:
            _end_entry(world, group)
    _size_exits(world, group, lots > 0)
    if order.role == ENTRY and is_over and desk.group_left[group] <= 0:
        _drop_exits(world, group)


@kernel
def _end_entry(world: Any, group: int) -> None:
    """Ask for what is left of an entry to be cancelled: a position that is being closed is not added to."""
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        works = order.state == SENT or order.state == LIVE
        if order.group == group and order.role == ENTRY and works and order.pending == 0:
            withdraw(world, row, 0)


@kernel
def _size_exits(world: Any, group: int, resize: bool) -> None:
    """Send exits that wait, cancel those that may fill nothing more, and resize the others.

    Other lots are asked for once for each fill: asked again at each report, a request that is refused would be sent for
    ever by a desk without delay.
    """
    left = max(world.desk.group_left[group], 0)
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.group != group or (order.role != EXIT and order.role != SIZED):
            continue
        if order.state == HELD:
            if left > 0:
                send_held(world, row, i64(left))
        elif order.state == SENT or order.state == LIVE:
            total = order.filled + left
            if order.role == SIZED:
                total = min(total, order.lots)
            if left == 0:
                if order.filled < order.lots and withdraw(world, row, 0):
                    order.role = GIVEN_UP
            elif resize and total != order.lots and total != order.asked:
                change(world, row, i64(order.price), i64(order.trigger), i64(total), 0)


@kernel
def _drop_exits(world: Any, group: int) -> None:
    """Forget exits that wait for an entry that is over and filled nothing."""
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.group == group and order.state == HELD:
            drop_held(world, row)
