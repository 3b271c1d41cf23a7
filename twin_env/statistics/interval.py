"""A measured figure with its confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure and how sure it is.

    Attributes:
        mean: The figure: a mean, or what stands in its place, such as a share, a quantile or a fitted exponent.
        low: Lower end; minus infinity where the samples set no limit, as a single one does not.
        high: Upper end; infinity alike.
        n: Independent samples it rests on.
        level: Chance that an interval made like this one covers the truth.
    """

    mean: float
    low: float
    high: float
    n: int
    level: float = LEVEL

    @classmethod
    def student(cls, values: Sequence[float] | Floats, level: float = LEVEL) -> "Interval":
        """Return the mean of independent values and its interval by Student's t.

        Args:
            values: At least one, shape ``(n,)``.
            level: See the attribute.
        """
        from scipy.special import stdtrit  # takes longer to import than all the rest

        numbers = np.asarray(values, np.float64)
        count = len(numbers)
        mean = math.fsum(numbers) / count
        if count < 2:
            return cls(mean, -math.inf, math.inf, count, level)
        half = float(stdtrit(count - 1, 0.5 + level / 2.0) * numbers.std(ddof=1) / math.sqrt(count))
        return cls(mean, mean - half, mean + half, count, level)

    @classmethod
    def percentile(
        cls, figure: float, replicates: Sequence[float] | Floats, n: int, level: float = LEVEL
    ) -> "Interval":
        """Return a figure and the percentile interval of its bootstrap replicates (Efron 1979).

        Args:
            figure: From the samples themselves.
            replicates: The same from resampled ones, shape ``(replicates,)``; NaN where a resample does not give it.
            n: Samples that were resampled.
            level: See the attribute.
        """
        low, high = np.nanquantile(replicates, [0.5 - level / 2.0, 0.5 + level / 2.0])
        return cls(float(figure), float(low), float(high), n, level)

    @classmethod
    def wilson(cls, successes: int, trials: int, level: float = LEVEL) -> "Interval":
        """Return the share of successes in independent trials and its score interval (Wilson 1927).

        Unlike the normal one it stays within 0 to 1 and has a width where all trials ended alike.

        Args:
            successes: 0 to ``trials``.
            trials: At least 1.
            level: See the attribute.
        """
        from scipy.special import ndtri

        share, z = successes / trials, float(ndtri(0.5 + level / 2.0))
        centre = (share + z * z / (2.0 * trials)) / (1.0 + z * z / trials)
        spread = math.sqrt(share * (1.0 - share) / trials + (z / (2.0 * trials)) ** 2)
        half = z / (1.0 + z * z / trials) * spread
        # The share lies within by algebra; rounding must not say otherwise at 0 and 1.
        return cls(share, max(min(centre - half, share), 0.0), min(max(centre + half, share), 1.0), trials, level)

    @classmethod
    def ratio(
        cls, totals: Sequence[float] | Floats, sizes: Sequence[float] | Floats, level: float = LEVEL
    ) -> "Interval":
        """Return the mean per unit of clusters of different sizes, and its interval (ratio estimator, Cochran 1977).

        Fills of one episode met the same market, so an interval over fills would be too narrow: the clusters are the
        samples, and each weighs what its size is.

        Args:
            totals: Of each cluster, shape ``(n,)``.
            sizes: Likewise, at least 0 and not all 0; a cluster of size 0 is left out.
            level: See the attribute.
        """
        from scipy.special import stdtrit

        weights = np.asarray(sizes, np.float64)
        numbers, weights = np.asarray(totals, np.float64)[weights > 0], weights[weights > 0]
        count, size = len(weights), math.fsum(weights)
        mean = math.fsum(numbers) / size
        if count < 2:
            return cls(mean, -math.inf, math.inf, count, level)
        left = numbers - mean * weights
        error = math.sqrt(count / (count - 1) * math.fsum(left * left)) / size
        half = float(stdtrit(count - 1, 0.5 + level / 2.0)) * error
        return cls(mean, mean - half, mean + half, count, level)

    @classmethod
    def quantile(cls, values: Sequence[float] | Floats, probability: float, level: float = LEVEL) -> "Interval":
        """Return a quantile of independent values, its interval between two of them by the binomial law.

        An end beyond the smallest or the largest value is infinite.

        Args:
            values: At least one, shape ``(n,)``.
            probability: Which quantile, between 0 and 1.
            level: At least this much is covered.
        """
        from scipy.stats import binom

        ordered = np.sort(np.asarray(values, np.float64))
        count = len(ordered)
        low = int(binom.ppf(0.5 - level / 2.0, count, probability)) - 1
        high = int(binom.ppf(0.5 + level / 2.0, count, probability))
        return cls(
            float(np.quantile(ordered, probability)),
            float(ordered[low]) if low >= 0 else -math.inf,
            float(ordered[high]) if high < count else math.inf,
            count,
            level,
        )

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low > 0.0 or self.high < 0.0

    def within(self, low: float, high: float) -> bool:
        """Tell whether the whole interval lies in a band."""
        return low <= self.low and self.high <= high

    def to_json(self) -> dict[str, float | int | None]:
        """Return the fields; what is not finite becomes ``None``."""
        return {name: value if math.isfinite(value) else None for name, value in vars(self).items()}

    def ends(self, form: str = ".3f") -> str:
        """Return both ends as text, each in a number format; a dash where there is no limit at all."""
        if not (math.isfinite(self.low) or math.isfinite(self.high)):
            return "-"
        return f"{self.low:{form}} .. {self.high:{form}}"

    def __format__(self, form: str) -> str:
        """Return figure and ends as text, each in a number format."""
        return f"{self.mean:{form or '.3f'}} [{self.ends(form or '.3f')}]"
