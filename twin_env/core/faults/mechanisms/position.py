"""Position: the position that the desk's reports give differs from the true one."""

from typing import Any

from twin_env.core.state.jit import kernel


@kernel
def begin_position(world: Any, effect: Any) -> None:
    """Make the desk's position wrong."""
    world.desk.position += effect.parameters.position.difference_lots


@kernel
def end_position(world: Any, effect: Any) -> None:
    """Correct it."""
    world.desk.position -= effect.parameters.position.difference_lots
