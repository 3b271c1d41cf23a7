"""Immediate: everything at market, at once."""

from typing import Any

from numpy.typing import NDArray

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, RulePolicy


class Immediate(RulePolicy):
    """Send the whole parent order to market at the first step.

    The fastest of all executions: no risk that the price runs away, all of the cost of demanding
    liquidity. What the venue's protection band sends back is taken at the next step. Through the
    ``schedule`` codec the fastest there is: the largest share of the volume, until done.
    """

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Take all that is not in an order already."""
        return self.codec.take(obs, obs.lots("uncommitted"))
