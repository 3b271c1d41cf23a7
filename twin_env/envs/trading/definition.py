"""The trading environment as a face of the batch."""

from collections.abc import Mapping
from typing import Any, Final

import gymnasium as gym
import numpy as np

from twin_env.envs.definition import ANY, Face, Wishes, read_start_ns
from twin_env.envs.trading.config import PositionsAction, TradingAction, TradingConfig, TradingOrders
from twin_env.envs.trading.info import INFO_KEYS
from twin_env.envs.trading.observations import trading_layout
from twin_env.envs.trading.orders import CHOICES
from twin_env.envs.trading.rows import mask_rows, start_rows, step_rows
from twin_env.envs.trading.rules import compile_rules
from twin_env.envs.trading.task import TASK
from twin_env.market.market import SYNTHETIC_MORNING_NS

_DAY_NS: Final = 86_400 * 10**9
_SESSION_S: Final = 9.0 * 3600.0  # from 08:00 to the close, about
DEFAULT_CONFIG: Final[dict[str, Any]] = {"market": "mgc_2025", "links": "retail"}


def _action_space(action: TradingAction) -> gym.Space[Any]:
    """Return the space of one row's actions."""
    if isinstance(action, TradingOrders):
        return gym.spaces.MultiDiscrete([CHOICES, len(action.offsets_ticks), len(action.sizes_lots)] * action.slots)
    if isinstance(action, PositionsAction):
        return gym.spaces.Discrete(len(action.positions_lots))
    return gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


def _horizon_s(config: Any) -> float:
    """Return how long an episode lasts at most, in seconds."""
    return _SESSION_S if config.task.window_s == "session" else float(config.task.window_s)


def _read_wishes(options: Mapping[str, Any], rules: Any) -> Wishes:
    """Return the start, counted from the earliest one that may be drawn.

    Raises:
        ValueError: It is impossible.
    """
    if rules["last_ns"][0]:
        return (read_start_ns(options.get("start_s"), int(rules["room_ns"][0])),)
    start_ns = read_start_ns(options.get("start_s"), _DAY_NS)
    earliest_ns = int(rules["first_ns"][0]) - SYNTHETIC_MORNING_NS
    return (start_ns if start_ns == ANY else start_ns - earliest_ns,)


TRADING: Final = Face(
    name="TwinTrading-v0",
    config=TradingConfig,
    default=DEFAULT_CONFIG,
    task=TASK,
    info_keys=INFO_KEYS,
    layout=trading_layout,
    action_space=_action_space,
    compile_rules=compile_rules,
    read_wishes=_read_wishes,
    horizon_s=_horizon_s,
    options=("start_s",),
    start_rows=start_rows,
    step_rows=step_rows,
    mask_rows=mask_rows,
)
