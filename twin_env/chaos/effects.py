"""Levers: the few things the compiled world can do to itself, and what every fault comes down to.

A fault is data; what it does is one or several levers, each turning a dial (``core.dials``) or driving an actor
(``core.actors``). The first lever is the fault's own and begins when the fault does; the others begin with it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twin_env.core.faults import modifiers as dials
from twin_env.core.faults.actors import LAYERS, PATH, STUFF, TAKER
from twin_env.core.faults.engine import (
    AUCTION,
    DIAL,
    FEED_CUT,
    GUARD,
    HALT,
    HOLD_FEED,
    HOLD_HOST,
    ORDER_CUT,
    OUTAGE,
    POSITION,
)
from twin_env.core.faults.makers import MAKERS
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.layout import LEVER_NUMBERS

NS_PER_S: Final = 1_000_000_000
UP: Final = "up"
DOWN: Final = "down"
FOREVER: Final = -1.0


@dataclass(frozen=True)
class Lever:
    """One lever, in seconds and ticks.

    Attributes:
        mechanism: What it drives, of ``core.levers``.
        duration_s: How long it is on; ``FOREVER`` until the episode ends.
        delay_s: After the fault began.
        dial: Which dial it turns, of ``core.dials``.
        value: To what, or by what.
        ramp_s: Over which it gets there.
        side: Of an actor: the side it trades, or whose makers it speaks to; 0 for both.
        period_s: Between two looks of an actor at the market.
        numbers: What else the mechanism wants; ``core.levers`` says which.
    """

    mechanism: int
    duration_s: float
    delay_s: float = 0.0
    dial: int = 0
    value: float = 0.0
    ramp_s: float = 0.0
    side: int = 0
    period_s: float = 0.0
    numbers: tuple[float, ...] = ()

    def fill_in(self, lever: Any) -> None:
        """Write it into a ``layout.LEVER`` record; when it begins is not its own."""
        lever["mechanism"] = self.mechanism
        lever["dial"] = self.dial
        lever["side"] = self.side
        lever["value"] = self.value
        lever["duration_ns"] = -1 if self.duration_s == FOREVER else round(self.duration_s * NS_PER_S)
        lever["ramp_ns"] = round(self.ramp_s * NS_PER_S)
        lever["period_ns"] = round(self.period_s * NS_PER_S)
        lever["numbers"] = np.zeros(LEVER_NUMBERS)
        lever["numbers"][: len(self.numbers)] = self.numbers


def turn(dial: int, value: float, duration_s: float, *, delay_s: float = 0.0, ramp_s: float = 0.0) -> Lever:
    """Return the lever that turns a dial."""
    return Lever(DIAL, duration_s, delay_s=delay_s, dial=dial, value=value, ramp_s=ramp_s)


def side_of(direction: str) -> int:
    """Return +1 for up or buy, -1 for down or sell."""
    return BUY if direction in (UP, "buy") else SELL


__all__ = [
    "AUCTION", "DIAL", "DOWN", "FEED_CUT", "FOREVER", "GUARD", "HALT", "HOLD_FEED", "HOLD_HOST", "LAYERS", "MAKERS",
    "ORDER_CUT", "OUTAGE", "PATH", "POSITION", "STUFF", "TAKER", "UP", "Lever", "dials", "side_of", "turn",
]  # fmt: skip
