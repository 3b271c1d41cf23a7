"""The laws a market is held against, and the verdicts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from twin_env.statistics import Interval
from twin_env.statistics.bootstrap import mean_interval
from twin_env.studies.impact.experiment import Activity, MetaorderRuns, TripRuns
from twin_env.studies.impact.fit import (
    fit_cost,
    fit_cost_to_peak,
    fit_impact,
    fit_participation,
    fit_path,
    pooled_ratios,
    ratio_of_means,
)
from twin_env.studies.impact.result import LAW_COEFFICIENT, Cell, Check, Doubling, ImpactResult, OrderCost, Trip

EXPONENT_BAND: Final = (0.45, 0.65)
EARLY_BAND: Final = (0.45, 0.60)  # I(T/4) / I(T); a square root says 1/2
RELAXATION_BANDS: Final = {1.2: (0.52, 0.82), 2.0: (0.40, 0.65), 4.0: (0.25, 0.50)}
COST_BAND: Final = (0.55, 0.80)  # a square root says 2/3
ASYMMETRY_LIMIT: Final = 0.1  # of the impact; a smaller difference does not matter
DOUBLING_BAND: Final = (0.80, 1.20)
PARTICIPATION_BAND: Final = (-0.26, 0.26)  # a factor of 1.2 for twice the participation


def judge_market(
    activity: Activity,
    base: Sequence[MetaorderRuns],
    *,
    longer: Sequence[MetaorderRuns] = (),
    trips: Sequence[TripRuns] = (),
    one_lot: MetaorderRuns | None = None,
    order_lots: int = 100,
    effective_volume_lots: float | None = None,
    seed: int = 0,
) -> ImpactResult:
    """Fit everything there is to fit and compare it with the laws.

    Args:
        activity: Daily volatility and volume of the same market.
        base: Metaorders of different sizes over one duration.
        longer: Some of the same sizes over longer durations; the path after their end is not used.
        trips: Round trips.
        one_lot: A metaorder of a single lot.
        order_lots: Size of the order that is compared with the law; must be among ``base`` to be reported.
        effective_volume_lots: Daily volume of all venues that make the price, if that is more than the market's own.
        seed: Names the draws of the bootstrap.

    Raises:
        ValueError: If fewer than two sizes have an impact that stands out from noise.
    """
    cells = tuple(_cell(runs, activity) for runs in (*base, *longer))
    result = ImpactResult(
        activity,
        cells,
        fit_impact(base, activity, seed=seed),
        fit_cost(base, activity, seed=seed),
        fit_path(base, seed=seed),
        fit_cost_to_peak(base, seed=seed),
        fit_participation([*base, *longer], seed=seed),
        tuple(_doublings(base, longer)),
        tuple(_trip(runs) for runs in trips),
        tuple(_order_costs(activity, base, order_lots, effective_volume_lots)),
        mean_interval(one_lot.peak_ticks) if one_lot else None,
    )
    return replace(result, checks=tuple(_checks(result, base, longer, seed)))


def _cell(runs: MetaorderRuns, activity: Activity) -> Cell:
    order = runs.metaorder
    return Cell(
        lots=order.lots,
        duration_s=order.duration_s,
        share=order.lots / activity.volume_lots,
        participation=runs.participation,
        filled_share=runs.filled_share,
        peak=mean_interval(runs.peak_ticks),
        cost=mean_interval(runs.cost_ticks.mean(axis=0)),
        net_cost=mean_interval(runs.net_cost_ticks),
        asymmetry=mean_interval(runs.asymmetry_ticks),
        pairs=runs.pairs,
    )


def _trip(runs: TripRuns) -> Trip:
    trip = runs.trip
    return Trip(
        trip.entry.lots, trip.entry.duration_s, trip.wait_s, trip.exit.duration_s, mean_interval(runs.pnl_ticks)
    )


def _matches(
    base: Sequence[MetaorderRuns], longer: Sequence[MetaorderRuns]
) -> list[tuple[MetaorderRuns, MetaorderRuns]]:
    """Return each longer metaorder with that of the same size over the base duration."""
    by_lots = {runs.metaorder.lots: runs for runs in base}
    return [(runs, by_lots[runs.metaorder.lots]) for runs in longer if runs.metaorder.lots in by_lots]


def _doublings(base: Sequence[MetaorderRuns], longer: Sequence[MetaorderRuns]) -> Iterator[Doubling]:
    for long, short in _matches(base, longer):
        ratio = ratio_of_means([long.peak_ticks], [short.peak_ticks])
        yield Doubling(long.metaorder.lots, long.metaorder.duration_s, short.metaorder.duration_s, ratio)


def _order_costs(
    activity: Activity, base: Sequence[MetaorderRuns], lots: int, effective_volume_lots: float | None
) -> Iterator[OrderCost]:
    volumes = {"V": activity.volume_lots}
    if effective_volume_lots is not None:
        volumes["V_eff"] = effective_volume_lots
    for runs in base:
        if runs.metaorder.lots == lots:
            for name, volume in volumes.items():
                law_ticks = float(LAW_COEFFICIENT * activity.sigma_ticks * np.sqrt(lots / volume))
                costs = mean_interval(runs.peak_ticks), mean_interval(runs.net_cost_ticks)
                yield OrderCost(lots, name, volume, law_ticks, *costs)


def _checks(
    result: ImpactResult, base: Sequence[MetaorderRuns], longer: Sequence[MetaorderRuns], seed: int
) -> Iterator[Check]:
    exponent = result.impact.exponent
    low, high = EXPONENT_BAND
    yield Check("exponent", exponent, f"interval within {low:g}..{high:g}", exponent.within(low, high))
    early = [ratio for ratio in result.path if ratio.z == 0.25]
    yield from (_band_check("I(T/4) / I(T)", ratio.ratio, EARLY_BAND) for ratio in early)
    late = [ratio for ratio in result.path if ratio.z in RELAXATION_BANDS]
    yield from (_band_check(f"I({r.z:g} T) / I(T)", r.ratio, RELAXATION_BANDS[r.z]) for r in late)
    yield _band_check("cost / peak", result.cost_to_peak, COST_BAND)
    yield _symmetry_check(base, seed)
    if result.participation is not None:
        yield _band_check("participation exponent", result.participation, PARTICIPATION_BAND)
    matches = _matches(base, longer)
    if matches:
        peaks = [long.peak_ticks for long, _ in matches], [short.peak_ticks for _, short in matches]
        yield _band_check("longer T at fixed Q", ratio_of_means(*peaks, seed=seed), DOUBLING_BAND)
    for trip in result.trips:
        name = f"round trip {trip.lots} lots, {trip.entry_s:g} + {trip.wait_s:g} + {trip.exit_s:g} s"
        yield Check(name, trip.pnl, "interval below 0", trip.pnl.high < 0.0)
    if result.one_lot is not None:
        yield Check("impact of one lot", result.one_lot, "interval above 0", result.one_lot.low > 0.0)


def _band_check(name: str, found: Interval, band: tuple[float, float]) -> Check:
    low, high = band
    return Check(name, found, f"{low:g}..{high:g}", low <= found.mean <= high)


def _symmetry_check(base: Sequence[MetaorderRuns], seed: int) -> Check:
    peaks = [runs.peak_ticks for runs in base]
    found = pooled_ratios([runs.asymmetry_ticks[:, None] for runs in base], peaks, seed=seed)[0]
    expected = f"interval meets {-ASYMMETRY_LIMIT:g}..{ASYMMETRY_LIMIT:g}"
    passed = found.low <= ASYMMETRY_LIMIT and found.high >= -ASYMMETRY_LIMIT
    return Check("(buy - sell) / impact", found, expected, passed)
