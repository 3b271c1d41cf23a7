"""Random: the baseline that any policy should beat."""

from typing import Any

from numpy.typing import NDArray

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, PositionRule, RulePolicy


class Random(RulePolicy):
    """Draw every action uniformly from the action space, in the stream of the episode's number.

    The same episode is acted in alike, whichever were played before. Who plays without
    :meth:`~agents.policies.policy.Rule.begin_episode` goes on in one stream from episode to episode.
    """

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Draw an action, whatever the observation."""
        return self.codec.sample(self.rng)


class RandomTrader(PositionRule):
    """The same in the trading environment."""

    def position(self, obs: NamedObservation, memory: Floats) -> int:
        """Want no position in particular."""
        return 0

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Draw an action, whatever the observation."""
        return self.codec.sample(self.rng)
