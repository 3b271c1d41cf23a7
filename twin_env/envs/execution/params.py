"""What the kernels of an environment need of its configuration: one record, written once."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import record
from twin_env.envs.execution.config import (
    CHOICES_MAX,
    Action,
    ExecutionConfig,
    LadderAction,
    ScheduleAction,
)
from twin_env.envs.execution.observations import execution_layout
from twin_env.envs.execution.rewards import TERMS
from twin_env.envs.observation import SHOWN_FIELDS, compile_shown
from twin_env.market.market import Market

_NS_PER_S: Final = 1e9

# Codecs.
ORDERS: Final = 0
TABLE: Final = 1
LADDER: Final = 2
SCHEDULE: Final = 3
_CODECS: Final = {"orders": ORDERS, "table": TABLE, "ladder": LADDER, "schedule": SCHEDULE}

RANDOM_SIDE: Final = 0
NO_END: Final = -1
SIDES: Final = {"buy": codes.BUY, "sell": codes.SELL, "random": RANDOM_SIDE}

PARAMS: Final = record(
    [
        ("side", "i8"),  # RANDOM_SIDE: drawn for each episode
        ("lots", "i8"),  # smallest size of a parent order
        ("lots_more", "i8"),  # how many sizes above it may be drawn
        ("horizon_ns", "i8"),
        ("step_ns", "i8"),
        ("grace_ns", "i8"),
        ("sweep", "i8"),
        ("first_ns", "i8"),  # earliest start of an episode
        ("room_ns", "i8"),  # latest start after that, NO_END where the market has no end
        ("least_participation", "f8"),  # 0 for none
        ("most_participation", "f8"),
        *SHOWN_FIELDS,
        ("codec", "i8"),
        ("on_rungs", "i8"),  # 1 where orders are told apart by their price
        ("slots", "i8"),
        ("offset_choices", "i8"),
        ("size_choices", "i8"),
        ("offsets", "i8", CHOICES_MAX),  # ticks behind the own touch
        ("sizes", "f8", CHOICES_MAX),  # fractions of the parent
        ("max_participation", "f8"),
        ("weights", "f8", len(TERMS)),
    ]
)


def compile_params(config: ExecutionConfig, market: Market) -> Any:
    """Return the ``PARAMS`` array of one for a configuration.

    Raises:
        ValueError: The horizon does not fit into the market's history.
    """
    params = np.zeros(1, PARAMS)
    task = config.task
    params["side"] = SIDES[task.side]
    low, high = task.lots_range
    params["lots"] = low
    params["lots_more"] = high - low
    params["horizon_ns"] = round(task.horizon_s * _NS_PER_S)
    params["step_ns"] = round(task.step_s * _NS_PER_S)
    params["grace_ns"] = round(task.grace_s * _NS_PER_S)
    params["sweep"] = task.leftover == "sweep"
    params["first_ns"] = market.first_ns
    params["room_ns"] = _room_ns(config, market)
    params["least_participation"] = task.min_participation or 0.0
    params["most_participation"] = task.max_participation or 0.0
    compile_shown(params, config.observation, execution_layout(config))
    _write_action(params, config.action)
    params["weights"] = [getattr(config.reward, term) for term in TERMS]
    return params


def _write_action(params: NDArray[np.void], action: Action) -> None:
    params["codec"] = _CODECS[action.codec]
    params["slots"] = action.slots
    params["on_rungs"] = isinstance(action, LadderAction)
    if isinstance(action, ScheduleAction):
        params["max_participation"] = action.max_participation
        return
    _list(params, "offset_choices", "offsets", action.offsets_ticks)
    if not isinstance(action, LadderAction):
        _list(params, "size_choices", "sizes", action.fractions)


def _list(params: NDArray[np.void], count: str, name: str, values: tuple[float, ...]) -> None:
    params[count] = len(values)
    params[name][0, : len(values)] = values


def _room_ns(config: ExecutionConfig, market: Market) -> int:
    if market.last_ns is None:
        return NO_END
    task, span_ns = config.task, market.last_ns - market.first_ns
    room_ns = span_ns - round((task.horizon_s + task.grace_s) * _NS_PER_S)
    if room_ns < 0:
        raise ValueError(
            f"task.horizon_s={task.horizon_s} and grace_s={task.grace_s} do not fit into the history, "
            f"which spans {span_ns / _NS_PER_S:.0f} s"
        )
    return room_ns
