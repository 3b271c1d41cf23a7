"""Resampling: what would come out had other samples been drawn."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.statistics.interval import Floats, Interval

REPLICATES: Final = 2000


def draw_counts(rng: np.random.Generator, count: int, replicates: int) -> NDArray[np.int64]:
    """Return how often each of ``count`` things is drawn in ``count`` draws, shape ``(replicates, count)``."""
    drawn = rng.integers(0, count, (replicates, count)) + count * np.arange(replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=replicates * count).reshape(replicates, count)


def replicate_means(samples: Sequence[Floats], seed: int, replicates: int = REPLICATES) -> list[Floats]:
    """Return the means of resampled rows, independently for each array of samples.

    Args:
        samples: Arrays whose axis 0 is what is resampled, ``(n, ...)``.
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


def mean_interval(values: Floats, seed: int = 0) -> Interval:
    """Return the mean of values, shape ``(n,)``, and its bootstrap interval."""
    return Interval.percentile(float(values.mean()), replicate_means([values], seed)[0], len(values))
