"""Fills of a desk, each with the market it met, who was on the other side, and what it cost."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import record

PARTS: Final = ("timing", "latency", "spread", "impact", "queue_wait", "spread_earned")
"""Parts that fills add to, half-ticks x lots; fees are apart, in money."""

FILL: Final = record(
    [
        ("ts_ns", "i8"),
        ("order", "i8"),  # the desk's number for it
        ("price", "i8"),  # ticks
        ("lots", "i8"),
        ("due_lots", "i8"),  # of these, lots that a decision of the strategy wanted by then
        ("mid", "i8"),  # at the exchange just before, half-ticks
        *((name, "i8") for name in PARTS),
        ("fee_micro", "i8"),
        ("side", "i1"),
        ("maker", "i1"),  # 1 when the order rested
        ("counterparty", "i1"),  # place in COUNTERPARTIES
    ]
)
"""One fill of the desk."""

COUNTERPARTIES: Final = ("unknown", "maker", "sniper", "informed", "noise", "metaorder", "fault", "self")
"""Who was on the other side: the first six are traders of the background by ``codes.TRADER_NAMES``."""

_FAULT: Final = COUNTERPARTIES.index("fault")
SELF: Final = COUNTERPARTIES.index("self")


def fills_of(exchange: NDArray[np.void], marks: NDArray[np.void], parts: NDArray[np.void]) -> NDArray[np.void]:
    """Return the fills of a desk, a ``FILL`` array in their order.

    Args:
        exchange: Entries of plane EXCHANGE of the same time.
        marks: Of plane MARKS.
        parts: Of plane PARTS, as many.
    """
    fills = np.zeros(len(marks), FILL)
    for name in ("ts_ns", "side", "price", "lots", "mid"):
        fills[name] = marks[name]
    fills["order"], fills["maker"] = marks["client"], marks["flag"]
    fills["due_lots"], fills["fee_micro"] = parts["lots"], parts["fee_micro"]
    for name in PARTS:
        fills[name] = parts[name]
    fills["counterparty"] = _counterparties(exchange, marks)
    return fills


def _counterparties(exchange: NDArray[np.void], marks: NDArray[np.void]) -> NDArray[np.int8]:
    """Return who was on the other side of each fill: the trade says it that the exchange made just before.

    A trade of the desk with itself has a mark for either side, one with anybody else has one.
    """
    trades = exchange[exchange["kind"] == codes.TRADED]
    takes, makes = trades["owner"] == codes.DESK, trades["contra_owner"] == codes.DESK
    sides = np.column_stack([makes, takes]).ravel()  # a maker's mark is written before its taker's
    own = np.repeat(np.arange(len(trades)), 2)[sides]
    if len(own) != len(marks):
        raise ValueError(f"{len(marks)} marks and {len(own)} fills in the trades, expected both from one stream")
    as_maker = np.tile([True, False], len(trades))[sides]
    chosen = trades[own]
    other = np.where(as_maker, chosen["owner"], chosen["contra_owner"])
    # A resting order of the background is a maker's, whoever of them sent it.
    trader = np.where(as_maker, chosen["trader"], codes.MAKER)
    trader = np.where(other == codes.DESK, SELF, np.where(other >= codes.ACTOR, _FAULT, trader))
    return trader.astype(np.int8)
