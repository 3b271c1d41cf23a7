"""Intervals by resampling: what would come out had other pairs been drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

REPLICATES: Final = 2000
LEVEL: Final = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: Point estimate.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @staticmethod
    def of(value: float, replicates: Floats) -> "Estimate":
        """Return a value with the percentile interval of its replicates, shape ``(replicates,)``."""
        tail = (1.0 - LEVEL) / 2.0
        low, high = np.nanquantile(replicates, [tail, 1.0 - tail])
        return Estimate(float(value), float(low), float(high))

    def within(self, low: float, high: float) -> bool:
        """Tell whether the whole interval lies in a band."""
        return low <= self.low and self.high <= high

    def to_json(self) -> dict[str, float]:
        """Return the three numbers."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def show(self, form: str = ".3f") -> str:
        """Return it as text."""
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


def replicate_means(samples: Sequence[Floats], seed: int, replicates: int = REPLICATES) -> list[Floats]:
    """Return the means of resampled rows, independently for each array of samples.

    Args:
        samples: Arrays whose axis 0 is what is resampled, ``(pairs, ...)``.
        seed: Names the draws.
        replicates: How many times.

    Returns:
        One array per array of samples, shape ``(replicates, ...)``.
    """
    rng = np.random.default_rng(seed)
    means = []
    for array in samples:
        count = array.shape[0]
        means.append(np.tensordot(draw_counts(rng, count, replicates) / count, array, axes=1))
    return means


def draw_counts(rng: np.random.Generator, count: int, replicates: int) -> NDArray[np.int64]:
    """Return how often each of ``count`` things is drawn in ``count`` draws, shape ``(replicates, count)``."""
    drawn = rng.integers(0, count, (replicates, count)) + count * np.arange(replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=replicates * count).reshape(replicates, count)


def mean_estimate(values: Floats, seed: int = 0) -> Estimate:
    """Return the mean of values, shape ``(pairs,)``, with its interval."""
    return Estimate.of(float(values.mean()), replicate_means([values], seed)[0])


def standard_errors(samples: Floats) -> Floats:
    """Return the standard error of the mean over axis 0; infinite for a single sample."""
    count = samples.shape[0]
    if count < 2:
        return np.full(samples.shape[1:], np.inf)
    errors: Floats = samples.std(axis=0, ddof=1) / np.sqrt(count)
    return errors
