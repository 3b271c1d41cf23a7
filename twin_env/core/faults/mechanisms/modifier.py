"""Modifier: an effect that sets one modifier, at once or growing over a ramp."""

from typing import Any, Final

from twin_env.core.faults.modifiers import ASKS_MUTED, BIDS_MUTED, combine
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel

_RAMP_STEP_NS: Final = 20_000_000


@kernel
def begin_modifier(world: Any, effect: Any) -> None:
    """Start the ramp, if there is one."""
    if effect.parameters.modifier.ramp_ns > 0:
        effect.act_ns = world.now_ns


@kernel
def act_modifier(world: Any, effect: Any) -> None:
    """Go one step on with the ramp; the engine then computes the modifier anew."""
    done = world.now_ns >= effect.began_ns + effect.parameters.modifier.ramp_ns
    effect.act_ns = codes.NEVER_NS if done else world.now_ns + _RAMP_STEP_NS


@kernel
def apply_modifier(world: Any, effect: Any) -> None:
    """Contribute the value, or what the ramp has reached of it."""
    parameters = effect.parameters.modifier
    reached = 1.0
    if parameters.ramp_ns > 0:
        reached = float(min(1.0, (world.now_ns - effect.began_ns) / parameters.ramp_ns))
    combine(world, i64(parameters.modifier), parameters.value * reached)


@kernel
def end_modifier(world: Any, effect: Any) -> None:
    """Let the desk ask for a snapshot when a side is published again."""
    modifier = effect.parameters.modifier.modifier
    if modifier in (BIDS_MUTED, ASKS_MUTED):
        world.desk.snapshot_ns = world.now_ns
