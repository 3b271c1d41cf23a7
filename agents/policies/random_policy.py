"""Random: the baseline that any policy should beat."""

from typing import Any

from numpy.typing import NDArray

from agents.policies.policy import Floats, PositionRule, RulePolicy
from agents.policies.view import View


class Random(RulePolicy):
    """Draw every action uniformly from the action space, with a generator of its own.

    The generator goes on from episode to episode: the same policy object, seeded alike and shown
    the same number of observations, acts alike.
    """

    def decide(self, see: View, memory: Floats) -> NDArray[Any]:
        """Draw an action, whatever the observation."""
        return self.codec.sample(self.rng)


class RandomTrader(PositionRule):
    """The same in the trading environment."""

    def position(self, see: View, memory: Floats) -> int:
        """Want no position in particular."""
        return 0

    def decide(self, see: View, memory: Floats) -> NDArray[Any]:
        """Draw an action, whatever the observation."""
        return self.codec.sample(self.rng)
