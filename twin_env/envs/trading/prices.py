"""The ``prices`` codec: orders at any price and of any size, brackets among them.

A slot holds one order, or one bracket from its entry until its exits are over.
"""

from typing import Any, Final

from twin_env.core.desk.groups import NO_EXIT, attach_exits, has_room
from twin_env.core.desk.requests import send_cancel, send_replace
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.parent import live_row, slot_row
from twin_env.envs.trading.orders import BUY_LIMIT, CANCEL, KEEP, amend, fits, may_send, send_order

NUMBERS: Final = 5  # of a slot
EXITS: Final = 2  # of a bracket: target, stop
_CHOICE, _PRICE, _LOTS, _TARGET, _STOP = range(NUMBERS)
_FAR: Final = 1e12  # ticks: farther is no price


@kernel
def act_prices(world: Any, task: Any, params: Any, action: Any) -> None:
    """Carry out a ``prices`` action.

    Args:
        world: One world.
        task: Its window.
        params: How prices are quoted, and limits.
        action: float64 of shape ``(5 * slots,)``: choice, price, lots, target and stop of each slot; exits that are not
            finite are none.
    """
    for slot in range(params.slots):
        wanted = action[NUMBERS * slot : NUMBERS * (slot + 1)]
        choice = i64(round(wanted[_CHOICE]))
        if choice == CANCEL:
            _cancel_slot(world, task, params, slot)
        elif choice != KEEP and is_slot_empty(world, task, slot):
            _open_slot(world, task, params, slot, choice, wanted)
        elif choice != KEEP:
            _change_slot(world, task, params, slot, choice, wanted)


@kernel
def exit_row(world: Any, task: Any, slot: int, place: int) -> int:
    """Return the desk row of a slot's target (place 0) or stop (1), NONE without one."""
    return live_row(world, task.exit_row[slot, place], task.exit_client[slot, place])


@kernel
def exits_of(world: Any, task: Any, slot: int) -> int:
    """Return how many exits of a slot's bracket are not over."""
    count = 0
    for place in range(EXITS):
        if exit_row(world, task, slot, place) != NONE:
            count += 1
    return i64(count)


@kernel
def is_slot_empty(world: Any, task: Any, slot: int) -> bool:
    """Return whether neither an order nor an exit of a slot is left."""
    return bool(slot_row(world, task, slot) == NONE and exits_of(world, task, slot) == 0)


@kernel
def _ticks(task: Any, params: Any, value: float) -> int:
    """Return a price in ticks, ``NO_EXIT`` for one that is not finite or beyond every price."""
    ticks = value / params.price_unit
    if not abs(ticks) < _FAR:
        return NO_EXIT
    return i64(round(ticks)) + (task.start_mid >> 1 if params.from_start == 1 else 0)


@kernel
def _open_slot(world: Any, task: Any, params: Any, slot: int, choice: int, wanted: Any) -> None:
    """Send a new order, with the exits that are asked for."""
    side = codes.BUY if choice % 2 == 0 else codes.SELL
    kind = i64((choice - BUY_LIMIT) // 2)  # LIMIT, MARKET and STOP have the codes 0, 1, 2
    price = _ticks(task, params, wanted[_PRICE])
    lots = i64(max(round(min(wanted[_LOTS], _FAR)), 1))
    target, stop = _ticks(task, params, wanted[_TARGET]), _ticks(task, params, wanted[_STOP])
    exits = (1 if target != NO_EXIT else 0) + (1 if stop != NO_EXIT else 0)
    crossed = exits == EXITS and side * (target - stop) <= 0
    if (kind != codes.MARKET and price == NO_EXIT) or crossed or (exits > 0 and not has_room(world, 1 + exits)):
        task.refused += 1
        return
    if exits == EXITS and not fits(world, task, params, -side, lots):
        return  # both could fill, where one does while the cancel of the other is on its way
    if not fits(world, task, params, side, lots) or not may_send(world, task, params):
        return
    row = send_order(world, task, side, kind, price, lots)
    task.row[slot] = row
    task.client[slot] = world.desk.clients
    task.exit_row[slot, :] = NONE
    if row == NONE or exits == 0:
        return
    number = world.desk.clients
    attach_exits(world, row, target, stop)
    if target != NO_EXIT:
        number += 1
        _note_exit(world, task, slot, 0, number)
    if stop != NO_EXIT:
        _note_exit(world, task, slot, 1, number + 1)


@kernel
def _note_exit(world: Any, task: Any, slot: int, place: int, number: int) -> None:
    """Note in which row an exit waits, by its number."""
    for row in range(world.desk.orders.shape[0]):
        if world.desk.orders[row].client == number:
            task.exit_row[slot, place] = row
            task.exit_client[slot, place] = number


@kernel
def _change_slot(world: Any, task: Any, params: Any, slot: int, choice: int, wanted: Any) -> None:
    """Move or shrink the order of a slot, and move its exits; what asks for no change sends nothing."""
    side = codes.BUY if choice % 2 == 0 else codes.SELL
    kind = i64((choice - BUY_LIMIT) // 2)
    row = slot_row(world, task, slot)
    if row != NONE:
        price = _ticks(task, params, wanted[_PRICE])
        lots = i64(max(round(min(wanted[_LOTS], _FAR)), 1))
        if kind == codes.MARKET or price != NO_EXIT:
            amend(world, task, params, row, choice, side, kind, price, lots)
    for place in range(EXITS):
        _move_exit(world, task, params, slot, place, _ticks(task, params, wanted[_TARGET + place]))


@kernel
def _move_exit(world: Any, task: Any, params: Any, slot: int, place: int, price: int) -> None:
    """Ask for another price of an exit; its lots are what its entry filled."""
    row = exit_row(world, task, slot, place)
    if row == NONE or price == NO_EXIT:
        return
    order = world.desk.orders[row]
    is_stop = order.type == codes.STOP
    present = order.trigger if is_stop else order.price
    if price == present or order.pending > 0 or not may_send(world, task, params):
        return
    send_replace(world, row, price, price if is_stop else 0, i64(order.lots))


@kernel
def _cancel_slot(world: Any, task: Any, params: Any, slot: int) -> None:
    """Cancel the order of a slot and its exits."""
    row = slot_row(world, task, slot)
    if row != NONE and world.desk.orders[row].pending == 0 and may_send(world, task, params):
        send_cancel(world, row)
    for place in range(EXITS):
        row = exit_row(world, task, slot, place)
        if row != NONE and world.desk.orders[row].pending == 0 and may_send(world, task, params):
            send_cancel(world, row)
