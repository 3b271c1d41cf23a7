"""What the execution environment states about itself."""

from collections.abc import Mapping
from typing import Any, Final

import gymnasium as gym
import numpy as np

from twin_env.alpha.objective import FILLED_LOTS, NET_RESULT, SHORTFALL, SHORTFALL_WITHOUT_DRIFT
from twin_env.envs.actions.orders import CHOICES, table_rows
from twin_env.envs.definition import EXPERIMENT_OPTION, EnvDefinition, ResetOption, ResetOptions, read_start_ns
from twin_env.envs.execution import hooks
from twin_env.envs.execution.config import Action, ExecutionConfig, LadderAction, OrdersAction, TableAction
from twin_env.envs.execution.info import INFO
from twin_env.envs.execution.observations import execution_layout
from twin_env.envs.execution.params import SIDES, compile_params
from twin_env.envs.execution.task import TASK
from twin_env.envs.rows import compile_rows
from twin_env.envs.task import NOT_GIVEN
from twin_env.market.market import Market

_NS_PER_S: Final = 1e9
_SIDES: Final = ("buy", "sell")


def _action_space(action: Action) -> gym.Space[Any]:
    """Return the space of one row's actions."""
    if isinstance(action, OrdersAction):
        return gym.spaces.MultiDiscrete([CHOICES, len(action.offsets_ticks), len(action.fractions)] * action.slots)
    if isinstance(action, TableAction):
        return gym.spaces.Discrete(table_rows(len(action.offsets_ticks), len(action.fractions)))
    numbers = action.slots + 2 if isinstance(action, LadderAction) else 1
    return gym.spaces.Box(-1.0, 1.0, (numbers,), np.float32)


def _longest_ns(config: Any, market: Market) -> int:
    """Return the time from the decision to the deadline."""
    return round(float(config.task.horizon_s) * _NS_PER_S)


def _read_options(options: Mapping[str, Any], params: Any) -> ResetOptions:
    """Return side and start.

    Raises:
        ValueError: A value is impossible.
    """
    side = options.get("side")
    if side is not None and side not in _SIDES:
        raise ValueError(f"options['side']={side!r} is not 'buy' or 'sell'")
    start_ns = read_start_ns(options.get("start_s"), int(params["room_ns"][0]))
    return NOT_GIVEN if side is None else SIDES[side], start_ns


EXECUTION: Final = EnvDefinition(
    name="TwinExecution-v0",
    config=ExecutionConfig,
    objectives=(SHORTFALL_WITHOUT_DRIFT, SHORTFALL, NET_RESULT),
    info=INFO,
    ordered_lots=(FILLED_LOTS, "exec/remaining_lots"),
    reset_options=(
        ResetOption("side", "a text", _SIDES, "side of the parent order"),
        ResetOption("start_s", "seconds", (), "start after the beginning of a history"),
        EXPERIMENT_OPTION,
    ),
    task=TASK,
    layout=execution_layout,
    action_space=_action_space,
    compile_params=compile_params,
    read_options=_read_options,
    longest_ns=_longest_ns,
    rows=compile_rows(hooks),
)
