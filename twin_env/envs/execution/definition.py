"""The execution environment as a face of the batch."""

from collections.abc import Mapping
from typing import Any, Final

import gymnasium as gym
import numpy as np

from twin_env.envs.actions.orders import CHOICES, table_rows
from twin_env.envs.definition import ANY, Face, Wishes, read_start_ns
from twin_env.envs.execution.config import Action, ExecutionConfig, LadderAction, OrdersAction, TableAction
from twin_env.envs.execution.info import INFO_KEYS
from twin_env.envs.execution.observations import execution_layout
from twin_env.envs.execution.rows import mask_rows, start_rows, step_rows
from twin_env.envs.execution.rules import SIDES, compile_rules
from twin_env.envs.execution.task import TASK

DEFAULT_CONFIG: Final[dict[str, Any]] = {"market": "mgc_2025", "links": "retail"}


def _action_space(action: Action) -> gym.Space[Any]:
    """Return the space of one row's actions."""
    if isinstance(action, OrdersAction):
        return gym.spaces.MultiDiscrete([CHOICES, len(action.offsets_ticks), len(action.sizes)] * action.slots)
    if isinstance(action, TableAction):
        return gym.spaces.Discrete(table_rows(len(action.offsets_ticks), len(action.sizes)))
    numbers = action.slots + 2 if isinstance(action, LadderAction) else 1
    return gym.spaces.Box(-1.0, 1.0, (numbers,), np.float32)


def _horizon_s(config: Any) -> float:
    """Return how long an episode lasts at most, in seconds."""
    return float(config.task.horizon_s)


def _read_wishes(options: Mapping[str, Any], rules: Any) -> Wishes:
    """Return side and start.

    Raises:
        ValueError: A value is impossible.
    """
    side = options.get("side")
    if side is not None and side not in ("buy", "sell"):
        raise ValueError(f"options['side']={side!r} is not 'buy' or 'sell'")
    return ANY if side is None else SIDES[side], read_start_ns(options.get("start_s"), int(rules["room_ns"][0]))


EXECUTION: Final = Face(
    name="TwinExecution-v0",
    config=ExecutionConfig,
    default=DEFAULT_CONFIG,
    task=TASK,
    info_keys=INFO_KEYS,
    layout=execution_layout,
    action_space=_action_space,
    compile_rules=compile_rules,
    read_wishes=_read_wishes,
    horizon_s=_horizon_s,
    options=("side", "start_s"),
    start_rows=start_rows,
    step_rows=step_rows,
    mask_rows=mask_rows,
)
