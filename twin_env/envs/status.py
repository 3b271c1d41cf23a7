"""Where the episode of a row stands."""

from typing import Final

RUNNING: Final = 0
OVER: Final = 1  # the task is done or its time is up
OUT_OF_DATA: Final = 2  # a history ended first
IDLE: Final = 3  # no episode began
