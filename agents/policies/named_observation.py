"""An observation as a rule reads it."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin_env.envs.layout import Layout


class NamedObservation:
    """One observation, read by the names of its features, each in its unit."""

    def __init__(self, layout: Layout, observation: NDArray[np.float32]) -> None:
        self._layout = layout
        self._observation = observation  # flat

    def __getitem__(self, name: str) -> float:
        return self._layout.value(self._observation, name)

    @cached_property
    def parent_lots(self) -> int:
        """Size of the parent order."""
        return round(self["parent_lots"])

    def lots(self, name: str) -> int:
        """Return a feature that is a fraction of the parent, in lots."""
        return round(self[name] * self.parent_lots)

    @property
    def committed_lots(self) -> int:
        """Lots that are filled or in an order that may still fill."""
        return self.parent_lots - self.lots("uncommitted")

    @property
    def printed_lots(self) -> int:
        """Volume printed since the last step."""
        return round(self["with_lots"] + self["against_lots"])
