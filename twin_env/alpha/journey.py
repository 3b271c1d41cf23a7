"""What happens to orders on their way, over episodes: waits, places in queues, shares, races lost."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import NONE

PROBABILITIES: Final = (0.1, 0.5, 0.9, 0.99)
_MS: Final = 1e-6  # of a nanosecond
_S: Final = 1e-9


def summarize_journey(each: Sequence[NDArray[np.void]]) -> dict[str, Any]:
    """Return the statistics of the orders of several episodes, ``ORDER`` arrays, ready for JSON.

    A cancel lost its race where the order filled, in part or in full, after the cancel was sent.
    """
    orders = np.concatenate(each)
    sent = orders[orders["sent_ns"] != NEVER_NS]
    filled, cancelled = sent[sent["filled_lots"] > 0], sent[sent["cancel_sent_ns"] != NEVER_NS]
    lots = int(sent["filled_lots"].sum())
    return {
        "orders": len(orders),
        "sent": len(sent),
        "filled": len(filled),
        "filled_lots": lots,
        "maker_share": int(sent["maker_lots"].sum()) / lots if lots else None,
        "replaces": int(sent["replaces"].sum()),
        "cancels": len(cancelled),
        "cancel_races_lost": int((cancelled["late_lots"] > 0).sum()),
        "quantiles": {
            "to_exchange_ms": quantiles(_waits(sent, "at_exchange_ns", "sent_ns") * _MS),
            "acknowledged_ms": quantiles(_waits(sent, "acknowledged_ns", "sent_ns") * _MS),
            "first_fill_s": quantiles(_waits(filled, "first_fill_ns", "sent_ns") * _S),
            "lots_ahead": quantiles(sent["lots_ahead"][sent["lots_ahead"] != NONE]),
        },
    }


def _waits(orders: NDArray[np.void], end: str, begin: str) -> NDArray[np.int64]:
    """Return how long it took from one time of each order to another, of those that came to it."""
    there = orders[orders[end] != NEVER_NS]
    waits: NDArray[np.int64] = there[end] - there[begin]
    return waits


def quantiles(values: Any) -> dict[str, Any]:
    """Return how many values there are and their quantiles by name, ``None`` without any."""
    found = np.quantile(values, PROBABILITIES).tolist() if len(values) else [None] * len(PROBABILITIES)
    names = [f"p{round(100 * probability)}" for probability in PROBABILITIES]
    return {"n": len(values)} | dict(zip(names, found, strict=True))
