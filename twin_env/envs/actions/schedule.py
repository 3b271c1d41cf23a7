"""The ``schedule`` codec: a share of the market's volume, with orders that take."""

from typing import Any

from twin_env.core.state.jit import i64, kernel
from twin_env.envs.actions.parent import send_market, uncommitted_lots


@kernel
def act_schedule(world: Any, task: Any, params: Any, rate: float) -> None:
    """Carry out a ``schedule`` action: take a share of what the market traded during the last step.

    Args:
        world: One world.
        task: Its parent order.
        params: The largest share of the printed volume.
        rate: Action in [-1, 1]; -1 trades nothing, +1 that share.
    """
    task.carry += 0.5 * (rate + 1.0) * params.max_participation * (task.bought + task.sold)
    owed = i64(task.carry)
    task.carry -= owed  # only the fraction of a lot waits: what may not be sent now is not caught up with later
    lots = min(owed, uncommitted_lots(world, task))
    if lots > 0:
        send_market(world, task, lots)
