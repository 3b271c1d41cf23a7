"""The history that replays are measured on: what resting orders did, as venues publish it order by order."""

from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE

ORDERS: Final = 1024
MEAN_GAP_NS: Final = 500_000
_MID: Final = 10_000
_LEVELS: Final = 10
_FEWEST: Final = 500  # orders live at once
_BEGIN_NS: Final = 10**18

_Step = tuple[int, int, int, int, int]  # kind, order, side, price, lots


class _Book:
    """Who rests where, in queue order: what it takes to say which order a trade hits."""

    def __init__(self) -> None:
        self.queues: dict[int, OrderedDict[int, int]] = {}  # by price: lots by order
        self.price: dict[int, int] = {}
        self.live: list[int] = []  # in no order, to draw from
        self.place: dict[int, int] = {}
        self.free = list(range(ORDERS))

    def lots(self, order: int) -> int:
        return self.queues[self.price[order]][order]

    def add(self, price: int, lots: int) -> int:
        order = self.free.pop()
        self.queues.setdefault(price, OrderedDict())[order] = lots
        self.price[order] = price
        self.place[order] = len(self.live)
        self.live.append(order)
        return order

    def take(self, order: int, lots: int) -> None:
        """Take lots from an order; the last ones remove it."""
        queue = self.queues[self.price[order]]
        queue[order] -= lots
        if queue[order] == 0:
            del queue[order]
            if not queue:
                del self.queues[self.price[order]]
            self._forget(order)

    def first(self, side: int) -> int:
        """Return the order at the head of a side's best price."""
        best = max(side * price for price in self.queues if side * (_MID - price) > 0)
        return next(iter(self.queues[side * best]))

    def _forget(self, order: int) -> None:
        del self.price[order]
        self.free.append(order)
        place, last = self.place.pop(order), self.live.pop()
        if last != order:
            self.live[place], self.place[last] = last, place


def orders_history(count: int, seed: int = 1) -> NDArray[np.void]:
    """Make new orders (48 %), cancels (40 %), trades (8 %) and reductions: 20 prices, 500 to 1024 orders at once.

    Args:
        count: Rows.
        seed: Of NumPy's generator.

    Returns:
        ``layout.MESSAGE`` array: rows of a tape.
    """
    rng = np.random.default_rng(seed)
    sides = rng.choice([codes.BUY, codes.SELL], count).tolist()
    behind, lots = (rng.integers(1, most, count).tolist() for most in (_LEVELS + 1, 10))
    draws, picks = (rng.random(count).tolist() for _ in range(2))
    book = _Book()
    steps = np.array([_step(book, *numbers) for numbers in zip(draws, picks, sides, behind, lots, strict=True)])
    rows = np.zeros(count, MESSAGE)
    rows["row"], rows["seq"] = NONE, np.arange(1, count + 1)
    rows["ts_ns"] = _BEGIN_NS + np.cumsum(rng.exponential(MEAN_GAP_NS, count).astype(np.int64) + 1)
    for place, name in enumerate(("kind", "order", "side", "price", "lots")):
        rows[name] = steps[:, place]
    return rows


def _step(book: _Book, draw: float, pick: float, side: int, behind: int, lots: int) -> _Step:
    live = len(book.live)
    if live < _FEWEST or (draw < 0.48 and live < ORDERS):
        price = _MID - side * behind
        return codes.NEW, book.add(price, lots), side, price, lots
    trades = 0.88 <= draw < 0.96
    order = book.first(-side) if trades else book.live[int(pick * live)]
    price, left = book.price[order], book.lots(order)
    kind = codes.EXECUTE if trades else codes.REDUCE if draw >= 0.96 and left > 1 else codes.CANCEL
    taken = left if kind == codes.CANCEL else min(lots, left) if trades else 1
    book.take(order, taken)
    return kind, order, side, price, taken
