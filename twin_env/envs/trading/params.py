"""What the kernels of a trading environment need of its configuration: one record, written once."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.layout import record
from twin_env.envs.execution.config import CHOICES_MAX
from twin_env.envs.observation import SHOWN_FIELDS, compile_shown
from twin_env.envs.trading.codecs import CODECS
from twin_env.envs.trading.config import PositionsAction, PricedOrders, TradingAction, TradingConfig, TradingOrders
from twin_env.envs.trading.observations import trading_layout
from twin_env.envs.trading.rewards import TERMS
from twin_env.market.market import SYNTHETIC_MORNING_NS, Market

_NS_PER_S: Final = 1e9
HALF_HOUR_NS: Final = 1_800 * 10**9
DAY_NS: Final = 86_400 * 10**9
_MICRO: Final = 1e6
SESSION: Final = 0  # of a window's length: until the session closes

PARAMS: Final = record(
    [
        ("window_ns", "i8"),
        ("step_ns", "i8"),
        ("grace_ns", "i8"),
        ("flat_at_close", "i8"),
        ("first_ns", "i8"),  # earliest start of an episode
        ("room_ns", "i8"),  # latest start after that
        ("last_ns", "i8"),  # end of a history, 0 for none
        ("most_lots", "i8"),  # position
        ("most_loss_micro", "i8"),  # 0 for no limit
        ("messages_per_s", "f8"),  # 0 for no limit
        *SHOWN_FIELDS,
        ("codec", "i8"),
        ("slots", "i8"),
        ("offset_choices", "i8"),
        ("size_choices", "i8"),
        ("offsets", "i8", CHOICES_MAX),  # ticks behind the touch of the side
        ("stops", "i8", CHOICES_MAX),  # ticks beyond the opposite touch
        ("sizes", "i8", CHOICES_MAX),  # lots, or positions
        ("price_unit", "f8"),  # of prices in an action: a tick, in the unit they are told in
        ("from_start", "i8"),  # 1 if they are told from the mid at the start
        ("weights", "f8", len(TERMS)),
    ]
)


def compile_params(config: TradingConfig, market: Market) -> Any:
    """Return the ``PARAMS`` array of one for a configuration.

    Raises:
        ValueError: The window does not fit into the market's history, or the market's session never closes.
    """
    params = np.zeros(1, PARAMS)
    task, risk = config.task, config.risk
    params["window_ns"] = SESSION if task.window_s == "session" else round(task.window_s * _NS_PER_S)
    params["step_ns"] = round(task.step_s * _NS_PER_S)
    params["grace_ns"] = round(task.grace_s * _NS_PER_S)
    params["flat_at_close"] = task.flat_at_close
    _write_starts(params, config, market)
    params["most_lots"] = risk.max_position_lots
    params["most_loss_micro"] = round((risk.max_loss_ccy or 0.0) * _MICRO)
    params["messages_per_s"] = risk.max_messages_per_s or 0.0
    compile_shown(params, config.observation, trading_layout(config))
    _write_action(params, config.action, market)
    params["weights"] = [getattr(config.reward, term) for term in TERMS]
    return params


def _write_action(params: NDArray[np.void], action: TradingAction, market: Market) -> None:
    params["codec"] = CODECS[action.codec]
    params["slots"] = action.slots
    if isinstance(action, TradingOrders):
        params["offset_choices"] = len(action.offsets_ticks)
        params["size_choices"] = len(action.sizes_lots)
        for name, values in (
            ("offsets", action.offsets_ticks),
            ("stops", action.stops_ticks),
            ("sizes", action.sizes_lots),
        ):
            params[name][0, : len(values)] = values
    elif isinstance(action, PricedOrders):
        params["from_start"] = action.quote == "start"
        params["price_unit"] = 1.0 if action.quote == "start" else market.instrument.to_price(1)
    elif isinstance(action, PositionsAction):
        params["sizes"][0, : len(action.positions_lots)] = action.positions_lots


def _write_starts(params: NDArray[np.void], config: TradingConfig, market: Market) -> None:
    """Write between which times episodes start."""
    task = config.task
    if market.last_ns is None:
        low, high = task.start_range_s
        if task.window_s == "session" and not market.template["efficient_price"]["closes"][0]:
            raise ValueError("task.window_s is 'session', and the sessions of this market never close: give seconds")
        params["first_ns"] = SYNTHETIC_MORNING_NS + round(low * _NS_PER_S)
        params["room_ns"] = round((high - low) * _NS_PER_S)
        _check_open(market, int(params["first_ns"][0]), int(params["room_ns"][0]))
        return
    span_ns = market.last_ns - market.first_ns
    needed_s = 0.0 if task.window_s == "session" else task.window_s + task.grace_s
    if needed_s * _NS_PER_S > span_ns:
        raise ValueError(
            f"task.window_s={task.window_s} and grace_s={task.grace_s} do not fit into the history, "
            f"which spans {span_ns / _NS_PER_S:.0f} s"
        )
    params["first_ns"] = market.first_ns
    params["room_ns"] = 0 if task.window_s == "session" else span_ns - round(needed_s * _NS_PER_S)
    params["last_ns"] = market.last_ns


def _check_open(market: Market, first_ns: int, room_ns: int) -> None:
    """Refuse starts at which the market is closed.

    Raises:
        ValueError: There is one between the earliest and the latest.
    """
    price = market.template["efficient_price"][0]
    if not price["closes"]:
        return
    for at_ns in (*range(first_ns, first_ns + room_ns, HALF_HOUR_NS), first_ns + room_ns):
        if price["activity_curve"][(at_ns + int(price["utc_offset_ns"])) % DAY_NS // HALF_HOUR_NS] == 0.0:
            after_s = (at_ns - SYNTHETIC_MORNING_NS) / _NS_PER_S
            raise ValueError(f"task.start_s: {after_s:.0f} s after 08:00 in New York the market is closed")
