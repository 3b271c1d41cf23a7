"""How sure a measured figure is: intervals and resampling."""

from twin_env.statistics.interval import LEVEL, Interval

__all__ = ["LEVEL", "Interval"]
