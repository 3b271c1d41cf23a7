"""What every task keeps in its record, one per world, so that it copies with the world."""

from typing import Any, Final

from twin_env.core.ledger import SPLIT
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE
from twin_env.envs.actions.parent import MAX_SLOTS
from twin_env.envs.observation import FLOW_FIELDS, forget_flow

NOT_GIVEN: Final = -(2**62)  # of an option of a reset: what would be drawn is drawn

TASK_FIELDS: Final = (
    ("start_ns", "i8"),
    ("end_ns", "i8"),
    ("steps", "i8"),
    ("over", "i8"),  # 1 once nothing is left to do
    ("start_mid", "i8"),  # half-ticks, as the desk saw it
    ("last_mid", "i8"),  # one step ago
    *FLOW_FIELDS,
    ("elapsed_ns", "i8"),  # of the latest step
    ("fault_ns", "i8"),  # time with a fault on, before the latest step
    ("execution_micro", "i8"),  # after the step before
    ("requests", "i8"),  # sent until then
    ("row", "i8", MAX_SLOTS),  # desk row of each order slot, NONE when empty
    ("client", "i8", MAX_SLOTS),  # and whose order was in the row
    ("parts", "i8", SPLIT),  # the alpha split, in 1e-6 of the account currency
)


@kernel
def open_task(world: Any, task: Any) -> None:
    """Begin the task of a world that was just started; its record holds zeros."""
    task.start_ns = world.now_ns
    task.start_mid = world.desk.mid
    task.last_mid = world.desk.mid
    task.requests = world.order_link.pushed
    task.row[:] = NONE
    forget_flow(world.desk, task)
