"""Where limit orders are placed: margin, disagreement and a mixture of a near and a far law, by binned likelihood.

The anchor is not seen; the mid before an order stands in for it, so the disagreement that is found holds the
wandering of the mid about the anchor too.
"""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from twin_env.studies.calibration.observed import Floats, Observed

_STEP: Final = 0.25  # ticks, of the grid on which densities are folded
_FARTHEST_SHARE: Final = 0.995
_FEWEST_EXPECTED: Final = 1e-9
_BLOCKS: Final = 6  # of time, for the errors
_NEAREST: Final = 0.5  # ticks: a narrower law is not told from a point


@dataclass(frozen=True)
class Placement:
    """A placement law; see ``flow.LimitOrders``."""

    margin_ticks: float
    opinion_sd_ticks: float
    near_share: float
    near_ticks: float
    far_exponent: float
    far_ticks: float
    farthest_ticks: float


def fit_placement(observed: Observed) -> tuple[Placement, dict[str, float]]:
    """Return the law, and standard errors by parameter from a jackknife over blocks of time."""
    from_mid = observed.limits.from_mid
    farthest = max(float(np.quantile(from_mid, _FARTHEST_SHARE)), 4.0)
    kept = np.minimum(from_mid, farthest)
    half_spread = float(np.mean(observed.aggressors.spread)) / 2.0
    start = _first_guess(kept, half_spread, farthest)
    whole = _maximise(kept, start, farthest)
    blocks = np.array_split(kept, _BLOCKS)
    parts = [_maximise(np.concatenate(blocks[:k] + blocks[k + 1 :]), whole, farthest, 150) for k in range(_BLOCKS)]
    natural = np.array([_natural(part) for part in parts])
    errors = np.sqrt((_BLOCKS - 1) / _BLOCKS * ((natural - natural.mean(axis=0)) ** 2).sum(axis=0))
    names = [field.name for field in fields(Placement)]
    values = [float(f"{value:.4g}") for value in _natural(whole)]
    return Placement(*values), dict(zip(names, errors.tolist(), strict=True))


def _first_guess(from_mid: Floats, half_spread: float, farthest: float) -> Floats:
    margin = max(float(np.quantile(from_mid, 0.15)), 0.1)
    near = max(float(np.quantile(from_mid, 0.6)) - margin, 0.3)
    sd = max(0.3, half_spread / 3.0)
    return np.array([margin, *np.log([sd, near, 1.0, 2.0 * near, max(farthest - margin, 1.0)]), logit(0.7)])


def _natural(point: Floats) -> Floats:
    """Return the parameters in the order of :class:`Placement`."""
    sd, near, exponent, far, farthest = np.exp(point[1:6])
    return np.array([point[0], sd, expit(point[6]), near, exponent, far, farthest])


def _maximise(from_mid: Floats, start: Floats, farthest: float, steps: int = 800) -> Floats:
    """Maximise the likelihood of distances, counted by half tick. Orders nearer than all but 0.1 % count as there."""
    nearest = float(np.floor(np.quantile(from_mid, 0.001)))
    edges = np.arange(nearest, farthest + 1.0, 0.5)
    counts = np.bincount(
        np.clip(np.round((from_mid - nearest) * 2).astype(np.int64), 0, len(edges) - 1), minlength=len(edges)
    )
    # A mid lies on whole or half ticks: orders come in two lattices, folded into one density here.
    search: Any = minimize
    found = search(
        lambda point: _cost(point, edges, counts.astype(np.float64), farthest),
        start,
        method="Nelder-Mead",
        options=_options(steps),
    )
    return np.asarray(found.x, np.float64)


def _options(steps: int) -> Any:
    return {"maxiter": steps, "xatol": 1e-3, "fatol": 1e-3}


def _cost(point: Floats, edges: Floats, counts: Floats, farthest: float) -> float:
    law = Placement(*_natural(point).tolist())
    if law.margin_ticks < 0.0 or law.near_ticks < _NEAREST or law.opinion_sd_ticks > farthest or law.far_exponent > 8.0:
        return 1e12
    if not 1.0 < law.farthest_ticks < 2.0 * farthest or law.far_ticks > farthest:
        return 1e12
    return float(-(counts * np.log(np.maximum(_cell_shares(edges, law), _FEWEST_EXPECTED))).sum())


def _cell_shares(edges: Floats, law: Placement) -> Floats:
    """Return the share of orders in each cell of half a tick; the outermost cells hold all that lies beyond."""
    width = 5.0 * law.opinion_sd_ticks
    grid = np.arange(0.0, law.farthest_ticks + _STEP, _STEP)
    near = np.exp(-grid / law.near_ticks)
    far = (1.0 + grid / law.far_ticks) ** -law.far_exponent
    beyond = law.near_share * near + (1.0 - law.near_share) * far
    beyond[-1] = 0.0  # a distance beyond the farthest is cut to it
    noise_at = np.arange(-np.ceil(width / _STEP), np.ceil(width / _STEP) + 1) * _STEP
    noise = np.exp(-0.5 * (noise_at / max(law.opinion_sd_ticks, _STEP / 2)) ** 2)
    smeared = np.convolve(-np.diff(beyond), noise / noise.sum())
    middles = law.margin_ticks + noise_at[0] + _STEP * (np.arange(len(smeared)) + 0.5)
    total = np.concatenate([[0.0], np.cumsum(smeared)])
    below = np.interp(edges[:-1] + 0.25, np.append(middles - _STEP / 2, middles[-1] + _STEP / 2), total)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))
