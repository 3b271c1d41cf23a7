"""What a trading action does, and what the risk control lets pass of it."""

from typing import Any, Final

from twin_env.core.desk.desk import desk_touch
from twin_env.core.desk.requests import send_cancel, send_new, send_replace
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.parent import coming_lots, crossing_price, offset_price, slot_row

_NS_PER_S: Final = 1e9

# What to do with the order of a slot.
KEEP: Final = 0
CANCEL: Final = 1
BUY_LIMIT: Final = 2
SELL_LIMIT: Final = 3
BUY_MARKET: Final = 4
SELL_MARKET: Final = 5
BUY_STOP: Final = 6
SELL_STOP: Final = 7
CHOICES: Final = 8


@kernel
def act_orders(world: Any, task: Any, params: Any, action: Any) -> None:
    """Carry out an ``orders`` action.

    Args:
        world: One world.
        task: Its window.
        params: Offsets, triggers and sizes to choose from.
        action: int64 of shape ``(3 * slots,)``: choice, offset and size of each slot, all within their ranges.
    """
    for slot in range(params.slots):
        choice = i64(action[3 * slot])
        if choice == KEEP:
            continue
        side = codes.BUY if choice % 2 == 0 else codes.SELL
        kind = i64((choice - BUY_LIMIT) // 2)  # LIMIT, MARKET and STOP have the codes 0, 1, 2
        price = _price(world, params, side, kind, i64(action[3 * slot + 1]))
        lots = i64(params.sizes[action[3 * slot + 2]])
        row = slot_row(world, task, slot)
        if row != NONE:
            amend(world, task, params, row, choice, side, kind, price, lots)
        elif choice != CANCEL and fits(world, task, params, side, lots) and may_send(world, task, params):
            task.row[slot] = send_order(world, task, side, kind, price, lots)
            task.client[slot] = world.desk.clients


@kernel
def _price(world: Any, params: Any, side: int, kind: int, place: int) -> int:
    """Return the limit of a limit order or the trigger of a stop."""
    if kind != codes.STOP:
        return offset_price(world, side, i64(params.offsets[place]))
    beyond = desk_touch(world, -side)
    heard = world.desk.trades > 0 or world.desk.last_trade != 0  # of a trade, be it before the start
    if heard and side * world.desk.last_trade > side * beyond:
        beyond = i64(world.desk.last_trade)
    return i64(beyond + side * params.stops[place])


@kernel
def amend(
    world: Any, task: Any, params: Any, row: int, choice: int, side: int, kind: int, price: int, lots: int
) -> None:
    """Move, shrink, cross or cancel a live order; what asks for no change sends nothing and keeps the queue place.

    An order never grows: that is another decision, and another order's. An order of another side or kind is cancelled,
    and what was chosen can be sent once its slot is empty.
    """
    order = world.desk.orders[row]
    if order.pending > 0:
        return
    is_stop = order.type == codes.STOP
    wants_stop = kind == codes.STOP
    if choice == CANCEL or order.side != side or is_stop != wants_stop:
        if may_send(world, task, params):
            send_cancel(world, row)
        return
    if kind == codes.MARKET:
        price = crossing_price(world, side)
    total = order.filled + min(lots, order.lots - order.filled)
    present = order.trigger if is_stop else order.price
    if (price != present or total != order.lots) and may_send(world, task, params):
        send_replace(world, row, price, price if is_stop else 0, i64(total))


@kernel
def send_order(world: Any, task: Any, side: int, kind: int, price: int, lots: int) -> int:
    """Send an order that is a decision of its own, and return its row, NONE if it could not leave."""
    stops = kind == codes.STOP
    tif = codes.IOC if kind == codes.MARKET else codes.DAY
    limit = i64(0) if kind == codes.MARKET else price
    row = send_new(world, side, kind, tif, 0, limit, price if stops else i64(0), lots, NONE)
    if row == NONE:
        return NONE
    task.orders += 1
    task.decided_lots += lots
    task.decided_mids += lots * world.desk.mid
    return row


@kernel
def act_target(world: Any, task: Any, params: Any, target: int) -> None:
    """Send what is between a position and the one the desk has or is about to have to market."""
    lots = target - world.desk.position - coming_lots(world, codes.BUY) + coming_lots(world, codes.SELL)
    if lots == 0:
        return
    side = codes.BUY if lots > 0 else codes.SELL
    if fits(world, task, params, side, abs(lots)) and may_send(world, task, params):
        send_order(world, task, side, codes.MARKET, i64(0), i64(abs(lots)))


@kernel
def fits(world: Any, task: Any, params: Any, side: int, lots: int) -> bool:
    """Tell whether the position stays within its limit if an order and all of its side fill; count what does not."""
    fits = lots <= _room_lots(world, params, side)
    if not fits:
        task.refused += 1
    return fits


@kernel
def _room_lots(world: Any, params: Any, side: int) -> int:
    """Return the largest order of a side that keeps the position within its limit if all of its side fill."""
    return i64(params.most_lots - side * world.desk.position - coming_lots(world, side))


@kernel
def may_send(world: Any, task: Any, params: Any) -> bool:
    """Tell whether the message rate allows one more request, and count it; a second's worth may be saved up."""
    if params.messages_per_s <= 0.0:
        return True
    task.tokens = _tokens(world, task, params)
    task.tokens_ns = world.now_ns
    if task.tokens < 1.0:
        task.refused += 1
        return False
    task.tokens -= 1.0
    return True


@kernel
def _tokens(world: Any, task: Any, params: Any) -> float:
    """Return how many requests the message rate has saved up by now."""
    earned = (world.now_ns - task.tokens_ns) / _NS_PER_S * params.messages_per_s
    return float(min(task.tokens + earned, max(params.messages_per_s, 1.0)))


@kernel
def mask_choices(world: Any, task: Any, params: Any, slot: int, mask: Any) -> None:
    """Write which choices for a slot do something now: bool of shape ``(CHOICES,)``.

    What the risk control would reject in every size does nothing.
    """
    row = slot_row(world, task, slot)
    free = row == NONE or world.desk.orders[row].pending == 0
    mask[:] = free and (params.messages_per_s <= 0.0 or _tokens(world, task, params) >= 1.0)
    mask[KEEP] = True
    if row != NONE:
        return
    mask[CANCEL] = False
    smallest = params.sizes[: params.size_choices].min()
    for choice in range(BUY_LIMIT, CHOICES):
        side = codes.BUY if choice % 2 == 0 else codes.SELL
        mask[choice] = mask[choice] and smallest <= _room_lots(world, params, side)
