"""Depth by price level, turned into single orders by a named queue model."""
