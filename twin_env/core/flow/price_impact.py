"""Price impact: how far signed trades of each participant shift the anchor, and how that decays (a propagator).

A participant who keeps trading one way pushes with a concave power of the pace at which it does
(lots per second, smoothed), the pushes of all add up, and each fades as a power law (1 + t / tau)^-b.
With both powers near one half that is the square-root law of a metaorder's impact in its size, its
path and its relaxation (Gatheral 2010; Bouchaud, Bonart, Donier and Gould 2018, chapter 13).
The concavity is each participant's own, as measured account by account (Sato and Kanazawa 2024): were
it applied to everybody's flow together, small orders would pay in proportion to their size.

Trades of the desk, of external orders (injected through ``twin.requests``) and of the background's metaorders have
impact. Anonymous trades have none: informed and sniping orders follow the price, and noise balances.

The power law is a mixture of exponentials, so an update costs the same however many trades there were:
everything decays once per time step.
"""

import math
from typing import Any, Final

from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import IMPACT_SCALES, NONE

ANONYMOUS: Final = NONE
DESK: Final = 0
EXTERNAL: Final = 1
FIRST_METAORDER: Final = 2
_MIN_PACE: Final = 1e-9  # lots per second; a slower pace does not push


@kernel
def reset_impact(impact: Any, now_ns: int) -> None:
    """Start without impact; the first update is one step away."""
    impact.sender = ANONYMOUS
    impact.signed_lots[:] = 0
    impact.pace[:] = 0.0
    impact.traces[:] = 0.0
    impact.shift_ticks = 0.0
    impact.next_step_ns = now_ns + impact.step_ns


@kernel
def add_to_impact(world: Any, side: int, owner: int, lots: int) -> None:
    """Add a trade to the signed lots of its aggressor; it has impact from the next step on."""
    participant = DESK if owner == codes.DESK else EXTERNAL
    if owner == codes.BACKGROUND:
        participant = i64(world.price_impact.sender)
    if participant != ANONYMOUS:
        world.price_impact.signed_lots[participant] += side * lots


@kernel
def reset_participant(impact: Any, participant: int) -> None:
    """Hand a participant's slot to a new one: the impact so far stays in the traces, and its pace ends."""
    impact.signed_lots[participant] = 0
    impact.pace[participant] = 0.0


@kernel
def step_impact(impact: Any, steps: int) -> None:
    """Advance by ``steps`` time steps: add every participant's push, decay the traces, compute the shift."""
    push = 0.0
    for participant in range(impact.participants):
        pace = impact.pace[participant] * impact.pace_decay + impact.signed_lots[participant] * impact.pace_gain
        impact.signed_lots[participant] = 0
        impact.pace[participant] = pace
        if abs(pace) > _MIN_PACE:
            size = math.sqrt(abs(pace)) if impact.exponent == 0.5 else abs(pace) ** impact.exponent
            push += size if pace > 0.0 else -size
    total = 0.0
    for scale in range(IMPACT_SCALES):
        impact.traces[scale] = impact.traces[scale] * impact.decay[scale] + impact.weight[scale] * push
        total += impact.traces[scale]
    impact.shift_ticks = total
    impact.next_step_ns += impact.step_ns
    if steps > 1:
        _skip_steps(impact, steps - 1, push)


@kernel
def _skip_steps(impact: Any, steps: int, push: float) -> None:
    """Advance by steps without trades: pushes decay by ``slow`` a step, traces by their own factors."""
    impact.next_step_ns += steps * impact.step_ns
    slow = impact.pace_decay**impact.exponent
    faded = impact.pace_decay**steps
    for participant in range(impact.participants):
        impact.pace[participant] *= faded
    slowed = slow**steps
    total = 0.0
    for scale in range(IMPACT_SCALES):
        decay = impact.decay[scale]
        decayed = decay**steps
        # What the pushes of these steps leave: push * (slow decay^(n-1) + slow^2 decay^(n-2) + ... + slow^n).
        gap = decay - slow
        left = slow * (decayed - slowed) / gap if abs(gap) > 1e-12 else steps * slowed
        impact.traces[scale] = impact.traces[scale] * decayed + impact.weight[scale] * push * left
        total += impact.traces[scale]
    impact.shift_ticks = total


@kernel
def shift_at(world: Any, now_ns: int) -> int:
    """Return the shift at a time in whole ticks, towards zero: how far a history is moved by what it never saw."""
    impact = world.price_impact
    if impact.next_step_ns <= now_ns:
        step_impact(impact, i64((now_ns - impact.next_step_ns) // impact.step_ns) + 1)
    return i64(impact.shift_ticks)
