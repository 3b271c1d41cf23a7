"""The market's volume-weighted average price as a benchmark, with and without one's own trades.

Own trades move the price that they are compared with towards themselves: a policy that is all of the volume always
meets VWAP. So both are told (Berkowitz, Logue and Noser, "The total cost of transactions on the NYSE", 1988; the bias
is that of Kissell, *The Science of Algorithmic Trading*, 2013).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.fills import SELF

_BPS: Final = 1e4
Traded = tuple[int, int]
"""Lots that the market traded, and their notional in ticks x lots, own trades included."""


def vwap_ticks(traded: Traded) -> float | None:
    """Return the market's VWAP, own trades included; ``None`` without a trade."""
    lots, notional = traded
    return notional / lots if lots else None


def others_vwap_ticks(traded: Traded, fills: NDArray[np.void]) -> float | None:
    """Return the VWAP of trades among others; ``None`` where there was none.

    Args:
        traded: Of the market.
        fills: ``FILL`` array; a trade with oneself has two.
    """
    once = fills[(fills["counterparty"] != SELF) | (fills["maker"] == 1)]
    lots = traded[0] - int(once["lots"].sum())
    notional = traded[1] - int((once["lots"] * once["price"]).sum())
    return notional / lots if lots else None


def against_vwap_bps(fills: NDArray[np.void], vwap: float | None) -> float | None:
    """Return what fills cost beyond a VWAP in ticks, fees left out, in basis points of it; ``None`` without either."""
    lots = int(fills["lots"].sum())
    if not lots or vwap is None:
        return None
    signed: Any = fills["side"].astype(np.int64) * fills["lots"]
    return float((signed * (fills["price"] - vwap)).sum()) / (lots * vwap) * _BPS
