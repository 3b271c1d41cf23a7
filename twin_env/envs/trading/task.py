"""The trading task: one window of a session, without a position at first."""

from typing import Any, Final

from twin_env.core.event_loop import advance, next_wire_ns
from twin_env.core.flow.efficient_price import half_hour
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import HALF_HOURS, NONE, record
from twin_env.core.state.rng import uniform
from twin_env.envs.actions.parent import MAX_SLOTS, SWEEPS, cancel_all
from twin_env.envs.task import NOT_GIVEN, TASK_FIELDS
from twin_env.envs.trading.orders import send_order
from twin_env.envs.trading.params import HALF_HOUR_NS, SESSION
from twin_env.envs.trading.prices import EXITS

TASK: Final = record(
    [
        *TASK_FIELDS,
        ("stopped", "i8"),  # 1 once the risk control closed the episode
        ("orders", "i8"),  # sent
        ("decided_lots", "i8"),  # of all orders sent
        ("decided_mids", "i8"),  # the same times the mid of the decision, half-ticks x lots
        ("refused", "i8"),  # requests that the risk control rejected
        ("tokens", "f8"),  # requests that the message rate allows now
        ("tokens_ns", "i8"),  # when that was worked out
        ("exit_row", "i8", (MAX_SLOTS, EXITS)),  # desk rows of the target and the stop of each slot, NONE without
        ("exit_client", "i8", (MAX_SLOTS, EXITS)),  # and whose order was in the row
        # After the latest step:
        ("net_micro", "i8"),
        ("strategy_micro", "i8"),
    ]
)
_START: Final = 0  # place of the option of a reset
_START_DRAW: Final = 1  # draw of the task's stream


@kernel
def start_ns(params: Any, options: Any, key: Any) -> int:
    """Return when an episode starts: when the reset says, or at a time drawn between the earliest and the latest."""
    after_ns = i64(options[_START])
    if after_ns == NOT_GIVEN:
        after_ns = i64(uniform(key, _START_DRAW) * params.room_ns)
    return i64(params.first_ns + after_ns)


@kernel
def begin(world: Any, task: Any, params: Any, options: Any, key: Any) -> None:
    """Start to trade, with no position."""
    task.end_ns = window_end_ns(world.efficient_price, params, i64(world.now_ns))
    task.tokens = max(params.messages_per_s, 1.0)
    task.tokens_ns = world.now_ns
    task.exit_row[:] = NONE


@kernel
def settle(world: Any, task: Any, params: Any) -> None:
    """Do nothing: no step leaves anything to settle."""


@kernel
def window_end_ns(price: Any, params: Any, now_ns: int) -> int:
    """Return when a window that starts now ends: after its length, or when the session or the history does.

    Args:
        price: The world's efficient price, which knows the hours of its sessions.
        params: Of the environment.
        now_ns: Start.
    """
    end_ns = i64(codes.NEVER_NS)
    if params.window_ns != SESSION:
        end_ns = i64(now_ns + params.window_ns)
    elif params.last_ns > 0:
        end_ns = i64(params.last_ns - params.grace_ns)
    if price.closes == 1:
        at_ns = now_ns - now_ns % HALF_HOUR_NS + HALF_HOUR_NS
        for _ in range(HALF_HOURS):
            if price.activity_curve[half_hour(price, at_ns)] == 0.0:
                break
            at_ns += HALF_HOUR_NS
        end_ns = min(end_ns, i64(at_ns - params.grace_ns))
    return i64(max(end_ns, now_ns + 1))


@kernel
def advance_step(world: Any, task: Any, params: Any, tape: Any) -> None:
    """Let one step pass, and close the position where the window ends or the risk control says so."""
    advance(world, tape, min(world.now_ns + params.step_ns, task.end_ns))
    if params.most_loss_micro > 0 and desk_profit_micro(world) <= -params.most_loss_micro:
        task.stopped = 1
    ended = world.now_ns >= task.end_ns
    if task.stopped == 1 or (ended and params.flat_at_close == 1):
        _flatten(world, task, tape, i64(world.now_ns + params.grace_ns))
    task.over = 1 if ended or task.stopped == 1 else 0


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
