"""Where the episode of a row stands."""

from typing import Any, Final

from twin_env.core.flow.flow import TAPE_FLOW
from twin_env.core.state.jit import kernel

RUNNING: Final = 0
OVER: Final = 1  # the task is done or its time is up
OUT_OF_DATA: Final = 2  # a history ended first
IDLE: Final = 3  # no episode began


@kernel
def episode_status(world: Any, task: Any, tape: Any) -> int:
    """Return where an episode stands after a step."""
    if task.over:
        return OVER
    return OUT_OF_DATA if world.flow_kind == TAPE_FLOW and world.tape_row >= tape.shape[0] else RUNNING
