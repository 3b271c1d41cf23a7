"""Who takes: memory of signs, caution about the spread, and whether market orders stop at the touch."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from twin_env.studies.calibration.observed import Aggressors, Floats, Ints
from twin_env.studies.calibration.sizes import SizeFit

_LAGS: Final = (1, 100)
_FEWEST: Final = 1000
_TAILS: Final = (1.1, 2.9)
_MOST_AVERSION: Final = 3.0
_BLOCKS: Final = 6


def fit_length_tail(signs: Ints) -> tuple[float, float] | None:
    """Return the tail exponent of metaorders' lengths and its error, or ``None`` where signs have no clear memory.

    Signs of orders that are split into children of long-tailed number have the autocorrelation lag^-(tail - 1)
    (Lillo, Mike and Farmer 2005). The exponent is fitted by least squares on logarithms over averages in bins.
    """
    if len(signs) < _FEWEST:
        return None
    whole = _decay(signs)
    if whole is None:
        return None
    parts = [part for part in (_decay(block) for block in np.array_split(signs, 4)) if part is not None]
    error = float(np.std(parts, ddof=1) / math.sqrt(len(parts))) if len(parts) > 1 else math.nan
    return float(np.clip(1.0 + whole, *_TAILS)), error


def _decay(signs: Ints) -> float | None:
    first, last = _LAGS
    last = min(last, len(signs) // 10)
    centred = signs - signs.mean()
    curve = np.array([np.mean(centred[lag:] * centred[:-lag]) for lag in range(1, last + 1)])
    edges = np.unique(np.round(np.geomspace(first, last + 1, 9)).astype(np.int64))
    lags = np.array([np.sqrt(low * (high - 1)) for low, high in pairwise(edges)])
    means = np.array([curve[low - 1 : high - 1].mean() for low, high in pairwise(edges)])
    noise = np.array([1.0 / math.sqrt(len(signs) * (high - low)) for low, high in pairwise(edges)])
    clear = means > 2.0 * noise
    if np.count_nonzero(clear) < 4:
        return None
    slope = np.polyfit(np.log(lags[clear]), np.log(means[clear]), 1, w=means[clear] / noise[clear])[0]
    return float(-slope)


@dataclass(frozen=True)
class AversionFit:
    """How market orders thin out with the spread: rate at one tick, both sides, and the log of the loss per tick."""

    rate_per_s: float
    rate_error: float
    aversion: float
    aversion_error: float


def fit_aversion(aggressors: Aggressors, touch: Ints) -> AversionFit:
    """Fit the rate of market orders and its fall with the spread: a Poisson regression on the spread.

    Args:
        aggressors: Who took.
        touch: Samples of the touch once a second: how long each spread stood.
    """
    spreads = np.maximum(touch[:, 1] - touch[:, 0], 1)
    seconds = np.bincount(spreads).astype(np.float64)
    beyond = np.arange(len(seconds)) - 1.0
    taken = np.clip(aggressors.spread, 1, len(seconds) - 1)

    def cost(aversion: float) -> float:
        fading = np.exp(-aversion * beyond)
        return float(aversion * beyond[taken].sum() + len(taken) * math.log((seconds * fading)[1:].sum()))

    found = float(minimize_scalar(cost, bounds=(0.0, _MOST_AVERSION), method="bounded", options={"xatol": 1e-5}).x)
    step = 1e-3
    curvature = (cost(found + step) - 2.0 * cost(found) + cost(found - step)) / step**2
    rate = len(taken) / float((seconds * np.exp(-found * beyond))[1:].sum())
    error = 1.0 / math.sqrt(curvature) if curvature > 0 else math.nan
    return AversionFit(rate, rate / math.sqrt(len(taken)), found, error)


def fit_touch_share(aggressors: Aggressors, sizes: SizeFit) -> tuple[float, float] | None:
    """Return the share of market orders that take no more than the best price offers, and its error.

    Of the orders that are larger than what is offered, those that are not limited go on beyond it. How many are larger,
    of those that took it all, follows from the law of sizes.
    """
    emptied: NDArray[np.bool_] = aggressors.through | (aggressors.lots >= aggressors.offered_lots)
    offered = np.maximum(aggressors.offered_lots[emptied], 1)
    count = len(offered)
    if count < 20:
        return None
    larger = float(np.mean(sizes.chance_above(offered) / sizes.chance_above(offered - 1)))
    beyond = float(np.count_nonzero(aggressors.through)) / count
    error = math.sqrt(max(beyond * (1.0 - beyond), 1.0 / count) / count) / larger
    return max(1.0 - beyond / larger, 0.0), error


def fit_sensitivity(
    cancel_side: Ints, cancel_ns: Ints, mid_by_second: Floats, start_ns: int
) -> tuple[float, float] | None:
    """Return how the log of the cancel rate rises per tick that the mid moved against an order in the last second.

    The distribution of signed moves at cancels is held against that at all seconds; the slope of the log of their
    ratio is fitted by least squares. It is smaller than the model's, whose orders look at the anchor.
    """
    moves = np.diff(mid_by_second)
    second = ((cancel_ns - start_ns) // 1_000_000_000).astype(np.int64)
    known = (second >= 1) & (second < len(moves))
    # A second in which an order left is held against the move of that second: against a buy when the mid fell.
    seen = -cancel_side[known] * moves[second[known]]
    every = np.concatenate([moves, -moves])
    edges = np.unique(np.quantile(every, np.linspace(0.0, 1.0, 13)))
    if len(edges) < 4:
        return None
    left = np.histogram(seen, edges)[0].astype(np.float64)
    right = np.histogram(every, edges)[0].astype(np.float64)
    full = (left > 10) & (right > 10)
    if np.count_nonzero(full) < 3:
        return None
    middle = np.array([every[(every >= low) & (every <= high)].mean() for low, high in pairwise(edges)])
    ratio = np.log(left[full] / right[full])
    weights = np.sqrt(1.0 / (1.0 / left[full] + 1.0 / right[full]))
    (slope, _), covariance = np.polyfit(middle[full], ratio, 1, w=weights, cov="unscaled")
    return float(slope), math.sqrt(float(covariance[0, 0]))
