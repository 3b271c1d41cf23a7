"""What the estimators look at: the messages of a recording, and for how long orders stood where."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.studies.calibration.estimate import CalibrationError
from twin_env.studies.realism.recording import CANCEL, LIMIT, TRADE, Recording

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NS_PER_S: Final = 1e9
FEWEST_EVENTS: Final = 1000
FEWEST_TRADES: Final = 50
SHORTEST_S: Final = 300.0
_LOT_SIZES: Final = (1000, 100, 10)
_ROUND_SHARE: Final = 0.5  # of limit orders must be whole multiples of a lot size that is chosen by itself


@dataclass(frozen=True)
class Aggressors:
    """Messages that traded with visible orders, one row each.

    Attributes:
        ts_ns: When.
        side: +1 bought, -1 sold.
        lots: Traded with visible orders.
        offered_lots: At the opposite best price before.
        through: Whether a fill was beyond that price.
        spread: Before, ticks.
    """

    ts_ns: Ints
    side: Ints
    lots: Ints
    offered_lots: Ints
    through: NDArray[np.bool_]
    spread: Ints


@dataclass(frozen=True)
class Acts:
    """Limit orders that came to rest, or cancels that ended an order, one row each.

    Attributes:
        ts_ns: When.
        side: +1 buy, -1 sell.
        lots: Of the order.
        behind: Ticks behind the best price of its side before; negative inside the spread.
        opposite: Ticks from the opposite best price before.
        from_mid: Ticks from the mid before, towards its own side.
        mid: Mid before, ticks.
    """

    ts_ns: Ints
    side: Ints
    lots: Ints
    behind: Ints
    opposite: Ints
    from_mid: Floats
    mid: Floats


@dataclass(frozen=True)
class Observed:
    """A source, ready for the estimators.

    Attributes:
        recording: Where it comes from, in lots of ``lot_size``.
        lot_size: How many of the source's units make a lot of the fitted market.
        aggressors: Who took.
        limits: Who made.
        cancels: Who withdrew all that was left.
        event_ns: Times of messages that the model has: limit orders, whole cancels, visible trades.
        hidden_share: Share of fills that no visible order gave.
        volume_gain: Lots times ``lot_size`` over the source's units, of limit orders: what rounding adds.
    """

    recording: Recording
    lot_size: int
    aggressors: Aggressors
    limits: Acts
    cancels: Acts
    event_ns: Ints
    hidden_share: float
    volume_gain: float

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.recording.end_ns - self.recording.start_ns) / NS_PER_S

    @property
    def mid_by_second(self) -> Floats:
        """Mid at each sample, ticks."""
        touch = self.recording.touch
        return (touch[:, 0] + touch[:, 1]) / 2.0


def observe(recording: Recording, lot_size: int | None = None) -> Observed:
    """Take a recording apart.

    Args:
        recording: Of a book with individual orders.
        lot_size: Units of the source per lot of the model: an order of q units counts as the nearest whole number of
            lots, at least one. By default the largest of 1000, 100 and 10 of which at least half of the limit orders
            are whole multiples (shares trade in round hundreds), else 1.

    Raises:
        CalibrationError: It is too short or too quiet to say anything.
    """
    events = recording.events
    _check_enough(recording)
    limit_lots = events["lots"][events["kind"] == LIMIT]
    units = lot_size or _choose_lot_size(limit_lots)
    counted = _in_lots(limit_lots, units).sum() * units / limit_lots.sum()
    scaled = scale_lots(recording, units)
    rows = scaled.events
    before = _touch_before(rows)
    fills = rows["kind"] == TRADE
    limit = rows["kind"] == LIMIT
    cancel = (rows["kind"] == CANCEL) & (rows["left_lots"] == 0)
    aggressors = _aggressors(rows, before)
    times = np.concatenate([rows["ts_ns"][limit | cancel], aggressors.ts_ns])
    return Observed(
        recording=scaled,
        lot_size=units,
        aggressors=aggressors,
        limits=_acts(rows[limit], before[limit]),
        cancels=_acts(rows[cancel], before[cancel]),
        event_ns=np.sort(times),
        hidden_share=float(np.mean(rows["order"][fills] == 0)) if fills.any() else 0.0,
        volume_gain=float(counted),
    )


def scale_lots(recording: Recording, lot_size: int) -> Recording:
    """Return a recording in lots of ``lot_size`` units; what was there stays at least one lot."""
    if lot_size == 1:
        return recording
    events = recording.events.copy()
    for name in ("lots", "left_lots", "bid_lots", "ask_lots"):
        events[name] = _in_lots(events[name], lot_size)
    touch = recording.touch.copy()
    touch[:, 2:] = _in_lots(touch[:, 2:], lot_size)
    return replace(recording, events=events, touch=touch, depth=_in_lots(recording.depth, lot_size))


def in_units(recording: Recording, lot_size: int) -> Recording:
    """Return a simulated recording in the units of its source: every lot becomes ``lot_size`` of them."""
    if lot_size == 1:
        return recording
    events = recording.events.copy()
    for name in ("lots", "left_lots", "bid_lots", "ask_lots"):
        events[name] *= lot_size
    touch = recording.touch.copy()
    touch[:, 2:] *= lot_size
    return replace(recording, events=events, touch=touch, depth=recording.depth * lot_size)


def _check_enough(recording: Recording) -> None:
    kinds = recording.events["kind"]
    seconds = (recording.end_ns - recording.start_ns) / NS_PER_S
    messages = int(np.count_nonzero((kinds == LIMIT) | (kinds == CANCEL)))
    fills = int(np.count_nonzero(kinds == TRADE))
    if seconds < SHORTEST_S or messages < FEWEST_EVENTS or fills < FEWEST_TRADES:
        raise CalibrationError(
            f"{recording.name}: the source has {seconds:.0f} s, {messages} limit orders and cancels and {fills} fills, "
            f"expected at least {SHORTEST_S:.0f} s, {FEWEST_EVENTS} and {FEWEST_TRADES}"
        )


def _choose_lot_size(lots: Ints) -> int:
    return next((size for size in _LOT_SIZES if np.mean(lots % size == 0) >= _ROUND_SHARE), 1)


def _in_lots(units: NDArray[Any], lot_size: int) -> Ints:
    rounded = np.sign(units) * np.maximum((2 * np.abs(units) + lot_size) // (2 * lot_size), 1)
    return np.asarray(np.where(units == 0, 0, rounded), np.int64)


def _touch_before(rows: NDArray[np.void]) -> Ints:
    """Return bid, ask, bid lots, ask lots before the message of each row, shape ``(rows, 4)``."""
    after = np.stack([rows[name] for name in ("bid", "ask", "bid_lots", "ask_lots")], axis=1)
    starts = np.flatnonzero(np.diff(rows["group"], prepend=rows["group"][0] - 1))
    previous = after[np.maximum(starts - 1, 0)]
    return np.repeat(previous, np.diff(np.append(starts, len(rows))), axis=0)


def _acts(rows: NDArray[np.void], before: Ints) -> Acts:
    side = rows["side"].astype(np.int64)
    mid = (before[:, 0] + before[:, 1]) / 2.0
    opposite = np.where(side > 0, before[:, 1], before[:, 0])
    return Acts(
        ts_ns=rows["ts_ns"].copy(),
        side=side,
        lots=rows["lots"].copy(),
        behind=rows["distance_ticks"].astype(np.int64),
        opposite=side * (opposite - rows["price_ticks"]),
        from_mid=side * (mid - rows["price_ticks"]),
        mid=mid,
    )


def _aggressors(rows: NDArray[np.void], before: Ints) -> Aggressors:
    visible = np.flatnonzero((rows["kind"] == TRADE) & (rows["order"] > 0))
    first = np.unique(rows["group"][visible], return_index=True)[1]
    at, side = visible[first], rows["side"][visible[first]].astype(np.int64)
    lots = np.add.reduceat(rows["lots"][visible], first) if len(first) else np.zeros(0, np.int64)
    # The fills of one aggressor can be messages of their own in a history: prices are held against the first touch.
    opposite = np.where(side > 0, before[at, 1], before[at, 0])
    message = np.repeat(np.arange(len(at)), np.diff(np.append(first, len(visible))))
    beyond = side[message] * (rows["price_ticks"][visible] - opposite[message])
    reach = np.maximum.reduceat(beyond, first) if len(first) else lots
    return Aggressors(
        ts_ns=rows["ts_ns"][at],
        side=side,
        lots=lots,
        offered_lots=np.where(side > 0, before[at, 3], before[at, 2]),
        through=reach > 0,
        spread=before[at, 1] - before[at, 0],
    )
