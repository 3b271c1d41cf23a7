"""Calibrate from executions: how much large orders cost, and how long messages take.

The cost of parent order i, its average fill price beyond the decision price, is
c_i = sigma_D Y (Q_i / V)^delta + noise. Costs of single orders are mostly noise and often
negative, so there are no logarithms: Y and delta minimise squared errors. For each delta
the best Y is a ratio of two sums, which leaves a search over delta alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.statistics import Interval
from twin_env.statistics.bootstrap import draw_counts
from twin_env.studies.calibration.fills_file import Fills, FillsError, read_fills

PROBABILITIES: Final = (0.5, 0.9, 0.99, 0.999)
_KNOTS: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)  # of the delay model
_EXPONENTS: Final = np.linspace(0.0, 1.5, 76)
_FEWEST_PARENTS: Final = 30
_SMALLEST_RANGE: Final = 3.0  # of Q / V, largest over smallest: less says nothing about an exponent
_NS_PER_MS: Final = 1e6

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quantile:
    """One quantile of a delay with its 95 % interval from order statistics.

    Attributes:
        probability: Which.
        value_ms: The sample's.
        low_ms: Lower end; ``None`` if the sample is too small to have one.
        high_ms: Upper end; ``None`` likewise.
    """

    probability: float
    delay_ms: Interval

    def to_json(self) -> dict[str, float | None]:
        """Return the figures, units in the keys; ``None`` for an end without a limit."""
        ends = self.delay_ms.to_json()
        return {
            "probability": self.probability,
            "value_ms": self.delay_ms.mean,
            "low_ms": ends["low"],
            "high_ms": ends["high"],
        }


@dataclass(frozen=True)
class Latency:
    """A measured delay.

    Attributes:
        name: ``decision_to_first_fill``, ``decision_to_sent`` or ``sent_to_arrival``.
        count: Measurements.
        quantiles: At ``PROBABILITIES``.
    """

    name: str
    count: int
    quantiles: tuple[Quantile, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures, units in the keys."""
        return {"count": self.count, "quantiles": [quantile.to_json() for quantile in self.quantiles]}


@dataclass(frozen=True)
class FillsFit:
    """What an execution record says about a market and a connection.

    Attributes:
        source: The file.
        parents: Parent orders.
        fills: Fills.
        exponent: delta of the cost.
        coefficient: Y of the cost, over all of Q / V = 1: far outside the data, hence wide.
        sqrt_coefficient: Y of the cost with the exponent held at 1/2.
        latencies: Measured delays.
        links_yaml: A links configuration with these delays, ready to be saved under ``configs/links``.
    """

    source: str
    parents: int
    fills: int
    exponent: Interval
    coefficient: Interval
    sqrt_coefficient: Interval
    latencies: tuple[Latency, ...]
    links_yaml: str

    @property
    def peak_coefficient(self) -> float:
        """Y of the impact at the end of an order: a path that grows as t^delta costs 1 / (1 + delta) of its end."""
        return self.coefficient.mean * (1.0 + self.exponent.mean)

    def to_json(self) -> dict[str, Any]:
        """Return all figures, units in the keys."""
        return {
            "source": self.source,
            "parents": self.parents,
            "fills": self.fills,
            "cost_exponent": self.exponent.to_json(),
            "cost_coefficient": self.coefficient.to_json(),
            "cost_sqrt_coefficient": self.sqrt_coefficient.to_json(),
            "peak_coefficient": self.peak_coefficient,
            "latency": {latency.name: latency.to_json() for latency in self.latencies},
            "links_yaml": self.links_yaml,
        }


def calibrate_fills(
    path: str | Path,
    *,
    daily_sigma: float | None = None,
    daily_volume: float | None = None,
    half_spread: float = 0.0,
    replicates: int = 1000,
    seed: int = 0,
) -> FillsFit:
    """Fit impact and latency to a file of fills.

    Args:
        path: A .csv, .csv.gz or .parquet file, see docs/impact.md for its columns.
        daily_sigma: Daily standard deviation of the price, in price units, for a file without such a column.
        daily_volume: Lots the market trades in a day, for a file without such a column.
        half_spread: What every fill paid for taking, in price units; it is taken off the costs.
        replicates: Of the bootstrap over parent orders.
        seed: Names its draws.

    Raises:
        FillsError: The file is refused, or its orders do not say how cost grows with size.
    """
    fills = read_fills(path, daily_sigma=daily_sigma, daily_volume=daily_volume)
    _check_enough(fills)
    exponent, coefficient, sqrt_coefficient = _fit_cost(fills, half_spread, replicates, seed)
    waits = {
        "decision_to_first_fill": fills.first_fill_ns / _NS_PER_MS,
        "decision_to_sent": fills.decision_to_sent_ns / _NS_PER_MS,
        "sent_to_arrival": fills.sent_to_arrival_ns / _NS_PER_MS,
    }
    return FillsFit(
        fills.source,
        len(fills.cost),
        fills.rows,
        exponent,
        coefficient,
        sqrt_coefficient,
        tuple(measure_latency(name, wait_ms) for name, wait_ms in waits.items() if len(wait_ms)),
        _links_yaml(fills.source, waits),
    )


def _check_enough(fills: Fills) -> None:
    if len(fills.cost) < _FEWEST_PARENTS:
        raise FillsError(f"{fills.source}: has {len(fills.cost)} parent orders, expected at least {_FEWEST_PARENTS}")
    span = float(fills.shares.max() / fills.shares.min())
    if span < _SMALLEST_RANGE:
        raise FillsError(
            f"{fills.source}: the largest Q / V is {span:.3g} times the smallest, expected at least {_SMALLEST_RANGE:g}"
        )


def _fit_cost(fills: Fills, half_spread: float, replicates: int, seed: int) -> tuple[Interval, Interval, Interval]:
    """Return delta, Y, and Y at delta = 1/2, with intervals from resampled parents."""
    cost = (fills.cost - half_spread) / fills.daily_sigma
    middle = float(np.exp(np.log(fills.shares).mean()))
    powers = (fills.shares / middle)[:, None] ** _EXPONENTS
    weights = _weights(fills)
    count = len(cost)
    drawn = draw_counts(np.random.default_rng(seed), count, replicates)
    times = np.vstack([np.ones(count), drawn])  # row 0: the sample itself
    above = times @ ((weights * cost)[:, None] * powers)
    below = times @ (weights[:, None] * powers * powers)
    best, best_above, best_below = _best(above, below)
    if not above[0].max() > 0.0:
        raise FillsError(f"{fills.source}: orders cost {cost.mean():.3g} daily sigma on average, expected more than 0")
    if not _EXPONENTS[0] < best[0] < _EXPONENTS[-1]:
        raise FillsError(
            f"{fills.source}: the exponent of cost comes out at {best[0]:g}, the edge of the search, "
            "expected orders enough to tell how cost grows with size"
        )
    coefficient = best_above / best_below / middle**best
    half = int(np.searchsorted(_EXPONENTS, 0.5))
    at_half = above[:, half] / below[:, half] / middle ** _EXPONENTS[half]
    found = [Interval.percentile(values[0], values[1:], count) for values in (best, coefficient, at_half)]
    return found[0], found[1], found[2]


def _weights(fills: Fills) -> Floats:
    """Return weights: the longer an order is worked, the more the market moves for reasons of its own."""
    duration = fills.duration_ns.astype(np.float64)
    typical = max(float(np.median(duration)), 1.0)
    weights: Floats = 1.0 / (duration + typical)
    return weights * typical


def _best(above: Floats, below: Floats) -> tuple[Floats, Floats, Floats]:
    """Find the exponent that explains most, by a parabola through the best grid point and its neighbours.

    Args:
        above: Sums of w c x^delta, shape ``(replicates, exponents)``.
        below: Sums of w x^(2 delta), alike.

    Returns:
        Exponents, and both sums there, shape ``(replicates,)``.
    """
    explained = np.where(above > 0.0, above, 0.0) ** 2 / below
    peak = explained.argmax(axis=1)
    inner = np.clip(peak, 1, len(_EXPONENTS) - 2)
    rows = np.arange(len(peak))
    left, top, right = (explained[rows, inner + step] for step in (-1, 0, 1))
    bend = left - 2.0 * top + right
    offset = np.where(bend < 0.0, 0.5 * (left - right) / np.where(bend < 0.0, bend, 1.0), 0.0)
    offset = np.clip(np.where(peak == inner, offset, peak - inner), -1.0, 1.0)
    return (
        _EXPONENTS[inner] + offset * (_EXPONENTS[1] - _EXPONENTS[0]),
        _between(above, rows, inner, offset),
        _between(below, rows, inner, offset),
    )


def _between(sums: Floats, rows: NDArray[np.int64], inner: NDArray[np.int64], offset: Floats) -> Floats:
    """Interpolate sums quadratically at ``offset`` grid steps from ``inner``."""
    left, middle, right = (sums[rows, inner + step] for step in (-1, 0, 1))
    values: Floats = middle + offset * (right - left) / 2.0 + offset**2 * (left - 2.0 * middle + right) / 2.0
    return values


def measure_latency(name: str, wait_ms: Floats) -> Latency:
    """Return quantiles of measured delays; intervals count order statistics and assume independent delays."""
    quantiles = tuple(Quantile(share, Interval.quantile(wait_ms, share)) for share in PROBABILITIES)
    return Latency(name, len(wait_ms), quantiles)


def _links_yaml(source: str, waits: dict[str, Floats]) -> str:
    """Return a links configuration with the measured delay on every leg."""
    leg_ms, decision_ms = waits["sent_to_arrival"], waits["decision_to_sent"]
    leg = "sent to arrival"
    if not len(leg_ms):
        leg_ms, leg = waits["decision_to_first_fill"], "decision to first fill, which no order's way can exceed"
    count = len(leg_ms)
    knots = [p for p in _KNOTS if min(p, 1.0 - p) * count >= 1.0]
    pairs = ", ".join(f"[{p:g}, {np.quantile(leg_ms, p):.6g}]" for p in knots)
    return "\n".join(
        [
            f"# Measured from {count} delays in {Path(source).name}: {leg}.",
            "# The other legs were not measured and are taken to be alike; so are the last two intervals.",
            "orders: &leg",
            f"  delay: {{model: empirical, quantiles: [{pairs}]}}",
            "reports: *leg",
            "market_data: *leg",
            "heartbeats: *leg",
            "heartbeat_interval_ms: 1000",
            "feed_recovery_ms: 250",
            f"decision_ms: {np.median(decision_ms) if len(decision_ms) else 0.0:.6g}",
            "",
        ]
    )
