"""Play a market with a desk that only listens, and note what it looks like."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import numpy as np

from twin_env.chaos.journal.trace import STEP_NS, Play, Trace, note
from twin_env.core.event_loop import advance
from twin_env.core.faults.engine import arm, heal_world
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.world import create_worlds
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.studies.chaos_run.probe_trader import PERIOD_NS, probe

_CHUNK_S: Final = 1.0
Halting = Callable[[Trace], bool]


@kernel
def sample_until(
    worlds: Any,
    index: int,
    tape: Any,
    step_ns: int,
    first: int,
    last: int,
    samples: Any,
    prices: Any,
    lots: Any,
    busy: int,
) -> None:
    """Play a world and note what it looks like every ``step_ns``, from sample ``first`` to before ``last``.

    Args:
        worlds: Record array of worlds.
        index: Which one.
        tape: ``layout.MESSAGE`` array it plays.
        step_ns: Between two samples; the first is taken one step from now.
        first: Sample to begin with.
        last: Sample to end before.
        samples: Output, ``SAMPLE`` array.
        prices: Output, int64 of shape ``(samples, 2, DEPTH_LEVELS)``: best prices of either side, bids first.
        lots: Output, likewise: lots there; 0 where there is no level.
        busy: Samples between two things that the desk does; 0 for a desk that only listens.
    """
    world = worlds[index]
    for number in range(first, last):
        if busy > 0 and number % busy == 0:
            probe(world, number // busy)
        advance(world, tape, i64(world.now_ns + step_ns))
        note(world, samples[number], prices[number], lots[number])


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
