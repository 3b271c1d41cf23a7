"""The whole programme for one market: activity, sizes, durations, round trips, one lot."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from twin_env.market.market import Market
from twin_env.studies.impact.experiment import (
    DAY_S,
    MetaorderRuns,
    TripRuns,
    measure_activity,
    run_metaorders,
    run_round_trips,
)
from twin_env.studies.impact.laws import judge_market
from twin_env.studies.impact.result import ImpactResult
from twin_env.studies.impact.schedule import Metaorder, RoundTrip

_DURING: Final = (0.25, 0.5, 1.0)  # for metaorders whose relaxation is not looked at
_SEEDS_APART: Final = 1_000_000  # each experiment has seeds of its own
_FAST: Final = 10.0  # a pump is so much faster than its dump, or the other way round


@dataclass(frozen=True)
class Study:
    """What to run.

    Attributes:
        sizes_lots: Metaorder sizes, increasing.
        duration_s: T of all of them.
        longer_factor: Sizes that take part also run over T times this.
        longer_sizes: How many of the sizes take part, largest first.
        pairs: Of each metaorder and round trip.
        child_interval_s: Shortest time between two children.
        trip_sizes: How many of the sizes make round trips, largest first.
        one_lot_pairs: Pairs of a single lot; 0 leaves it out.
        order_lots: Size of the order that is compared with the law; runs beside the others if it is none of them.
        effective_volume_ratio: Volume of all venues that make the price, over the market's own.
        activity_s: Simulated time of each of 8 runs that measure a day's volatility and volume.
        day_s: Trading time of a day.
        first_seed: First seed of all.
        workers: Threads.
    """

    sizes_lots: tuple[int, ...] = (25, 50, 100, 200, 400)
    duration_s: float = 600.0
    longer_factor: float = 2.0
    longer_sizes: int = 3
    pairs: int = 100
    child_interval_s: float = 1.0
    trip_sizes: int = 2
    one_lot_pairs: int = 2000
    order_lots: int = 100
    effective_volume_ratio: float = 1.0
    activity_s: float = 21_600.0
    day_s: float = DAY_S
    first_seed: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        sizes = self.sizes_lots
        if len(sizes) < 2 or list(sizes) != sorted(set(sizes)):
            raise ValueError(f"sizes_lots is {list(sizes)}, expected at least two sizes, increasing")
        if self.pairs < 2:
            raise ValueError(f"pairs is {self.pairs}, expected at least 2: one pair has no interval")
        if self.workers < 1:
            raise ValueError(f"workers is {self.workers}, expected at least 1")
        for name in ("longer_factor", "effective_volume_ratio"):
            if not getattr(self, name) >= 1.0:
                raise ValueError(f"{name} is {getattr(self, name):g}, expected at least 1")

    @property
    def metaorders(self) -> tuple[Metaorder, ...]:
        """Metaorders over the base duration, by size."""
        sizes = sorted({*self.sizes_lots, self.order_lots})
        return tuple(Metaorder(lots, self.duration_s, self.child_interval_s) for lots in sizes)

    @property
    def longer(self) -> tuple[Metaorder, ...]:
        """The largest of them over a longer duration."""
        if self.longer_factor == 1.0 or self.longer_sizes < 1:
            return ()
        chosen = self.metaorders[-self.longer_sizes :]
        return tuple(replace(order, duration_s=order.duration_s * self.longer_factor) for order in chosen)

    @property
    def trips(self) -> tuple[RoundTrip, ...]:
        """Round trips: even, and pump and dump with either leg ten times as fast."""
        if self.trip_sizes < 1:
            return ()
        slow = self.metaorders[-self.trip_sizes :]
        fast = [replace(order, duration_s=order.duration_s / _FAST) for order in slow]
        wait_s = self.duration_s / _FAST
        legs = [(a, b) for s, f in zip(slow, fast, strict=True) for a, b in ((s, s), (f, s), (s, f), (f, f))]
        return tuple(RoundTrip(entry, wait_s, exit_leg) for entry, exit_leg in legs)

    @property
    def steps(self) -> int:
        """How often progress is told."""
        return 1 + len(self.metaorders) + len(self.longer) + len(self.trips) + (self.one_lot_pairs > 0)


def run_study(
    market: Market, study: Study | None = None, *, progress: Callable[[str], Any] = lambda _: None
) -> tuple[ImpactResult, list[MetaorderRuns]]:
    """Run a study and judge the market.

    Args:
        market: Which.
        study: What to run; by default what suits MGC.
        progress: Told what runs next.

    Returns:
        The result, and the runs over the base duration, which the figure draws.

    Raises:
        ValueError: If a history is too short, or the impact of fewer than two sizes stands out from noise.
    """
    study = study or Study()
    seeds = iter(range(study.first_seed, study.first_seed + 1000 * _SEEDS_APART, _SEEDS_APART))
    workers = study.workers

    def trade(order: Metaorder, pairs: int = study.pairs, **options: Any) -> MetaorderRuns:
        progress(f"{order.lots} lots over {order.duration_s:g} s, {pairs} pairs")
        return run_metaorders(market, order, pairs=pairs, first_seed=next(seeds), workers=workers, **options)

    def travel(trip: RoundTrip) -> TripRuns:
        progress(f"round trip of {trip.entry.lots} lots, {trip.entry.duration_s:g} and {trip.exit.duration_s:g} s")
        return run_round_trips(market, trip, pairs=study.pairs, first_seed=next(seeds), workers=workers)

    progress("daily volatility and volume")
    activity = measure_activity(
        market, duration_s=study.activity_s, day_s=study.day_s, first_seed=next(seeds), workers=workers
    )
    base = [trade(order) for order in study.metaorders]
    longer = [trade(order, fractions=_DURING) for order in study.longer]
    trips = [travel(trip) for trip in study.trips]
    one_lot = trade(Metaorder(1, 1.0), study.one_lot_pairs, fractions=_DURING) if study.one_lot_pairs else None
    ratio = study.effective_volume_ratio
    result = judge_market(
        activity,
        base,
        longer=longer,
        trips=trips,
        one_lot=one_lot,
        order_lots=study.order_lots,
        effective_volume_lots=activity.volume_lots * ratio if ratio > 1.0 else None,
    )
    return result, base
