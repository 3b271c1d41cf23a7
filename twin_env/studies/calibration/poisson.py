"""Fit of the zero-intelligence flow: counts over exposure, the maximum likelihood estimate of a Poisson rate."""

import math
from typing import Any

import numpy as np

from twin_env.core.state.layout import FLOW_LEVELS
from twin_env.market.synthetic import PoissonFlow
from twin_env.studies.calibration.estimate import Estimates
from twin_env.studies.calibration.exposure import Exposure, measure_exposure
from twin_env.studies.calibration.observed import Floats, Observed
from twin_env.studies.calibration.sizes import geometric_mean_size


def fit_poisson(observed: Observed) -> tuple[PoissonFlow, Estimates]:
    """Fit a :class:`PoissonFlow` to a source: its rates, sizes and first book."""
    exposure = measure_exposure(observed, FLOW_LEVELS)
    estimates = Estimates()
    _fit_limits(observed, estimates)
    _fit_cancels(observed, exposure, estimates)
    _fit_takers(observed, estimates)
    fit_start(observed, estimates, FLOW_LEVELS)
    estimates.keep("warm_up_s", 120.0, "long enough for the first book to be forgotten")
    return PoissonFlow.model_validate(estimates.apply_to({"model": "poisson"})), estimates


def _fit_limits(observed: Observed, estimates: Estimates) -> None:
    distance = observed.limits.opposite
    counts = np.bincount(distance[(distance >= 1) & (distance <= FLOW_LEVELS)] - 1, minlength=FLOW_LEVELS)
    rates = np.maximum(counts, 0.5) / (2.0 * observed.seconds)
    farther = float(np.mean(distance > FLOW_LEVELS))
    estimates.add(
        "limit_rates_per_s",
        _rounded(rates),
        _total_error(counts, 2.0 * observed.seconds),
        f"orders by distance over time and sides; the error is that of the sum; {farther:.1%} of the orders are "
        f"farther than {FLOW_LEVELS} ticks from the opposite best price and have no place in the model",
    )
    lots = observed.limits.lots[distance <= FLOW_LEVELS]
    estimates.add("mean_limit_lots", *geometric_mean_size(lots), "mean lots of a limit order")


def _fit_cancels(observed: Observed, exposure: Exposure, estimates: Estimates) -> None:
    distance = observed.cancels.opposite
    near = (distance >= 1) & (distance <= FLOW_LEVELS)
    counts = np.bincount(distance[near] - 1, minlength=FLOW_LEVELS)
    total = float(counts.sum()) / max(float(exposure.opposite.sum()), 1e-9)
    # A distance at which orders hardly ever stood says little: it is pulled to the mean rate by one cancel's worth.
    rates = (counts + 1.0) / (exposure.opposite + 1.0 / max(total, 1e-9))
    estimates.add(
        "cancel_rates_per_s",
        _rounded(np.maximum(rates, 1e-6)),
        math.sqrt(max(float(counts.sum()), 1.0)) / max(float(exposure.opposite.sum()), 1e-9),
        "whole cancels by distance over order-seconds; the error is that of the mean rate",
    )
    far = int(np.count_nonzero(distance > FLOW_LEVELS)) + 1.0
    seconds = exposure.opposite_far + 1.0 / max(total, 1e-9)
    how = f"whole cancels farther than {FLOW_LEVELS} ticks over order-seconds there"
    estimates.add("far_cancel_rate_per_s", _short(far / seconds), math.sqrt(far) / seconds, how)
    how = "orders of the longest queue at a best price that stood for 0.1 % of the time"
    estimates.add("depth_cap_orders", min(exposure.longest_queue, 1000), how=how)


def _fit_takers(observed: Observed, estimates: Estimates) -> None:
    count, time_s = len(observed.aggressors.ts_ns), 2.0 * observed.seconds
    how = "messages that traded with visible orders, over time and sides"
    if observed.hidden_share > 0:
        how += f"; {observed.hidden_share:.0%} of all fills were of hidden orders and are left out"
    estimates.add("market_rate_per_s", _short(count / time_s), math.sqrt(count) / time_s, how)
    estimates.add("mean_market_lots", *geometric_mean_size(observed.aggressors.lots), "mean lots of such a message")


def fit_start(observed: Observed, estimates: Estimates, most_levels: int) -> None:
    """Take the first book from the source: its first mid, and its mean depth by tick, at least one lot each."""
    recording = observed.recording
    ticks = math.floor((int(recording.touch[0, 0]) + int(recording.touch[0, 1])) / 2)
    depth = recording.depth.mean(axis=(0, 1))[:most_levels]
    estimates.add("start_price", _price(ticks, recording.tick_size), how="first mid, rounded down to a tick")
    lots: tuple[int, ...] = tuple(max(round(value), 1) for value in depth.tolist())
    estimates.add("start_depth_lots", lots, how="mean lots by tick behind the best price")


def _price(ticks: int, tick_size: float) -> float:
    decimals = max(-math.floor(math.log10(tick_size)) + 3, 0)
    return round(ticks * tick_size, decimals)


def _total_error(counts: Any, time_s: float) -> float:
    return math.sqrt(max(float(counts.sum()), 1.0)) / time_s


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(_short(value) for value in values.tolist())
