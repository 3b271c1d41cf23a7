"""Holds: nothing reaches the desk until the effect is over; then everything does at once."""

from typing import Any

from twin_env.core.state.jit import kernel


@kernel
def apply_feed_hold(world: Any, effect: Any) -> None:
    """Hold back market data."""
    world.chaos.feed_hold_ns = max(world.chaos.feed_hold_ns, effect.end_ns)


@kernel
def apply_host_hold(world: Any, effect: Any) -> None:
    """Hold back market data, reports and what the desk decides."""
    apply_feed_hold(world, effect)
    world.chaos.host_hold_ns = max(world.chaos.host_hold_ns, effect.end_ns)
