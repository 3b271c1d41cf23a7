"""First stage of the anchored flow's fit: each mechanism by an estimator of its own, on top of a prior."""

import math
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize

from twin_env.core.state.layout import REACH
from twin_env.market.flow import AnchoredFlow
from twin_env.studies.calibration.estimate import Estimates
from twin_env.studies.calibration.excitement import fit_arrivals
from twin_env.studies.calibration.exposure import Exposure, measure_exposure
from twin_env.studies.calibration.observed import Floats, Observed
from twin_env.studies.calibration.placement import fit_placement
from twin_env.studies.calibration.poisson import fit_start
from twin_env.studies.calibration.session import FEWEST_HALF_HOURS, fit_session
from twin_env.studies.calibration.sizes import SizeFit, fit_sizes
from twin_env.studies.calibration.takers import fit_aversion, fit_length_tail, fit_sensitivity, fit_touch_share
from twin_env.studies.calibration.volatility import fit_volatility

_CAPACITY_OVER_RATE: Final = 3.0
_WARM_UP_S: Final = 300.0
_LONG_MEMORY: Final = "needs metaorders of known traders, which no book shows"


def fit_anchored(observed: Observed, prior: AnchoredFlow) -> tuple[AnchoredFlow, Estimates]:
    """Estimate what a source identifies by itself; the rest is the prior's, scaled to its ticks and lots."""
    estimates = Estimates()
    fit_start(observed, estimates, 64)
    estimates.keep("warm_up_s", _WARM_UP_S, "long enough for the first book to be forgotten")
    _fit_price(observed, prior, estimates)
    _fit_session(observed, prior, estimates)
    _fit_takers(observed, prior, estimates)
    _fit_makers(observed, prior, estimates)
    _fit_leavers(observed, prior, estimates, measure_exposure(observed, REACH))
    _fit_arrivals(observed, prior, estimates)
    _keep_price_impact(observed, prior, estimates)
    return AnchoredFlow.model_validate(estimates.apply_to(prior.model_dump())), estimates


def _fit_price(observed: Observed, prior: AnchoredFlow, estimates: Estimates) -> None:
    fit = fit_volatility(observed.mid_by_second, prior.price.volatility_times_s)
    how = "realised variance of the mid over 60 s; that of the anchor's memory and of jumps is in it"
    estimates.add("price.daily_volatility_ticks", _short(fit.daily_ticks), fit.daily_error, how)
    sds = tuple(
        _short(min(found, 1.0)) if math.isfinite(found) else given
        for found, given in zip(fit.sds, prior.price.volatility_sds, strict=True)
    )
    slow = [time for time, found in zip(prior.price.volatility_times_s, fit.sds, strict=True) if math.isnan(found)]
    how = "autocovariance of the log of realised variance over 30 s"
    if len(slow) < len(sds):
        rest = (
            "; the prior for " + ", ".join(f"{time:g} s" for time in slow) + ": the source is too short" if slow else ""
        )
        estimates.add("price.volatility_sds", sds, how=how + rest)
    else:
        estimates.keep("price.volatility_sds", sds, "the source is too short for every time scale")
    noise_ticks = prior.price.noise_ticks * fit.daily_ticks / max(prior.price.daily_volatility_ticks, 1e-9)
    estimates.keep("price.noise_ticks", _short(noise_ticks), "scaled with volatility; not told apart from the spread")
    estimates.keep("price.noise_s", prior.price.noise_s, "not told apart from the spread")
    for name in ("volatility_times_s", "jumps_per_hour", "jump_sd", "activity_gain"):
        why = "jumps and slow volatility need days" if name != "activity_gain" else "not told apart from the arrivals"
        estimates.keep(f"price.{name}", getattr(prior.price, name), why)


def _fit_session(observed: Observed, prior: AnchoredFlow, estimates: Estimates) -> None:
    fit = fit_session(observed, prior.session.zone)
    if fit is None:
        flat = (1.0,) * len(prior.session.activity)
        why = f"fewer than {FEWEST_HALF_HOURS} half hours of the day in the source: flat"
        estimates.keep("session.activity", flat, why)
        estimates.keep("session.volatility", flat, why)
        estimates.keep("session.closes", False, why)
        return
    how = f"relative to the mean of the {fit.seen} half hours in the source, 1 elsewhere"
    estimates.add("session.activity", fit.activity, how=f"messages {how}")
    estimates.add("session.volatility", fit.volatility, how=f"realised volatility {how}")
    estimates.keep("session.closes", False, "what the source does not span is taken to be open")


def _fit_takers(observed: Observed, prior: AnchoredFlow, estimates: Estimates) -> None:
    takers, group = observed.aggressors, prior.market_orders
    fit = fit_aversion(takers, observed.recording.touch)
    how = "Poisson regression of visible trades on the spread"
    if observed.hidden_share > 0:
        how += f"; fills of hidden orders, {observed.hidden_share:.0%} of all, are left out"
    estimates.add("market_orders.rate_per_s", _short(fit.rate_per_s), fit.rate_error, how)
    estimates.add("market_orders.spread_aversion", _short(fit.aversion), fit.aversion_error, how)
    tail = fit_length_tail(takers.side)
    if tail is None:
        estimates.keep("market_orders.length_tail", group.length_tail, "signs have no clear memory in the source")
    else:
        estimates.add(
            "market_orders.length_tail", _short(tail[0]), tail[1], "1 + exponent of the signs' autocorrelation"
        )
    _fit_touch_share(observed, prior, estimates, _fit_size_law(observed, "market_orders", estimates, prior))
    spread = float(np.mean(observed.recording.touch[:, 1] - observed.recording.touch[:, 0]))
    scaled = _short(group.information * _prior_margin(prior) / max(spread / 2.0, 0.5))
    estimates.keep("market_orders.information", scaled, "the prior's per half spread; who knows what is not seen")
    for name in ("informed_share", "noise_share", "metaorders", "longest"):
        estimates.keep(f"market_orders.{name}", getattr(group, name), "who trades for which reason is not seen")


def _fit_touch_share(observed: Observed, prior: AnchoredFlow, estimates: Estimates, sizes: SizeFit | None) -> None:
    found = None if sizes is None else fit_touch_share(observed.aggressors, sizes)
    if found is None:
        why = "fewer than 20 orders emptied a best price"
        estimates.keep("market_orders.touch_share", prior.market_orders.touch_share, why)
    else:
        how = "orders beyond the best price over those the size law has for it"
        estimates.add("market_orders.touch_share", _short(found[0]), found[1], how)


def _fit_size_law(observed: Observed, group: str, estimates: Estimates, prior: AnchoredFlow) -> SizeFit | None:
    takers, takes = observed.aggressors, group == "market_orders"
    room = np.where(takers.through, np.iinfo(np.int64).max, takers.offered_lots)
    fit = fit_sizes(takers.lots, room) if takes else fit_sizes(observed.limits.lots)
    if fit is None:
        law = getattr(prior, group).sizes
        for name in ("one_lot_share", "scale_lots", "tail_exponent", "largest_lots"):
            estimates.keep(f"{group}.sizes.{name}", getattr(law, name), "fewer than 20 orders have more than one lot")
        return None
    how = "maximum likelihood; a size that took all of the best price counts as at least that" if takes else ""
    how = how or "maximum likelihood of a discrete Pareto law"
    estimates.add(f"{group}.sizes.one_lot_share", _short(fit.one_lot_share), fit.one_lot_error, how)
    estimates.add(f"{group}.sizes.scale_lots", fit.scale_lots, how="that of 1 to 10 whose law is nearest to the sizes")
    estimates.add(f"{group}.sizes.tail_exponent", _short(fit.tail_exponent), fit.tail_error, how)
    estimates.add(
        f"{group}.sizes.largest_lots",
        fit.largest_lots,
        how="cut to the mean size of the source" if not takes else "largest seen",
    )
    return fit


def _fit_makers(observed: Observed, prior: AnchoredFlow, estimates: Estimates) -> None:
    rate = len(observed.limits.ts_ns) / observed.seconds
    error = math.sqrt(len(observed.limits.ts_ns)) / observed.seconds
    estimates.add("limit_orders.rate_per_s", _short(rate), error, "limit orders that came to rest, over time")
    law, errors = fit_placement(observed)
    for name, error in errors.items():
        how = "binned likelihood of the distance from the mid before the order"
        estimates.add(f"limit_orders.{name}", getattr(law, name), error, how)
    estimates.keep("limit_orders.snipe_share", prior.limit_orders.snipe_share, "orders do not say why they take")
    _fit_size_law(observed, "limit_orders", estimates, prior)


def _fit_leavers(observed: Observed, prior: AnchoredFlow, estimates: Estimates, exposure: Exposure) -> None:
    recording = observed.recording
    fit = fit_sensitivity(observed.cancels.side, observed.cancels.ts_ns, observed.mid_by_second, recording.start_ns)
    half_spread = max(float(np.mean(recording.touch[:, 1] - recording.touch[:, 0])) / 2.0, 0.5)
    sensitivity = prior.cancels.sensitivity * _prior_margin(prior) / half_spread
    estimates.keep(
        "cancels.sensitivity", _short(sensitivity), "the prior's per half spread: orders look at an anchor nobody sees"
    )
    if fit is not None and fit[0] > sensitivity:
        how = "slope of the log of the cancel rate over the move of the mid in that second"
        sensitivity = fit[0]
        estimates.add("cancels.sensitivity", _short(sensitivity), fit[1], how)
    rate, exponent, error = _fit_cancel_rates(observed, exposure, sensitivity, prior.cancels.min_factor)
    # Of the orders that rest, most are patient ones: a mean life is that of both kinds by their shares.
    share, patience = prior.limit_orders.patient_share, prior.cancels.patience
    slower = 1.0 - share + share * patience
    how = "whole cancels over order-seconds, by ticks behind the best price"
    more = f"; times {slower:g}, for the prior's patient orders"
    estimates.add("cancels.rate_per_s", _short(rate * slower), error * slower, how + more)
    estimates.add("cancels.depth_exponent", _short(exponent), how=how)
    estimates.keep("cancels.patience", patience, "nobody tells why an order waits")
    estimates.keep("limit_orders.patient_share", share, "nobody tells why an order waits")
    capacity = _short(_CAPACITY_OVER_RATE * len(observed.cancels.ts_ns) / observed.seconds / 2.0)
    estimates.keep(
        "cancels.capacity_per_s", capacity, f"{_CAPACITY_OVER_RATE:g} times the mean rate: a bound, not a rate"
    )
    for name in ("min_factor", "max_factor"):
        estimates.keep(f"cancels.{name}", getattr(prior.cancels, name), "needs the anchor, which nobody sees")


def _fit_cancel_rates(
    observed: Observed, exposure: Exposure, sensitivity: float, min_factor: float
) -> tuple[float, float, float]:
    """Fit rate and exponent of ``rate * max(exp(-worry j), calmest) * (1 + j)^-exponent``: counts over exposure."""
    ticks = np.arange(REACH)
    behind = observed.cancels.behind
    counts = np.bincount(behind[(behind >= 0) & (behind < REACH)], minlength=REACH).astype(np.float64)
    seconds = np.append(exposure.behind, exposure.behind_far)
    counts = np.append(counts, np.count_nonzero(behind >= REACH))
    place = np.append(ticks, REACH - 1)
    factor = np.maximum(np.exp(-sensitivity * np.append(ticks, 2 * REACH)), min_factor)

    def cost(point: Any) -> float:
        rates = math.exp(point[0]) * factor * (1.0 + place) ** -point[1]
        return float((rates * seconds).sum() - (counts * np.log(rates)).sum())

    total = max(counts.sum(), 1.0) / max(seconds.sum(), 1e-9)
    found = minimize(cost, [math.log(total), 0.5], method="Nelder-Mead", bounds=[(-12, 8), (0.0, 3.0)]).x
    rate, exponent = math.exp(found[0]), float(found[1])
    # Orders of one burst leave together: errors of counts are too small by the root of how counts scatter.
    scatter = math.sqrt(max(_scatter(observed), 1.0))
    return rate, exponent, rate * scatter / math.sqrt(max(counts.sum(), 1.0))


def _scatter(observed: Observed) -> float:
    second = ((observed.cancels.ts_ns - observed.recording.start_ns) // 10_000_000_000).astype(np.int64)
    counts = np.bincount(second)
    return float(counts.var() / counts.mean())


def _fit_arrivals(observed: Observed, prior: AnchoredFlow, estimates: Estimates) -> None:
    rates = (estimates["market_orders.rate_per_s"].value, estimates["limit_orders.rate_per_s"].value)
    candidates = sum(rates) + 2.0 * estimates["cancels.capacity_per_s"].value
    recording = observed.recording
    fit = fit_arrivals(
        observed.event_ns,
        recording.start_ns,
        recording.end_ns,
        candidates,
        _pace(prior, estimates),
        prior.arrivals.slowest_s,
    )
    how = "Allan factors of counts in windows of 2 ms to 8 s against the spectrum of the process"
    estimates.add("arrivals.branching", _short(min(fit.branching, 0.95)), fit.branching_error, how)
    estimates.add("arrivals.exponent", _short(fit.exponent), fit.exponent_error, how)
    estimates.add("arrivals.fastest_s", fit.fastest_s, how="the best of 0.5, 2 and 20 ms")
    estimates.keep("arrivals.slowest_s", prior.arrivals.slowest_s, "slower than the source tells from a drift")
    # The prior's gain is per squared tick of a market whose price moves less.
    ratio = prior.price.daily_volatility_ticks / estimates["price.daily_volatility_ticks"].value
    gain = _short(prior.arrivals.price_move_gain * ratio**2 * candidates / prior.candidate_rate_per_s)
    estimates.keep("arrivals.price_move_gain", gain, "the prior's, per variance of the price and candidate")


def _pace(prior: AnchoredFlow, estimates: Estimates) -> tuple[Floats, Floats]:
    """Return variances and times of the relative pace: exp of activity_gain times log volatility."""
    sds = np.array(estimates["price.volatility_sds"].value, np.float64)
    return np.expm1((prior.price.activity_gain * sds) ** 2), np.array(prior.price.volatility_times_s, np.float64)


def _keep_price_impact(observed: Observed, prior: AnchoredFlow, estimates: Estimates) -> None:
    """Scale the prior's price impact: its shift per standard deviation of the price, its lots per lots traded."""
    ratio = estimates["price.daily_volatility_ticks"].value / prior.price.daily_volatility_ticks
    estimates.keep(
        "price_impact.reach_ticks",
        _short(prior.price_impact.reach_ticks * ratio),
        f"scaled with volatility; {_LONG_MEMORY}",
    )
    lots_per_s = float(observed.aggressors.lots.sum()) / observed.seconds
    given = prior.market_orders.rate_per_s * _mean_size(prior)
    scale = _short(prior.price_impact.scale_lots * lots_per_s / given)
    estimates.keep("price_impact.scale_lots", scale, f"scaled with traded lots; {_LONG_MEMORY}")
    for name in ("scale_s", "exponent", "decay_exponent", "onset_s", "pace_s"):
        estimates.keep(f"price_impact.{name}", getattr(prior.price_impact, name), _LONG_MEMORY)


def _mean_size(flow: AnchoredFlow) -> float:
    law = flow.market_orders.sizes
    sizes = np.arange(1, law.largest_lots + 1, dtype=np.float64)
    larger = np.minimum((law.scale_lots / sizes) ** law.tail_exponent, 1.0)
    return float(law.one_lot_share + (1.0 - law.one_lot_share) * larger.sum())


def _prior_margin(prior: AnchoredFlow) -> float:
    return max(prior.limit_orders.margin_ticks, 0.5)


def _short(value: float) -> float:
    return float(f"{value:.5g}")
