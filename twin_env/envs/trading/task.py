"""The trading task as the kernels keep it: one window of a session."""

from typing import Any, Final

from twin_env.core.event_loop import advance, next_wire_ns
from twin_env.core.flow.efficient_price import half_hour
from twin_env.core.flow.flow import TAPE_FLOW
from twin_env.core.ledger import SPLIT, split
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import HALF_HOURS, NONE, record
from twin_env.envs.actions.parent import MAX_SLOTS, SWEEPS, cancel_all
from twin_env.envs.observation import FLOW_FIELDS, forget_flow, remember_flow
from twin_env.envs.status import OUT_OF_DATA, OVER, RUNNING
from twin_env.envs.trading.orders import send_order
from twin_env.envs.trading.rules import HALF_HOUR_NS, SESSION

TASK: Final = record(
    [
        ("start_ns", "i8"),
        ("end_ns", "i8"),
        ("steps", "i8"),
        ("over", "i8"),
        ("stopped", "i8"),  # 1 once the risk control closed the episode
        ("start_mid", "i8"),  # half-ticks, as the desk saw it
        ("last_mid", "i8"),  # one step ago
        ("orders", "i8"),  # sent
        ("decided_lots", "i8"),  # of all orders sent
        ("decided_mids", "i8"),  # the same times the mid of the decision, half-ticks x lots
        ("refused", "i8"),  # requests that the risk control rejected
        ("tokens", "f8"),  # requests that the message rate allows now
        ("tokens_ns", "i8"),  # when that was worked out
        *FLOW_FIELDS,
        # After the latest step:
        ("net_micro", "i8"),
        ("strategy_micro", "i8"),
        ("execution_micro", "i8"),
        ("requests", "i8"),
        ("elapsed_ns", "i8"),
        ("row", "i8", MAX_SLOTS),  # desk row of each order slot, NONE when empty
        ("client", "i8", MAX_SLOTS),  # and whose order was in the row
        ("parts", "i8", SPLIT),
    ]
)


@kernel
def begin(world: Any, task: Any, rules: Any) -> None:
    """Start to trade, with no position."""
    task.start_ns = world.now_ns
    task.end_ns = _end_ns(world, rules)
    task.start_mid = world.desk.mid
    task.last_mid = world.desk.mid
    task.tokens = max(rules.messages_per_s, 1.0)
    task.tokens_ns = world.now_ns
    task.requests = world.order_link.pushed
    task.row[:] = NONE
    forget_flow(world.desk, task)
    split(world, task.parts)


@kernel
def _end_ns(world: Any, rules: Any) -> int:
    """Return when the window ends: after its length, or when the session or the history does."""
    end_ns = codes.NEVER_NS
    if rules.window_ns != SESSION:
        end_ns = world.now_ns + rules.window_ns
    elif rules.last_ns > 0:
        end_ns = rules.last_ns - rules.grace_ns
    if world.news.closes == 1:
        at_ns = world.now_ns - world.now_ns % HALF_HOUR_NS + HALF_HOUR_NS
        for _ in range(HALF_HOURS):
            if world.news.activity_curve[half_hour(world.news, at_ns)] == 0.0:
                break
            at_ns += HALF_HOUR_NS
        end_ns = min(end_ns, at_ns - rules.grace_ns)
    return i64(max(end_ns, world.now_ns + 1))


@kernel
def run(world: Any, task: Any, rules: Any, tape: Any) -> int:
    """Let one step pass, and close the position where the window ends or the risk control says so.

    Returns:
        ``RUNNING``, ``OVER`` or ``OUT_OF_DATA``.
    """
    before_ns = world.now_ns
    task.last_mid = world.desk.mid
    task.steps += 1
    advance(world, tape, min(world.now_ns + rules.step_ns, task.end_ns))
    if rules.most_loss_micro > 0 and desk_profit_micro(world) <= -rules.most_loss_micro:
        task.stopped = 1
    ended = world.now_ns >= task.end_ns
    if task.stopped == 1 or (ended and rules.flat_at_close == 1):
        _flatten(world, task, tape, i64(world.now_ns + rules.grace_ns))
    task.over = 1 if ended or task.stopped == 1 else 0
    task.elapsed_ns = world.now_ns - before_ns
    remember_flow(world.desk, task)
    split(world, task.parts)
    if task.over:
        return OVER
    return OUT_OF_DATA if world.flow_kind == TAPE_FLOW and world.tape_row >= tape.shape[0] else RUNNING


@kernel
def desk_profit_micro(world: Any) -> int:
    """Return the result the desk knows of, at its mid and before fees, in 1e-6 of the account currency."""
    desk = world.desk
    return i64((desk.position * desk.mid - 2 * desk.notional) * world.venue.half_tick_micro)


@kernel
def _flatten(world: Any, task: Any, tape: Any, limit_ns: int) -> None:
    """Cancel every order, then close the position at market, and wait for the answers no longer than ``limit_ns``."""
    cancel_all(world)
    attempts = 0
    while True:
        if world.desk.live == 0:
            position = world.desk.position
            if position == 0 or attempts == SWEEPS:
                return
            side = codes.SELL if position > 0 else codes.BUY
            send_order(world, task, side, codes.MARKET, i64(0), i64(abs(position)))
            attempts += 1
        if world.now_ns >= limit_ns:
            return
        advance(world, tape, min(max(next_wire_ns(world), world.now_ns), limit_ns))
