"""The market's memory of signed flow, and how far it shifts the market.

Every trade leaves a trace, signed by its aggressor, that fades as a power law; the shift
is a concave function of what is left of all traces. That is the propagator of Bouchaud,
Gefen, Potters and Wyart (2004) with the concavity of a latent book (Toth et al. 2011) put
where it belongs: on the accumulated flow, not on the single trade, so that splitting an
order does not change what it costs in the end.

The power law (1 + t / tau)^-b is a mixture of exponentials, so remembering costs the
same whatever happened: traces fade once per beat.
"""

from typing import Any

from twin_env.core import codes
from twin_env.core.jit import i64, kernel
from twin_env.core.layout import MEMORY_SCALES


@kernel
def remember(world: Any, side: int, owner: int, lots: int) -> None:
    """Note a trade; it is felt from the next beat on."""
    memory = world.memory
    if memory.strangers_only == 0 or owner != codes.BACKGROUND:
        memory.heard_lots += side * lots


@kernel
def beat_memory(memory: Any, beats: int) -> None:
    """Let traces fade for ``beats`` beats, add what was heard since, and make the shift anew."""
    heard = float(memory.heard_lots)
    memory.heard_lots = 0
    memory.beat_ns += beats * memory.step_ns
    total = 0.0
    for scale in range(MEMORY_SCALES):
        keep = memory.keep[scale] if beats == 1 else memory.keep[scale] ** beats
        memory.trace[scale] = memory.trace[scale] * keep + memory.weight[scale] * heard
        total += memory.trace[scale]
    size = memory.reach_ticks * (abs(total) / memory.scale_lots) ** memory.exponent
    memory.shift_ticks = size if total >= 0.0 else -size


@kernel
def shift_at(world: Any, now_ns: int) -> int:
    """Return the shift at a time in whole ticks, towards zero: how far a history is moved by what it never saw."""
    memory = world.memory
    if memory.beat_ns <= now_ns:
        beat_memory(memory, i64((now_ns - memory.beat_ns) // memory.step_ns) + 1)
    return i64(memory.shift_ticks)
