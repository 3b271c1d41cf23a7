"""What a venue does against prices that run away: guards that pause it, and a band that limits must keep to.

A *guard* looks back over a window of time. A trade farther than ``move_ticks`` from the lowest or the
highest trade in that window starts a pause: the venue collects orders without matching (``auction``) and
opens again ``pause_ns`` later. Two guards with windows of different lengths are what CME calls velocity
logic and (dynamic) circuit breakers. The window moves on by eighths: a guard looks back over at least 7/8
of it and at most all of it, and its memory has one size however much trades.
"""

from typing import Any, Final

from twin_env.core.exchange import ladder
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import GUARD_BUCKETS, GUARDS

_FAR: Final = 2**62  # beyond every price


@kernel
def reset_guards(world: Any) -> None:
    """Clear the windows of all guards: trades before an opening do not count after it."""
    for index in range(GUARDS):
        guard = world.venue.guards[index]
        guard.bucket = 0
        guard.high[:] = -_FAR
        guard.low[:] = _FAR


@kernel
def check_guards(world: Any, price: int) -> None:
    """Pass a trade to the guards; trades of an opening do not count."""
    if world.venue.auction:
        return
    for index in range(GUARDS):
        guard = world.venue.guards[index]
        if guard.move_ticks > 0 and _moved_too_far(guard, world.now_ns, price):
            _pause(world, guard)


@kernel
def _moved_too_far(guard: Any, now_ns: int, price: int) -> bool:
    bucket = now_ns // max(guard.window_ns // GUARD_BUCKETS, 1)
    if bucket > guard.bucket:
        for stale in range(max(guard.bucket + 1, bucket - GUARD_BUCKETS + 1), bucket + 1):
            guard.high[stale % GUARD_BUCKETS] = -_FAR
            guard.low[stale % GUARD_BUCKETS] = _FAR
        guard.bucket = bucket
    newest = guard.bucket % GUARD_BUCKETS
    guard.high[newest] = max(guard.high[newest], price)
    guard.low[newest] = min(guard.low[newest], price)
    return bool(max(price - guard.low.min(), guard.high.max() - price) > guard.move_ticks)


@kernel
def _pause(world: Any, guard: Any) -> None:
    """Stop matching until the guard's pause is over; of two pauses that begin together the longer one counts."""
    venue = world.venue
    reopen_ns = world.now_ns + guard.pause_ns
    if venue.auction == 0 or reopen_ns > venue.reopen_ns:
        venue.reopen_ns = reopen_ns
    venue.auction = 1
    guard.trips += 1


@kernel
def reopening_ns(world: Any) -> int:
    """Return when a pause is over, ``NEVER_NS`` if none runs; one that ends during a halt lasts as long as that."""
    if world.venue.halted:
        return codes.NEVER_NS
    return i64(max(world.venue.reopen_ns, world.now_ns))


@kernel
def farthest_key(world: Any, side: int) -> int:
    """Return the largest ``side * price`` a limit may have: the band beyond the last trade.

    Before the first trade the opposite touch stands in for it; without one, any price goes.
    """
    band_ticks = world.venue.band_ticks
    if band_ticks == 0:
        return _FAR
    if world.traded:
        return i64(side * world.last_trade + band_ticks)
    row = ladder.row_of(-side)
    count = world.book.count[row]
    if count == 0:
        return _FAR
    return i64(band_ticks - world.book.key[row, count - 1])
