"""The numbers by which kernels know the action codecs."""

from typing import Final

ORDERS: Final = 0
TARGET: Final = 1
POSITIONS: Final = 2
PRICES: Final = 3
CODECS: Final = {"orders": ORDERS, "target": TARGET, "positions": POSITIONS, "prices": PRICES}
