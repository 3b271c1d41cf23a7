"""Which sizes an action may choose from where the user leaves it to the environment."""

import math
from typing import Final

from twin_env.envs.actions.orders import lots_choices

SIZES: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Fractions of the parent order that are always among them."""

_ROUNDING: Final = 1e-9  # of a lot


def choose_sizes(lots: int, step_share: float, sizes: tuple[float, ...] = SIZES) -> tuple[float, ...]:
    """Return sizes by which an even pace can be followed: fractions of the parent order.

    Where a step's share of the parent is less than the smallest of ``sizes``, that share follows them, rounded down to
    whole lots and rounded up: who follows the straight line of time needs one or the other at every step.

    Args:
        lots: Size of the parent order.
        step_share: Time between two actions over the time to the deadline.
        sizes: What is there anyway.
    """
    present = set(lots_choices(sizes, lots).tolist())
    due = lots * step_share
    if due >= min(present):
        return sizes
    pace = {math.floor(due + _ROUNDING), math.ceil(due - _ROUNDING)} - present - {0}
    return (*sizes, *(number / lots for number in sorted(pace)))
