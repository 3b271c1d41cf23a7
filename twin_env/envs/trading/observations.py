"""The observation of the trading environment: what the desk knows of the market, of its position and its orders.

The own side is the bids. :func:`trading_layout` and the kernel :func:`observe` list the same things in the same order.
"""

from typing import Any, Final

from twin_env.core.desk.desk import desk_touch
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.parent import coming_lots, slot_row, standing_price
from twin_env.envs.layout import CLIP, Feature, Layout, logged, plain
from twin_env.envs.observation import (
    DRIFT_TICKS,
    TICKS,
    imbalance,
    log_scale,
    open_frame,
    scale,
    shown_groups,
    write_shown,
)
from twin_env.envs.trading.codecs import PRICES
from twin_env.envs.trading.config import PricedOrders, TradingConfig
from twin_env.envs.trading.prices import EXITS, exits_of

_ACCOUNT: Final = (
    plain("time_left", "fraction of the window", 1.0, "time to the end", 0.0, 1.0),
    plain("position", "fraction of the limit", 1.0, "position as far as the desk knows, positive when long"),
    plain(
        "break_even_ticks",
        "ticks",
        DRIFT_TICKS,
        "mid above the price at which closing wins nothing; 0 when flat",
    ),
    plain("profit_ticks", "ticks per lot of the limit", DRIFT_TICKS, "result at the desk's mid, before fees"),
    plain("buying", "fraction of the limit", 1.0, "lots that buy orders may still fill", 0.0),
    plain("selling", "fraction of the limit", 1.0, "lots that sell orders may still fill", 0.0),
)
_MARKET: Final = (
    plain("spread_ticks", "ticks", TICKS, "best ask minus best bid"),
    plain("drift_ticks", "ticks", DRIFT_TICKS, "mid since the start"),
    plain("step_drift_ticks", "ticks", TICKS, "mid since the last step"),
    plain("imbalance", "", 1.0, "(bid - ask) / (bid + ask) lots at the touch", -1.0, 1.0),
)
_PER_SLOT: Final = 6


def trading_layout(config: TradingConfig) -> Layout:
    """Return the layout of a configuration's observations."""
    shown = config.observation
    groups = {"account": _ACCOUNT, "market": _MARKET} | shown_groups(shown)
    if config.action.slots:
        groups["orders"] = _slots(config.action.slots, isinstance(config.action, PricedOrders))
    return Layout(groups, shown.frames, shown.form == "dict")


def _slots(slots: int, with_exits: bool) -> tuple[Feature, ...]:
    features: list[Feature] = []
    for slot in range(1, slots + 1):
        order = f"the order of slot {slot}"
        features += (
            plain(f"slot_{slot}_side", "", 1.0, f"+1 if {order} buys, -1 if it sells, 0 if there is none", -1.0, 1.0),
            plain(f"slot_{slot}_stop", "", 1.0, f"1 while {order} is a stop", 0.0, 1.0),
            plain(f"slot_{slot}_pending", "", 1.0, f"1 while a request about {order} is unanswered", 0.0, 1.0),
            plain(f"slot_{slot}_offset_ticks", "ticks", TICKS, f"ticks of {order} from its touch, outwards"),
            logged(f"slot_{slot}_left_lots", "lots", f"lots left of {order}"),
            logged(f"slot_{slot}_ahead_lots", "lots", f"lots before {order} in its queue, as the feed tells"),
        )
        if with_exits:
            exits = f"half of the exits of slot {slot} that are not over, waiting ones included"
            features.append(plain(f"slot_{slot}_exits", "", 1.0, exits, 0.0, 1.0))
    return tuple(features)


@kernel
def observe(world: Any, task: Any, params: Any, out: Any) -> None:
    """Write the observation of one world.

    Args:
        world: One world.
        task: Its window.
        params: What is shown.
        out: float32 of shape ``(len(layout),)``: what it held becomes the past.
    """
    desk = world.desk
    most = float(params.most_lots)
    place = open_frame(out, i64(params.width))
    out[place] = max(task.end_ns - world.now_ns, 0) / max(task.end_ns - task.start_ns, 1)
    out[place + 1] = scale(desk.position / most, 1.0, -CLIP)
    break_even = 0.5 * desk.mid - desk.notional / desk.position if desk.position != 0 else 0.0
    out[place + 2] = scale(break_even, DRIFT_TICKS, -CLIP)
    out[place + 3] = scale((0.5 * desk.position * desk.mid - desk.notional) / most, DRIFT_TICKS, -CLIP)
    out[place + 4] = scale(coming_lots(world, codes.BUY) / most, 1.0, 0.0)
    out[place + 5] = scale(coming_lots(world, codes.SELL) / most, 1.0, 0.0)
    out[place + 6] = scale(float(desk_touch(world, codes.SELL) - desk_touch(world, codes.BUY)), TICKS, -CLIP)
    out[place + 7] = scale(0.5 * (desk.mid - task.start_mid), DRIFT_TICKS, -CLIP)
    out[place + 8] = scale(0.5 * (desk.mid - task.last_mid), TICKS, -CLIP)
    out[place + 9] = imbalance(desk, codes.BUY)
    place += 10
    place = write_shown(world, task, params, codes.BUY, out, place)
    for slot in range(params.slots):
        _write_slot(world, task, slot, out, place)
        place += _PER_SLOT
        if params.codec == PRICES:
            out[place] = exits_of(world, task, slot) / EXITS
            place += 1


@kernel
def _write_slot(world: Any, task: Any, slot: int, out: Any, place: int) -> None:
    row = slot_row(world, task, slot)
    if row == NONE:
        for step in range(_PER_SLOT):
            out[place + step] = 0.0
        return
    order = world.desk.orders[row]
    is_stop = order.type == codes.STOP
    side = i64(order.side)
    behind = side * (desk_touch(world, side) - standing_price(world, order))
    beyond = side * (order.price - desk_touch(world, -side))
    out[place] = side
    out[place + 1] = 1.0 if is_stop else 0.0
    out[place + 2] = 1.0 if order.pending > 0 else 0.0
    out[place + 3] = scale(float(beyond if is_stop else behind), TICKS, -CLIP)
    out[place + 4] = log_scale(float(max(order.lots - order.filled, 0)))
    out[place + 5] = log_scale(float(max(order.ahead, 0)))
