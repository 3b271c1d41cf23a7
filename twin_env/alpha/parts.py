"""Names of the split, in the order in which the ledger writes it."""

from typing import Final

from twin_env.core import ledger

PARTS: Final = (
    "timing",
    "latency",
    "spread",
    "impact",
    "queue_wait",
    "spread_earned",
    "opportunity",
    "fees",
)
"""Parts of execution alpha; they sum to it exactly."""

SPLIT_NAMES: Final = ("net", "strategy", "execution", *PARTS)
ALPHA_KEYS: Final = tuple(f"alpha/{name}" for name in SPLIT_NAMES)

FIRST_PART: Final = ledger.TIMING
"""Where the parts begin in the ledger's output, and so in ``SPLIT_NAMES``."""
