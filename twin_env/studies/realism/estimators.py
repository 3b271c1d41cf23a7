"""Estimators of market statistics on plain arrays. A value that cannot be had is NaN."""

import math
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NAN: Final = math.nan


def ratio(numerator: float, denominator: float) -> float:
    """Return a quotient; NaN when the denominator is 0."""
    return float(numerator) / float(denominator) if denominator != 0 else NAN


def excess_kurtosis(values: NDArray[Any]) -> float:
    """Return the fourth standardised moment minus 3; NaN for a constant."""
    centred = np.asarray(values, np.float64) - np.mean(values) if len(values) else np.zeros(0)
    variance = float(np.mean(centred**2)) if len(centred) else 0.0
    return float(np.mean(centred**4)) / variance**2 - 3.0 if variance > 0 else NAN


def correlation(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Return Pearson's correlation; NaN when either is constant or there are fewer than three pairs."""
    if len(left) < 3 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return NAN
    return float(np.corrcoef(left, right)[0, 1])


def autocorrelation(values: NDArray[Any], lags: int, mean: float | None = None) -> Floats:
    """Return autocorrelations at lags 0 to ``lags``, each a mean over the pairs there are, by FFT.

    Args:
        values: The series.
        lags: Largest lag.
        mean: Of the process where it is known. That of the sample, taken by default, takes a piece of a long
            memory with it.

    Returns:
        float64, shape ``(lags + 1,)``; NaN beyond half of the series, and throughout where nothing varies.
    """
    count = len(values)
    out = np.full(lags + 1, NAN)
    if count < 2:
        return out
    centred = np.asarray(values, np.float64) - (np.mean(values) if mean is None else mean)
    size = 1 << (2 * count - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    sums = np.fft.irfft(power, size)[: min(lags, count // 2) + 1]
    # A constant leaves rounding noise behind, not variance.
    if sums[0] > 1e-12 * max(1.0, float(np.mean(np.square(values)))) * count:
        out[: len(sums)] = sums / sums[0] * count / (count - np.arange(len(sums)))
    return out


def overlapping_changes(levels: NDArray[Any], steps: int) -> Floats:
    """Return ``levels[i + steps] - levels[i]`` for every i, float64."""
    levels = np.asarray(levels, np.float64)
    return levels[steps:] - levels[:-steps] if len(levels) > steps else np.zeros(0)


def overlapping_autocorrelation(values: NDArray[Any], lag: int) -> float:
    """Return the correlation of ``values[i]`` and ``values[i + lag]`` over every i.

    With ``values`` the overlapping changes over ``lag`` steps it is the first autocorrelation of changes over
    ``lag`` steps, averaged over where the grid could begin.
    """
    return correlation(values[:-lag], values[lag:]) if len(values) > lag + 2 else NAN


def hill_index(values: NDArray[Any], share: float, end: float = math.inf) -> float:
    """Return the tail index of positive values by the estimator of Hill (1975).

    Args:
        values: Positive values.
        share: Share of them that is the tail.
        end: Values are known to be censored here: what reached it counts as larger.

    Returns:
        The exponent of the complementary distribution function; NaN with fewer than 10 values in the tail.
    """
    values = np.asarray(values, np.float64)
    values = np.sort(values[values > 0])
    count = round(len(values) * share)
    if count < 10 or count >= len(values):
        return NAN
    threshold = values[-count - 1]
    tail = np.minimum(values[-count:], end)
    seen = int(np.count_nonzero(values[-count:] < end))
    total = float(np.log(tail / threshold).sum())
    return seen / total if total > 0 and seen > 0 else NAN


def gamma_shape(values: NDArray[Any]) -> float:
    """Return the maximum likelihood shape of a Gamma distribution for positive values."""
    from scipy.optimize import brentq
    from scipy.special import digamma

    values = np.asarray(values, np.float64)
    if len(values) < 2 or values.min() <= 0:
        return NAN
    gap = math.log(values.mean()) - float(np.log(values).mean())
    if gap <= 1e-9:
        return NAN
    return float(brentq(lambda shape: math.log(shape) - digamma(shape) - gap, 1e-3, 1e6))


def slope(x: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
    """Return the slope of a weighted least squares line; NaN with fewer than three finite points."""
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    good = np.isfinite(x) & np.isfinite(y) & (weights > 0)
    if np.count_nonzero(good) < 3:
        return NAN
    x, y, weights = np.asarray(x, np.float64)[good], np.asarray(y, np.float64)[good], weights[good]
    centred = x - np.average(x, weights=weights)
    spread = float((weights * centred**2).sum())
    return float((weights * centred * y).sum()) / spread if spread > 0 else NAN


def log_slope(x: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
    """Return the exponent b of ``y ~ x**b`` by least squares on logarithms; what is not positive is left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return slope(np.log(x), np.log(y), weights)


def r_squared(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the share of the variance of y that a line in x explains."""
    return correlation(x, y) ** 2


def complementary_distribution(values: NDArray[Any], points: NDArray[Any]) -> Floats:
    """Return the share of values at or above each point, float64; NaN without values."""
    ordered = np.sort(values)
    if not len(ordered):
        return np.full(len(points), NAN)
    return 1.0 - np.searchsorted(ordered, points, side="left") / len(ordered)


def log_bins(first: int, last: int, count: int) -> Ints:
    """Return edges of integer bins of about equal width in the logarithm, from ``first`` to ``last + 1``."""
    return np.unique(np.round(np.geomspace(first, last + 1, count + 1)).astype(np.int64))


def bin_means(values: NDArray[Any], edges: NDArray[Any]) -> Floats:
    """Return means of ``values[edges[i]:edges[i + 1]]``."""
    return np.array([values[a:b].mean() if len(values[a:b]) else NAN for a, b in pairwise(edges)])


def power_decay(curve: NDArray[Any], first: int, last: int, samples: int) -> float:
    """Return the exponent g of ``curve[lag] ~ c * lag**-g`` over lags ``first`` to ``last``.

    Weighted least squares on means over logarithmic bins, not on logarithms: values below zero, which noise
    makes of a small correlation, count like all others.

    Args:
        curve: Autocorrelations from lag 0.
        first: Smallest lag.
        last: Largest lag.
        samples: Length of the series the autocorrelations are of.

    Returns:
        The exponent in 0 to 3; NaN when the curve does not stand out of the noise of ``samples`` points.
    """
    from scipy.optimize import minimize_scalar

    last = min(last, len(curve) - 1)
    if last < 2 * first or not np.isfinite(curve[first : last + 1]).all():
        return NAN
    edges = log_bins(first, last, 20)
    means, widths = bin_means(curve, edges), np.diff(edges).astype(np.float64)
    centres = bin_means(np.arange(len(curve), dtype=np.float64), edges)
    if float((means * widths).sum()) < 4.0 * math.sqrt(float(widths.sum()) / samples):
        return NAN

    def misfit(exponent: float) -> float:
        shape = centres**-exponent
        level = float((widths * shape * means).sum() / (widths * shape**2).sum())
        return float((widths * (means - level * shape) ** 2).sum())

    return float(minimize_scalar(misfit, bounds=(0.0, 3.0), method="bounded").x)


def roughness(log_volatility: NDArray[Any], lags: int = 8) -> float:
    """Return the roughness exponent H of a log-volatility series.

    Structure functions ``mean |x(t + lag) - x(t)|**q ~ lag**(q H)`` for q = 0.5, 1, 1.5, 2, as Gatheral, Jaisson and
    Rosenbaum (2018) fit them.

    Returns:
        H; NaN with fewer than 32 values.
    """
    values = np.asarray(log_volatility, np.float64)
    if len(values) < 32:
        return NAN
    steps = np.arange(1, lags + 1)
    orders = np.array([0.5, 1.0, 1.5, 2.0])
    moments = [[np.mean(np.abs(overlapping_changes(values, int(k))) ** q) for k in steps] for q in orders]
    exponents = np.array([log_slope(steps, np.array(row)) for row in moments])
    return float((orders * exponents).sum() / (orders**2).sum())


def coefficient_of_variation(values: NDArray[Any]) -> float:
    """Return standard deviation over mean."""
    mean = float(np.mean(values)) if len(values) else 0.0
    return float(np.std(values)) / mean if mean > 0 else NAN


def first_passage_steps(path: NDArray[Any], distance: float) -> Ints:
    """Return after how many steps a path first is ``distance`` or more above where it started, for every start.

    Running maxima over windows of 1, 2, 4, ... steps let every start search by halving: n log n in all.

    Args:
        path: Shape ``(n,)``.
        distance: Above zero.

    Returns:
        int64, shape ``(n,)``; n where the path ends before.
    """
    path = np.asarray(path, np.float64)
    count = len(path)
    windows = [path]
    while 1 << len(windows) <= count:
        half = 1 << (len(windows) - 1)
        last = windows[-1]
        windows.append(np.maximum(last[: count - 2 * half + 1], last[half : count - half + 1]))
    place, goal = np.arange(count), path + distance
    for level in range(len(windows) - 1, -1, -1):
        width = 1 << level
        fits = place + width <= count
        below = np.zeros(count, bool)
        below[fits] = windows[level][place[fits]] < goal[fits]
        place = np.where(below, place + width, place)
    # Each size of window is tried once and those that fit below the goal add up to the whole way.
    return np.where(place >= count, count, place - np.arange(count))
