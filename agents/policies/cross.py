"""Moving-average cross: long while the fast average is above the slow one."""

from typing import ClassVar, Final

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, PositionRule

FAST: Final = 12.0  # steps
SLOW: Final = 60.0
_FAST, _SLOW, _STEPS = 0, 1, 2


class Cross(PositionRule):
    """Hold one lot in the direction of the difference of two exponential averages of the mid.

    Averages forget at rates of one in ``FAST`` and one in ``SLOW`` steps; nothing is held before ``SLOW`` steps
    are seen (Brock, Lakonishok, LeBaron, "Simple technical trading rules", 1992, for plain averages).
    """

    memory_size: ClassVar[int] = 3

    def position(self, obs: NamedObservation, memory: Floats) -> int:
        """Return the sign of fast minus slow."""
        mid = obs["drift_ticks"]
        memory[_FAST] += (mid - memory[_FAST]) / FAST
        memory[_SLOW] += (mid - memory[_SLOW]) / SLOW
        memory[_STEPS] += 1.0
        if memory[_STEPS] < SLOW:
            return 0
        return 1 if memory[_FAST] > memory[_SLOW] else -1
