"""The ``ladder`` codec: how the lots that are left spread over the market, price levels and the pocket.

An action states where lots should be, not what to send. What is sent is the difference to where they are,
chosen so that no lot gives up a queue place that it may keep: an order at a wanted price stays;
too many lots there are taken off the newest order, which keeps the place of the rest; missing lots
come as an order of their own behind it.
"""

from typing import Any, Final

from twin_env.core.desk.desk import DONE, FREE, desk_touch
from twin_env.core.desk.requests import send_cancel, send_replace
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.parent import crossing_price, is_idle, send_limit, send_market, uncommitted_lots

MAX_RUNGS: Final = 8
MAX_ROWS: Final = 16  # orders of the desk that a ladder can tell apart
_NEAREST: Final = 0.5


@kernel
def act_ladder(world: Any, task: Any, params: Any, action: Any) -> None:
    """Carry out a ``ladder`` action.

    Args:
        world: One world.
        task: Its parent order; ``want``, ``have`` and ``spare`` are scratch.
        params: Offsets of the rungs behind the own touch.
        action: float64 of shape ``(slots + 2,)`` in [-1, 1]: market, rungs, hold back. -1 is no weight; what all
            weights sum to is one.
    """
    take_lots = _aim(world, task, params, action)
    _count(world, task, params)
    for rung in range(params.slots):
        _shorten(world, task, params, rung)
    _fill(world, task, take_lots, crossing_price(world, task.side), True)
    for rung in range(params.slots):
        _fill(world, task, i64(task.want[rung] - task.have[rung]), rung_price(world, task, params, rung), False)
    for row in range(world.desk.orders.shape[0]):
        if task.spare[row] > 0:
            send_cancel(world, row)


@kernel
def rung_price(world: Any, task: Any, params: Any, rung: int) -> int:
    """Return the price of a rung, as the desk sees the own touch."""
    return i64(desk_touch(world, task.side) - task.side * params.offsets[rung])


@kernel
def rung_of(world: Any, task: Any, params: Any, order: Any) -> int:
    """Return the rung on which a desk order stands, NONE if on none."""
    if order.type != codes.LIMIT:
        return NONE
    touch = desk_touch(world, task.side)
    for rung in range(params.slots):
        if order.price == touch - task.side * params.offsets[rung]:
            return rung
    return NONE


@kernel
def _aim(world: Any, task: Any, params: Any, action: Any) -> int:
    """Turn weights into lots of the rungs, nearest to the market first; return the lots to take at once."""
    left = i64(max(task.lots - world.desk.filled_lots, 0))
    total = 0.0
    for place in range(params.slots + 2):
        total += 0.5 * (action[place] + 1.0)
    scale = left / total if total > 0.0 else 0.0
    take = min(i64(0.5 * (action[0] + 1.0) * scale + _NEAREST), left)
    left -= take
    for rung in range(params.slots):
        task.want[rung] = min(i64(0.5 * (action[rung + 1] + 1.0) * scale + _NEAREST), left)
        left -= task.want[rung]
    return take


@kernel
def _count(world: Any, task: Any, params: Any) -> None:
    """Count the lots on each rung; whole orders that stand elsewhere are to spare."""
    task.have[:] = 0
    task.spare[:] = 0
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.state == FREE or order.state == DONE:
            continue
        rung = rung_of(world, task, params, order)
        if rung != NONE:
            task.have[rung] += order.lots - order.filled
        elif is_idle(order):
            task.spare[row] = order.lots - order.filled


@kernel
def _shorten(world: Any, task: Any, params: Any, rung: int) -> None:
    """Take lots off a rung that holds too many, those with the worst queue places first."""
    while task.have[rung] > task.want[rung]:
        row = _newest(world, task, params, rung)
        if row == NONE:
            return
        order = world.desk.orders[row]
        left = order.lots - order.filled
        over = min(task.have[rung] - task.want[rung], left)
        task.have[rung] -= over
        if over == left:
            task.spare[row] = left
        else:
            send_replace(world, row, i64(order.price), 0, i64(order.lots - over))


@kernel
def _newest(world: Any, task: Any, params: Any, rung: int) -> int:
    """Return the row of the newest idle order with lots on a rung that is not to spare, NONE if there is none."""
    newest = NONE
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        # The last report of a filled order can be lost: it seems to rest with nothing left, and gives no lots back.
        stays = is_idle(order) and order.lots > order.filled and task.spare[row] == 0
        stays = stays and rung_of(world, task, params, order) == rung
        if stays and (newest == NONE or order.client > world.desk.orders[newest].client):
            newest = row
    return newest


@kernel
def _fill(world: Any, task: Any, lots: int, price: int, take: bool) -> None:
    """Bring lots to a price: orders to spare are moved there, then new ones sent."""
    for row in range(world.desk.orders.shape[0]):
        spare = i64(task.spare[row])
        if spare > 0 and lots > 0:
            moved = min(spare, lots)
            send_replace(world, row, price, 0, i64(world.desk.orders[row].filled + moved))
            task.spare[row] = 0
            lots -= moved
    lots = min(lots, uncommitted_lots(world, task))
    if lots <= 0:
        return
    if take:
        send_market(world, task, lots)
    else:
        send_limit(world, task, price, lots)
