"""Metrics of the book: spread, depth, where orders are placed, what imbalance says."""

from typing import Final

import numpy as np

from twin_env.studies.realism.estimators import Floats, complementary_distribution, gamma_shape, log_slope, ratio
from twin_env.studies.realism.prices import variance_rate
from twin_env.studies.realism.registry import Figure, Figures, metric
from twin_env.studies.realism.series import Series, share_difference

_LONG_S: Final = 300
_IMBALANCE_BINS: Final = 5


@metric(
    Figure("spread_share_1"),
    Figure("spread_mean", "ticks"),
    Figure("spread_p99", "ticks"),
    Figure("spread_per_trade_volatility"),
)
def spread(series: Series) -> Figures:
    """Spread in ticks, sampled once a second: share of time at one tick, mean, 99th percentile.

    ``spread_per_trade_volatility``: mean spread over the volatility per trade, the root of the mid's variance over
    5 min divided by the trades in 5 min (Wyart et al. 2008).
    """
    touch = series.recording.touch
    two_sided = (touch[:, 2] > 0) & (touch[:, 3] > 0)
    ticks = (touch[:, 1] - touch[:, 0])[two_sided]
    if not len(ticks):
        return dict.fromkeys(
            ("spread_share_1", "spread_mean", "spread_p99", "spread_per_trade_volatility"), "no two-sided book"
        )
    trades_per_s = len(series.trades.ts_ns) / max(len(touch) - 1, 1)
    rate = variance_rate(series.mid_by_second, _LONG_S)
    per_trade = np.sqrt(rate / trades_per_s) if trades_per_s > 0 else np.nan
    return {
        "spread_share_1": float(np.mean(ticks == 1)),
        "spread_mean": float(np.mean(ticks)),
        "spread_p99": float(np.quantile(ticks, 0.99)),
        "spread_per_trade_volatility": ratio(float(np.mean(ticks)), per_trade),
    }


def mean_depth(series: Series) -> Floats:
    """Return mean lots at 0 to 9 ticks behind the best price, over samples and both sides."""
    return np.asarray(series.recording.depth.mean(axis=(0, 1)), np.float64)


@metric(Figure("depth_peak_level", "ticks"), Figure("depth_peak_ratio"))
def depth_profile(series: Series) -> Figures:
    """Level, counted from 1 at the best price, that has most lots on average, and its lots over those of level 1.

    Bouchaud, Mezard and Potters (2002). Levels are ticks, empty ones included.
    """
    profile = mean_depth(series)
    if not profile.max() > 0:
        return dict.fromkeys(("depth_peak_level", "depth_peak_ratio"), "no lots")
    peak = int(np.argmax(profile))
    return {"depth_peak_level": float(peak + 1), "depth_peak_ratio": ratio(profile[peak], profile[0])}


@metric(Figure("touch_lots_shape"), Figure("touch_lots_mean", "lots"))
def volume_at_best(series: Series) -> Figures:
    """Lots at the best prices, sampled once a second: shape of a Gamma distribution by maximum likelihood, and mean.

    Half a lot is taken off, since lots are whole numbers from 1 and the distribution is continuous from 0
    (Bouchaud, Mezard and Potters 2002).
    """
    lots = series.recording.touch[:, 2:].ravel()
    lots = lots[lots > 0]
    return {
        "touch_lots_shape": gamma_shape(lots - 0.5),
        "touch_lots_mean": float(lots.mean()) if len(lots) else np.nan,
    }


@metric(Figure("limit_distance_slope"))
def limit_distance(series: Series) -> Figures:
    """Exponent of the complementary distribution of limit prices 2 to 20 ticks behind the best price of their side.

    Least squares on logarithms, points weighted evenly over the logarithm of distance (Bouchaud, Mezard and
    Potters 2002; Zovko and Farmer 2002).
    """
    distance = series.orders.distance_ticks
    points = np.arange(2, 21)
    shares = complementary_distribution(distance[distance > 0], points)
    if not len(distance) or shares[-1] <= 0:
        return {"limit_distance_slope": "no limit orders as far as 20 ticks"}
    return {"limit_distance_slope": -log_slope(points, shares, 1.0 / points)}


def next_move(series: Series) -> tuple[Floats, Floats]:
    """Return imbalance at each second and the direction (+1, -1) of the mid move that came next, where one did."""
    touch, mid = series.recording.touch, series.mid
    moves = np.flatnonzero(np.diff(mid) != 0)
    at = np.searchsorted(series.ts_ns[moves + 1], series.recording.depth_ns, side="right")
    known = (at < len(moves)) & (touch[:, 2] > 0) & (touch[:, 3] > 0)
    coming = moves[at[known]]
    direction = np.sign(mid[coming + 1] - mid[coming])
    return share_difference(touch[known, 2], touch[known, 3]), direction


@metric(Figure("next_move_up"), Figure("next_move_step"))
def next_mid_move(series: Series) -> Figures:
    """Chance that the next mid move is up, given the imbalance I of lots at the best prices (Gould and Bonart 2016).

    ``next_move_up``: for I in 0.8 to 1, which is about 0.9. ``next_move_step``: smallest rise of that chance from one
    fifth of the range of I from 0 to 1 to the next: above 0 when it is monotone. Both sides count, mirrored.
    """
    imbalance, direction = next_move(series)
    towards = np.sign(imbalance) * direction > 0
    place = np.minimum((np.abs(imbalance) * _IMBALANCE_BINS).astype(int), _IMBALANCE_BINS - 1)
    sided = imbalance != 0
    counts = np.bincount(place[sided], minlength=_IMBALANCE_BINS)
    if counts.min() < 30:
        return dict.fromkeys(("next_move_up", "next_move_step"), "fewer than 30 samples of some imbalance")
    chance = np.bincount(place[sided], weights=towards[sided], minlength=_IMBALANCE_BINS) / counts
    return {"next_move_up": float(chance[-1]), "next_move_step": float(np.diff(chance).min())}
