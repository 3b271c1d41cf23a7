"""Play a market with a desk that only listens, and note what it looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.journal.trace import Trace, sample_until
from twin_env.core.faults.engine import arm, stop_all
from twin_env.core.state.world import create_worlds
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.studies.chaos_run.probe_trader import PERIOD_NS

STEP_NS: Final = 10_000_000
_CHUNK_S: Final = 1.0
Halting = Callable[[Trace], bool]


@dataclass
class Play:
    """One run of a market.

    Attributes:
        trace: What it looked like.
        worlds: Record array of one: where it ended.
        modifiers: float64 of shape ``(chunks, MODIFIERS)``: the modifiers at the end of every second.
        stopped_ns: When every fault was stopped before its time; ``None`` if it was not.
    """

    trace: Trace
    worlds: Any
    modifiers: NDArray[np.float64]
    stopped_ns: int | None

    @property
    def world(self) -> Any:
        """The record it ended in."""
        return self.worlds[0]


def play(
    market: Market,
    seed: int,
    start_ns: int,
    end_ns: int,
    program: Any | None = None,
    arm_ns: int | None = None,
    stop: Halting | None = None,
    busy: bool = False,
) -> Play:
    """Play a market.

    Args:
        market: Which.
        seed: Names its random streams.
        start_ns: When the desk begins to listen.
        end_ns: When to stop.
        program: What goes wrong; nothing by default.
        arm_ns: From when its times count; the start by default.
        busy: Whether the desk trades a little, so that faults of its wires find something to act on.
        stop: Asked after every second; once it says yes every fault is stopped.
    """
    worlds = create_worlds(market.config.capacities, 1)
    market.start(worlds, 0, seed=seed, start_ns=start_ns)
    count = int((end_ns - start_ns) // STEP_NS)
    trace, modifiers, stopped_ns = Trace(count, STEP_NS), [], None
    chunk = int(_CHUNK_S * NS_PER_S // STEP_NS)
    armed = int(((start_ns if arm_ns is None else arm_ns) - start_ns) // STEP_NS)
    every = PERIOD_NS // STEP_NS if busy else 0
    edges = sorted({*range(0, count, chunk), min(armed, count), count})
    for first, last in pairwise(edges):
        if program is not None and first == armed:
            arm(worlds, 0, program, 0)
        sample_until(worlds, 0, market.tape, STEP_NS, first, last, trace.samples, trace.prices, trace.lots, every)
        modifiers.append(np.array(worlds[0]["modifiers"]))
        if stop is not None and stopped_ns is None and first >= armed and stop(trace.cut(0, last)):
            stopped_ns = int(worlds[0]["now_ns"])
            stop_all(worlds, 0)
    return Play(trace, worlds, np.array(modifiers), stopped_ns)
