"""How likely a fault's numbers are: one distribution per field, drawn through a standard normal score.

Sampler and search share them: a parameter is ``prior.at(score)`` with a score of the standard normal law, so the
length of the vector of scores says how implausible an experiment is, in standard deviations.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from twin_env.chaos.quantity import Unit


def share_below(score: float) -> float:
    """Return the share of a standard normal law below a score."""
    return 0.5 * math.erfc(-score / math.sqrt(2.0))


class Prior(ABC):
    """A distribution of one field."""

    @abstractmethod
    def at(self, score: float) -> Any:
        """Return the field's value at a standard normal score."""


@dataclass(frozen=True)
class Uniform(Prior):
    """Evenly between ``low`` and ``high``."""

    low: float
    high: float

    def at(self, score: float) -> float:
        """Return the quantile."""
        return self.low + (self.high - self.low) * share_below(score)


@dataclass(frozen=True)
class LogUniform(Prior):
    """Evenly in the logarithm between ``low`` and ``high``, both positive."""

    low: float
    high: float

    def at(self, score: float) -> float:
        """Return the quantile."""
        return float(self.low * (self.high / self.low) ** share_below(score))


@dataclass(frozen=True)
class Whole(Prior):
    """Another prior, rounded to an integer."""

    of: Prior

    def at(self, score: float) -> int:
        """Return the rounded quantile."""
        value: float = self.of.at(score)
        return round(value)


@dataclass(frozen=True)
class Sized(Prior):
    """Another prior, of a quantity in ``unit``."""

    of: Prior
    unit: Unit

    def at(self, score: float) -> dict[str, Any]:
        """Return the quantity as the keys of its model."""
        return {"value": self.of.at(score), "unit": self.unit}


@dataclass(frozen=True)
class Choice(Prior):
    """One of several values, each as likely as the others."""

    values: tuple[Any, ...]

    def at(self, score: float) -> Any:
        """Return the value whose share the score falls into."""
        return self.values[min(int(share_below(score) * len(self.values)), len(self.values) - 1)]
