"""Outage: the exchange is gone; no matching, no market data, no answers, and what is on the way is lost."""

from typing import Any

from twin_env.core.faults.fault_codes import BY_SNAPSHOT
from twin_env.core.faults.mechanisms.feed_cut import apply_feed_cut, recover
from twin_env.core.faults.mechanisms.halt import apply_halt
from twin_env.core.faults.mechanisms.order_cut import apply_order_cut, disconnect_desk, end_order_cut
from twin_env.core.state.jit import i64, kernel


@kernel
def begin_outage(world: Any, effect: Any) -> bool:
    """Let the exchange cancel the desk's orders when it goes, if it does."""
    return disconnect_desk(world, i64(effect.parameters.outage.cancel_orders))


@kernel
def apply_outage(world: Any) -> None:
    """Halt the venue and cut both wires while the effect is on."""
    apply_halt(world)
    apply_feed_cut(world)
    apply_order_cut(world)


@kernel
def end_outage(world: Any) -> None:
    """Let the desk recover its book and ask where its orders stand."""
    recover(world, BY_SNAPSHOT)
    end_order_cut(world)
