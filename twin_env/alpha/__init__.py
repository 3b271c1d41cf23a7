"""The alpha split as people read it, and everything it is made of, from the stream of a running market.

:class:`AlphaRecorder` follows a market and returns an :class:`AlphaRecord`: fills, orders, decisions, round trips,
markouts, and the split at any moment. docs/alpha.md shows how.
"""

from twin_env.alpha.parts import ALPHA_KEYS, PARTS, SPLIT_NAMES
from twin_env.alpha.record import ALPHA_PLANES, AlphaRecord, AlphaRecorder, AlphaResult
from twin_env.alpha.split import Split

__all__ = [
    "ALPHA_KEYS",
    "ALPHA_PLANES",
    "PARTS",
    "SPLIT_NAMES",
    "AlphaRecord",
    "AlphaRecorder",
    "AlphaResult",
    "Split",
]
