"""Run a market with its faults, and note what it looks like."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import numpy as np

from twin_env.chaos.journal.trace import STEP_NS, MarketRun, Trace
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.studies.chaos_run.probe_trader import PERIOD_NS, probe
from twin_env.twin.twin import Twin

_CHUNK_NS: Final = NS_PER_S
StopCheck = Callable[[Trace], bool]


def simulate(
    market: Market,
    seed: int,
    start_ns: int,
    end_ns: int,
    program: Any | None = None,
    arm_ns: int | None = None,
    stop: StopCheck | None = None,
    busy: bool = False,
) -> MarketRun:
    """Run a market from one time to another.

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
    twin = Twin(market, seed=seed, start_ns=start_ns, planes=0)
    trace, modifiers, stopped_ns = Trace.at(start_ns, end_ns, STEP_NS), [], None
    armed_ns = start_ns if arm_ns is None else min(arm_ns, end_ns)
    edges = {*range(start_ns, end_ns, PERIOD_NS if busy else _CHUNK_NS), armed_ns, end_ns}
    for begin_ns, until_ns in pairwise(sorted(edges)):
        if program is not None and begin_ns == armed_ns:
            twin.arm(program)
        if busy and (begin_ns - start_ns) % PERIOD_NS == 0:
            probe(twin, (begin_ns - start_ns) // PERIOD_NS)
        twin.sample(trace, until_ns)
        if (until_ns - start_ns) % _CHUNK_NS and until_ns != end_ns:
            continue
        modifiers.append(twin.modifiers())
        if stop is not None and stopped_ns is None and begin_ns >= armed_ns and stop(trace.until(until_ns)):
            stopped_ns = twin.now_ns
            twin.stop_faults()
    exchange = twin.exchange
    left = (twin.effects(), exchange.rejects, exchange.venue, twin.event_hash, twin)
    return MarketRun(trace, np.array(modifiers), stopped_ns, *left)
