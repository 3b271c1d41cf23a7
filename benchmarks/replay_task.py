"""What everybody who replays a history for a benchmark does alike, and what they are called."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

DELAY_NS: Final = 1_000_000
STEP_NS: Final = 100_000_000
PEER_NAMES: Final = ("l3.roi", "l3.hashmap", "l2.roi", "l2.hashmap")

Touch = tuple[int, int, int, int]  # best bid and its lots, best offer and its lots


def steps_of(history: NDArray[np.void]) -> int:
    """Return how many whole steps a history lasts."""
    return int(history["ts_ns"][-1] - history["ts_ns"][0]) // STEP_NS
