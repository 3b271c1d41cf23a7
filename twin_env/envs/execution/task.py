"""The execution task: one parent order, worked until its deadline."""

from typing import Any, Final

from twin_env.core.conditions import AT_ONCE
from twin_env.core.event_loop import advance, next_wire_ns
from twin_env.core.intents import ask, close_intent, open_intent
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import record
from twin_env.core.state.rng import uniform
from twin_env.envs.actions.ladder import MAX_ROWS, MAX_RUNGS
from twin_env.envs.actions.parent import SWEEPS, cancel_all, send_market, uncommitted_lots
from twin_env.envs.execution.params import NO_END, RANDOM_SIDE
from twin_env.envs.task import NOT_GIVEN, TASK_FIELDS

TASK: Final = record(
    [
        *TASK_FIELDS,
        ("side", "i8"),
        ("lots", "i8"),
        ("notional_micro", "i8"),
        ("cap_lots", "i8"),  # most that the participation allows now
        ("printed_before", "i8"),  # volume the desk had heard of at the decision
        ("traded_before", "i8"),  # volume of the market at the decision, lots and ticks x lots
        ("notional_before", "f8"),
        # After the latest step:
        ("drift_bps", "f8"),
        ("vwap_bps", "f8"),
        ("carry", "f8"),  # fraction of a lot the schedule still owes
        ("want", "i8", MAX_RUNGS),  # scratch of the ladder: lots that should be on each rung
        ("have", "i8", MAX_RUNGS),  # lots that are
        ("first_client", "i8", MAX_RUNGS),
        ("spare", "i8", MAX_ROWS),  # lots of orders that may move
        ("turned", "i8", MAX_ROWS),  # orders that were turned over to keep the smallest participation
    ]
)
_SIDE: Final = 0  # places of the options of a reset
_START: Final = 1
_SIDE_DRAW: Final = 0  # draws of the task's stream
_START_DRAW: Final = 1
_LOTS_DRAW: Final = 2


@kernel
def start_ns(params: Any, options: Any, key: Any) -> int:
    """Return when an episode starts: when the reset says, or at a time drawn over a history."""
    after_ns = i64(options[_START])
    if after_ns == NOT_GIVEN:
        after_ns = i64(0) if params.room_ns == NO_END else i64(uniform(key, _START_DRAW) * params.room_ns)
    return i64(params.first_ns + after_ns)


@kernel
def begin(world: Any, task: Any, params: Any, options: Any, key: Any) -> None:
    """Decide to trade: the parent order becomes intent 0, at the mid the desk sees."""
    side = i64(params.side if options[_SIDE] == NOT_GIVEN else options[_SIDE])
    if side == RANDOM_SIDE:
        side = codes.BUY if uniform(key, _SIDE_DRAW) < 0.5 else codes.SELL
    lots = i64(params.lots + uniform(key, _LOTS_DRAW) * (params.lots_more + 1))
    task.side = side
    task.lots = lots
    task.end_ns = world.now_ns + params.horizon_ns
    task.notional_micro = max(abs(world.desk.mid), 1) * lots * world.venue.half_tick_micro
    task.cap_lots = lots
    task.printed_before = world.desk.bought_lots + world.desk.sold_lots
    task.traded_before = world.traded_lots
    task.notional_before = world.traded_notional
    open_intent(world, 0, side, lots, i64(0))
    ask(world, 0, AT_ONCE, world.desk.mid)


@kernel
def remaining_lots(world: Any, task: Any) -> int:
    """Return what the desk believes is left of the parent order."""
    return i64(task.lots - world.desk.filled_lots)


@kernel
def advance_step(world: Any, task: Any, params: Any, tape: Any) -> None:
    """Let one step pass; at the deadline settle the parent order."""
    until_ns = min(world.now_ns + params.step_ns, task.end_ns)
    limit_ns = task.end_ns + params.grace_ns
    cancelled = False
    attempts = 0
    while True:
        advance(world, tape, until_ns)
        if world.now_ns < task.end_ns or remaining_lots(world, task) <= 0 or not params.sweep:
            break
        if not cancelled:
            cancel_all(world)
            cancelled = True
        if world.desk.live == 0 and attempts < SWEEPS:
            _send_rest(world, task)
            attempts += 1
        if world.desk.live == 0 or world.now_ns >= limit_ns:
            break
        until_ns = min(max(next_wire_ns(world), world.now_ns), limit_ns)
    if remaining_lots(world, task) <= 0 or world.now_ns >= task.end_ns:
        task.over = 1
        close_intent(world, 0)


@kernel
def _send_rest(world: Any, task: Any) -> None:
    """Send what is left of the parent order to market, if anything is, whatever share of the volume it is."""
    task.cap_lots = task.lots
    lots = uncommitted_lots(world, task)
    if lots > 0:
        send_market(world, task, lots)
