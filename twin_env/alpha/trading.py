"""Round trips over episodes as traders judge them: win rate, profit factor, expectancy, drawdown, by day."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from twin_env.alpha.parts import SPLIT_NAMES
from twin_env.alpha.record import AlphaResult
from twin_env.alpha.round_trips import RoundTrip
from twin_env.alpha.split import Split
from twin_env.market.moments import find_zone
from twin_env.statistics import Interval
from twin_env.statistics.interval import Floats

_MICRO: Final = 1e-6
_NS: Final = 1e-9

TRIP_COUNTS: Final = ("seed", "lots", "fills", "begin_ns", "end_ns")
TRIP_TEXTS: Final = ("side", "entry_reason", "exit_reason")
TRIP_COLUMNS: Final = (
    *("seed", "side", "lots", "fills", "begin_ns", "end_ns", "entry_price", "exit_price"),
    *("entry_reason", "exit_reason"),
    *(f"{name}_ccy" for name in (*SPLIT_NAMES, "mae", "mfe", "risk")),
    "r",
)
"""What is told of a round trip: counts, texts, and floats."""


def trips_table(seeds: Sequence[int], results: Sequence[AlphaResult]) -> list[dict[str, Any]]:
    """Return every round trip of every episode, in their order, ready for JSON.

    ``r`` is the net result over what the first stop was to lose, ``None`` for a trip without one.
    """
    rows: list[dict[str, Any]] = []
    for seed, result in zip(seeds, results, strict=True):
        price, half_tick_ccy = result.instrument.tick_size, result.instrument.half_tick_micro * _MICRO
        rows += [{"seed": seed} | _trip(trip, price, half_tick_ccy) for trip in result.trips]
    return rows


def _trip(trip: RoundTrip, price: float, money: float) -> dict[str, Any]:
    risk = trip.risk * money if trip.risk else None
    net = trip.split.net * _MICRO
    return {
        "side": "long" if trip.side > 0 else "short",
        "lots": trip.lots,
        "fills": trip.fills,
        "begin_ns": trip.begin_ns,
        "end_ns": trip.end_ns,
        "entry_price": None if trip.entry_ticks is None else trip.entry_ticks * price,
        "exit_price": None if trip.exit_ticks is None else trip.exit_ticks * price,
        "entry_reason": trip.entry_reason,
        "exit_reason": trip.exit_reason,
        **{f"{name}_ccy": amount for name, amount in trip.split.ccy.items()},
        "mae_ccy": trip.mae * money,
        "mfe_ccy": trip.mfe * money,
        "risk_ccy": risk,
        "r": None if risk is None else net / risk,
    }


def summarize_trips(trips: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what traders look at first, over all trips of a policy.

    A trip without a fill is counted as missed and is in no other figure. Drawdown is that of the running sum of net
    results within an episode, the largest of all: episodes are markets of their own, and their order means nothing. Win
    rate and profit factor are of net results, fees included; intervals are over episodes, whose trips share a market.
    """
    net = np.array([trip["net_ccy"] for trip in trips if trip["fills"]], np.float64)
    multiples = [trip["r"] for trip in trips if trip["fills"] and trip["r"] is not None]
    won, lost = float(net[net > 0].sum()), -float(net[net < 0].sum())
    seeds = np.array([trip["seed"] for trip in trips if trip["fills"]], np.int64)
    _, episode = np.unique(seeds, return_inverse=True)
    counts = np.bincount(episode).astype(np.float64)
    return {
        "count": len(net),
        "missed": len(trips) - len(net),
        "win_rate": float((net > 0).mean()) if len(net) else None,
        "win_rate_interval": _per_trip(net > 0, episode, counts),
        "profit_factor": won / lost if lost else None,
        "expectancy_ccy": float(net.mean()) if len(net) else None,
        "expectancy_r": math.fsum(multiples) / len(multiples) if multiples else None,
        "trips_with_risk": len(multiples),
        "mean_net_ccy": _per_trip(net, episode, counts),
        "max_drawdown_ccy": max(
            (float(drawdowns(net[episode == place]).max()) for place in range(len(counts))), default=0.0
        ),
    }


def _per_trip(values: Any, episode: Any, counts: Any) -> dict[str, Any] | None:
    """Return the mean over trips with its interval over episodes; ``None`` without a trip."""
    if not len(values):
        return None
    totals = np.bincount(episode, np.asarray(values, np.float64), len(counts)).astype(np.float64)
    return Interval.ratio(totals, counts).to_json()


def drawdowns(net: Floats) -> Floats:
    """Return how far the running sum of results lies below its highest so far, 0 included, after each of them."""
    equity = net.cumsum()
    below: Floats = np.maximum.accumulate(np.maximum(equity, 0.0)) - equity
    return below


def summarize_days(results: Sequence[AlphaResult]) -> list[dict[str, Any]]:
    """Return the split of each day of the market, by the date of the instrument's zone at which a trip ended.

    Trips are all of a result, so days are too, in integers.
    """
    days: dict[str, tuple[Split, int]] = {}
    for result in results:
        zone = find_zone(result.instrument.day.zone)
        for trip in result.trips:
            day = datetime.fromtimestamp(trip.end_ns * _NS, zone).date().isoformat()
            split, count = days.get(day, (Split(), 0))
            days[day] = split + trip.split, count + (1 if trip.fills else 0)
    return [
        {"day": day, "trips": count} | {f"{name}_ccy": amount for name, amount in split.ccy.items()}
        for day, (split, count) in sorted(days.items())
    ]
