"""How far two recordings are apart, metric by metric, with the names and meanings of LOB-Bench.

Nagy et al. (2025), "LOB-Bench: benchmarking generative AI for finance". Each metric gives one value per message,
order or interval; two recordings are compared by the distributions of those values.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.statistics import Interval
from twin_env.studies.realism.estimators import Floats, Ints
from twin_env.studies.realism.flow import OFI_S, ofi_and_moves
from twin_env.studies.realism.recording import CANCEL, LIMIT, Recording
from twin_env.studies.realism.series import NS_PER_S, Series
from twin_env.studies.realism.window import common_levels, seen_through

BINS: Final = 50
_MOST_POINTS: Final = 1000  # of the grid on which distribution functions are compared
_TAIL: Final = 0.001
_UNKNOWN: Final = Interval(math.nan, math.nan, math.nan, 0)
Sample = tuple[Ints, Floats]
"""Times in ns and values, equally long."""


@dataclass(frozen=True)
class Distance:
    """How far apart two recordings are in one metric.

    Attributes:
        name: Of the metric.
        l1: Half the sum of absolute differences of histograms on common bins: 0 equal, 1 apart; NaN without values.
            The interval is a bootstrap over blocks of time.
        wasserstein: Wasserstein-1 distance over the standard deviation of the reference's values, alike.
        samples: Values of the recording.
        reference_samples: Values of the reference.
    """

    name: str
    l1: Interval
    wasserstein: Interval
    samples: int
    reference_samples: int

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON; NaN becomes ``None``."""
        distances = {"l1": self.l1.to_json(), "wasserstein": self.wasserstein.to_json()}
        return {
            "name": self.name,
            **{
                f"{name}{end}": distance[key]
                for name, distance in distances.items()
                for end, key in (("", "mean"), ("_low", "low"), ("_high", "high"))
            },
            "samples": self.samples,
            "reference_samples": self.reference_samples,
        }


def _after_each(series: Series, values: NDArray[Any]) -> Sample:
    """Values after each message that somebody sent: a book that only comes into sight is none."""
    acted = series.is_acted()
    return series.ts_ns[acted], values[acted].astype(np.float64)


def _spread(series: Series) -> Sample:
    """Ticks, after each message."""
    return _after_each(series, series.ask - series.bid)


def _imbalance(series: Series) -> Sample:
    """(bid - ask) / (bid + ask) of lots at the best prices, after each message."""
    return _after_each(series, series.imbalance)


def _log_inter_arrival(series: Series) -> Sample:
    """Natural logarithm of ms between messages; simultaneous ones count as 1 ns apart."""
    times = series.ts_ns[series.is_acted()]
    return times[1:], np.log(np.maximum(np.diff(times), 1) / 1e6)


def _log_time_to_cancel(series: Series) -> Sample:
    """Natural logarithm of ms from a limit order to the end of it by cancel."""
    orders = series.orders
    life_ns = np.maximum(orders.ended_ns - orders.born_ns, 1)[orders.cancelled]
    return orders.born_ns[orders.cancelled], np.log(life_ns / 1e6)


def _touch(side: int) -> Callable[[Series], Sample]:
    return lambda series: _after_each(series, series.bid_lots if side > 0 else series.ask_lots)


def _volume(side: int) -> Callable[[Series], Sample]:
    """Lots within 10 ticks of the best price, once a second."""
    row = 0 if side > 0 else 1
    return lambda series: (
        series.recording.depth_ns,
        series.recording.depth[:, row].sum(axis=1).astype(np.float64),
    )


def _depth(side: int, kind: int) -> Callable[[Series], Sample]:
    """Ticks from the mid before the message, of limit orders or cancels of a side."""

    def sample(series: Series) -> Sample:
        events = series.recording.events
        chosen = np.flatnonzero((events["kind"] == kind) & (events["side"] == side))
        before = series.mid[np.maximum(series.message_of_row[chosen] - 1, 0)]
        return events["ts_ns"][chosen], np.abs(events["price_ticks"][chosen] - before)

    return sample


def _levels(side: int, kind: int) -> Callable[[Series], Sample]:
    """Level in ticks from the best price of the side before the message, which is 1; inside the spread counts as 1."""

    def sample(series: Series) -> Sample:
        events = series.recording.events
        chosen = events[(events["kind"] == kind) & (events["side"] == side)]
        return chosen["ts_ns"], np.maximum(chosen["distance_ticks"], 0) + 1.0

    return sample


def _volume_per_minute(series: Series) -> Sample:
    """Lots traded in a second, times 60."""
    lots = 60.0 * series.by_interval(series.trades.ts_ns, series.trades.lots, 1)
    return series.recording.start_ns + np.arange(1, len(lots) + 1) * round(NS_PER_S), lots


def _ofi(direction: int | None) -> Callable[[Series], Sample]:
    """Order flow imbalance of 10 s, lots; of those in which the mid went up, stayed, or went down."""

    def sample(series: Series) -> Sample:
        flow, _, moves = ofi_and_moves(series, OFI_S)
        times = series.recording.start_ns + np.arange(1, len(flow) + 1) * round(OFI_S * NS_PER_S)
        chosen = np.ones(len(flow), bool) if direction is None else np.sign(moves) == direction
        return times[chosen], flow[chosen]

    return sample


SAMPLES: Final[dict[str, Callable[[Series], Sample]]] = {
    "spread": _spread,
    "orderbook_imbalance": _imbalance,
    "log_inter_arrival_time": _log_inter_arrival,
    "log_time_to_cancel": _log_time_to_cancel,
    "ask_volume_touch": _touch(-1),
    "bid_volume_touch": _touch(1),
    "ask_volume": _volume(-1),
    "bid_volume": _volume(1),
    "limit_ask_order_depth": _depth(-1, LIMIT),
    "limit_bid_order_depth": _depth(1, LIMIT),
    "ask_cancellation_depth": _depth(-1, CANCEL),
    "bid_cancellation_depth": _depth(1, CANCEL),
    "limit_ask_order_levels": _levels(-1, LIMIT),
    "limit_bid_order_levels": _levels(1, LIMIT),
    "ask_cancellation_levels": _levels(-1, CANCEL),
    "bid_cancellation_levels": _levels(1, CANCEL),
    "vol_per_min": _volume_per_minute,
    "ofi": _ofi(None),
    "ofi_up": _ofi(1),
    "ofi_stay": _ofi(0),
    "ofi_down": _ofi(-1),
}
"""Metrics by the names LOB-Bench gives them."""


def common_edges(left: Floats, right: Floats) -> Floats:
    """Return inner edges of bins that two samples share, whichever is named first.

    Bins of whole numbers hold as many whole numbers each; a thousandth of a sample on either end shares the last bin.
    """
    both = [sample for sample in (left, right) if len(sample)]
    low = min(float(np.quantile(sample, _TAIL)) for sample in both)
    high = max(float(np.quantile(sample, 1.0 - _TAIL)) for sample in both)
    halves = all(np.all(sample * 2 == np.round(sample * 2)) for sample in both)
    if not halves:
        return np.linspace(low, high, BINS + 1)[1:-1]
    unit = 1.0 if all(np.all(sample == np.round(sample)) for sample in both) else 0.5
    width = unit * max(1, math.ceil(((high - low) / unit + 1) / BINS))
    return np.arange(low + width, high + width, width) - unit / 2.0


def l1_distance(left: Floats, right: Floats) -> float:
    """Return half the sum of absolute differences of two histograms of any totals."""
    return 0.5 * float(np.abs(left / left.sum() - right / right.sum()).sum())


def _counts_by_block(series: Series, sample: Sample, edges: Floats, blocks: int) -> NDArray[np.float64]:
    """Return histograms by block of time, float64, shape ``(blocks, len(edges) + 1)``."""
    recording = series.recording
    length = max(recording.end_ns - recording.start_ns, 1)
    block = np.minimum((sample[0] - recording.start_ns) * blocks // length, blocks - 1)
    place = np.searchsorted(edges, sample[1], side="right")
    width = len(edges) + 1
    flat = np.bincount(block * width + place, minlength=blocks * width)
    return flat.reshape(blocks, width).astype(np.float64)


def _grid(left: Floats, right: Floats) -> Floats:
    """Return points between which two distribution functions are compared: all values, or quantiles of both."""
    values = np.unique(np.concatenate([np.unique(left), np.unique(right)]))
    if len(values) <= _MOST_POINTS:
        return values
    shares = np.linspace(0.0, 1.0, _MOST_POINTS // 2)
    return np.unique(np.concatenate([np.quantile(left, shares), np.quantile(right, shares)]))


def _wasserstein(left: Floats, right: Floats, widths: Floats, scale: float) -> float:
    gap = np.cumsum(left)[:-1] / left.sum() - np.cumsum(right)[:-1] / right.sum()
    return float((np.abs(gap) * widths).sum()) / scale


def _interval(
    measure: Callable[[Floats, Floats], float], left: Floats, right: Floats, draws: tuple[Ints, Ints]
) -> Interval:
    """Return a distance of summed histograms with its interval over drawn blocks.

    Drawing adds noise, and noise only ever adds to a distance: the interval is moved back by what the draws are
    farther apart than the recordings on average.
    """
    value = measure(left.sum(axis=0), right.sum(axis=0))
    drawn = [(left[a].sum(axis=0), right[b].sum(axis=0)) for a, b in zip(draws[0], draws[1], strict=True)]
    again = np.array([measure(a, b) for a, b in drawn if a.sum() > 0 and b.sum() > 0])
    if not len(again):
        return replace(_UNKNOWN, mean=value)
    found = Interval.percentile(value, again - (again.mean() - value), min(len(left), len(right)))
    return replace(found, low=max(found.low, 0.0))


def compare(
    recording: Recording,
    reference: Recording,
    *,
    levels: int | None = None,
    block_s: float = 300.0,
    resamples: int = 200,
    seed: int = 0,
) -> list[Distance]:
    """Return how far a recording is from a reference, one distance per metric of :data:`SAMPLES`.

    Both are looked at through as many levels as the one that shows less of its book, see :mod:`window`. Intervals are
    from a bootstrap that draws blocks of time with replacement, of both recordings alike.

    Args:
        recording: What to compare.
        reference: What with; its standard deviations scale Wasserstein distances.
        levels: Look at both through this many levels a side instead, at most what either shows.
        block_s: Length of a block; a short recording is cut into ten.
        resamples: Draws.
        seed: Of the draws.

    Raises:
        ValueError: There are no such levels.
    """
    shown = common_levels(recording, reference, levels)
    sides = (Series(seen_through(recording, shown)), Series(seen_through(reference, shown)))
    blocks = [max(10, round(one.recording.hours * 3600 / block_s)) for one in sides]
    random = np.random.default_rng(seed)
    first, second = (random.integers(0, count, (resamples, count)) for count in blocks)
    return [_distance_of(name, sides, (blocks[0], blocks[1]), (first, second)) for name in SAMPLES]


def _distance_of(
    name: str, sides: tuple[Series, Series], blocks: tuple[int, int], draws: tuple[Ints, Ints]
) -> Distance:
    samples = [SAMPLES[name](series) for series in sides]
    left, right = samples[0][1], samples[1][1]
    if not len(left) or not len(right):
        return Distance(name, _UNKNOWN, _UNKNOWN, len(left), len(right))

    def histograms(edges: Floats) -> tuple[Floats, Floats]:
        a, b = (_counts_by_block(s, v, edges, n) for s, v, n in zip(sides, samples, blocks, strict=True))
        return a, b

    l1 = _interval(l1_distance, *histograms(common_edges(left, right)), draws)
    scale = float(right.std())
    grid = _grid(left, right)
    if scale == 0.0 or len(grid) < 2:
        far = replace(l1, mean=0.0, low=0.0, high=0.0) if len(grid) < 2 else _UNKNOWN
        return Distance(name, l1, far, len(left), len(right))
    widths = np.diff(grid)
    distance = _interval(lambda a, b: _wasserstein(a, b, widths, scale), *histograms(grid[1:]), draws)
    return Distance(name, l1, distance, len(left), len(right))
