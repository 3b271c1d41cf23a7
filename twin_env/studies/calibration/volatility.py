"""The efficient price: its variance, and how its volatility wanders, from realised variance."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls

from twin_env.studies.calibration.observed import Floats, Ints

_S_PER_DAY: Final = 86_400.0
_SLOW_S: Final = 60  # moves at least this long are free of the bounce between quotes
_BIN_S: Final = 30
_SPANS: Final = 3.0  # relaxation times a source must cover to tell the size of a volatility process
_MOST_LAG_SHARE: Final = 0.25
_FEWEST_BINS: Final = 40


@dataclass(frozen=True)
class VolatilityFit:
    """Volatility of the mid; ``sds`` holds NaN for processes that are too slow for the source."""

    daily_ticks: float
    daily_error: float
    sds: tuple[float, ...]


def fit_volatility(mid_by_second: Floats, times_s: tuple[float, ...]) -> VolatilityFit:
    """Fit daily volatility and the stationary standard deviations of log volatility.

    Args:
        mid_by_second: Mid once a second, ticks.
        times_s: Relaxation times of the processes whose sum is log volatility.
    """
    span = len(mid_by_second) - 1
    moves = np.concatenate([np.diff(mid_by_second[start::_SLOW_S]) for start in range(0, _SLOW_S, 10)])
    variance = float(np.mean(moves**2)) / _SLOW_S
    # Grids overlap: the independent moves are those of one grid; a heavy tail widens the error of their mean square.
    fourth = float(np.mean(moves**4)) / (variance * _SLOW_S) ** 2
    independent = max(span / _SLOW_S, 2.0)
    daily = math.sqrt(variance * _S_PER_DAY)
    error = 0.5 * daily * math.sqrt(max(fourth - 1.0, 0.0) / independent)
    return VolatilityFit(daily, error, _fit_sds(mid_by_second, times_s, span))


def _fit_sds(mid_by_second: Floats, times_s: tuple[float, ...], span: float) -> tuple[float, ...]:
    """Match the autocovariance of the log of realised variance; lag 0 holds estimation noise and is left out."""
    squares = np.diff(mid_by_second) ** 2
    count = len(squares) // _BIN_S
    realised = squares[: count * _BIN_S].reshape(count, _BIN_S).sum(axis=1)
    logs = 0.5 * np.log(realised[realised > 0])
    known = [time for time in times_s if _SPANS * time <= span]
    if len(logs) < _FEWEST_BINS or not known:
        return (math.nan,) * len(times_s)
    logs = logs - logs.mean()
    lags = np.arange(1, max(int(len(logs) * _MOST_LAG_SHARE), 2))
    covariance = np.array([np.mean(logs[lag:] * logs[:-lag]) for lag in lags])
    curves = np.stack([_binned_curve(time, lags) - _lost(time, len(logs)) for time in known], axis=1)
    # Lags are weighted evenly over their logarithm.
    weight = np.sqrt(1.0 / lags)
    variances = nnls(curves * weight[:, None], covariance * weight)[0]
    found = dict(zip(known, np.sqrt(variances).tolist(), strict=True))
    return tuple(found.get(time, math.nan) for time in times_s)


def _binned_curve(time_s: float, lags: Ints) -> Floats:
    """Autocovariance of an Ornstein-Uhlenbeck process of variance one, averaged over bins."""
    x = _BIN_S / time_s
    return np.asarray(((1.0 - np.exp(-x)) / x) ** 2 * np.exp(-(lags - 1.0) * x), np.float64)


def _lost(time_s: float, count: int) -> float:
    """Variance of the mean of that process over the source, which taking the mean away removes from every lag."""
    span = count * _BIN_S / time_s
    return 2.0 / span * (1.0 - (1.0 - math.exp(-span)) / span)
