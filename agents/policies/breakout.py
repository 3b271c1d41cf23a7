"""Opening range breakout: follow the market out of the range in which it opened."""

from typing import ClassVar, Final

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, PositionRule

RANGE: Final = 1.0 / 6.0  # of the window: five minutes of thirty
CLOSE: Final = 0.02  # last part of the window, in which it holds nothing
BEYOND_TICKS: Final = 1.0
_HIGH, _LOW, _SIDE = 0, 1, 2


class Breakout(PositionRule):
    """Wait for the opening range, then hold one lot in the direction in which the mid left it.

    The first ``RANGE`` of the window sets high and low. A mid more than ``BEYOND_TICKS`` above the high is
    bought, one as far below the low sold; the position turns when the other side breaks, and is closed in the
    last ``CLOSE`` of the window (Crabel, "Day trading with short term price patterns and opening range
    breakout", 1990).
    """

    memory_size: ClassVar[int] = 3  # high and low in ticks since the start; side held

    def position(self, obs: NamedObservation, memory: Floats) -> int:
        """Return the side of the latest breakout."""
        mid, elapsed = obs["drift_ticks"], 1.0 - obs["time_left"]
        if elapsed <= RANGE:
            memory[_HIGH], memory[_LOW] = max(memory[_HIGH], mid), min(memory[_LOW], mid)
        elif mid > memory[_HIGH] + BEYOND_TICKS:
            memory[_SIDE] = 1.0
        elif mid < memory[_LOW] - BEYOND_TICKS:
            memory[_SIDE] = -1.0
        return 0 if obs["time_left"] <= CLOSE else int(memory[_SIDE])
