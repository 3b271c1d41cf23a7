"""The execution task as the kernels keep it: one record per world, so that it copies with it."""

from typing import Any, Final

from twin_env.core.event_loop import advance, next_wire_ns
from twin_env.core.flow.flow import TAPE_FLOW
from twin_env.core.ledger import SPLIT, close_intent, open_intent, split
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE, record
from twin_env.envs.actions.ladder import MAX_ROWS, MAX_RUNGS
from twin_env.envs.actions.parent import MAX_SLOTS, SWEEPS, cancel_all, send_market, uncommitted_lots
from twin_env.envs.observation import FLOW_FIELDS, forget_flow, remember_flow
from twin_env.envs.status import OUT_OF_DATA, OVER, RUNNING

Tasks = Any  # ndarray of TASK

TASK: Final = record(
    [
        ("side", "i8"),
        ("lots", "i8"),
        ("start_ns", "i8"),
        ("end_ns", "i8"),
        ("step_ns", "i8"),
        ("grace_ns", "i8"),
        ("sweep", "i8"),
        ("steps", "i8"),
        ("decision_mid", "i8"),  # half-ticks, as the desk saw it
        ("notional_micro", "i8"),
        ("cap_lots", "i8"),  # most that the participation allows now
        ("printed_before", "i8"),  # volume the desk had heard of at the decision
        ("traded_before", "i8"),  # volume of the market at the decision, lots and ticks x lots
        ("notional_before", "f8"),
        # After the latest step:
        ("execution_micro", "i8"),
        ("drift_bps", "f8"),
        ("vwap_bps", "f8"),
        ("requests", "i8"),
        ("last_mid", "i8"),  # desk, half-ticks, one step ago
        *FLOW_FIELDS,
        ("carry", "f8"),  # fraction of a lot the schedule still owes
        ("over", "i8"),
        ("row", "i8", MAX_SLOTS),  # desk row of each order slot, NONE when empty
        ("client", "i8", MAX_SLOTS),  # and whose order was in the row
        ("want", "i8", MAX_RUNGS),  # scratch of the ladder: lots that should be on each rung
        ("have", "i8", MAX_RUNGS),  # lots that are
        ("first_client", "i8", MAX_RUNGS),
        ("spare", "i8", MAX_ROWS),  # lots of orders that may move
        ("turned", "i8", MAX_ROWS),  # orders that were turned over to keep the smallest participation
        ("parts", "i8", SPLIT),
    ]
)


@kernel
def begin(world: Any, task: Any, rules: Any, side: int, lots: int) -> None:
    """Decide to trade: the parent order becomes intent 0, at the mid the desk sees."""
    task.side = side
    task.lots = lots
    task.start_ns = world.now_ns
    task.end_ns = world.now_ns + rules.horizon_ns
    task.step_ns = rules.step_ns
    task.grace_ns = rules.grace_ns
    task.sweep = rules.sweep
    task.decision_mid = world.desk.mid
    task.notional_micro = max(abs(world.desk.mid), 1) * lots * world.venue.half_tick_micro
    task.last_mid = world.desk.mid
    task.cap_lots = lots
    task.printed_before = world.desk.bought_lots + world.desk.sold_lots
    task.traded_before = world.traded_lots
    task.notional_before = world.traded_notional
    task.requests = world.order_link.pushed
    task.row[:] = NONE
    open_intent(world, 0, side, lots, world.desk.mid)
    forget_flow(world.desk, task)
    split(world, task.parts)


@kernel
def remaining_lots(world: Any, task: Any) -> int:
    """Return what the desk believes is left of the parent order."""
    return i64(task.lots - world.desk.filled_lots)


@kernel
def run(world: Any, task: Any, tape: Any) -> int:
    """Let one step pass; at the deadline settle the parent order.

    Returns:
        ``RUNNING``, ``OVER`` (filled, or the deadline) or ``OUT_OF_DATA``.
    """
    task.last_mid = world.desk.mid
    task.steps += 1
    until_ns = min(world.now_ns + task.step_ns, task.end_ns)
    limit_ns = task.end_ns + task.grace_ns
    cancelled = False
    attempts = 0
    while True:
        advance(world, tape, until_ns)
        if world.now_ns < task.end_ns or remaining_lots(world, task) <= 0 or not task.sweep:
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
    remember_flow(world.desk, task)
    split(world, task.parts)
    if task.over:
        return OVER
    return OUT_OF_DATA if world.flow_kind == TAPE_FLOW and world.tape_row >= tape.shape[0] else RUNNING


@kernel
def _send_rest(world: Any, task: Any) -> None:
    """Send what is left of the parent order to market, if anything is, whatever share of the volume it is."""
    task.cap_lots = task.lots
    lots = uncommitted_lots(world, task)
    if lots > 0:
        send_market(world, task, lots)
