"""The arrivals: branching ratio and exponent of a Hawkes process from counts in windows of many lengths.

The Allan factor, half the mean squared difference of the counts of neighbouring windows over their mean, does not see
slow drifts. For a Hawkes process it follows from the spectrum (Bartlett 1963; Hawkes 1971). What is seen is a thinned
process: of the candidates only a share becomes a message, and a share q of the points has A - 1 = q (A_candidates - 1).
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize

from twin_env.core.state.layout import ARRIVAL_SCALES
from twin_env.studies.calibration.observed import NS_PER_S, Floats, Ints

_WINDOWS_S: Final = np.geomspace(0.002, 8.0, 13)
_BLOCKS: Final = 8
_MODEL_ERROR: Final = 0.03  # of a log Allan factor, that no length of a source takes away: candidates thin unevenly
_FASTEST_S: Final = (0.0005, 0.002, 0.02)
_OMEGA: Final = np.geomspace(1e-4, 1e5, 3000)
_HALF: Final = _OMEGA[None, :] * _WINDOWS_S[:, None] / 2.0
# T sinc^2 is the filter of a count in a window, 2 sin^2 that of a difference of neighbours; omega is for d log omega.
_FILTER: Final = _WINDOWS_S[:, None] * np.sinc(_HALF / np.pi) ** 2 * 2.0 * np.sin(_HALF) ** 2 * _OMEGA


@dataclass(frozen=True)
class ArrivalsFit:
    """Fitted arrivals; see ``flow.Arrivals``."""

    branching: float
    branching_error: float
    exponent: float
    exponent_error: float
    fastest_s: float


def allan_curve(times_ns: Ints, start_ns: int, end_ns: int) -> Floats:
    """Return the Allan factors of windows of 2 ms to 8 s; NaN where there are no two windows with points."""
    seconds = (times_ns - start_ns) / NS_PER_S
    length = (end_ns - start_ns) / NS_PER_S
    return np.array([_allan(seconds, window, int(length // window)) for window in _WINDOWS_S.tolist()])


def _allan(seconds: Floats, window: float, count: int) -> float:
    places = (seconds / window).astype(np.int64)
    counts = np.bincount(places[places < count], minlength=count)[:count].astype(np.float64)
    return float(np.mean(np.diff(counts) ** 2) / (2.0 * counts.mean())) if count > 1 and counts.any() else math.nan


def fit_arrivals(
    times_ns: Ints,
    start_ns: int,
    end_ns: int,
    candidate_rate_per_s: float,
    pace: tuple[Floats, Floats],
    slowest_s: float,
) -> ArrivalsFit:
    """Fit branching, exponent and the fastest scale (one of three).

    Args:
        times_ns: Of messages.
        start_ns: First moment.
        end_ns: Last moment.
        candidate_rate_per_s: Of the model: more than there are messages.
        pace: Variances and relaxation times (s) of the relative pace that volatility gives the market.
        slowest_s: Slowest scale of the excitement.
    """
    seconds = (end_ns - start_ns) / NS_PER_S
    rate = len(times_ns) / seconds
    kept = min(rate / candidate_rate_per_s, 1.0)
    whole = allan_curve(times_ns, start_ns, end_ns)
    added = _pace_excess(rate, pace)
    fits = [(*_match(whole, kept, added, fastest, slowest_s, seconds), fastest) for fastest in _FASTEST_S]
    point, _, fastest = min(fits, key=lambda fit: fit[1])
    bounds = np.linspace(start_ns, end_ns, _BLOCKS + 1).astype(np.int64)
    parts = []
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        inside = times_ns[(times_ns >= low) & (times_ns < high)]
        if len(inside) > 100:
            curve = allan_curve(inside, low, high)
            part_rate = len(inside) / ((high - low) / NS_PER_S)
            added = _pace_excess(part_rate, pace)
            parts.append(_match(curve, kept, added, fastest, slowest_s, seconds / _BLOCKS)[0])
    spread = np.std(np.array(parts), axis=0, ddof=1) / math.sqrt(len(parts)) if len(parts) > 1 else (math.nan, math.nan)
    return ArrivalsFit(float(point[0]), float(spread[0]), float(point[1]), float(spread[1]), fastest)


def _match(
    curve: Floats, kept: float, added: Floats, fastest: float, slowest: float, seconds: float
) -> tuple[Floats, float]:
    """Return (branching, exponent) whose curve is nearest in logarithms, and how near."""
    known = np.isfinite(curve) & (curve > 0)
    weights = 1.0 / (_MODEL_ERROR**2 + 3.0 * _WINDOWS_S / seconds)

    def cost(point: Any) -> float:
        branching, exponent = 1.0 / (1.0 + math.exp(-point[0])), point[1]
        if not 0.5 < exponent < 3.0 or branching > 0.97:
            return 1e6
        made = allan_of(kept * hawkes_excess(branching, exponent, fastest, slowest) + added)
        return float(
            (weights * (np.log(made) - np.log(np.maximum(curve, 0.2))) ** 2)[known].sum() / weights[known].sum()
        )

    found = minimize(cost, [0.8, 1.15], method="Nelder-Mead", options={"maxiter": 120, "xatol": 1e-3, "fatol": 1e-7})
    return np.array([1.0 / (1.0 + math.exp(-found.x[0])), found.x[1]]), float(found.fun)


def hawkes_excess(branching: float, exponent: float, fastest_s: float, slowest_s: float) -> Floats:
    """Return the spectrum of the anchored flow's candidates over their rate, less one, at all frequencies used here."""
    times = np.geomspace(fastest_s, slowest_s, ARRIVAL_SCALES)
    weights = times ** (1.0 - exponent)
    weights *= branching / weights.sum()
    transfer = (weights[:, None] / (1.0 + 1j * _OMEGA[None, :] * times[:, None])).sum(axis=0)
    return np.asarray(1.0 / np.abs(1.0 - transfer) ** 2 - 1.0, np.float64)


def allan_of(excess: Floats) -> Floats:
    """Return the Allan factors of a process with this spectrum: its integral against a filter per window."""
    return np.asarray(1.0 + np.trapezoid(excess * _FILTER, np.log(_OMEGA), axis=1) / np.pi, np.float64)


def _pace_excess(rate: float, pace: tuple[Floats, Floats]) -> Floats:
    """Return what a pace that wanders as Ornstein-Uhlenbeck processes adds to the spectrum over the rate."""
    variances, times = pace
    x = (_OMEGA[:, None] * times) ** 2
    return np.asarray((2.0 * rate * variances * times / (1.0 + x)).sum(axis=1), np.float64)
