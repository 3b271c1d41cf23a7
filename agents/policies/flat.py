"""Flat: no position, no orders; what any strategy has to beat."""

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, PositionRule


class Flat(PositionRule):
    """Hold nothing."""

    def position(self, obs: NamedObservation, memory: Floats) -> int:
        """Return no position."""
        return 0
