"""The market's memory of who traded, and how far that shifts the market.

A participant who keeps trading one way pushes with a concave power of the pace at which it does
(lots per second, smoothed), the pushes of all add up, and each fades as a power law (1 + t / tau)^-b.
With both powers near one half that is the square-root law of a metaorder's impact in its size, its
path and its relaxation (Gatheral 2010; Bouchaud, Bonart, Donier and Gould 2018, chapter 13).
The concavity is each participant's own, as measured account by account (Sato and Kanazawa 2024): were
it applied to everybody's flow together, small orders would pay in proportion to their size.

Who is felt: the desk, whoever injects orders (a stranger) and the metaorders of the background. The crowd is
not: informed and sniping orders follow the price, and coins balance.

The power law is a mixture of exponentials, so remembering costs the same whatever happened:
everything fades once per beat.
"""

import math
from typing import Any, Final

from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import MEMORY_SCALES, NONE

CROWD: Final = NONE
DESK: Final = 0
STRANGER: Final = 1
FIRST_METAORDER: Final = 2
_STILL: Final = 1e-9  # lots per second: slower than that is standing still


@kernel
def clear_memory(memory: Any, now_ns: int) -> None:
    """Forget everything; the first beat is one step away."""
    memory.speaker = CROWD
    memory.heard[:] = 0
    memory.pace[:] = 0.0
    memory.trace[:] = 0.0
    memory.shift_ticks = 0.0
    memory.beat_ns = now_ns + memory.step_ns


@kernel
def remember(world: Any, side: int, owner: int, lots: int) -> None:
    """Note a trade by who started it; it is felt from the next beat on."""
    place = DESK if owner == codes.DESK else STRANGER
    if owner == codes.BACKGROUND:
        place = i64(world.memory.speaker)
    if place != CROWD:
        world.memory.heard[place] += side * lots


@kernel
def forget_pace(memory: Any, place: int) -> None:
    """Let somebody new take a place: what the last one did stays felt, and it pushes no more."""
    memory.heard[place] = 0
    memory.pace[place] = 0.0


@kernel
def beat_memory(memory: Any, beats: int) -> None:
    """Let traces fade for ``beats`` beats, adding everybody's pushes, and make the shift anew."""
    push = 0.0
    for place in range(memory.places):
        pace = memory.pace[place] * memory.pace_keep + memory.heard[place] * memory.pace_gain
        memory.heard[place] = 0
        memory.pace[place] = pace
        if abs(pace) > _STILL:
            size = math.sqrt(abs(pace)) if memory.exponent == 0.5 else abs(pace) ** memory.exponent
            push += size if pace > 0.0 else -size
    total = 0.0
    for scale in range(MEMORY_SCALES):
        memory.trace[scale] = memory.trace[scale] * memory.keep[scale] + memory.weight[scale] * push
        total += memory.trace[scale]
    memory.shift_ticks = total
    memory.beat_ns += memory.step_ns
    if beats > 1:
        _skip(memory, beats - 1, push)


@kernel
def _skip(memory: Any, beats: int, push: float) -> None:
    """Let beats pass in which nobody traded: pushes fade by ``slow`` a beat, traces by their own factors."""
    memory.beat_ns += beats * memory.step_ns
    slow = memory.pace_keep**memory.exponent
    faded = memory.pace_keep**beats
    for place in range(memory.places):
        memory.pace[place] *= faded
    slowed = slow**beats
    total = 0.0
    for scale in range(MEMORY_SCALES):
        keep = memory.keep[scale]
        kept = keep**beats
        # What the pushes of these beats leave: push * (slow keep^(n-1) + slow^2 keep^(n-2) + ... + slow^n).
        gap = keep - slow
        left = slow * (kept - slowed) / gap if abs(gap) > 1e-12 else beats * slowed
        memory.trace[scale] = memory.trace[scale] * kept + memory.weight[scale] * push * left
        total += memory.trace[scale]
    memory.shift_ticks = total


@kernel
def shift_at(world: Any, now_ns: int) -> int:
    """Return the shift at a time in whole ticks, towards zero: how far a history is moved by what it never saw."""
    memory = world.memory
    if memory.beat_ns <= now_ns:
        beat_memory(memory, i64((now_ns - memory.beat_ns) // memory.step_ns) + 1)
    return i64(memory.shift_ticks)
