"""Flat: no position, no orders; what any strategy has to beat."""

from agents.policies.policy import Floats, PositionRule
from agents.policies.view import View


class Flat(PositionRule):
    """Hold nothing."""

    def position(self, see: View, memory: Floats) -> int:
        """Return no position."""
        return 0
