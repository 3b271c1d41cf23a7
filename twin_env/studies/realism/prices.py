"""Metrics of the mid price: returns and their memory, volatility, the clock of the day."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from twin_env.studies.realism.estimators import (
    Floats,
    Ints,
    autocorrelation,
    bin_means,
    correlation,
    excess_kurtosis,
    hill_index,
    log_bins,
    log_slope,
    overlapping_autocorrelation,
    overlapping_changes,
    ratio,
    roughness,
)
from twin_env.studies.realism.registry import Figure, Figures, metric
from twin_env.studies.realism.series import NS_PER_S, Series

MINUTE_S: Final = 60
_SIGNATURE_S: Final = 300
_VOLATILITY_S: Final = 300
_EXCHANGE_TIME: Final = ZoneInfo("America/New_York")
_DAY_HOURS: Final = 22.0


@metric(
    Figure("kurtosis_1s"),
    Figure("kurtosis_1min"),
    Figure("kurtosis_5min"),
    Figure("kurtosis_1h", needs_hours=20),
    Figure("kurtosis_fall"),
)
def return_kurtosis(series: Series) -> Figures:
    """Excess kurtosis of mid changes over 1 s, 1 min, 5 min and 1 h, overlapping (Cont 2001, aggregational normality).

    ``kurtosis_fall`` is the smallest relative fall ``1 - next / previous`` from one horizon up to 5 min to the next:
    above 0 when kurtosis falls at every step.
    """
    horizons = {"1s": 1, "1min": 60, "5min": 300, "1h": 3600}
    values = {name: excess_kurtosis(overlapping_changes(series.mid_by_second, s)) for name, s in horizons.items()}
    steps = np.array([values["1s"], values["1min"], values["5min"]])
    falls = np.where(steps[:-1] > 0, 1.0 - steps[1:] / steps[:-1], -1.0)
    fall = float(falls.min()) if np.isfinite(steps).all() else np.nan
    return {**{f"kurtosis_{name}": value for name, value in values.items()}, "kurtosis_fall": fall}


@metric(Figure("tail_index"))
def tail_index(series: Series) -> Figures:
    """Hill index of the largest 5 % of absolute 1 min mid changes, overlapping (Cont 2001; Hill 1975)."""
    return {"tail_index": hill_index(np.abs(overlapping_changes(series.mid_by_second, MINUTE_S)), 0.05)}


@metric(Figure("return_acf_1s"), Figure("return_acf_1min"))
def return_acf(series: Series) -> Figures:
    """First autocorrelation of mid changes over 1 s and over 1 min, the latter for every grid (Cont 2001)."""
    minute = overlapping_changes(series.mid_by_second, MINUTE_S)
    return {
        "return_acf_1s": float(autocorrelation(np.diff(series.mid_by_second), 1)[1]),
        "return_acf_1min": overlapping_autocorrelation(minute, MINUTE_S),
    }


def minute_abs_acf(series: Series, lags: int) -> Floats:
    """Return the autocorrelation of absolute 1 min mid changes at lags 0 to ``lags`` minutes, for every grid."""
    absolute = np.abs(overlapping_changes(series.mid_by_second, MINUTE_S))
    return autocorrelation(absolute, lags * MINUTE_S)[::MINUTE_S]


@metric(
    Figure("abs_acf_lag1"),
    Figure("abs_acf_lag60", needs_hours=3),
    Figure("abs_acf_exponent", needs_hours=3),
)
def abs_return_acf(series: Series) -> Figures:
    """Autocorrelation of absolute 1 min mid changes at lags of 1 and 60 min, and the exponent of its decay.

    The exponent is that of a power law through means over logarithmic bins of lags 1 to 60 min (Cont 2001). Lag 60
    is the mean over lags 50 to 70.
    """
    curve = minute_abs_acf(series, 70)
    edges = log_bins(1, 60, 10)
    means = bin_means(curve, edges)
    centres = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    positive = means > 0
    exponent = -log_slope(centres[positive], means[positive]) if positive.mean() > 0.7 else np.nan
    return {
        "abs_acf_lag1": float(curve[1]),
        "abs_acf_lag60": float(np.mean(curve[50:71])),
        "abs_acf_exponent": float(exponent) if np.isfinite(exponent) else "the correlation is not above 0 up to 60 min",
    }


def variance_rate(levels: Floats, steps: int) -> float:
    """Return the mean square change over ``steps``, per step, drift removed."""
    changes = overlapping_changes(levels, steps)
    return float(np.var(changes)) / steps if len(changes) else np.nan


def last_price_by_second(series: Series) -> Floats:
    """Return the price of the last trade up to each second, ticks; the first one's before there was any."""
    trades = series.trades
    place = np.searchsorted(trades.ts_ns, series.recording.depth_ns, side="right") - 1
    return trades.price[np.maximum(place, 0)] if len(trades.price) else np.zeros(0)


@metric(Figure("signature_mid_1s"), Figure("signature_trade_excess"))
def signature(series: Series) -> Figures:
    """Variance per second of changes over 1 s, relative to that over 5 min: the signature plot at 1 s.

    Of the mid, and of trade prices divided by that of the mid: bounce makes it larger than 1 (Robert and Rosenbaum
    2011).
    """
    rates = [
        ratio(variance_rate(levels, 1), variance_rate(levels, _SIGNATURE_S))
        for levels in (series.mid_by_second, last_price_by_second(series))
    ]
    return {"signature_mid_1s": rates[0], "signature_trade_excess": ratio(rates[1], rates[0])}


@metric(Figure("eta"))
def eta(series: Series) -> Figures:
    """Continuations over twice the alternations of successive mid moves (Robert and Rosenbaum 2011)."""
    moves = np.sign(np.diff(series.mid))
    moves = moves[moves != 0]
    continuations = int(np.count_nonzero(moves[1:] == moves[:-1]))
    alternations = len(moves) - 1 - continuations
    return {"eta": continuations / (2.0 * alternations) if alternations > 0 else "the mid never turned"}


def realised_volatility(series: Series, interval_s: int) -> Floats:
    """Return the root of the sum of squared 1 s mid changes in whole intervals, ticks."""
    squares = np.diff(series.mid_by_second) ** 2
    count = len(squares) // interval_s
    sums: Floats = squares[: count * interval_s].reshape(count, interval_s).sum(axis=1)
    return np.sqrt(sums)


@metric(Figure("volume_volatility"))
def volume_volatility(series: Series) -> Figures:
    """Correlation of traded lots and realised volatility of 1 s mid changes, minute by minute (Cont 2001)."""
    volatility = realised_volatility(series, MINUTE_S)
    volume = series.by_interval(series.trades.ts_ns, series.trades.lots, MINUTE_S)
    count = min(len(volatility), len(volume))
    return {"volume_volatility": correlation(volume[:count], volatility[:count])}


@metric(Figure("roughness", needs_hours=3))
def log_volatility_roughness(series: Series) -> Figures:
    """Roughness H of the logarithm of realised volatility over 5 min (Gatheral, Jaisson and Rosenbaum 2018)."""
    volatility = realised_volatility(series, _VOLATILITY_S)
    return {"roughness": roughness(np.log(volatility[volatility > 0]))}


@metric(Figure("leverage"))
def leverage(series: Series) -> Figures:
    """Mean correlation of a 1 min mid change and the absolute one 1 to 10 min later, for every grid (Cont 2001)."""
    changes = overlapping_changes(series.mid_by_second, MINUTE_S)
    later = [
        correlation(changes[: -k * MINUTE_S], np.abs(changes[k * MINUTE_S :]))
        for k in range(1, 11)
        if len(changes) > k * MINUTE_S + 2
    ]
    return {"leverage": float(np.mean(later)) if later else "shorter than 10 min"}


def hour_of_day(ts_ns: Ints) -> Floats:
    """Return hours after midnight in New York; the offset is that of the first moment."""
    if not len(ts_ns):
        return np.zeros(0)
    offset = datetime.fromtimestamp(int(ts_ns[0]) / NS_PER_S, UTC).astimezone(_EXCHANGE_TIME).utcoffset()
    seconds = ts_ns / NS_PER_S + (offset.total_seconds() if offset else 0.0)
    return np.mod(seconds, 86_400.0) / 3600.0


def volume_by_clock(series: Series) -> tuple[Floats, Floats]:
    """Return lots traded by minute of the day in New York, and how many minutes of each were recorded."""
    trades, recording = series.trades, series.recording
    minute = (hour_of_day(trades.ts_ns) * 60).astype(np.int64)
    seen = (hour_of_day(recording.depth_ns) * 60).astype(np.int64)
    lots = np.bincount(minute, weights=trades.lots.astype(np.float64), minlength=1440)
    return lots[:1440].astype(np.float64), np.bincount(seen, minlength=1440)[:1440] / 60.0


@metric(
    Figure("intraday_peak", needs_hours=_DAY_HOURS),
    Figure("intraday_closed_share", needs_hours=_DAY_HOURS),
    Figure("intraday_asia_bump", needs_hours=_DAY_HOURS),
)
def intraday(series: Series) -> Figures:
    """Traded lots per minute by the clock of New York, relative to the mean of the open hours.

    ``intraday_peak``: of 08:20 to 10:30. ``intraday_closed_share``: share of lots in the break from 17:00 to 18:00.
    ``intraday_asia_bump``: rate of 19:45 to 22:00, when Tokyo and Shanghai open, over that of the hours around it.
    """
    lots, minutes = volume_by_clock(series)

    def rate(*spans: tuple[float, float]) -> float:
        chosen = np.zeros(1440, bool)
        for begin, end in spans:
            chosen[round(begin * 60) : round(end * 60)] = True
        return ratio(lots[chosen].sum(), minutes[chosen].sum())

    return {
        "intraday_peak": ratio(rate((8 + 20 / 60, 10.5)), rate((0, 17), (18, 24))),
        "intraday_closed_share": ratio(lots[17 * 60 : 18 * 60].sum(), lots.sum()),
        "intraday_asia_bump": ratio(rate((19.75, 22.0)), rate((19.0, 19.75), (22.0, 23.5))),
    }
