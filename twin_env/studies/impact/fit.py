"""Fit the laws of market impact to pairs of runs.

I = Y sigma_D (Q / V)^delta is a straight line in logarithms. Each size is one point, its mean impact, weighted by the
squared ratio of the fitted mean to its standard error. Intervals come from resampling pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from twin_env.statistics import Interval
from twin_env.statistics.bootstrap import replicate_means
from twin_env.statistics.interval import Floats
from twin_env.studies.impact.experiment import Activity, MetaorderRuns

_SIGNAL: Final = 2.0  # a cell counts where its mean is this many standard errors above zero
_MOST_WEIGHT: Final = 1e6  # of one cell: a cell without noise must not make the sums singular


@dataclass(frozen=True)
class PowerLaw:
    """I / sigma_D = coefficient x (Q / V)^exponent.

    Attributes:
        exponent: delta.
        coefficient: Y, where the fitted line meets Q = V: far outside the data, hence wide.
        sqrt_coefficient: Y with the exponent held at 1/2.
        used: Numbers of the cells in the fit; those whose mean is lost in noise are left out.
    """

    exponent: Interval
    coefficient: Interval
    sqrt_coefficient: Interval
    used: tuple[int, ...]

    def to_json(self) -> dict[str, object]:
        """Return the figures."""
        return {
            "exponent": self.exponent.to_json(),
            "coefficient": self.coefficient.to_json(),
            "sqrt_coefficient": self.sqrt_coefficient.to_json(),
            "cells_used": list(self.used),
        }

    def at(self, share: float) -> float:
        """Return I / sigma_D for Q / V."""
        return float(self.coefficient.mean * share**self.exponent.mean)


@dataclass(frozen=True)
class Ratio:
    """A sample of the impact path in units of its peak, pooled over sizes.

    Attributes:
        z: Time in multiples of the duration.
        ratio: Impact over peak.
        target: What the square-root propagator says.
    """

    z: float
    ratio: Interval
    target: float

    def to_json(self) -> dict[str, object]:
        """Return the figures."""
        return {"z": self.z, "ratio": self.ratio.to_json(), "target": self.target}


def target_path(z: float) -> float:
    """Return impact over peak at ``z`` durations: sqrt(z) while trading, sqrt(z) - sqrt(z - 1) afterwards."""
    return float(np.sqrt(z) - np.sqrt(max(z - 1.0, 0.0)))


def fit_power_law(shares: Sequence[float], impacts: Sequence[Floats], *, seed: int = 0) -> PowerLaw:
    """Fit a power law to samples of impact at several sizes.

    Args:
        shares: Q / V of each size.
        impacts: Impact in units of sigma_D, one array of shape ``(pairs,)`` per size.
        seed: Names the draws of the bootstrap.

    Raises:
        ValueError: If fewer than two different sizes have an impact that stands out from noise.
    """
    means = np.array([values.mean() for values in impacts])
    errors = np.array([_standard_errors(values) for values in impacts])
    used = np.flatnonzero((means > 0.0) & (means > _SIGNAL * errors)).tolist()
    x = np.log(np.array(shares))[used]
    if len(set(x)) < 2:
        raise ValueError(
            f"impact stands out from noise at {len(set(x))} of {len(set(shares))} sizes, "
            "expected at least 2: take more pairs or larger sizes"
        )
    first = _line(x, means[None, used], _weights(means[used], errors[used]))
    # Weights from the line: with those of the means themselves, means that are too high count too much.
    weights = _weights(np.exp(first[1] + first[0] * x), errors[used])
    drawn = np.stack(replicate_means([impacts[cell] for cell in used], seed), axis=1)
    line, lines = _line(x, means[None, used], weights), _line(x, drawn, weights)
    pairs = sum(len(impacts[cell]) for cell in used)
    return PowerLaw(
        Interval.percentile(line[0][0], lines[0], pairs),
        Interval.percentile(np.exp(line[1][0]), np.exp(lines[1]), pairs),
        Interval.percentile(np.exp(line[2][0]), np.exp(lines[2]), pairs),
        tuple(used),
    )


def _weights(means: Floats, errors: Floats) -> Floats:
    """Return inverse variances of the logs of means."""
    with np.errstate(divide="ignore"):
        return np.minimum((means / errors) ** 2, _MOST_WEIGHT)


def _line(x: Floats, means: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit lines to logs of means, shape ``(replicates, cells)``; a mean that is not positive counts for nothing.

    Returns:
        Slopes, intercepts at x = 0, and intercepts with the slope held at 1/2, shape ``(replicates,)`` each.
    """
    heavy = np.where(means > 0.0, weights, 0.0)
    y = np.log(np.where(means > 0.0, means, 1.0))
    total = heavy.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x_mean, y_mean = (heavy * x).sum(axis=1) / total, (heavy * y).sum(axis=1) / total
        deviation = x - x_mean[:, None]
        slope = (heavy * deviation * y).sum(axis=1) / (heavy * deviation * deviation).sum(axis=1)
        return slope, y_mean - slope * x_mean, y_mean - 0.5 * x_mean


def fit_impact(cells: Sequence[MetaorderRuns], activity: Activity, *, seed: int = 0) -> PowerLaw:
    """Fit impact at the end of metaorders."""
    shares, sigma = [cell.metaorder.lots / activity.volume_lots for cell in cells], activity.sigma_ticks
    return fit_power_law(shares, [cell.peak_ticks / sigma for cell in cells], seed=seed)


def fit_cost(cells: Sequence[MetaorderRuns], activity: Activity, *, seed: int = 0) -> PowerLaw:
    """Fit the average price paid beyond the arrival mid, half-spread taken off."""
    shares, sigma = [cell.metaorder.lots / activity.volume_lots for cell in cells], activity.sigma_ticks
    return fit_power_law(shares, [cell.net_cost_ticks / sigma for cell in cells], seed=seed)


def pooled_ratios(tops: Sequence[Floats], peaks: Sequence[Floats], *, seed: int = 0) -> list[Interval]:
    """Return quantities in units of the peak, pooled over sizes.

    Each size counts as in a regression of the quantity on the peak through the origin:
    with its mean peak over the variance of that mean.

    Args:
        tops: Per size, shape ``(pairs, quantities)``.
        peaks: Per size, shape ``(pairs,)``.
        seed: Names the draws of the bootstrap.
    """
    weights = _peak_weights(peaks)
    joined = [np.column_stack([top, peak]) for top, peak in zip(tops, peaks, strict=True)]
    drawn = np.stack(replicate_means(joined, seed), axis=1)
    found = np.stack([values.mean(axis=0) for values in joined])[None]
    with np.errstate(divide="ignore", invalid="ignore"):
        values, replicates = (_over_last(np.tensordot(sums, weights, axes=([1], [0]))) for sums in (found, drawn))
    pairs = sum(map(len, peaks))
    return [Interval.percentile(values[0, place], replicates[:, place], pairs) for place in range(values.shape[1])]


def _over_last(sums: Floats) -> Floats:
    ratios: Floats = sums[:, :-1] / sums[:, -1:]
    return ratios


def fit_path(cells: Sequence[MetaorderRuns], *, seed: int = 0) -> tuple[Ratio, ...]:
    """Return the impact path in units of the peak at the sample times all cells share."""
    fractions = cells[0].fractions
    estimates = pooled_ratios([cell.impact_ticks for cell in cells], [cell.peak_ticks for cell in cells], seed=seed)
    return tuple(Ratio(z, ratio, target_path(z)) for z, ratio in zip(fractions, estimates, strict=True))


def fit_cost_to_peak(cells: Sequence[MetaorderRuns], *, seed: int = 0) -> Interval:
    """Return the average cost without half-spread over the peak impact."""
    costs = [cell.net_cost_ticks[:, None] for cell in cells]
    return pooled_ratios(costs, [cell.peak_ticks for cell in cells], seed=seed)[0]


def fit_participation(cells: Sequence[MetaorderRuns], *, seed: int = 0) -> Interval | None:
    """Return the exponent of participation beside that of size: ln I = a + delta ln Q + p ln participation.

    Returns:
        ``None`` unless sizes were traded over several durations.
    """
    peaks = [cell.peak_ticks for cell in cells]
    means = np.array([values.mean() for values in peaks])
    errors = np.array([_standard_errors(values) for values in peaks])
    used = np.flatnonzero((means > 0.0) & (means > _SIGNAL * errors)).tolist()
    logs = [(1.0, np.log(cells[cell].metaorder.lots), np.log(cells[cell].participation)) for cell in used]
    design = np.array(logs).reshape(-1, 3)
    if len(used) < 3 or len({cells[cell].metaorder.duration_s for cell in used}) < 2:
        return None
    drawn = np.stack(replicate_means([peaks[cell] for cell in used], seed), axis=1)
    scale = np.sqrt(_weights(means[used], errors[used]))
    solve = np.linalg.pinv(design * scale[:, None]) * scale
    with np.errstate(invalid="ignore"):
        slopes = (np.log(np.where(drawn > 0.0, drawn, np.nan)) @ solve.T)[:, 2]
    return Interval.percentile((np.log(means[used]) @ solve.T)[2], slopes, sum(len(peaks[cell]) for cell in used))


def ratio_of_means(tops: Sequence[Floats], bottoms: Sequence[Floats], *, seed: int = 0) -> Interval:
    """Return the ratio of two means of independent samples, pooled over sizes as in :func:`pooled_ratios`.

    Args:
        tops: Per size, shape ``(pairs,)``.
        bottoms: Per size, shape ``(pairs,)``; it decides how much the size counts.
        seed: Names the draws of the bootstrap.
    """
    weights = _peak_weights(bottoms)
    drawn = replicate_means([*tops, *bottoms], seed)
    top, bottom = (np.stack(part, axis=1) @ weights for part in (drawn[: len(tops)], drawn[len(tops) :]))
    value = np.dot([x.mean() for x in tops], weights) / np.dot([x.mean() for x in bottoms], weights)
    return Interval.percentile(float(value), top / bottom, sum(map(len, bottoms)))


def _peak_weights(peaks: Sequence[Floats]) -> Floats:
    """Return the mean peak of each size over the variance of that mean."""
    means = np.array([values.mean() for values in peaks])
    errors = np.array([_standard_errors(values) for values in peaks])
    smallest = np.abs(means) / np.sqrt(_MOST_WEIGHT)
    weights: Floats = np.maximum(means, 0.0) / np.maximum(np.maximum(errors, smallest), 1e-300) ** 2
    return weights


def _standard_errors(samples: Floats) -> Floats:
    """Return the standard error of the mean over axis 0; infinite for a single sample."""
    count = samples.shape[0]
    if count < 2:
        return np.full(samples.shape[1:], np.inf)
    errors: Floats = samples.std(axis=0, ddof=1) / np.sqrt(count)
    return errors
