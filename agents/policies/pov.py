"""POV: a fixed share of the market's volume."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from numpy.typing import NDArray

from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, RulePolicy

SHARE: Final = 0.1
CATCH_UP: Final = 0.2  # last part of the horizon, in which the deadline counts too
_FRACTION: Final = 1e-4


class Pov(RulePolicy):
    """Take a fixed share of the printed volume, and finish by the deadline.

    With V the volume printed since the decision, own trades included, the target is ``SHARE x V``
    (percentage of volume, also called participation; Johnson, "Algorithmic Trading and DMA", 2010,
    chapter 5). Volume alone promises no end, so in the last ``CATCH_UP`` of the horizon a straight
    line from nothing to the whole parent holds as well, and the higher of the two targets counts:
    it changes nothing when the volume has done the work, and finishes what is left when it has not.
    """

    needs: ClassVar[Sequence[str]] = ("with_lots", "against_lots")
    memory_size: ClassVar[int] = 1  # volume printed since the decision

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Take up to the higher of the two targets."""
        memory[0] += obs.printed_lots
        left = max(obs["time_left"] - self.step, 0.0)
        line = obs.parent_lots * (1.0 - left / CATCH_UP)
        target = min(max(SHARE * float(memory[0]), line), obs.parent_lots)
        return self.codec.take(obs, math.floor(target + _FRACTION) - obs.committed_lots)
