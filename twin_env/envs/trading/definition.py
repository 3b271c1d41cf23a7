"""What the trading environment states about itself."""

from collections.abc import Mapping
from typing import Any, Final

import gymnasium as gym
import numpy as np

from twin_env.alpha.objective import NET_RESULT, SHORTFALL, SHORTFALL_WITHOUT_DRIFT
from twin_env.envs.definition import EXPERIMENT_OPTION, EnvDefinition, ResetOption, ResetOptions, read_start_ns
from twin_env.envs.rows import compile_rows
from twin_env.envs.task import NOT_GIVEN
from twin_env.envs.trading import hooks
from twin_env.envs.trading.config import PositionsAction, PricedOrders, TradingAction, TradingConfig, TradingOrders
from twin_env.envs.trading.info import INFO
from twin_env.envs.trading.observations import trading_layout
from twin_env.envs.trading.orders import CHOICES
from twin_env.envs.trading.params import DAY_NS, compile_params
from twin_env.envs.trading.task import TASK, window_end_ns
from twin_env.market.market import SYNTHETIC_MORNING_NS, Market


def _action_space(action: TradingAction) -> gym.Space[Any]:
    """Return the space of one row's actions."""
    if isinstance(action, TradingOrders):
        return gym.spaces.MultiDiscrete([CHOICES, len(action.offsets_ticks), len(action.sizes_lots)] * action.slots)
    if isinstance(action, PricedOrders):
        low, high = [0.0, -np.inf, 0.0, -np.inf, -np.inf], [CHOICES - 1.0, np.inf, np.inf, np.inf, np.inf]
        return gym.spaces.Box(np.array(low * action.slots), np.array(high * action.slots), dtype=np.float64)
    if isinstance(action, PositionsAction):
        return gym.spaces.Discrete(len(action.positions_lots))
    return gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


def _longest_ns(config: Any, market: Market) -> int:
    """Return how long the window is that starts earliest, by the same kernel that ends an episode."""
    params = compile_params(config, market)[0]
    first_ns = int(params["first_ns"])
    return window_end_ns(market.template[0].efficient_price, params, first_ns) - first_ns


def _read_options(options: Mapping[str, Any], params: Any) -> ResetOptions:
    """Return the start, counted from the earliest one that may be drawn.

    Raises:
        ValueError: It is impossible.
    """
    if params["last_ns"][0]:
        return (read_start_ns(options.get("start_s"), int(params["room_ns"][0])),)
    start_ns = read_start_ns(options.get("start_s"), DAY_NS)
    earliest_ns = int(params["first_ns"][0]) - SYNTHETIC_MORNING_NS
    return (start_ns if start_ns == NOT_GIVEN else start_ns - earliest_ns,)


TRADING: Final = EnvDefinition(
    name="TwinTrading-v0",
    config=TradingConfig,
    objectives=(NET_RESULT, SHORTFALL_WITHOUT_DRIFT, SHORTFALL),
    info=INFO,
    ordered_lots=("exec/decided_lots",),
    reset_options=(
        ResetOption("start_s", "seconds", (), "start after 08:00 in New York, or after the beginning of a history"),
        EXPERIMENT_OPTION,
    ),
    task=TASK,
    layout=trading_layout,
    action_space=_action_space,
    compile_params=compile_params,
    read_options=_read_options,
    longest_ns=_longest_ns,
    rows=compile_rows(hooks),
)
