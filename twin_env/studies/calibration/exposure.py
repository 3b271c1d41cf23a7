"""For how long how many orders stood how far from the best prices: the denominators of cancel rates."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.jit import i64, kernel
from twin_env.studies.calibration.observed import NS_PER_S, Floats, Observed
from twin_env.studies.realism.recording import TRADE

_LONGEST: Final = 4096  # queues are told apart up to this many orders
_STANDS: Final = 0.001  # of the time: how long a queue must stand to count as one


@dataclass(frozen=True)
class Exposure:
    """Order-seconds of both sides together.

    Attributes:
        opposite: By ticks from the opposite best price; entry i is i + 1 ticks away. Shape ``(reach,)``.
        opposite_far: Farther than that.
        behind: By ticks behind the best price of the own side. Shape ``(reach,)``.
        behind_far: Farther than that.
        longest_queue: Orders in the longest queue at a best price, but for 0.1 % of the time.
    """

    opposite: Floats
    opposite_far: float
    behind: Floats
    behind_far: float
    longest_queue: int


def measure_exposure(observed: Observed, reach: int) -> Exposure:
    """Walk through a recording and add up how long orders stood within ``reach`` ticks of the best prices, by tick."""
    rows = observed.recording.events
    known = rows["order"] > 0
    change, row = count_changes(rows)
    lowest = int(rows["price_ticks"][known].min()) - reach - 1
    width = int(rows["price_ticks"][known].max()) - lowest + reach + 2
    ends = np.append(rows["group"][1:] != rows["group"][:-1], True)
    times = np.append(rows["ts_ns"], observed.recording.end_ns)
    waits = np.where(ends, np.diff(times), 0) / NS_PER_S
    near, far, queues = np.zeros((2, reach)), np.zeros(2), np.zeros(_LONGEST)
    place = np.where(known, rows["price_ticks"] - lowest, 0)
    bid, ask = rows["bid"] - lowest, rows["ask"] - lowest
    add_up(row, place, change, bid, ask, waits, np.zeros((2, width), np.int64), near, far, queues)
    share = np.cumsum(queues) / queues.sum()
    longest = max(int(np.searchsorted(share, 1.0 - _STANDS)), 1)
    return Exposure(near[0], float(max(far[0], 0.0)), near[1], float(max(far[1], 0.0)), longest)


def count_changes(rows: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return per row by how many the number of resting orders changes, and on which side: 0 buys, 1 sells."""
    first = np.zeros(len(rows), bool)
    first[np.unique(rows["order"], return_index=True)[1]] = True
    known, left = rows["order"] > 0, rows["left_lots"] > 0
    # An order that ends with its first row was never there.
    change = (first & known & left).astype(np.int64) - (~first & known & ~left)
    side = np.where(rows["kind"] == TRADE, -rows["side"], rows["side"])
    return change, (side < 0).astype(np.int64)


@kernel
def add_up(
    row: Any, place: Any, change: Any, bid: Any, ask: Any, waits: Any, orders: Any, near: Any, far: Any, queues: Any
) -> None:
    """Replay changes of the number of orders and add up order-seconds.

    Args:
        row: Side of each change, 0 buys, 1 sells.
        place: Its price, as a column of ``orders``.
        change: By how many.
        bid: Best bid after it, likewise; it can lie outside of ``orders``.
        ask: Best ask.
        waits: Seconds until the next change, 0 within a message.
        orders: Number of orders by side and price, changed in place.
        near: Output, order-seconds by distance from the opposite (from 1) and the own (from 0) best price.
        far: Output, those farther.
        queues: Output, seconds by number of orders at a best price.
    """
    reach = near.shape[1]
    total = np.zeros(2, np.int64)
    for number in range(place.shape[0]):
        orders[row[number], place[number]] += change[number]
        total[row[number]] += change[number]
        wait = waits[number]
        if wait <= 0.0:
            continue
        for side in range(2):
            step = 1 if side == 1 else -1
            own = ask[number] if side == 1 else bid[number]
            other = bid[number] if side == 1 else ask[number]
            for kind in range(2):
                first = i64(other + step if kind == 0 else own)
                seen = 0
                for distance in range(reach):
                    column = first + step * distance
                    if 0 <= column < orders.shape[1]:
                        count = orders[side, column]
                        near[kind, distance] += wait * count
                        seen += count
                far[kind] += wait * (total[side] - seen)
            if 0 <= own < orders.shape[1]:
                queues[min(orders[side, own], queues.shape[0] - 1)] += wait
