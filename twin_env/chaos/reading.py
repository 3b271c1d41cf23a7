"""One signal of a fault: what was asked for beside what came of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What was asked for and what came of it.

    Attributes:
        name: Of the signal, with its unit.
        requested: Value asked for.
        achieved: Value measured; ``None`` if it could not be.
        low: Least value that counts as achieved.
        high: Most.
    """

    name: str
    requested: float
    achieved: float | None
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Whether what was measured is what was asked for."""
        return self.achieved is not None and self.low <= self.achieved <= self.high
