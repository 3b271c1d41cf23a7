"""The observation of the execution environment: what the desk knows of the market, of its parent order and its orders.

:func:`execution_layout` and the kernel :func:`observe` list the same things in the same order.
"""

from typing import Any

from twin_env.core.desk.desk import DONE, FREE, desk_touch
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.ladder import rung_of
from twin_env.envs.actions.parent import slot_row, standing_price, uncommitted_lots
from twin_env.envs.execution.config import ExecutionConfig, LadderAction, ScheduleAction
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

_TASK = (
    plain("time_left", "fraction of the horizon", 1.0, "time to the deadline", 0.0, 1.0),
    plain("remaining", "fraction of the parent", 1.0, "not filled, as far as the desk knows", 0.0, 1.0),
    plain("uncommitted", "fraction of the parent", 1.0, "what may still be sent", 0.0, 1.0),
    logged("parent_lots", "lots", "size of the parent order"),
    plain("side", "", 1.0, "+1 buys, -1 sells", -1.0, 1.0),
)
_MARKET = (
    plain("spread_ticks", "ticks", TICKS, "opposite touch minus own touch, along the side"),
    plain("drift_ticks", "ticks", DRIFT_TICKS, "mid since the decision, positive when it went against the order"),
    plain("step_drift_ticks", "ticks", TICKS, "mid since the last step, positive when it went against the order"),
    plain("imbalance", "", 1.0, "(own - opposite) / (own + opposite) lots at the touch", -1.0, 1.0),
)
_PER_SLOT = 5
_PER_RUNG = 2


def execution_layout(config: ExecutionConfig) -> Layout:
    """Return the layout of a configuration's observations."""
    shown, action = config.observation, config.action
    groups = {"task": _TASK, "market": _MARKET} | shown_groups(shown)
    if isinstance(action, LadderAction):
        groups["orders"] = _rungs(action.offsets_ticks)
    elif not isinstance(action, ScheduleAction):
        groups["orders"] = _slots(action.slots)
    return Layout(groups, shown.frames, shown.form == "dict")


def _slots(slots: int) -> tuple[Feature, ...]:
    features: list[Feature] = []
    for slot in range(1, slots + 1):
        order = f"the order of slot {slot}"
        features += (
            plain(f"slot_{slot}_live", "", 1.0, f"1 while {order} is sent or working", 0.0, 1.0),
            plain(f"slot_{slot}_pending", "", 1.0, f"1 while a request about {order} is unanswered", 0.0, 1.0),
            plain(f"slot_{slot}_offset_ticks", "ticks", TICKS, f"ticks of {order} behind the own touch"),
            plain(f"slot_{slot}_left", "fraction of the parent", 1.0, f"lots left of {order}", 0.0, 1.0),
            logged(f"slot_{slot}_ahead_lots", "lots", f"lots before {order} in its queue, as the feed tells"),
        )
    return tuple(features)


def _rungs(offsets_ticks: tuple[int, ...]) -> tuple[Feature, ...]:
    features: list[Feature] = []
    for rung, offset in enumerate(offsets_ticks, start=1):
        where = f"{offset} ticks behind the own touch"
        features += (
            plain(f"rung_{rung}_left", "fraction of the parent", 1.0, f"own lots {where}", 0.0, 1.0),
            logged(f"rung_{rung}_ahead_lots", "lots", f"lots before the first own order {where}, as the feed tells"),
        )
    return (*features, plain("elsewhere", "fraction of the parent", 1.0, "own lots on no rung", 0.0, 1.0))


@kernel
def observe(world: Any, task: Any, params: Any, out: Any) -> None:
    """Write the observation of one world.

    Args:
        world: One world.
        task: Its parent order.
        params: What is shown.
        out: float32 of shape ``(len(layout),)``: what it held becomes the past.
    """
    desk = world.desk
    side = i64(task.side)
    place = open_frame(out, i64(params.width))
    out[place] = max(task.end_ns - world.now_ns, 0) / max(task.end_ns - task.start_ns, 1)
    out[place + 1] = max(task.lots - desk.filled_lots, 0) / task.lots
    out[place + 2] = uncommitted_lots(world, task) / task.lots
    out[place + 3] = log_scale(float(task.lots))
    out[place + 4] = side
    out[place + 5] = scale(float(side * (desk_touch(world, -side) - desk_touch(world, side))), TICKS, -CLIP)
    out[place + 6] = scale(0.5 * side * (desk.mid - task.start_mid), DRIFT_TICKS, -CLIP)
    out[place + 7] = scale(0.5 * side * (desk.mid - task.last_mid), TICKS, -CLIP)
    out[place + 8] = imbalance(desk, side)
    place += 9
    place = write_shown(world, task, params, side, out, place)
    if params.on_rungs:
        _write_rungs(world, task, params, out, place)
        return
    for slot in range(params.slots):
        _write_slot(world, task, slot, out, place)
        place += _PER_SLOT


@kernel
def _write_slot(world: Any, task: Any, slot: int, out: Any, place: int) -> None:
    row = slot_row(world, task, slot)
    if row == NONE:
        for step in range(_PER_SLOT):
            out[place + step] = 0.0
        return
    order = world.desk.orders[row]
    out[place] = 1.0
    out[place + 1] = 1.0 if order.pending > 0 else 0.0
    behind = task.side * (desk_touch(world, task.side) - standing_price(world, order))
    out[place + 2] = scale(float(behind), TICKS, -CLIP)
    out[place + 3] = max(order.lots - order.filled, 0) / task.lots
    out[place + 4] = log_scale(float(max(order.ahead, 0)))


@kernel
def _write_rungs(world: Any, task: Any, params: Any, out: Any, place: int) -> None:
    """Sum up the own orders by rung; the lots ahead are those before the oldest."""
    elsewhere = place + _PER_RUNG * params.slots
    out[place : elsewhere + 1] = 0.0
    for rung in range(params.slots):
        task.first_client[rung] = 0
    for row in range(world.desk.orders.shape[0]):
        order = world.desk.orders[row]
        if order.state == FREE or order.state == DONE:
            continue
        rung = rung_of(world, task, params, order)
        left = max(order.lots - order.filled, 0) / task.lots
        if rung == NONE:
            out[elsewhere] = min(out[elsewhere] + left, 1.0)
            continue
        at = place + _PER_RUNG * rung
        out[at] = min(out[at] + left, 1.0)
        if task.first_client[rung] == 0 or order.client < task.first_client[rung]:
            task.first_client[rung] = order.client
            out[at + 1] = log_scale(float(max(order.ahead, 0)))
