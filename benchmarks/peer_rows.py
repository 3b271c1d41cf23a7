"""A history in the rows of hftbacktest: order by order (L3), and level by level (L2)."""

from collections import defaultdict
from typing import Any, Final

import numpy as np
from hftbacktest import types as theirs
from numpy.typing import NDArray

from twin_env.core.state import codes

_BOTH_CLOCKS: Final = theirs.EXCH_EVENT | theirs.LOCAL_EVENT
_SIDE: Final = {codes.BUY: theirs.BUY_EVENT, codes.SELL: theirs.SELL_EVENT}
_Row = tuple[int, int, int, int, int]  # time, event, price, lots, order


class _Writer:
    """Follows a history and writes what either format says about each of its rows."""

    def __init__(self) -> None:
        self.orders: list[_Row] = []
        self.levels: list[_Row] = []
        self._live: dict[int, tuple[int, int, int]] = {}  # by order: side, price, lots
        self._depth: dict[tuple[int, int], int] = defaultdict(int)

    def write(self, at_ns: int, kind: int, order: int, side: int, price: int, lots: int, flags: int) -> None:
        if kind == codes.NEW:
            self._live[order] = side, price, lots
            self._change(at_ns, theirs.ADD_ORDER_EVENT, order, lots)
        elif kind == codes.PRINT:
            self._trade(at_ns, side, price, lots)
        elif order in self._live:
            self._take(at_ns, kind, order, side, lots, flags)

    def _take(self, at_ns: int, kind: int, order: int, side: int, lots: int, flags: int) -> None:
        own, price, left = self._live[order]
        if kind == codes.EXECUTE:
            # As in the files of venues: the trade, the fill of the order it hit, and what that leaves of it.
            self._trade(at_ns, side, price, lots)
            self.orders.append((at_ns, theirs.FILL_EVENT | _SIDE[own], price, lots, order))
        elif kind not in (codes.CANCEL, codes.REDUCE):
            raise ValueError(f"a row of kind {codes.KIND_NAMES[kind]!r} has no row of hftbacktest")
        ends = kind == codes.CANCEL or lots >= left or flags & codes.ENDS_ORDER
        taken = left if ends else lots
        self._live[order] = own, price, left - taken
        self._change(at_ns, theirs.CANCEL_ORDER_EVENT if ends else theirs.MODIFY_ORDER_EVENT, order, -taken)
        if ends:
            del self._live[order]

    def _trade(self, at_ns: int, side: int, price: int, lots: int) -> None:
        for rows in (self.orders, self.levels):
            rows.append((at_ns, theirs.TRADE_EVENT | _SIDE[side], price, lots, 0))

    def _change(self, at_ns: int, event: int, order: int, lots: int) -> None:
        side, price, left = self._live[order]
        self._depth[side, price] += lots
        self.orders.append((at_ns, event | _SIDE[side], price, left, order))
        self.levels.append((at_ns, theirs.DEPTH_EVENT | _SIDE[side], price, self._depth[side, price], 0))


def peer_rows(history: NDArray[np.void], delay_ns: int) -> dict[str, NDArray[Any]]:
    """Return a history as ``l3`` and ``l2`` rows that reach the strategy ``delay_ns`` after the exchange."""
    writer = _Writer()
    names = ("ts_ns", "kind", "order", "side", "price", "lots", "flags")
    for row in zip(*(history[name].tolist() for name in names), strict=True):
        writer.write(*row)
    return {"l3": _pack(writer.orders, delay_ns), "l2": _pack(writer.levels, delay_ns)}


def _pack(rows: list[_Row], delay_ns: int) -> NDArray[Any]:
    table = np.array(rows, np.int64)
    packed = np.zeros(len(rows), theirs.event_dtype)
    for place, name in enumerate(("exch_ts", "ev", "px", "qty", "order_id")):
        packed[name] = table[:, place]
    packed["ev"] |= np.uint64(_BOTH_CLOCKS)
    packed["local_ts"] = packed["exch_ts"] + delay_ns
    return packed
