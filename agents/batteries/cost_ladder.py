"""What each step from a perfect fill to the real market costs one policy.

The first rung is Strategy Alpha: every decision filled in full at its desired price. Each further rung adds one cause,
as the ledger told it on the same episodes, so the rungs sum to the net result exactly. Chaos is a run of its own on the
same seeds: its rung is the paired difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.results import Result
from twin_env.statistics import Interval

Rungs = Sequence[tuple[str, tuple[str, ...]]]
RUNGS: Final[Rungs] = (
    ("perfect fill", ("strategy",)),
    ("+ spread", ("spread", "spread_earned")),
    ("+ latency", ("timing", "latency")),
    ("+ queue", ("queue_wait", "opportunity")),
    ("+ impact", ("impact",)),
    ("+ fees", ("fees",)),
)
CHAOS: Final = "+ chaos"


@dataclass(frozen=True)
class Rung:
    """One rung.

    Attributes:
        name: What was added.
        value: Result per episode with this and all before it, account currency.
        change: What it added.
    """

    name: str
    value: Interval
    change: Interval

    def to_json(self) -> dict[str, Any]:
        """Return what goes into JSON."""
        return {"name": self.name, "value": self.value.to_json(), "change": self.change.to_json()}


def cost_ladder(calm: Result, chaotic: Result | None = None) -> list[Rung]:
    """Return the rungs of a policy.

    Args:
        calm: Its episodes without faults.
        chaotic: The same seeds with faults; ``None`` leaves the last rung out.

    Raises:
        ValueError: The two did not play the same seeds.
    """
    total, rungs = np.zeros(len(calm.episodes)), []
    for name, parts in RUNGS:
        change = np.sum([calm.values(f"alpha/{part}") for part in parts], axis=0)
        total = total + change
        rungs.append(Rung(name, Interval.student(total), Interval.student(change)))
    if chaotic is not None:
        if [one.seed for one in calm.episodes] != [one.seed for one in chaotic.episodes]:
            raise ValueError(f"{calm.policy} played other seeds with faults than without, expected the same")
        net = chaotic.values("alpha/net")
        rungs.append(Rung(CHAOS, Interval.student(net), Interval.student(net - calm.values("alpha/net"))))
    return rungs


def round_trip_friction(result: Result) -> Interval | None:
    """Return what a round trip of one lot cost in execution, account currency; ``None`` without a round trip.

    It is minus Execution Alpha of all trips that were entered and left, over their lots: spread, slippage, waiting and
    fees of entry and exit together. The interval is over episodes.
    """
    costs, lots = _costs_and_lots(result)
    return Interval.ratio(costs, lots) if lots.any() else None


def _costs_and_lots(result: Result) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    totals = []
    for episode in result.episodes:
        trips = [trip for trip in episode.alpha.trips if trip.exit_ticks is not None] if episode.alpha else []
        totals.append((-sum(trip.split.execution for trip in trips) * 1e-6, sum(trip.lots for trip in trips)))
    table = np.array(totals, np.float64)
    return table[:, 0], table[:, 1]
