"""How figures are taken: several runs after a warm-up, the median and the spread."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of repeated runs.

    Attributes:
        median_s: What to quote.
        fastest_s: Closest to an undisturbed machine.
        slowest_s: How disturbed it was.
    """

    median_s: float
    fastest_s: float
    slowest_s: float


def measure(run: Callable[[], object], runs: int = 5, prepare: Callable[[], object] | None = None) -> Timing:
    """Time ``run`` by the wall clock, after one run that does not count; ``prepare`` is never timed."""
    seconds = []
    for _ in range(runs + 1):
        if prepare is not None:
            prepare()
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    counted = seconds[1:]
    return Timing(statistics.median(counted), min(counted), max(counted))
