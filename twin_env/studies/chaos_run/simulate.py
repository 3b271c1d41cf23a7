"""Run a market with its faults, and note what it looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.journal.trace import Trace
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.studies.chaos_run.probe_trader import PERIOD_NS, probe
from twin_env.twin.twin import Twin

STEP_NS: Final = 10_000_000
_CHUNK_NS: Final = NS_PER_S
Halting = Callable[[Trace], bool]


@dataclass
class Play:
    """One run of a market.

    Attributes:
        trace: What it looked like.
        twin: Where it ended.
        dials: float64 of shape ``(chunks, DIALS)``: where the dials were at the end of every second.
        healed_ns: When everything was healed before its time; ``None`` if it was not.
    """

    trace: Trace
    twin: Twin
    dials: NDArray[np.float64]
    healed_ns: int | None

    @property
    def world(self) -> Any:
        """The record it ended in, for tests and debuggers."""
        return self.twin.world


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
        stop: Asked after every second; once it says yes everything is healed.
    """
    twin = Twin(market, seed=seed, start_ns=start_ns, planes=0)
    trace, dials, healed_ns = Trace.at(start_ns, end_ns, STEP_NS), [], None
    armed_ns = start_ns if arm_ns is None else min(arm_ns, end_ns)
    edges = {*range(start_ns, end_ns, _CHUNK_NS), armed_ns, end_ns}
    if busy:
        edges |= {*range(start_ns, end_ns, PERIOD_NS)}
    for begin_ns, until_ns in pairwise(sorted(edges)):
        if program is not None and begin_ns == armed_ns:
            twin.arm(program)
        if busy and (begin_ns - start_ns) % PERIOD_NS == 0:
            probe(twin, (begin_ns - start_ns) // PERIOD_NS)
        twin.sample(trace, until_ns)
        if (until_ns - start_ns) % _CHUNK_NS == 0 or until_ns == end_ns:
            dials.append(twin.modifiers())
            if stop is not None and healed_ns is None and begin_ns >= armed_ns and stop(trace.until(until_ns)):
                healed_ns = twin.now_ns
                twin.stop_faults()
    return Play(trace, twin, np.array(dials), healed_ns)
