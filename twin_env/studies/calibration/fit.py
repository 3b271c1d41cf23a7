"""A market fitted to a source, from beginning to end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from twin_env.config import load_config
from twin_env.core.state.layout import PROFILES
from twin_env.market.flow import AnchoredFlow
from twin_env.market.instrument import Instrument
from twin_env.market.synthetic import MarketConfig, PoissonFlow
from twin_env.studies.calibration.anchored import fit_anchored
from twin_env.studies.calibration.distance import MetricDistance, Target
from twin_env.studies.calibration.estimate import CalibrationError, Estimates
from twin_env.studies.calibration.exposure import count_changes
from twin_env.studies.calibration.observed import Observed, observe
from twin_env.studies.calibration.poisson import fit_poisson
from twin_env.studies.calibration.refine import Problem, Progress, Refined, measure, refine, roomy
from twin_env.studies.realism.recording import TRADE, Recording, record_market

Model = Literal["anchored", "poisson"]
PRIOR: Final = "mgc_2025"
ROUNDS: Final = 25
BUDGET_S: Final = 600.0
CHECKS: Final = 4
_SEARCH_HOURS: Final = 0.5  # simulated per seed and step of the second stage
_SEARCH_SEEDS: Final = (1, 2)
_MEASURED_HOURS: Final = 6.0
_ROOM: Final = 0.7  # of a profile's capacities that a simulated market may use on its own


@dataclass(frozen=True)
class Fit:
    """A fitted market and how it came about.

    Attributes:
        config: The market; its lots are ``lot_size`` units of the source.
        model: Which flow.
        prior: Name of the market whose values stand in where the source says nothing.
        estimates: Every parameter, in the order of the fit.
        source: Facts about the source: name, start, hours, levels a side that it shows, events, trades, lot size,
            volume added by rounding, share of fills of hidden orders.
        refined: What the second stage did; ``None`` without one.
        quality: Distance of simulations from the source, per metric.
        against: Likewise from other recordings, by name.
    """

    config: MarketConfig
    model: Model
    prior: str
    estimates: Estimates
    source: dict[str, Any]
    refined: Refined | None
    quality: list[MetricDistance]
    against: dict[str, list[MetricDistance]]

    @property
    def lot_size(self) -> int:
        """Units of the source in a lot."""
        return int(self.source["lot_size"])

    def to_json(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        stage = self.refined
        return {
            "model": self.model,
            "prior": self.prior,
            "source": self.source,
            "config": self.config.model_dump(mode="json"),
            "estimates": [one.to_json() for one in self.estimates],
            "second_stage": None
            if stage is None
            else {
                "loss_before": stage.loss_before,
                "loss_after": stage.loss_after,
                "tried": stage.tried,
                "seconds": stage.seconds,
            },
            "quality": [one.to_json() for one in self.quality],
            "against": {name: [one.to_json() for one in found] for name, found in self.against.items()},
        }


def calibrate(
    recording: Recording,
    instrument: Instrument,
    *,
    model: Model = "anchored",
    prior: str = PRIOR,
    lot_size: int | None = None,
    rounds: int = ROUNDS,
    budget_s: float = BUDGET_S,
    checks: int = CHECKS,
    against: Sequence[Recording] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> Fit:
    """Fit a market to a recording of one.

    Args:
        recording: Of a book with individual orders.
        instrument: What was traded; its lots are the units of the recording.
        model: ``anchored``: estimators, then a simulated method of moments; ``poisson``: estimators alone.
        prior: Market of ``configs/markets``, or a file, with an anchored flow: where the source says nothing.
        lot_size: Units of the recording in a lot of the fitted market; see ``observed.observe``; 1 for
            ``poisson``.
        rounds: Populations of the second stage; 0 leaves it out.
        budget_s: Longest time for the second stage.
        checks: Seeds of the simulations the fit is measured by, each as long as the source, but 6 hours at most.
        against: Other recordings, in the same units, to hold the simulations against.
        seed: Of the second stage and, shifted, of the checks.
        progress: Told what happens.

    Raises:
        CalibrationError: The source is too short or has too little in it.
        ConfigError: The prior does not exist or has no anchored flow.
    """
    # A geometric law of sizes knows no round lots: it loses nothing by counting single units.
    observed = observe(recording, 1 if lot_size is None and model == "poisson" else lot_size)
    traded = scale_instrument(instrument, observed.lot_size)
    target = Target(recording)
    refined = None
    flow: AnchoredFlow | PoissonFlow
    if model == "poisson":
        flow, estimates = fit_poisson(observed)
    else:
        flow, estimates = fit_anchored(observed, load_prior(prior))
        if rounds > 0:
            hours = min(_SEARCH_HOURS, recording.hours)
            problem = Problem(flow, traded, observed.lot_size, target, hours, [seed * 10 + k for k in _SEARCH_SEEDS])
            refined = refine(problem, flow, rounds=rounds, budget_s=budget_s, seed=seed, progress=progress)
            flow = refined.flow
            _note(refined, estimates)
    seeds = [5000 + seed * 100 + k for k in range(checks)]
    hours = min(recording.hours, _MEASURED_HOURS)
    found = measure(
        {one.name: one for one in (recording, *against)}, roomy(traded, flow), observed.lot_size, seeds, hours
    )
    quality = found.pop(recording.name)
    profile = suitable_profile(record_market(roomy(traded, flow), seeds[0], min(hours, 1.0)))
    config = MarketConfig(instrument=traded, source=flow, profile=profile)
    return Fit(config, model, prior, estimates, _facts(recording, observed), refined, quality, found)


def load_prior(name: str) -> AnchoredFlow:
    """Return the anchored flow of a market.

    Raises:
        CalibrationError: It has another flow.
    """
    source = load_config(MarketConfig, name, folder="markets").source
    if not isinstance(source, AnchoredFlow):
        raise CalibrationError(f"prior {name!r}: source.model is {source.model}, expected anchored")
    return source


def scale_instrument(instrument: Instrument, lot_size: int) -> Instrument:
    """Return the instrument whose lot is ``lot_size`` lots of this one."""
    document = instrument.model_dump()
    for name in ("point_value_ccy", "taker_fee_ccy_per_lot", "maker_fee_ccy_per_lot"):
        document[name] = float(f"{document[name] * lot_size:.10g}")
    return Instrument.model_validate(document)


def _note(refined: Refined, estimates: Estimates) -> None:
    for key, spread in refined.spreads.items():
        group, name = key.split(".")
        value = getattr(getattr(refined.flow, group), name)
        first = estimates[key]
        how = (
            f"simulated moments; the error is the spread of the last population; began at {first.value:g} ({first.how})"
        )
        estimates.add(key, value, spread, how)


def _facts(recording: Recording, observed: Observed) -> dict[str, Any]:
    return {
        "name": recording.name,
        "start_ns": recording.start_ns,
        "hours": round(recording.hours, 4),
        "levels": recording.levels,
        "events": len(recording.events),
        "trades": int(np.count_nonzero(recording.events["kind"] == TRADE)),
        "lot_size": observed.lot_size,
        "volume_gain": round(observed.volume_gain, 4),
        "hidden_share": round(observed.hidden_share, 4),
    }


def suitable_profile(recording: Recording) -> Literal["wide", "history"] | None:
    """Return the profile a market needs that does this; ``None`` where the one of synthetic markets has room."""
    orders, levels = busiest_book(recording)
    profiles: tuple[tuple[str, Literal["wide"] | None], ...] = (("synthetic", None), ("wide", "wide"))
    for name, written in profiles:
        if orders <= _ROOM * PROFILES[name].orders and levels <= _ROOM * PROFILES[name].levels:
            return written
    return "history"


def busiest_book(recording: Recording) -> tuple[int, int]:
    """Return the most orders that rested at once, and the most prices of one side that had orders."""
    rows = recording.events[recording.events["order"] > 0]
    change, side = count_changes(rows)
    orders = int(np.cumsum(change).max(initial=0))
    most = 0
    for one in (0, 1):
        own = np.flatnonzero(side == one)
        by_price = own[np.argsort(rows["price_ticks"][own], kind="stable")]
        price = rows["price_ticks"][by_price]
        total = np.cumsum(change[by_price])
        starts = np.flatnonzero(np.diff(price, prepend=price[0] - 1)) if len(price) else np.zeros(0, np.int64)
        before = np.where(starts > 0, total[starts - 1], 0)
        standing = total - np.repeat(before, np.diff(np.append(starts, len(price))))
        appears = (standing == 1) & (change[by_price] == 1)
        ends = (standing == 0) & (change[by_price] == -1)
        step = np.zeros(len(rows), np.int64)
        step[by_price] = appears.astype(np.int64) - ends
        most = max(most, int(np.cumsum(step).max(initial=0)))
    return orders, most
