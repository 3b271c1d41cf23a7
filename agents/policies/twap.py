"""TWAP: the straight line of time, with orders that take."""

import math
from typing import Any, Final

from numpy.typing import NDArray

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, RulePolicy

_FRACTION: Final = 1e-4  # of a lot; more than float32 loses of the time in the observation


class Twap(RulePolicy):
    """Take so that what is filled follows the straight line of time.

    With Q lots over T seconds the target at t is ``Q t / T``, the optimal schedule of a trader
    without risk aversion in a market with linear impact (Bertsimas and Lo, "Optimal control of
    execution costs", 1998; Almgren and Chriss, "Optimal execution of portfolio transactions",
    2000, in the limit of no risk aversion). A step takes up to the line at its end, rounded to
    whole lots, so that lots trade neither earlier nor later than the line on average.
    """

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Take what the line at the end of this step asks for."""
        elapsed = 1.0 - max(obs["time_left"] - self.step, 0.0)
        target = math.floor(obs.parent_lots * elapsed + 0.5 + _FRACTION)
        return self.codec.take(obs, target - obs.committed_lots)
