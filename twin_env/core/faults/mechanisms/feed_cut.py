"""Feed cut: market data does not reach the desk and is lost."""

from typing import Any

from twin_env.core.faults.fault_codes import BY_SNAPSHOT, NEVER
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel


@kernel
def apply_feed_cut(world: Any) -> None:
    """Lose what is published while the effect is on."""
    world.chaos.feed_back_ns = codes.NEVER_NS


@kernel
def end_feed_cut(world: Any, effect: Any) -> None:
    """Let the desk recover as the effect has it."""
    recover(world, i64(effect.parameters.feed_cut.recovery))


@kernel
def recover(world: Any, recovery: int) -> None:
    """Let the desk ask for a snapshot when its market data is back, unless it waits to see a gap, or never does."""
    if recovery == NEVER:
        world.chaos.unrecovered = 1
    elif recovery == BY_SNAPSHOT or world.desk.gap == 1:
        world.desk.gap = 1
        world.desk.snapshot_ns = world.now_ns
