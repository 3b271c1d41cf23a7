"""Arrivals of the anchored flow: the times of candidates for an order or a cancel.

Candidates are a Hawkes process (Hawkes 1971) with a kernel of several exponentials, which
approximates the power law measured in order flow (Hardiman, Bercot, Bouchaud 2013). It is
excited by itself and by moves of the efficient price, and never by the book: worlds with and
without an agent share their candidates. Times are drawn exactly, by thinning (Ogata 1981):
between two candidates the intensity only falls.
"""

import math
from typing import Any, Final

from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import ARRIVAL_SCALES
from twin_env.core.state.rng import uniform

_SMALL: Final = 0.03
_LONGEST_S: Final = 1e6  # with an intensity of zero the next proposal comes after this


@kernel
def _decayed(x: float) -> float:
    """Return exp(-x) for x >= 0; near zero by its series, which is off by less than x^5 / 120."""
    if x < _SMALL:
        return 1.0 - x * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0))))
    return math.exp(-x)


@kernel
def decay_to(arrivals: Any, now_ns: int) -> float:
    """Bring the excitement to ``now_ns`` and return the intensity then, candidates per second."""
    elapsed_s = (now_ns - arrivals.now_ns) * 1e-9
    arrivals.now_ns = now_ns
    intensity = float(arrivals.base_rate * arrivals.pace)
    for scale in range(ARRIVAL_SCALES):
        arrivals.excitement[scale] *= _decayed(elapsed_s * arrivals.decay_rate[scale])
        intensity += arrivals.excitement[scale]
    return intensity


@kernel
def propose(arrivals: Any, intensity: float) -> None:
    """Draw the next proposal, given the intensity now."""
    draw = uniform(arrivals.key, 2 * arrivals.proposals)
    arrivals.bound = intensity
    wait_s = -math.log(draw) / intensity if intensity > 0.0 else _LONGEST_S
    arrivals.next_ns = arrivals.now_ns + i64(min(wait_s, _LONGEST_S) * 1e9) + 1


@kernel
def draw_candidate(arrivals: Any) -> bool:
    """Accept or reject the proposal that is due, by thinning, and draw the next; return whether it is a candidate."""
    intensity = decay_to(arrivals, arrivals.next_ns)
    accepted = uniform(arrivals.key, 2 * arrivals.proposals + 1) * arrivals.bound < intensity
    arrivals.proposals += 1
    if accepted:
        for scale in range(ARRIVAL_SCALES):
            arrivals.excitement[scale] += arrivals.gain[scale]
            intensity += arrivals.gain[scale]
    propose(arrivals, intensity)
    return bool(accepted)


@kernel
def excite(arrivals: Any, now_ns: int, move_ticks: float, pace: float) -> None:
    """Add the excitement of a move of the efficient price (to the fastest scale), set the pace, and propose anew."""
    decay_to(arrivals, now_ns)
    arrivals.excitement[0] += arrivals.price_move_gain * move_ticks * move_ticks
    arrivals.pace = pace
    arrivals.proposals += 1
    intensity = arrivals.base_rate * pace
    for scale in range(ARRIVAL_SCALES):
        intensity += arrivals.excitement[scale]
    propose(arrivals, intensity)
