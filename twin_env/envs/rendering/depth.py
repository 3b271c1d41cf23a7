"""What a picture of the ladder shows: the desk's levels and orders near its mid, as plain numbers.

Drawing must not change a world by a single byte, so nothing here calls a kernel: even one
that looks up a level may refill a cache.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from twin_env.core.desk.desk import LIVE, SENT
from twin_env.core.state.codes import BUY, LIMIT, MARKET, SELL
from twin_env.core.state.layout import NONE

ROWS: Final = 24  # of the ladder, both sides together
SIDES: Final = (BUY, SELL)
_KEPT_LEVELS: Final = 3  # of each side, shown however far apart they are


class Own(NamedTuple):
    """The desk's orders at one price and side.

    Attributes:
        live_lots: In orders that work and about which nothing is unanswered.
        pending_lots: In orders that are not acknowledged, or about to be changed.
        ahead_lots: Before the first of the live ones in the queue, ``NONE`` while unknown.
    """

    live_lots: int
    pending_lots: int
    ahead_lots: int


@dataclass(frozen=True)
class Depth:
    """One moment of a ladder; prices in ticks, the keys of dicts are sides.

    Attributes:
        prices: Of the rows, highest first; between two that are not neighbours a row says how many are left out.
        lots: The desk's level at each of ``prices``, 0 where there is none.
        touch: The desk's best price, None where its side is empty.
        true_touch: The same at the exchange.
        own: The desk's orders by price.
        unpriced_lots: By order type, in orders that stand at no price: unacknowledged market orders, stops.
    """

    mid_half_ticks: int
    prices: list[int]
    lots: dict[int, list[int]]
    touch: dict[int, int | None]
    true_touch: dict[int, int | None]
    own: dict[int, dict[int, Own]]
    unpriced_lots: dict[int, int]

    def is_stale(self, side: int) -> bool:
        """Tell whether the exchange's touch is not the one the desk sees."""
        return self.touch[side] != self.true_touch[side]


def read_depth(world: Any) -> Depth:
    """Read the ladder around the desk's mid from one record of ``layout.world_dtype``."""
    mirror, orders, mid = world.desk.book, world.desk.orders, int(world.desk.mid)
    best = {side: _best_prices(mirror, side, ROWS) for side in SIDES}
    touch = {side: next(iter(best[side]), None) for side in SIDES}
    true_touch = {side: next(iter(_best_prices(world.book, side, 1)), None) for side in SIDES}
    own = {side: _own_orders(orders, side) for side in SIDES}
    touches = [price for price in (*touch.values(), *true_touch.values()) if price is not None]
    owned = _by_distance({price for side in SIDES for price in own[side]}, mid)
    prices = _choose_prices(mid, touches, owned, best)
    lots = {side: _lots_at(mirror, side, prices) for side in SIDES}
    return Depth(mid, prices, lots, touch, true_touch, own, _unpriced_lots(orders))


def _row_of(side: int) -> int:
    return 0 if side == BUY else 1


def _keys(ladder: Any, side: int) -> Any:
    """Return side * price of every level, ascending: the touch is the last."""
    row = _row_of(side)
    return ladder.key[row, : int(ladder.count[row])]


def _best_prices(ladder: Any, side: int, count: int) -> list[int]:
    return [side * key for key in _keys(ladder, side)[-count:][::-1].tolist()]


def _lots_at(ladder: Any, side: int, prices: list[int]) -> list[int]:
    keys = _keys(ladder, side)
    lots = []
    for price in prices:
        place = int(np.searchsorted(keys, side * price))
        is_level = place < len(keys) and keys[place] == side * price
        lots.append(int(ladder.levels[ladder.level[_row_of(side), place]]["lots"]) if is_level else 0)
    return lots


def _working(orders: Any) -> list[Any]:
    return [order for order in orders if order["state"] in (SENT, LIVE) and order["lots"] > order["filled"]]


def _has_price(order: Any) -> bool:
    """Tell whether an order stands at a price: a market order does once its limit is acknowledged, stops wait."""
    return bool(order["type"] == LIMIT or (order["type"] == MARKET and order["state"] == LIVE))


def _own_orders(orders: Any, side: int) -> dict[int, Own]:
    own: dict[int, Own] = {}
    for order in _working(orders):
        if order["side"] != side or not _has_price(order):
            continue
        price, left, ahead = int(order["price"]), int(order["lots"] - order["filled"]), int(order["ahead"])
        live, pending, first = own.get(price, Own(0, 0, NONE))
        if order["state"] == SENT or order["pending"] > 0:
            own[price] = Own(live, pending + left, first)
        else:
            own[price] = Own(live + left, pending, min((lots for lots in (first, ahead) if lots != NONE), default=NONE))
    return own


def _unpriced_lots(orders: Any) -> dict[int, int]:
    lots: dict[int, int] = {}
    for order in _working(orders):
        if not _has_price(order):
            kind = int(order["type"])
            lots[kind] = lots.get(kind, 0) + int(order["lots"] - order["filled"])
    return lots


def _choose_prices(mid_half_ticks: int, touches: list[int], owned: list[int], best: dict[int, list[int]]) -> list[int]:
    """Choose the prices of at most ``ROWS`` rows.

    Touches, own orders and a few levels are kept wherever they are. The other rows are every
    tick around the mid if the touches and those levels fit into that, else the next levels.
    """
    ticks = range((mid_half_ticks - ROWS + 2) // 2, (mid_half_ticks + ROWS - 1) // 2 + 1)
    window = _by_distance(ticks, mid_half_ticks)
    near = [price for side in SIDES for price in best[side][:_KEPT_LEVELS]]
    is_compact = {*touches, *near} <= set(window)
    beyond = [] if is_compact else _by_distance(best[BUY] + best[SELL], mid_half_ticks)
    chosen: set[int] = set()
    for price in (*touches, *owned, *near, *beyond, *window):
        if _rows_needed({*chosen, price}) <= ROWS:
            chosen.add(price)
    single_holes = {price + 1 for price in chosen if price + 2 in chosen}
    return sorted(chosen | single_holes, reverse=True)


def _by_distance(prices: Iterable[int], mid_half_ticks: int) -> list[int]:
    return sorted(prices, key=lambda price: (abs(2 * price - mid_half_ticks), price))


def _rows_needed(prices: Iterable[int]) -> int:
    """Count rows: a hole between two prices takes one, however wide it is."""
    ordered = sorted(prices)
    return len(ordered) + sum(high - low > 1 for low, high in pairwise(ordered))
