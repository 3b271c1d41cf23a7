"""Levers: when they begin and end, and what that does at once.

A fault is one or several levers. A lever turns a dial, drives an actor, or closes something; which, says its
mechanism. Its time comes by the clock, with or after another lever, or by something that happens to the desk. Levers
act one at a time, the first in the table before the next, and each sends at most one message when it is called: the
kernel's queue hands that to the exchange before anything else happens.
"""

from typing import Any, Final

from twin_env.core.exchange.book import mid_half_ticks
from twin_env.core.exchange.inbox import write_as
from twin_env.core.exchange.protections import forget_trades
from twin_env.core.faults.actors import PATH, act_for, has_orders, note_move
from twin_env.core.faults.makers import MAKERS, withdraw
from twin_env.core.faults.modifiers import (
    ASKS_MUTED,
    BAND,
    BIDS_MUTED,
    BUYERS_KEPT,
    HERD,
    NO_LIMIT,
    PACE,
    SELLERS_KEPT,
    SPREAD,
    clear_dials,
    turn_dial,
)
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import GUARDS, LEVERS, NONE
from twin_env.core.state.rng import CHAOS_STREAM, stream_key, uniform
from twin_env.core.stream import BEGAN, ENDED, write_edge
from twin_env.core.wire.reports import send_report

# Mechanisms; those of actors are in ``actors`` and ``makers``, with their numbers.
DIAL: Final = 0
HALT: Final = 6
AUCTION: Final = 7
OUTAGE: Final = 8  # numbers: 1 to cancel the desk's orders
GUARD: Final = 9  # numbers: ticks, window in seconds, pause in seconds, which; swapped with what was there before
FEED_CUT: Final = 10  # numbers: how it recovers
ORDER_CUT: Final = 11  # numbers: 1 to cancel the desk's orders
HOLD_FEED: Final = 12
HOLD_HOST: Final = 13
POSITION: Final = 14

# Triggers.
OFFSET: Final = 0
MOMENT: Final = 1
WITH: Final = 2
AFTER: Final = 3
EVENT: Final = 4

# States.
WAITING: Final = 0
ON: Final = 1
OVER: Final = 2

# How a cut feed recovers.
BY_SNAPSHOT: Final = 0
BY_GAP: Final = 1
NEVER: Final = 2

# Protections of a program.
AS_MARKET: Final = 0
UNPROTECTED: Final = 1
PROTECTED: Final = 2

_RAMP_STEP_NS: Final = 20_000_000
_NS_PER_S: Final = 1e9


@kernel
def arm(worlds: Any, index: int, programs: Any, row: int) -> None:
    """Give a world that was just started the levers of a program; times count from now.

    Args:
        worlds: Record array of worlds.
        index: Which one.
        programs: ``layout.PROGRAM`` array.
        row: Which of them.
    """
    world, program = worlds[index], programs[row]
    if program.count == 0 and program.protections == AS_MARKET:
        return
    chaos = world.chaos
    chaos.count = program.count
    chaos.scenario = program.scenario
    chaos.start_mid = mid_half_ticks(world)
    if program.protections != AS_MARKET:
        _protect(world, program)
    chaos.band_ticks = world.venue.band_ticks
    for place in range(program.count):
        world.levers[place] = program.levers[place]
        _arm_lever(world, world.levers[place])
    redial(world)


@kernel
def clear_chaos(world: Any) -> None:
    """Let nothing be wrong, and nothing go wrong."""
    chaos = world.chaos
    chaos.count = 0
    chaos.next_ns = codes.NEVER_NS
    chaos.reconcile_ns = codes.NEVER_NS
    chaos.repeat_row = NONE
    clear_dials(world)


@kernel
def _protect(world: Any, program: Any) -> None:
    """Switch the venue's protections off, or on as the program has them."""
    on = program.protections == PROTECTED
    world.venue.band_ticks = program.band_ticks if on else 0
    for index in range(GUARDS):
        guard, given = world.venue.guards[index], program.guards[index]
        guard.move_ticks = given.move_ticks if on else 0
        guard.window_ns = given.window_ns
        guard.pause_ns = given.pause_ns
    forget_trades(world)


@kernel
def _arm_lever(world: Any, lever: Any) -> None:
    """Make a lever wait for its time."""
    lever.key = stream_key(world.seed, CHAOS_STREAM, i64(lever.key))
    lever.state = WAITING
    lever.act_ns = codes.NEVER_NS
    lever.end_ns = codes.NEVER_NS
    if lever.trigger >= WITH:
        lever.begin_ns = codes.NEVER_NS
        return
    if lever.trigger == MOMENT and lever.begin_ns < world.now_ns:
        lever.state = OVER
        return
    if lever.trigger == OFFSET:
        lever.begin_ns += world.now_ns
    lever.begin_ns += lever.delay_ns
    if lever.spread_ns > 0:
        lever.begin_ns += i64(uniform(lever.key, 1) * lever.spread_ns)


@kernel
def inject(worlds: Any, index: int, programs: Any, row: int) -> bool:
    """Add the levers of a program to a running world's own; times count from now.

    Returns:
        Whether there was room for all of them; nothing is added otherwise.
    """
    world, program = worlds[index], programs[row]
    chaos = world.chaos
    first = chaos.count
    if first + program.count > LEVERS:
        return False
    if first == 0:
        chaos.band_ticks = world.venue.band_ticks
    for place in range(program.count):
        world.levers[first + place] = program.levers[place]
        lever = world.levers[first + place]
        lever.after += first
        lever.fault += first
        _arm_lever(world, lever)
    chaos.count += program.count
    if chaos.scenario == 0.0:
        chaos.scenario = program.scenario
        chaos.start_mid = mid_half_ticks(world)
    redial(world)
    return True


@kernel
def heal(world: Any) -> None:
    """End every lever now, and let none begin."""
    for place in range(world.chaos.count):
        lever = world.levers[place]
        if lever.state == ON:
            lever.end_ns = world.now_ns
            lever.repeats = 0
        elif lever.state == WAITING:
            lever.state = OVER
    redial(world)


@kernel
def heal_world(worlds: Any, index: int) -> None:
    """Do :func:`heal` for one world of an array; for callers in Python."""
    heal(worlds[index])


@kernel
def redial(world: Any) -> None:
    """Make everything that follows from which levers are on anew: dials, holds, cuts, and when the next one is due."""
    chaos = world.chaos
    clear_dials(world)
    cut_feed = cut_orders = False
    chaos.feed_hold_ns = 0
    chaos.host_hold_ns = 0
    chaos.active = 0
    chaos.watching = 0
    halted = 0
    for place in range(chaos.count):
        lever = world.levers[place]
        if lever.state == WAITING and lever.trigger == EVENT and lever.begin_ns == codes.NEVER_NS:
            chaos.watching += 1
        if lever.state != ON:
            continue
        chaos.active += lever.leads
        mechanism = lever.mechanism
        if mechanism == DIAL:
            turn_dial(world, i64(lever.dial), lever.value * _ramp(world, lever))
        elif mechanism == PATH:
            _turn_on_the_way(world, lever)
        elif mechanism == MAKERS:
            _turn_for_makers(world, lever)
        elif mechanism in (HALT, OUTAGE):
            halted = codes.HALT_FAULT
        elif mechanism == HOLD_FEED:
            chaos.feed_hold_ns = max(chaos.feed_hold_ns, lever.end_ns)
        elif mechanism == HOLD_HOST:
            chaos.feed_hold_ns = max(chaos.feed_hold_ns, lever.end_ns)
            chaos.host_hold_ns = max(chaos.host_hold_ns, lever.end_ns)
        cut_feed = cut_feed or mechanism in (FEED_CUT, OUTAGE)
        cut_orders = cut_orders or mechanism in (ORDER_CUT, OUTAGE)
    chaos.feed_back_ns = _back_ns(world, cut_feed, i64(chaos.feed_back_ns))
    chaos.order_back_ns = _back_ns(world, cut_orders, i64(chaos.order_back_ns))
    world.venue.halted = (world.venue.halted & codes.HALT_SESSION) | halted
    _narrow_band(world)
    schedule(world)


@kernel
def _narrow_band(world: Any) -> None:
    """Let the venue's price band be the narrower of its own and the fault's."""
    own, turned = world.chaos.band_ticks, world.dials[BAND]
    if turned < NO_LIMIT:
        world.venue.band_ticks = i64(turned) if own == 0 else min(i64(turned), own)
    elif world.chaos.count > 0:
        world.venue.band_ticks = own


@kernel
def _turn_on_the_way(world: Any, lever: Any) -> None:
    """Let the crowd follow a path; until the way back those in its way are fewer, and everybody is busier."""
    turn_dial(world, HERD, lever.numbers[6])
    if world.now_ns < lever.began_ns + i64((lever.numbers[1] + lever.numbers[2]) * _NS_PER_S):
        turn_dial(world, SELLERS_KEPT if lever.side > 0 else BUYERS_KEPT, lever.numbers[7])
        turn_dial(world, PACE, lever.numbers[8])


@kernel
def _turn_for_makers(world: Any, lever: Any) -> None:
    """Keep the sides apart, and makers away, as a lever wants it."""
    if lever.numbers[3] > 0.0:
        turn_dial(world, SPREAD, lever.value)
    if lever.numbers[4] > 0.0 and lever.side >= 0:
        turn_dial(world, BUYERS_KEPT, 1.0 - lever.numbers[4])
    if lever.numbers[4] > 0.0 and lever.side <= 0:
        turn_dial(world, SELLERS_KEPT, 1.0 - lever.numbers[4])


@kernel
def _ramp(world: Any, lever: Any) -> float:
    """Return how far a lever has turned its dial, 0 to 1."""
    if lever.ramp_ns <= 0:
        return 1.0
    return float(min(1.0, (world.now_ns - lever.began_ns) / lever.ramp_ns))


@kernel
def _back_ns(world: Any, cut: bool, before_ns: int) -> int:
    """Return before when what was sent on a wire is lost: never ends while it is cut."""
    if cut:
        return codes.NEVER_NS
    return i64(world.now_ns) if before_ns == codes.NEVER_NS else before_ns


@kernel
def schedule(world: Any) -> None:
    """Find out when a lever wants something next."""
    next_ns = codes.NEVER_NS
    for place in range(world.chaos.count):
        next_ns = min(next_ns, _due_ns(world.levers[place]))
    world.chaos.next_ns = next_ns


@kernel
def _due_ns(lever: Any) -> int:
    if lever.state == WAITING:
        return i64(lever.begin_ns)
    if lever.state == ON:
        return i64(min(lever.end_ns, lever.act_ns))
    return codes.NEVER_NS


@kernel
def pull_lever(world: Any) -> bool:
    """Let the first lever that is due do one thing.

    Returns:
        Whether it put a message into the exchange's inbox.
    """
    if world.chaos.repeat_row != NONE:
        send_report(world, i64(world.chaos.repeat_row), codes.REJECTED, codes.DUPLICATE_ORDER, 0, 0, 0, 0)
        world.chaos.repeat_row = NONE
        schedule(world)
        return False
    for place in range(world.chaos.count):
        lever = world.levers[place]
        if _due_ns(lever) > world.now_ns:
            continue
        if lever.state == WAITING:
            return _begin(world, place)
        if lever.end_ns <= world.now_ns:
            return _end(world, place)
        sent = _act(world, place)
        schedule(world)
        return sent
    schedule(world)
    return False


@kernel
def _begin(world: Any, place: int) -> bool:
    """Begin a lever, if chance lets it, and set the times of those that begin with it."""
    lever = world.levers[place]
    if uniform(lever.key, _draw_of(lever)) >= lever.toxicity:
        _rest(world, lever)
        schedule(world)
        return False
    lever.begun += 1
    if world.stream != 0:
        write_edge(world, lever, place, BEGAN)
    lever.state = ON
    lever.began_ns = world.now_ns
    lever.end_ns = world.now_ns + lever.duration_ns if lever.duration_ns >= 0 else codes.NEVER_NS
    lever.step = 0
    lever.mark = world.entries
    lever.start_mid = mid_half_ticks(world)
    lever.farthest = 0
    lever.took_ns = 0
    lever.act_ns = codes.NEVER_NS
    mechanism = lever.mechanism
    if (mechanism >= PATH and mechanism <= MAKERS) or (mechanism == DIAL and lever.ramp_ns > 0):
        lever.act_ns = world.now_ns
    _follow(world, place, WITH)
    sent = _open(world, place)
    redial(world)
    return sent


@kernel
def _follow(world: Any, place: int, trigger: int) -> None:
    """Set the times of the levers that begin with, or after, another."""
    for other in range(world.chaos.count):
        follower = world.levers[other]
        if follower.trigger == trigger and follower.after == place and follower.state != ON:
            follower.state = WAITING
            follower.begin_ns = world.now_ns + follower.delay_ns


@kernel
def _open(world: Any, place: int) -> bool:
    """Do what a lever does once when it begins."""
    lever = world.levers[place]
    mechanism = lever.mechanism
    if mechanism == AUCTION:
        return _tell_venue(world, codes.PRE_OPEN)
    if (mechanism in (ORDER_CUT, OUTAGE)) and lever.numbers[0] > 0.0:
        write_as(world, codes.DESK, codes.DISCONNECT, codes.BUY, NONE, codes.LIMIT, codes.GTC, 0, 0)
        return True
    if mechanism == POSITION:
        world.desk.position += i64(lever.value)
    elif mechanism == GUARD:
        _swap_guard(world, lever)
    return False


@kernel
def _tell_venue(world: Any, kind: int) -> bool:
    write_as(world, codes.BACKGROUND, kind, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
    return True


@kernel
def _swap_guard(world: Any, lever: Any) -> None:
    """Exchange the numbers of a guard with the lever's."""
    guard, numbers = world.venue.guards[i64(lever.numbers[3])], lever.numbers
    move_ticks, window_s, pause_s = guard.move_ticks, guard.window_ns / _NS_PER_S, guard.pause_ns / _NS_PER_S
    guard.move_ticks = i64(numbers[0])
    guard.window_ns = i64(numbers[1] * _NS_PER_S)
    guard.pause_ns = i64(numbers[2] * _NS_PER_S)
    numbers[0], numbers[1], numbers[2] = float(move_ticks), window_s, pause_s


@kernel
def _end(world: Any, place: int) -> bool:
    """End a lever; an actor that has orders in the book cancels them first."""
    lever = world.levers[place]
    if lever.mechanism == PATH:
        note_move(world, lever)
    if has_orders(world, place):
        write_as(world, codes.ACTOR + place, codes.DISCONNECT, codes.BUY, NONE, codes.LIMIT, codes.GTC, 0, 0)
        return True
    lever.ended_ns = world.now_ns
    if world.stream != 0:
        write_edge(world, lever, place, ENDED)
    lever.act_ns = codes.NEVER_NS
    _rest(world, lever)
    _follow(world, place, AFTER)
    sent = _close(world, lever)
    redial(world)
    return sent


@kernel
def _draw_of(lever: Any) -> int:
    """Return the number of the draw that decides on a beginning; the next one is its jitter's."""
    return i64(4 + 2 * max(lever.repeats, 0))


@kernel
def _rest(world: Any, lever: Any) -> None:
    """Put a lever away, or set the time of its next beginning."""
    jitter_draw = _draw_of(lever) + 1
    lever.repeats -= 1
    if lever.repeat_ns <= 0 or lever.repeats <= 0:
        lever.state = OVER
        return
    lever.state = WAITING
    jitter = i64((2.0 * uniform(lever.key, jitter_draw) - 1.0) * lever.jitter_ns)
    lever.begin_ns = max(lever.begin_ns + lever.repeat_ns + jitter, world.now_ns + 1)


@kernel
def _close(world: Any, lever: Any) -> bool:
    """Do what a lever does once when it ends."""
    mechanism = lever.mechanism
    desk = world.desk
    if mechanism == AUCTION:
        return _tell_venue(world, codes.OPEN)
    if mechanism == POSITION:
        desk.position -= i64(lever.value)
    elif mechanism == GUARD:
        _swap_guard(world, lever)
    elif mechanism in (FEED_CUT, OUTAGE):
        _ask_again(world, i64(lever.numbers[0]) if mechanism == FEED_CUT else BY_SNAPSHOT)
    elif mechanism == DIAL and (lever.dial == BIDS_MUTED or lever.dial == ASKS_MUTED):
        desk.snapshot_ns = world.now_ns
    if mechanism in (ORDER_CUT, OUTAGE):
        world.chaos.reconcile_ns = world.now_ns
    return False


@kernel
def _ask_again(world: Any, recovery: int) -> None:
    """Let the desk ask for a snapshot when its market data is back, unless it waits to see a gap, or never does."""
    if recovery == NEVER:
        world.chaos.unrecovered = 1
    elif recovery == BY_SNAPSHOT or world.desk.gap == 1:
        world.desk.gap = 1
        world.desk.snapshot_ns = world.now_ns


@kernel
def _act(world: Any, place: int) -> bool:
    """Let a lever's actor look at the market once, or its ramp go one step on."""
    lever = world.levers[place]
    if lever.mechanism == DIAL:
        done = world.now_ns >= lever.began_ns + lever.ramp_ns
        lever.act_ns = codes.NEVER_NS if done else world.now_ns + _RAMP_STEP_NS
        redial(world)
        return False
    if lever.mechanism == MAKERS:
        return withdraw(world, lever)
    return act_for(world, place)
