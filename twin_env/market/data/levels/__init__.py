"""Depth by price level, turned into single orders by a named queue model; for readers whose files tell no orders."""

from typing import Final

NEEDS: Final = ()
