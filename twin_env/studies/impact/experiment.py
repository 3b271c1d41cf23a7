"""Play metaorders and round trips in a market, in antithetic pairs, and keep what came out.

A pair is one seed: the same market once with a buy and once with a sell. Half the
difference of the two prices is the impact; the market's own drift cancels.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import BUY, SELL
from twin_env.market.market import Market
from twin_env.studies.impact.play import play_schedule
from twin_env.studies.impact.schedule import CHILD, LEG, MARK, Metaorder, Records, RoundTrip
from twin_env.twin.twin import Twin

FRACTIONS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 4.0)
"""Sample times of a metaorder in multiples of its duration."""
DAY_S: Final = 82_800.0
"""Seconds a COMEX future trades a day: 23 hours."""

Floats = NDArray[np.float64]
_NO_CHILDREN: Final = np.zeros(0, CHILD)
_NS_PER_S: Final = 1_000_000_000
_SIDES: Final = (BUY, SELL)


@dataclass(frozen=True)
class Activity:
    """What a market does in a day when nobody works a large order.

    Attributes:
        sigma_ticks: Standard deviation of a day's mid change.
        volume_lots: Lots traded in a day.
        day_s: Trading time of a day.
        simulated_s: Time it was measured over.
        sampling_s: Horizon of the mid changes it was measured from.
    """

    sigma_ticks: float
    volume_lots: float
    day_s: float
    simulated_s: float
    sampling_s: float

    def to_json(self) -> dict[str, float]:
        """Return the figures, units in the keys."""
        return {
            "sigma_ticks_per_day": self.sigma_ticks,
            "volume_lots_per_day": self.volume_lots,
            "day_s": self.day_s,
            "simulated_s": self.simulated_s,
            "sampling_s": self.sampling_s,
        }


@dataclass(frozen=True, eq=False)
class MetaorderRuns:
    """Pairs of one metaorder. Axis 0 of ``(2, pairs)`` is buy, sell; float64 throughout.

    Attributes:
        metaorder: What was traded.
        fractions: Sample times in multiples of the duration.
        moves_ticks: Mid minus arrival mid, shape ``(2, pairs, samples)``.
        silent_ticks: The same at the end of the metaorder in the market left alone, shape ``(pairs,)``.
        cost_ticks: Average price paid beyond the arrival mid, positive is worse, shape ``(2, pairs)``.
        half_spread_ticks: Average distance of the touch from the mid when children came, shape ``(2, pairs)``.
        filled_lots: Lots filled, shape ``(2, pairs)``.
        background_lots: Lots all others traded with each other during the metaorder, shape ``(2, pairs)``.
        one_sided: Samples taken while a side of the book was empty.
    """

    metaorder: Metaorder
    fractions: tuple[float, ...]
    moves_ticks: Floats
    silent_ticks: Floats
    cost_ticks: Floats
    half_spread_ticks: Floats
    filled_lots: Floats
    background_lots: Floats
    one_sided: int = 0

    @property
    def pairs(self) -> int:
        """How many pairs."""
        return int(self.silent_ticks.shape[0])

    @property
    def end(self) -> int:
        """Which sample is the end of the metaorder."""
        return self.fractions.index(1.0)

    @property
    def impact_ticks(self) -> Floats:
        """Half of what a buy's mid is above a sell's, shape ``(pairs, samples)``."""
        difference: Floats = self.moves_ticks[0] - self.moves_ticks[1]
        return difference / 2.0

    @property
    def peak_ticks(self) -> Floats:
        """Impact at the end of the metaorder, shape ``(pairs,)``."""
        return self.impact_ticks[:, self.end]

    @property
    def asymmetry_ticks(self) -> Floats:
        """Impact of the buy minus that of the sell at the end, each against the market left alone, ``(pairs,)``."""
        total: Floats = self.moves_ticks[0, :, self.end] + self.moves_ticks[1, :, self.end]
        return total - 2.0 * self.silent_ticks

    @property
    def net_cost_ticks(self) -> Floats:
        """Cost without the half-spread, mean of both sides, shape ``(pairs,)``."""
        net: Floats = (self.cost_ticks - self.half_spread_ticks).mean(axis=0)
        return net

    @property
    def participation(self) -> float:
        """Share of all volume during the metaorder."""
        own = float(self.filled_lots.sum())
        return own / (own + float(self.background_lots.sum()))

    @property
    def filled_share(self) -> float:
        """Share of the metaorder's lots that were filled."""
        return float(self.filled_lots.mean()) / self.metaorder.lots


@dataclass(frozen=True, eq=False)
class TripRuns:
    """Pairs of one round trip.

    Attributes:
        trip: What was traded.
        pnl_ticks: Money made per lot of the position, fees left out, mean of buying first and selling
            first; lots a leg could not fill are marked at the last mid. Float64, shape ``(pairs,)``.
    """

    trip: RoundTrip
    pnl_ticks: Floats


def run_metaorders(
    market: Market,
    metaorder: Metaorder,
    *,
    pairs: int,
    first_seed: int = 0,
    fractions: tuple[float, ...] = FRACTIONS,
    workers: int = 1,
) -> MetaorderRuns:
    """Play pairs of one metaorder.

    Args:
        market: Where.
        metaorder: What.
        pairs: Seeds ``first_seed`` to ``first_seed + pairs - 1``; in a history, evenly spaced starts.
        first_seed: First of them.
        fractions: Sample times in multiples of the duration, increasing; 1 must be one of them.
        workers: Threads; the result does not depend on it.

    Raises:
        ValueError: If a history is too short for the run, or ``fractions`` will not do.
    """
    if 1.0 not in fractions or list(fractions) != sorted(set(fractions)) or fractions[0] <= 0.0:
        raise ValueError(f"fractions is {fractions}, expected increasing positive numbers with 1 among them")
    schedules = [metaorder.children(side) for side in _SIDES]
    samples_ns = metaorder.samples_ns(fractions)
    end = fractions.index(1.0)
    schedules.append(_NO_CHILDREN)
    plan = [samples_ns, samples_ns, samples_ns[: end + 1]]
    runs = _play_all(market, schedules, plan, 1, pairs, first_seed, workers)
    arrival, marks, legs = runs
    moves = np.stack([marks[side]["mid"] - arrival[:, None] for side in range(2)]) / 2.0
    filled = np.stack([legs[side]["filled_lots"][:, 0] for side in range(2)]).astype(np.float64)
    traded = np.stack([marks[side]["traded_lots"][:, end] for side in range(2)])
    sides = np.array(_SIDES)[:, None]
    some = np.maximum(filled, 1.0)
    notional = np.stack([legs[side]["notional"][:, 0] for side in range(2)])
    half_spread = np.stack([legs[side]["half_spread"][:, 0] for side in range(2)])
    return MetaorderRuns(
        metaorder,
        fractions,
        moves,
        (marks[2]["mid"][:, end] - arrival) / 2.0,
        sides * (notional - filled * arrival / 2.0) / some,
        half_spread / 2.0 / some,
        filled,
        traded - filled,
        int(sum(int(marks[side]["one_sided"].sum()) for side in range(2))),
    )


def run_round_trips(market: Market, trip: RoundTrip, *, pairs: int, first_seed: int = 0, workers: int = 1) -> TripRuns:
    """Play pairs of one round trip, buying first and selling first; arguments as in :func:`run_metaorders`."""
    samples_ns = np.array([trip.duration_ns], np.int64)
    schedules = [trip.children(side) for side in _SIDES]
    _, marks, legs = _play_all(market, schedules, [samples_ns, samples_ns], 2, pairs, first_seed, workers)
    pnl = np.zeros(pairs)
    for row, side in enumerate(_SIDES):
        filled, notional = legs[row]["filled_lots"], legs[row]["notional"]
        position = side * (filled[:, 0] - filled[:, 1])
        cash = side * (notional[:, 1] - notional[:, 0])
        pnl += (cash + position * marks[row]["mid"][:, 0] / 2.0) / (2.0 * trip.entry.lots)
    return TripRuns(trip, pnl)


def measure_activity(
    market: Market,
    *,
    runs: int = 8,
    duration_s: float = 21_600.0,
    sampling_s: float = 300.0,
    day_s: float = DAY_S,
    first_seed: int = 0,
    workers: int = 1,
) -> Activity:
    """Measure a day's volatility and volume of a market left alone.

    Args:
        market: Which.
        runs: Seeds.
        duration_s: Of each run.
        sampling_s: Horizon of the mid changes, which are scaled up to a day by the square root of time.
        day_s: Trading time of a day.
        first_seed: First of the seeds.
        workers: Threads.

    Raises:
        ValueError: If a run holds no two horizons, or a history is too short for it.
    """
    steps = int(duration_s / sampling_s)
    if steps < 2:
        raise ValueError(f"duration_s is {duration_s:g}, expected at least 2 x sampling_s = {2 * sampling_s:g}")
    samples_ns = np.arange(1, steps + 1) * round(sampling_s * _NS_PER_S)
    arrival, marks, _ = _play_all(market, [_NO_CHILDREN], [samples_ns], 1, runs, first_seed, workers)
    moves = np.diff(marks[0]["mid"], axis=1, prepend=arrival[:, None]) / 2.0
    simulated_s = runs * steps * sampling_s
    variance = float((moves**2).sum()) / simulated_s
    volume = float(marks[0]["traded_lots"][:, -1].sum()) / simulated_s
    return Activity(float(np.sqrt(variance * day_s)), volume * day_s, day_s, simulated_s, sampling_s)


Outcome = tuple[NDArray[np.int64], list[Records], list[Records]]


def _play_all(
    market: Market,
    schedules: list[Records],
    samples_ns: list[NDArray[np.int64]],
    leg_count: int,
    pairs: int,
    first_seed: int,
    workers: int,
) -> Outcome:
    """Play every schedule from the start of every seed.

    Returns:
        Arrival mids in half-ticks, shape ``(pairs,)``; per schedule ``MARK``, shape ``(pairs, samples)``, and
        ``LEG``, shape ``(pairs, leg_count)``.
    """
    if pairs < 1:
        raise ValueError(f"pairs is {pairs}, expected at least 1")
    times_ns = [np.concatenate([np.zeros(1, np.int64), times]) for times in samples_ns]  # the arrival mid, then theirs
    marks = [np.zeros((pairs, len(times)), MARK) for times in times_ns]
    legs = [np.zeros((pairs, leg_count), LEG) for _ in schedules]
    start_at = _starts(market, pairs, max(int(times[-1]) for times in samples_ns))

    def play(pair: int) -> None:
        start = Twin(market, seed=first_seed + pair, start_ns=start_at(pair), planes=0, wires=False)
        for number, children in enumerate(schedules):
            play_schedule(start.fork(), children, times_ns[number], marks[number][pair], legs[number][pair])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(play, range(pairs)))
    return marks[0]["mid"][:, 0], [taken[:, 1:] for taken in marks], legs


def _starts(market: Market, pairs: int, horizon_ns: int) -> Callable[[int], int]:
    """Return when each pair starts: always the same in a synthetic market, spread over a history."""
    if market.last_ns is None:
        return lambda pair: market.first_ns
    room_ns = market.last_ns - market.first_ns - horizon_ns
    if room_ns < 0:
        has_s = (market.last_ns - market.first_ns) / _NS_PER_S
        raise ValueError(f"the history lasts {has_s:g} s, expected at least {horizon_ns / _NS_PER_S:g} s for one run")
    return lambda pair: market.first_ns + room_ns * pair // max(1, pairs - 1)
