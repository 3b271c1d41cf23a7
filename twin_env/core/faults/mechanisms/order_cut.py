"""Order cut: the order session is down; requests and reports are lost."""

from typing import Any

from twin_env.core.exchange.inbox import write_as
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE


@kernel
def begin_order_cut(world: Any, effect: Any) -> bool:
    """Let the venue cancel the desk's orders, if it does when a session is lost."""
    return disconnect_desk(world, i64(effect.parameters.order_cut.cancel_orders))


@kernel
def disconnect_desk(world: Any, cancel_orders: int) -> bool:
    """Send the cancel of all the desk's orders if that is asked for; return whether it was."""
    if cancel_orders == 0:
        return False
    write_as(world, codes.DESK, codes.DISCONNECT, codes.BUY, NONE, codes.LIMIT, codes.GTC, 0, 0)
    return True


@kernel
def apply_order_cut(world: Any) -> None:
    """Lose what is sent while the effect is on."""
    world.chaos.order_back_ns = codes.NEVER_NS


@kernel
def end_order_cut(world: Any) -> None:
    """Let the desk ask where its orders stand."""
    world.chaos.reconcile_ns = world.now_ns
