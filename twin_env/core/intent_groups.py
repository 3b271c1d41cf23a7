"""Decisions that share one theoretical life: an entry with its exits, or orders that cancel each other.

The first exit that comes due ends the others, exits never come due for more than was entered, and the lots by which
theory and fact differ are closed in theory when the last order of the group is over. See ``core.intents``.
"""

from typing import Any

from twin_env.core.conditions import EXIT, share_life, take_back_due, watch
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import INTENTS


@kernel
def open_group(world: Any, number: int, lots: int) -> None:
    """Begin a group without members.

    Args:
        world: One world.
        number: Its place; no intent that is not closed is in it.
        lots: That its exits may come due for: of a bracket none until its entry does.
    """
    group = world.ledger.groups[number]
    group.left = lots
    group.lots = 0
    group.value = 0


@kernel
def is_group_open(world: Any, number: int) -> bool:
    """Return whether an intent of a group is not closed."""
    for index in range(INTENTS):
        intent = world.ledger.intents[index]
        if intent.group == number and intent.closed == 0:
            return True
    return False


@kernel
def join(world: Any, index: int, number: int, role: int) -> None:
    """Let an intent that was just opened be a member of a group, as its entry or one of its exits.

    All exits of a group are for the same lots: those of the entry, or of each of several that cancel each other.
    """
    intent = world.ledger.intents[index]
    intent.group = number
    intent.role = role
    if role == EXIT:
        # Of two that cancel each other both may have wished to trade at once: the first has what there is to have.
        take_back_due(world, index, i64(intent.due - max(world.ledger.groups[number].left, 0)))
    share_life(world, intent, i64(intent.due))
    watch(world)
