"""The efficient price, in half-ticks, from quotes, trades or bars."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.jit import kernel
from twin_env.market.data.tables import Bars
from twin_env.market.data.tape import IntArray

QUOTE: Final = 0
TRADE: Final = 1
_PARKINSON: Final = 4.0 * math.log(2.0)  # variance of a bar = (high - low)^2 / this, for Brownian motion
_BARS_AT_ONCE: Final = 4096


@kernel
def follow(kind: IntArray, mid: IntArray, reach: IntArray, anchor: IntArray) -> None:
    """Write the efficient price after each event.

    A quote sets it to its mid, and the band around it to its spread. Trades move it only as far as the last two since
    the quote agree: where both lie beyond the band, the band moves until the nearer of them is at its edge. Trades that
    bounce between bid and ask, and a single price far off, move nothing. No value depends on later events.

    Args:
        kind: ``QUOTE`` or ``TRADE``; int64, shape ``(events,)``, as all columns.
        mid: Bid plus ask of a quote, twice the price of a trade: half-ticks.
        reach: Half of the spread in half-ticks, that is the spread in ticks, of a quote; of a trade the one to start
            with.
        anchor: Out: the efficient price in half-ticks.
    """
    present = mid[0]
    band = reach[0]
    before = 0
    known = 0  # trades since the latest quote, as far as it matters
    for index in range(len(kind)):
        if kind[index] == QUOTE:
            present = mid[index]
            band = reach[index]
            known = 0
        else:
            if known > 0:
                low = min(before, mid[index])
                high = max(before, mid[index])
                present = max(present, low - band)
                present = min(present, high + band)
            before = mid[index]
            known = 1
        anchor[index] = present


def infer_sides(price_ticks: IntArray, side: IntArray) -> tuple[IntArray, int]:
    """Fill in unknown aggressors by the tick rule: a price above the last other price was bought, one below sold.

    Trades before the first change of price are taken for bought.

    Returns:
        Sides, and how many were filled in.
    """
    move = np.sign(np.diff(price_ticks, prepend=price_ticks[:1]))
    latest = np.maximum.accumulate(np.where(move != 0, np.arange(len(move)), 0))
    ruled = np.where(move[latest] == 0, 1, move[latest])
    unknown = side == 0
    return np.where(unknown, ruled, side), int(unknown.sum())


def bridge_bars(bars: Bars, step_ns: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Draw a price path through every bar.

    A path begins at the open, ends at the close and touches low and high: the low first in a bar that closes no lower
    than it opened, else the high, each at a step drawn uniformly. Between these points it is a Brownian bridge, with
    the variance a range of this size has on average, reflected at low and high.

    Args:
        bars: All of one length, of at least four steps.
        step_ns: Time between two points.
        rng: Of the places of low and high, and of the bridges.

    Returns:
        Bar, step and price in half-ticks of every point; int64, shape ``(bars * steps,)``.
    """
    steps = int(bars.duration_ns[0]) // step_ns
    parts = [_bridge(bars, slice(at, at + _BARS_AT_ONCE), steps, rng) for at in range(0, len(bars), _BARS_AT_ONCE)]
    price = np.concatenate(parts).ravel()
    bar, step = np.divmod(np.arange(len(price)), steps)
    return bar, step, price


def _bridge(bars: Bars, part: slice, steps: int, rng: np.random.Generator) -> IntArray:
    """Return paths in half-ticks; int64, shape ``(bars, steps)``."""
    first, last = bars.open_ticks[part], bars.close_ticks[part]
    high, low = bars.high_ticks[part], bars.low_ticks[part]
    rises = last >= first
    values = np.stack([first, np.where(rises, low, high), np.where(rises, high, low), last], axis=1).astype(np.float64)
    pins = _pins(len(first), steps, rng)
    deviation = (high - low) / math.sqrt(_PARKINSON * steps)
    walk = np.cumsum(rng.standard_normal((len(first), steps)), axis=1) * deviation[:, None]
    # What a straight line between the pins leaves of the walk is bent to hit the pins.
    missing = values - np.take_along_axis(walk, pins, axis=1)
    path = walk + _interpolate(pins, missing, steps)
    return np.rint(2.0 * _fold(path, low, high)).astype(np.int64)


def _fold(path: NDArray[np.float64], low: IntArray, high: IntArray) -> NDArray[np.float64]:
    """Reflect what goes below low or above high; cutting it off would make the path too calm."""
    extent = np.maximum(high - low, 1)[:, None].astype(np.float64)
    above = np.mod(path - low[:, None], 2.0 * extent)
    folded = low[:, None] + np.minimum(above, 2.0 * extent - above)
    return np.asarray(np.clip(folded, low[:, None], high[:, None]))  # of a bar without extent; and rounding


def _pins(count: int, steps: int, rng: np.random.Generator) -> IntArray:
    """Return the steps of open, first extreme, second extreme and close; int64, shape ``(count, 4)``."""
    one = rng.integers(1, steps - 1, count)
    other = rng.integers(1, steps - 2, count)
    other += other >= one
    ends = np.zeros(count, np.int64)
    return np.stack([ends, np.minimum(one, other), np.maximum(one, other), ends + steps - 1], axis=1)


def _interpolate(pins: IntArray, values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Return straight lines through the pins; float64, shape ``(bars, steps)``."""
    step = np.arange(steps)
    segment = (step >= pins[:, 1:2]).astype(np.int64) + (step >= pins[:, 2:3])
    left, right = (np.take_along_axis(pins, segment + end, axis=1) for end in (0, 1))
    start, stop = (np.take_along_axis(values, segment + end, axis=1) for end in (0, 1))
    return np.asarray(start + (stop - start) * (step - left) / (right - left))
