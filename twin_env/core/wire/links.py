"""The wire: how long a message takes, and that none overtakes another on its link.

Every delay model is compiled to the same thing, its quantiles at 81 standard normal
scores, and a delay is one normal draw looked up between two of them.
"""

from typing import Any

import numpy as np

from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import DELAY_KNOTS
from twin_env.core.state.rng import normal, stream_key


@kernel
def open_link(link: Any, seed: np.uint64, subsystem: int, entity: int) -> None:
    """Empty a link and give it its random stream; its delay model stays."""
    link.key = stream_key(seed, subsystem, entity)
    link.pushed = 0
    link.departed = 0
    link.popped = 0
    link.draws = 0
    link.next_ns = NEVER_NS
    link.last_ns = 0
    link.lost = 0
    link.conflated = 0
    link.extra_ns = 0


@kernel
def draw_delay_ns(link: Any) -> int:
    """Draw one delay in nanoseconds."""
    return draw_from(link, link.delay_ns)


@kernel
def draw_from(link: Any, delay_ns: Any) -> int:
    """Draw one delay of a link in nanoseconds from a table of quantiles."""
    link.draws += 1
    last = DELAY_KNOTS - 1
    if delay_ns[0] == delay_ns[last]:
        return i64(delay_ns[0])
    place = (normal(link.key, link.draws) + 5.0) * 8.0
    if place <= 0.0:
        return i64(delay_ns[0])
    if place >= last:
        return i64(delay_ns[last])
    knot = i64(place)
    low = delay_ns[knot]
    return i64(low + (place - knot) * (delay_ns[knot + 1] - low))


@kernel
def arrival_ns(link: Any, sent_ns: int) -> int:
    """Draw when a message sent at ``sent_ns`` arrives: never before an earlier one of the same link."""
    return arrival_after(link, sent_ns, draw_delay_ns(link))


@kernel
def arrival_after(link: Any, sent_ns: int, delay_ns: int) -> int:
    """Return when a message that takes ``delay_ns`` arrives: never before an earlier one of the same link."""
    at_ns = i64(max(sent_ns + delay_ns + link.extra_ns, link.last_ns))
    link.last_ns = at_ns
    return at_ns


@kernel
def depart_at(link: Any, at_ns: int) -> None:
    """Count a message that set out and will arrive at ``at_ns``."""
    if link.departed == link.popped:
        link.next_ns = at_ns
    link.departed += 1


@kernel
def in_flight(link: Any) -> int:
    """Return how many messages were pushed and have not arrived."""
    return i64(link.pushed - link.popped)
