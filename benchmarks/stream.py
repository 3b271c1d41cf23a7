"""The message stream the books are measured on: valid, mixed, thousands of live orders."""

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE

ORDERS = 4096
_MID = 10_000
_PASSIVE_TICKS = 10


def mixed_stream(count: int, seed: int = 1) -> NDArray[np.void]:
    """Make a stream of about 51 % limit orders, 41 % cancels, 5 % marketable orders and 3 % reduces.

    Ids are of live orders as far as the generator knows, which does not follow trades: some
    cancels come too late, as they do on a real venue.

    Args:
        count: Messages.
        seed: Of NumPy's generator.

    Returns:
        ``layout.MESSAGE`` array.
    """
    rng = np.random.default_rng(seed)
    draw, pick = rng.random(count), rng.random(count)
    side = rng.choice(np.array([codes.BUY, codes.SELL]), count)
    behind = rng.integers(1, _PASSIVE_TICKS + 1, count)
    rows = np.zeros(count, MESSAGE)
    rows["row"] = NONE
    rows["ts_ns"] = np.arange(count)
    rows["side"] = side
    rows["lots"] = rng.integers(1, 10, count)
    live: list[int] = []
    free = list(range(ORDERS))
    for k in range(count):
        row = rows[k]
        if (draw[k] < 0.51 and free) or len(live) < 500:
            row["kind"], row["order"] = codes.NEW, free.pop()
            row["price"] = _MID - side[k] * behind[k]
            live.append(int(row["order"]))
        elif draw[k] < 0.92:
            place = int(pick[k] * len(live))
            row["kind"], row["order"] = codes.CANCEL, live[place]
            live[place] = live[-1]
            free.append(int(row["order"]))
            live.pop()
        elif draw[k] < 0.97 and free:
            row["kind"], row["order"], row["tif"] = codes.NEW, free[-1], codes.IOC
            row["price"] = _MID + side[k] * 2
            row["lots"] *= 6
        else:
            row["kind"], row["order"], row["lots"] = codes.REDUCE, live[int(pick[k] * len(live))], 1
    return rows
