"""Guard: a rule of the venue that pauses it after a fast move is replaced while the effect is on."""

from typing import Any

from twin_env.core.state.jit import i64, kernel


@kernel
def swap_guard(world: Any, effect: Any) -> None:
    """Exchange the numbers of a venue's guard with those of the effect: at its end that brings the old ones back."""
    parameters = effect.parameters.guard
    guard = world.venue.guards[i64(parameters.guard)]
    guard.move_ticks, parameters.move_ticks = parameters.move_ticks, guard.move_ticks
    guard.window_ns, parameters.window_ns = parameters.window_ns, guard.window_ns
    guard.pause_ns, parameters.pause_ns = parameters.pause_ns, guard.pause_ns
