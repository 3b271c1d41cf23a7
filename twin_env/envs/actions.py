"""What an action does: numbers become order messages, and never more lots than are left.

Every codec is one kernel that reads an action and puts requests on the desk's order
link. An order with an unanswered request is left alone until the answer came: a desk
that piles requests on an order it does not understand is how accidents happen.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core import codes
from twin_env.core.desk import DONE, FREE, committed_lots, desk_touch, send_cancel, send_new, send_replace
from twin_env.core.jit import i64, kernel
from twin_env.core.layout import NONE

MAX_SLOTS: Final = 4

# What to do with the order of a slot.
KEEP: Final = 0
CANCEL: Final = 1
LIMIT: Final = 2
MARKET: Final = 3
CHOICES: Final = 4

# Codecs.
ORDERS: Final = 0
SCHEDULE: Final = 1


@lru_cache(maxsize=1024)
def lots_choices(sizes: tuple[float, ...], parent_lots: int) -> NDArray[np.int64]:
    """Turn sizes as fractions of the parent order into lots, at least one each; read-only."""
    lots = np.array([max(1, round(size * parent_lots)) for size in sizes], np.int64)
    lots.flags.writeable = False
    return lots


@kernel
def slot_row(world: Any, task: Any, slot: int) -> int:
    """Return the desk row of a slot's order, NONE when the slot is empty."""
    row = task.row[slot]
    if row == NONE:
        return NONE
    order = world.desk.orders[row]
    if order.client != task.client[slot] or order.state == FREE or order.state == DONE:
        return NONE
    return i64(row)


@kernel
def uncommitted_lots(world: Any, task: Any) -> int:
    """Return the parent's lots that are neither filled nor in an order that may still fill, as the desk knows."""
    return i64(max(task.lots - world.desk.filled_lots - committed_lots(world), 0))


@kernel
def act_orders(world: Any, task: Any, rules: Any, action: Any) -> None:
    """Carry out an ``orders`` action.

    Args:
        world: One world.
        task: Its parent order.
        rules: Offsets and sizes to choose from.
        action: int64 of shape ``(3 * slots,)``: choice, offset and size of each slot, all within their ranges.
    """
    for slot in range(rules.slots):
        choice = i64(action[3 * slot])
        if choice != KEEP:
            lots = i64(max(1, round(rules.sizes[action[3 * slot + 2]] * task.lots)))
            _act(world, task, slot, choice, i64(rules.offsets[action[3 * slot + 1]]), lots)


@kernel
def _act(world: Any, task: Any, slot: int, choice: int, offset: int, lots: int) -> None:
    row = slot_row(world, task, slot)
    if row != NONE:
        _amend(world, task, row, choice, offset, lots)
        return
    lots = min(lots, uncommitted_lots(world, task))
    if choice == CANCEL or lots <= 0:
        return
    if choice == LIMIT:
        price = desk_touch(world, task.side) - task.side * offset
        row = send_new(world, task.side, codes.LIMIT, codes.DAY, 0, price, 0, lots, 0)
    else:
        row = send_new(world, task.side, codes.MARKET, codes.IOC, 0, 0, 0, lots, 0)
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
    if choice == LIMIT:
        price = desk_touch(world, task.side) - task.side * offset
    else:  # a replace cannot overfill, a cancel followed by a market order could
        price = desk_touch(world, -task.side) + task.side * world.venue.protection_ticks
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
def act_schedule(world: Any, task: Any, rules: Any, rate: float) -> None:
    """Carry out a ``schedule`` action: take a share of what the market traded during the last step.

    Args:
        world: One world.
        task: Its parent order.
        rules: The largest share of the printed volume.
        rate: Action in [-1, 1]; -1 trades nothing, +1 that share.
    """
    task.carry += 0.5 * (rate + 1.0) * rules.max_participation * (task.bought + task.sold)
    lots = min(i64(task.carry), uncommitted_lots(world, task))
    if lots > 0:
        task.carry -= lots
        send_new(world, task.side, codes.MARKET, codes.IOC, 0, 0, 0, lots, 0)
