"""Halt: the venue stops trading."""

from typing import Any

from twin_env.core.state import codes
from twin_env.core.state.jit import kernel


@kernel
def apply_halt(world: Any) -> None:
    """Stop matching while the effect is on."""
    world.venue.halted = world.venue.halted | codes.HALT_FAULT
