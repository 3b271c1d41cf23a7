"""Metrics of the order flow: arrival, memory of signs, lifetimes, response and impact of flow."""

from typing import Final

import numpy as np

from twin_env.studies.realism.estimators import (
    NAN,
    Floats,
    Ints,
    autocorrelation,
    coefficient_of_variation,
    first_passage_steps,
    hill_index,
    log_slope,
    power_decay,
    r_squared,
    ratio,
    slope,
)
from twin_env.studies.realism.registry import Figure, Figures, metric
from twin_env.studies.realism.series import NS_PER_S, Series

OFI_S: Final = 10
_SIGN_LAGS: Final = (5, 500)
_RESPONSE_LAGS: Final = 1000
_TAIL: Final = 0.1
_PASSAGE_TAIL: Final = 0.5  # first passage follows its power law early, and its far tail is a few excursions
_PASSAGE_TICKS: Final = (4, 6, 8, 11, 15, 20)
_DEPTH_BINS: Final = 10
_ENOUGH: Final = 30


@metric(Figure("cv_events"), Figure("cv_trades"))
def inter_arrival(series: Series) -> Figures:
    """Coefficient of variation of times between messages, and between aggressors; 1 for a Poisson process."""
    events = np.diff(series.ts_ns[series.is_acted()])
    return {
        "cv_events": coefficient_of_variation(events),
        "cv_trades": coefficient_of_variation(np.diff(series.trades.ts_ns)),
    }


@metric(Figure("sign_acf_1"), Figure("sign_acf_exponent"))
def sign_acf(series: Series) -> Figures:
    """Autocorrelation of the signs of aggressors, one after another: at lag 1, and the exponent over lags 5 to 500.

    Buys and sells are taken to be equally likely in the long run: the mean is 0 (Lillo and Farmer 2004; Bouchaud et
    al. 2004).
    """
    signs = series.trades.side
    first, last = _SIGN_LAGS
    curve = autocorrelation(signs, last, mean=0.0)
    exponent = power_decay(curve, first, last, len(signs)) if len(signs) > 4 * last else NAN
    return {
        "sign_acf_1": float(curve[1]),
        "sign_acf_exponent": exponent if np.isfinite(exponent) else "no memory beyond the noise at lags 5 to 500",
    }


@metric(Figure("cancel_share"), Figure("limits_per_trade"))
def cancel_share(series: Series) -> Figures:
    """Share of ended limit orders whose last lots were withdrawn, and limit orders per aggressor that trades."""
    orders = series.orders
    ended = int(np.count_nonzero(orders.cancelled | orders.filled))
    trades = len(series.trades.ts_ns)
    return {
        "cancel_share": ratio(int(np.count_nonzero(orders.cancelled)), ended),
        "limits_per_trade": ratio(len(orders.born_ns), trades),
    }


def passage_seconds(series: Series, ticks: float) -> Ints:
    """Return after how many seconds the mid is ``ticks`` above, and below, where it was, for starts up to half time.

    Half of the recording is the longest a start can wait: what takes longer has that value.
    """
    path = series.mid_by_second
    half = len(path) // 2
    steps = [first_passage_steps(side * path, ticks)[: len(path) - half] for side in (1, -1)]
    return np.minimum(np.concatenate(steps), half)


@metric(
    Figure("fill_time_exponent"),
    Figure("cancel_time_exponent"),
    Figure("passage_time_exponent", needs_hours=2),
    Figure("lifetime_exponent"),
    Figure("passage_time_scaling", needs_hours=2),
    Figure("fill_time_scaling"),
)
def lifetimes(series: Series) -> Figures:
    """Exponents of the densities of times of limit orders and of first passage (Eisler, Kertesz and Lillo 2007).

    1 + Hill index of the largest tenth of times: to the last fill of orders that filled, to the cancel of orders
    cancelled whole or in part, and lifetimes of all that ended; and of the larger half of first passages of the mid to
    4 ticks away. Scaling: exponents b
    of ``median time ~ distance**b``, of first passage over 4 to 20 ticks and of fills over 1 to 10 ticks behind
    the best price.
    """
    orders = series.orders
    life_s = (orders.ended_ns - orders.born_ns) / NS_PER_S
    half_s = float(len(series.mid_by_second) // 2)
    passage = {ticks: passage_seconds(series, ticks) for ticks in _PASSAGE_TICKS}
    medians = np.array([np.median(times) if len(times) else NAN for times in passage.values()])
    medians[medians >= half_s] = NAN
    return {
        "fill_time_exponent": 1.0 + hill_index(life_s[orders.filled], _TAIL),
        "cancel_time_exponent": 1.0 + hill_index(life_s[orders.cancelled], _TAIL),
        "passage_time_exponent": 1.0 + hill_index(passage[_PASSAGE_TICKS[0]], _PASSAGE_TAIL, half_s),
        "lifetime_exponent": 1.0 + hill_index(life_s[orders.filled | orders.cancelled], _TAIL),
        "passage_time_scaling": log_slope(np.array(_PASSAGE_TICKS), medians),
        "fill_time_scaling": _fill_time_scaling(orders.distance_ticks[orders.filled], life_s[orders.filled]),
    }


def _fill_time_scaling(distance: Ints, life_s: Floats) -> float:
    points = np.arange(1, 11)
    times = [life_s[distance == point] for point in points]
    medians = np.array([np.median(some) if len(some) >= _ENOUGH else NAN for some in times])
    return log_slope(points, medians)


@metric(Figure("trade_through"))
def trade_through(series: Series) -> Figures:
    """Share of aggressors with a fill beyond the best price they met (Pomponio and Abergel 2013)."""
    through = series.trades.through_ticks
    return {"trade_through": float(np.mean(through > 0)) if len(through) else "no trades"}


def response_curve(series: Series, lags: Ints) -> tuple[Floats, Floats]:
    """Return R(lag) and its error: the mean mid change in the direction of a trade, from before it to ``lag`` later.

    Ticks; lags count trades. Drift is removed; the error is that of independent terms.
    """
    trades = series.trades
    values, errors = np.full(len(lags), NAN), np.full(len(lags), NAN)
    for place, lag in enumerate(lags.tolist()):
        # The mid before trade t + lag has everything up to trade t + lag - 1 in it.
        moves = trades.mid_before[lag:] - trades.mid_before[:-lag]
        if len(moves) < _ENOUGH:
            break
        signed = trades.side[:-lag] * (moves - moves.mean())
        values[place], errors[place] = signed.mean(), signed.std() / np.sqrt(len(signed))
    return values, errors


@metric(Figure("response_ratio"), Figure("response_1", "half-spreads"))
def response(series: Series) -> Figures:
    """Largest response R(lag) over R(1), and R(1) in half-spreads (Bouchaud et al. 2004).

    Lags are 1 to 1000 trades on a logarithmic grid, as far as the statistical error stays below a quarter of R(1).
    """
    lags = np.unique(np.round(np.geomspace(1, _RESPONSE_LAGS, 31)).astype(np.int64))
    values, errors = response_curve(series, lags)
    first = float(values[0])
    if not first > 2 * errors[0]:
        return {"response_ratio": "R(1) is not above 0", "response_1": first}
    known = errors < first / 4
    half_spread = float(series.trades.spread_before.mean()) / 2
    largest = float(values[known].max()) / first if known.any() else "the error of R(1) is above a quarter of it"
    return {"response_ratio": largest, "response_1": ratio(first, half_spread)}


def ofi_and_moves(series: Series, interval_s: int) -> tuple[Floats, Floats, Floats]:
    """Return order flow imbalance (lots), signed traded lots and mid change (ticks) of whole intervals."""
    flow = series.by_interval(series.ts_ns, series.order_flow, interval_s)
    trades = series.trades
    signed = series.by_interval(trades.ts_ns, trades.side * trades.lots, interval_s)
    moves = np.diff(series.mid_by_interval(interval_s))
    count = min(len(flow), len(moves))
    return flow[:count], signed[:count], moves[:count]


@metric(Figure("ofi_r2"), Figure("trade_imbalance_r2"), Figure("ofi_depth_exponent"))
def ofi_regression(series: Series) -> Figures:
    """Regression of 10 s mid changes on order flow imbalance (Cont, Kukanov and Stoikov 2014).

    Its R squared, that of the regression on signed traded lots, and lambda of ``slope ~ depth**-lambda``: intervals
    are sorted by mean lots at the best prices into ten equal groups, and each has a slope of its own.
    """
    flow, signed, moves = ofi_and_moves(series, OFI_S)
    touch = series.recording.touch[1 : 1 + len(moves) * OFI_S, 2:]
    depth = touch.reshape(len(moves), -1).mean(axis=1) if len(moves) else np.zeros(0)
    return {
        "ofi_r2": r_squared(flow, moves),
        "trade_imbalance_r2": r_squared(signed, moves),
        "ofi_depth_exponent": _depth_exponent(depth, flow, moves),
    }


def _depth_exponent(depth: Floats, flow: Floats, moves: Floats) -> float:
    if len(depth) < _DEPTH_BINS * _ENOUGH:
        return NAN
    groups = np.array_split(np.argsort(depth, kind="stable"), _DEPTH_BINS)
    slopes = np.array([slope(flow[group], moves[group]) for group in groups])
    return -log_slope(np.array([depth[group].mean() for group in groups]), slopes)


@metric(Figure("ofi_predictive_r2"))
def ofi_decay(series: Series) -> Figures:
    """R squared of 1 min mid changes on the order flow imbalance of the minute before."""
    flow, _, moves = ofi_and_moves(series, 60)
    return {"ofi_predictive_r2": r_squared(flow[:-1], moves[1:])}
