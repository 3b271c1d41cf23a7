"""The clock of the anchored flow: when somebody thinks of doing something.

Candidates are a Hawkes process (Hawkes 1971) with a kernel of several exponentials, which
approximates the power law measured in order flow (Hardiman, Bercot, Bouchaud 2013). It is
excited by itself and by moves of the efficient price, and never by the book: worlds with and
without an agent share their candidates. Times are drawn exactly, by thinning (Ogata 1981):
between two candidates the intensity only falls.
"""

import math
from typing import Any, Final

from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import CLOCK_SCALES
from twin_env.core.state.rng import uniform

_SMALL: Final = 0.03
_LONGEST_S: Final = 1e6  # a clock that stands still asks again after this


@kernel
def _faded(x: float) -> float:
    """Return exp(-x) for x >= 0; near zero by its series, which is off by less than x^5 / 120."""
    if x < _SMALL:
        return 1.0 - x * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0))))
    return math.exp(-x)


@kernel
def fade(clock: Any, now_ns: int) -> float:
    """Bring the excitement to ``now_ns`` and return the intensity then, candidates per second."""
    elapsed_s = (now_ns - clock.now_ns) * 1e-9
    clock.now_ns = now_ns
    intensity = float(clock.base_rate * clock.pace)
    for scale in range(CLOCK_SCALES):
        clock.excitement[scale] *= _faded(elapsed_s * clock.fade[scale])
        intensity += clock.excitement[scale]
    return intensity


@kernel
def propose(clock: Any, intensity: float) -> None:
    """Draw the next proposal, given the intensity now."""
    draw = uniform(clock.key, 2 * clock.proposals)
    clock.bound = intensity
    wait_s = -math.log(draw) / intensity if intensity > 0.0 else _LONGEST_S
    clock.next_ns = clock.now_ns + i64(min(wait_s, _LONGEST_S) * 1e9) + 1


@kernel
def tick(clock: Any) -> bool:
    """Take the proposal that is due and draw the next; tell whether it is a candidate."""
    intensity = fade(clock, clock.next_ns)
    accepted = uniform(clock.key, 2 * clock.proposals + 1) * clock.bound < intensity
    clock.proposals += 1
    if accepted:
        for scale in range(CLOCK_SCALES):
            clock.excitement[scale] += clock.gain[scale]
            intensity += clock.gain[scale]
    propose(clock, intensity)
    return bool(accepted)


@kernel
def stir(clock: Any, now_ns: int, move_ticks: float, pace: float) -> None:
    """Hear the news: a move of the efficient price excites the fastest scale."""
    fade(clock, now_ns)
    clock.excitement[0] += clock.news_gain * move_ticks * move_ticks
    clock.pace = pace
    clock.proposals += 1
    intensity = clock.base_rate * pace
    for scale in range(CLOCK_SCALES):
        intensity += clock.excitement[scale]
    propose(clock, intensity)
