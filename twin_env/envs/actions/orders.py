"""The ``orders`` codec and its table: for each slot what to do, at which offset, for which size."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.desk.requests import send_cancel, send_replace
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.parent import (
    crossing_price,
    offset_price,
    send_limit,
    send_market,
    slot_row,
    uncommitted_lots,
)

# What to do with the order of a slot.
KEEP: Final = 0
CANCEL: Final = 1
LIMIT: Final = 2
MARKET: Final = 3
CHOICES: Final = 4


@lru_cache(maxsize=1024)
def lots_choices(sizes: tuple[float, ...], parent_lots: int) -> NDArray[np.int64]:
    """Turn sizes as fractions of the parent order into lots, at least one each; read-only."""
    lots = np.array([max(1, round(size * parent_lots)) for size in sizes], np.int64)
    lots.flags.writeable = False
    return lots


@kernel
def act_orders(world: Any, task: Any, params: Any, action: Any) -> None:
    """Carry out an ``orders`` action.

    Args:
        world: One world.
        task: Its parent order.
        params: Offsets and sizes to choose from.
        action: int64 of shape ``(3 * slots,)``: choice, offset and size of each slot, all within their ranges.
    """
    for slot in range(params.slots):
        _act(world, task, params, slot, i64(action[3 * slot]), i64(action[3 * slot + 1]), i64(action[3 * slot + 2]))


def table_rows(offsets: int, sizes: int) -> int:
    """Return how many rows the table of one slot's actions has: keep, cancel, limits by offset and size, markets."""
    return 2 + offsets * sizes + sizes


def table_number(choice: int, offset: int, size: int, offsets: int, sizes: int) -> int:
    """Return the row of the table for a choice; :func:`table_choice` is the way back."""
    if choice < LIMIT:
        return choice
    return LIMIT + (offset * sizes + size if choice == LIMIT else offsets * sizes + size)


@kernel
def act_table(world: Any, task: Any, params: Any, number: int) -> None:
    """Carry out a row of the table with the one slot there is.

    Args:
        world: One world.
        task: Its parent order.
        params: Offsets and sizes to choose from.
        number: 0 keeps, 1 cancels; then a limit order for each offset and, within it, size; then a market order for
            each size.
    """
    choice, offset, size = table_choice(params, number)
    _act(world, task, params, 0, choice, offset, size)


@kernel
def table_choice(params: Any, number: int) -> tuple[int, int, int]:
    """Return choice, offset and size of a row of the table."""
    if number < LIMIT:
        return i64(number), i64(0), i64(0)
    place = number - LIMIT
    limits = params.offset_choices * params.size_choices
    if place < limits:
        return i64(LIMIT), i64(place // params.size_choices), i64(place % params.size_choices)
    return i64(MARKET), i64(0), i64(place - limits)


@kernel
def _act(world: Any, task: Any, params: Any, slot: int, choice: int, offset_place: int, size_place: int) -> None:
    """Do with the order of a slot what was chosen."""
    if choice == KEEP:
        return
    offset = i64(params.offsets[offset_place])
    lots = i64(max(1, round(params.sizes[size_place] * task.lots)))
    row = slot_row(world, task, slot)
    if row != NONE:
        _amend(world, task, row, choice, offset, lots)
        return
    lots = min(lots, uncommitted_lots(world, task))
    if choice == CANCEL or lots <= 0:
        return
    if choice == LIMIT:
        row = send_limit(world, task, offset_price(world, task.side, offset), lots)
    else:
        row = send_market(world, task, lots)
    task.row[slot] = row
    task.client[slot] = world.desk.clients


@kernel
def _amend(world: Any, task: Any, row: int, choice: int, offset: int, lots: int) -> None:
    """Cancel or replace a live order; what asks for no change sends nothing and keeps the queue place."""
    order = world.desk.orders[row]
    if order.pending > 0:
        return
    if choice == CANCEL:
        send_cancel(world, row)
        return
    left = order.lots - order.filled
    total = order.filled + min(lots, left + uncommitted_lots(world, task))
    # To market by a replace: it cannot overfill, a cancel followed by a market order could.
    price = offset_price(world, task.side, offset) if choice == LIMIT else crossing_price(world, task.side)
    if price != order.price or total != order.lots:
        send_replace(world, row, price, 0, total)


@kernel
def mask_choices(world: Any, task: Any, slot: int, mask: Any) -> None:
    """Write which choices for a slot do something now: bool of shape ``(CHOICES,)``."""
    row = slot_row(world, task, slot)
    free = row == NONE or world.desk.orders[row].pending == 0
    orders = free and (row != NONE or uncommitted_lots(world, task) > 0)
    mask[KEEP] = True
    mask[CANCEL] = free and row != NONE
    mask[LIMIT] = orders
    mask[MARKET] = orders


@kernel
def mask_table(world: Any, task: Any, mask: Any) -> None:
    """Write which rows of the table do something now: bool of shape ``(table_rows(...),)``."""
    row = slot_row(world, task, 0)
    free = row == NONE or world.desk.orders[row].pending == 0
    mask[:] = free and (row != NONE or uncommitted_lots(world, task) > 0)
    mask[KEEP] = True
    mask[CANCEL] = free and row != NONE
