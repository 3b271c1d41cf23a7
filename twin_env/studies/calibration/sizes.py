"""Sizes of orders: the law of the anchored flow (one lot, else Pareto) and a geometric one, by maximum likelihood."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from twin_env.studies.calibration.observed import Floats, Ints

_TAILS: Final = (0.2, 6.0)
_FEWEST_LARGE: Final = 20
_MOST_SCALE: Final = 10
_CLEARLY: Final = 0.9  # of the distance so far: how near a law that begins later must come
_FARTHEST: Final = 10_000  # lots up to which distributions are compared


@dataclass(frozen=True)
class SizeFit:
    """A size law and its standard errors; see ``flow.SizeLaw``."""

    one_lot_share: float
    one_lot_error: float
    scale_lots: float
    tail_exponent: float
    tail_error: float
    largest_lots: int

    def chance_above(self, lots: Ints) -> Floats:
        """Return the chance that an order has more lots; of 0 lots it is 1. Where the law is cut does not count."""
        tail = (1.0 - self.one_lot_share) * ((lots + 1.0) / self.scale_lots) ** -self.tail_exponent
        return np.where(lots < 1, 1.0, np.minimum(tail, 1.0 - self.one_lot_share))


def fit_sizes(lots: Ints, room: Ints | None = None) -> SizeFit | None:
    """Fit the law to sizes: the Pareto law begins at that of 1 to 10 lots whose distribution is nearest.

    Args:
        lots: Sizes.
        room: Largest size that could be seen, per order: what the touch offered. A size equal to its room tells only
            that the order was at least that large.

    Returns:
        The fit; ``None`` if fewer than 20 orders have more than one lot.
    """
    lots = np.maximum(lots, 1)
    room = np.full(len(lots), np.iinfo(np.int64).max) if room is None else room
    found: SizeFit | None = None
    nearest = math.inf
    for scale in range(1, _MOST_SCALE + 1):
        fit = _fit_from(lots, room, scale)
        if fit is None:
            break
        far = _gap(fit, lots, room)
        if far < _CLEARLY * nearest:
            found, nearest = fit, far
    return found


def _fit_from(lots: Ints, room: Ints, scale: int) -> SizeFit | None:
    """Fit the law with its Pareto part from ``scale`` lots on; smaller sizes all count as one lot."""
    least = max(scale, 2)
    censored = lots >= room
    large = lots >= least
    if np.count_nonzero(large & ~censored) < _FEWEST_LARGE:
        return None

    def cost(tail: float) -> float:
        return -_log_likelihood(lots[large], censored[large], tail, least)

    tail = float(minimize_scalar(cost, bounds=_TAILS, method="bounded").x)
    # Orders whose room was smaller than that do not tell whether they were large.
    known = ~(censored & ~large)
    share = float(np.mean(large[known]))
    stretch = (least / scale) ** tail
    one = 1.0 - share * stretch
    if one < 0.0:
        one, tail = 0.0, _tail_of_all(lots, censored)
    one_error = stretch * math.sqrt(share * (1 - share) / np.count_nonzero(known))
    largest = _largest(one, tail, scale, lots, bool(censored.any()))
    return SizeFit(one, one_error, float(scale), tail, _error(cost, tail), largest)


def _gap(fit: SizeFit, lots: Ints, room: Ints) -> float:
    """Return the Wasserstein-1 distance of what the law shows from the sizes, of both what the room leaves."""
    steps = np.arange(1, min(int(lots.max()), _FARTHEST) + 1)
    seen = 1.0 - np.searchsorted(np.sort(lots), steps) / len(lots)
    left = 1.0 - np.searchsorted(np.sort(room), steps) / len(room)
    law = np.where(steps <= fit.largest_lots, fit.chance_above(steps - 1), 0.0)
    return float(np.abs(seen - left * law).sum())


def _largest(one: float, tail: float, scale: int, lots: Ints, censored: bool) -> int:
    """Return where a law is cut: where its mean is that of the sizes, at the largest that was seen at most.

    A heavy tail that runs on makes a volume no source has. Sizes that were cut by what was offered say no mean.
    """
    seen = int(max(lots.max(), 2))
    if censored:
        return seen
    # The mean of min(X, n) is the sum of P(X >= k) for k to n; P(X >= 1) is 1.
    steps = np.arange(1, seen + 1, dtype=np.float64)
    means = one + (1.0 - one) * np.cumsum(np.minimum((scale / steps) ** tail, 1.0))
    return min(int(np.searchsorted(means, float(lots.mean()))) + 1, seen)


def _log_likelihood(lots: Ints, censored: NDArray[np.bool_], tail: float, least: int = 2) -> float:
    """Of sizes of at least ``least``: P(X = x) is x^-a - (x + 1)^-a over least^-a; P(X >= x) is x^-a over that."""
    x = lots.astype(np.float64)
    exact = np.log(x[~censored] ** -tail - (x[~censored] + 1.0) ** -tail)
    return float(exact.sum() - tail * np.log(x[censored]).sum() + tail * math.log(least) * len(lots))


def _tail_of_all(lots: Ints, censored: NDArray[np.bool_]) -> float:
    found: Any = minimize_scalar(lambda a: -_log_likelihood(lots, censored, a, 1), bounds=_TAILS, method="bounded")
    return float(found.x)


def _error(cost: Any, at: float, step: float = 1e-3) -> float:
    curvature = (cost(at + step) - 2.0 * cost(at) + cost(at - step)) / step**2
    return 1.0 / math.sqrt(curvature) if curvature > 0 else math.nan


def geometric_mean_size(lots: Ints) -> tuple[float, float]:
    """Return the mean of a geometric law of sizes from 1 (its maximum likelihood estimate) and its standard error."""
    mean = max(float(lots.mean()), 1.0)
    return mean, math.sqrt(mean * (mean - 1.0) / len(lots))
