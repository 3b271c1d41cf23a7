"""The engine of faults: when effects begin, act, end and repeat. What they do is in ``mechanisms``.

A fault is one or several effects. The time of an effect comes by the clock, with or after another effect, or by an
event. Effects act one at a time, the first in the table before the next, and each sends at most one message when it is
called: the event loop hands that to the exchange before anything else happens.
"""

from typing import Any, Final

from twin_env.core.exchange.book import mid_half_ticks
from twin_env.core.exchange.inbox import write_as
from twin_env.core.exchange.protections import reset_guards
from twin_env.core.faults.dispatch import act_effect, apply_effect, begin_effect, end_effect, last_act
from twin_env.core.faults.fault_codes import (
    AFTER,
    AS_MARKET,
    EVENT,
    MODIFIER,
    MOMENT,
    OFFSET,
    ON,
    OVER,
    PROTECTED,
    WAITING,
    WITH,
)
from twin_env.core.faults.mechanisms.actor import has_orders
from twin_env.core.faults.modifiers import pass_on, reset_modifiers
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import EFFECTS, GUARDS, NONE
from twin_env.core.state.rng import CHAOS_STREAM, stream_key, uniform
from twin_env.core.stream import BEGAN, ENDED, write_edge
from twin_env.core.wire.reports import send_report

# What one step of an effect leaves behind (bits).
_SENT: Final = 1  # a message in the exchange's inbox
_CHANGED: Final = 2  # state that is computed from all effects is out of date

# Draws of an effect's random stream: 1 is its beginning's, then two for each repetition.
_BEGIN_DRAW: Final = 1
_FIRST_CHANCE_DRAW: Final = 4


@kernel
def arm(worlds: Any, index: int, programs: Any, row: int) -> None:
    """Give a world that was just started the effects of a program; times count from now.

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
        world.effects[place] = program.effects[place]
        _arm_effect(world, world.effects[place])
    refresh(world)


@kernel
def clear_chaos(world: Any) -> None:
    """Let nothing be wrong, and nothing go wrong."""
    chaos = world.chaos
    chaos.count = 0
    chaos.next_ns = codes.NEVER_NS
    chaos.reconcile_ns = codes.NEVER_NS
    chaos.repeat_row = NONE
    reset_modifiers(world)
    pass_on(world)


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
    reset_guards(world)


@kernel
def _arm_effect(world: Any, effect: Any) -> None:
    """Make an effect wait for its time."""
    effect.key = stream_key(world.seed, CHAOS_STREAM, i64(effect.key))
    effect.state = WAITING
    effect.act_ns = codes.NEVER_NS
    effect.end_ns = codes.NEVER_NS
    if effect.trigger >= WITH:
        effect.begin_ns = codes.NEVER_NS
        return
    if effect.trigger == MOMENT and effect.begin_ns < world.now_ns:
        effect.state = OVER
        return
    if effect.trigger == OFFSET:
        effect.begin_ns += world.now_ns
    effect.begin_ns += effect.delay_ns
    if effect.spread_ns > 0:
        effect.begin_ns += i64(uniform(effect.key, _BEGIN_DRAW) * effect.spread_ns)


@kernel
def inject(worlds: Any, index: int, programs: Any, row: int) -> bool:
    """Add the effects of a program to those of a running world; times count from now.

    Returns:
        Whether there was room for all of them; nothing is added otherwise.
    """
    world, program = worlds[index], programs[row]
    chaos = world.chaos
    first = chaos.count
    if first + program.count > EFFECTS:
        return False
    if first == 0:
        chaos.band_ticks = world.venue.band_ticks
    for place in range(program.count):
        world.effects[first + place] = program.effects[place]
        effect = world.effects[first + place]
        effect.after += first
        effect.fault += first
        _arm_effect(world, effect)
    chaos.count += program.count
    if chaos.scenario == 0.0:
        chaos.scenario = program.scenario
        chaos.start_mid = mid_half_ticks(world)
    refresh(world)
    return True


@kernel
def stop_all(worlds: Any, index: int) -> None:
    """End every effect of a world now, and let none begin."""
    world = worlds[index]
    for place in range(world.chaos.count):
        effect = world.effects[place]
        if effect.state == ON:
            effect.end_ns = world.now_ns
            effect.repeats = 0
        elif effect.state == WAITING:
            effect.state = OVER
    refresh(world)


@kernel
def refresh(world: Any) -> None:
    """Compute anew what follows from the effects that are on: modifiers, halts, holds, cuts, and who is due next."""
    chaos = world.chaos
    was_on = chaos.active > 0
    _reset(world)
    for place in range(chaos.count):
        effect = world.effects[place]
        if effect.state == WAITING and effect.trigger == EVENT and effect.begin_ns == codes.NEVER_NS:
            chaos.awaiting_events += 1
        if effect.state == ON:
            chaos.active += effect.leads
            apply_effect(world, effect)
    if was_on != (chaos.active > 0):
        chaos.on_ns += world.now_ns if was_on else -world.now_ns
    pass_on(world)
    schedule(world)


@kernel
def fault_ns(world: Any) -> int:
    """Return how long a fault was on so far, ns."""
    return i64(world.chaos.on_ns + (world.now_ns if world.chaos.active > 0 else 0))


@kernel
def _reset(world: Any) -> None:
    """Bring everything that effects contribute to back to what it is without them."""
    chaos = world.chaos
    reset_modifiers(world)
    chaos.active = 0
    chaos.awaiting_events = 0
    chaos.feed_hold_ns = 0
    chaos.host_hold_ns = 0
    if chaos.feed_back_ns == codes.NEVER_NS:  # a wire that was cut is back now, unless an effect still cuts it
        chaos.feed_back_ns = world.now_ns
    if chaos.order_back_ns == codes.NEVER_NS:
        chaos.order_back_ns = world.now_ns
    world.venue.halted = world.venue.halted & codes.HALT_SESSION


@kernel
def schedule(world: Any) -> None:
    """Find out when an effect is due next."""
    next_ns = codes.NEVER_NS
    for place in range(world.chaos.count):
        next_ns = min(next_ns, _due_ns(world.effects[place]))
    world.chaos.next_ns = next_ns


@kernel
def _due_ns(effect: Any) -> int:
    if effect.state == WAITING:
        return i64(effect.begin_ns)
    if effect.state == ON:
        return i64(min(effect.end_ns, effect.act_ns))
    return codes.NEVER_NS


@kernel
def run_due_effect(world: Any) -> bool:
    """Let the first effect that is due do one thing.

    Returns:
        Whether it put a message into the exchange's inbox.
    """
    done = 0
    if world.chaos.repeat_row != NONE:
        send_report(world, i64(world.chaos.repeat_row), codes.REJECTED, codes.DUPLICATE_ORDER, 0, 0, 0, 0)
        world.chaos.repeat_row = NONE
    else:
        for place in range(world.chaos.count):
            if _due_ns(world.effects[place]) <= world.now_ns:
                done = _step(world, place)
                break
    if done & _CHANGED:
        refresh(world)
    else:
        schedule(world)
    return bool(done & _SENT)


@kernel
def _step(world: Any, place: int) -> int:
    """Begin or end an effect, or let it act, whichever is due; return what that leaves behind."""
    effect = world.effects[place]
    if effect.state == WAITING:
        return _begin(world, place)
    if effect.end_ns <= world.now_ns:
        return _end(world, place)
    sent = act_effect(world, place)
    return _CHANGED if effect.mechanism == MODIFIER else i64(sent)


@kernel
def _begin(world: Any, place: int) -> int:
    """Begin an effect, if chance lets it, and set the times of those that begin with it."""
    effect = world.effects[place]
    if uniform(effect.key, _chance_draw(effect)) >= effect.toxicity:
        _rest(world, effect)
        return 0
    effect.begun += 1
    if world.stream != 0:
        write_edge(world, effect, place, BEGAN)
    effect.state = ON
    effect.began_ns = world.now_ns
    effect.end_ns = world.now_ns + effect.duration_ns if effect.duration_ns >= 0 else codes.NEVER_NS
    effect.act_ns = codes.NEVER_NS
    effect.step = 0
    _start_followers(world, place, WITH)
    return _CHANGED | i64(begin_effect(world, effect))


@kernel
def _start_followers(world: Any, place: int, trigger: int) -> None:
    """Set the times of the effects that begin with, or after, another."""
    for other in range(world.chaos.count):
        follower = world.effects[other]
        if follower.trigger == trigger and follower.after == place and follower.state != ON:
            follower.state = WAITING
            follower.begin_ns = world.now_ns + follower.delay_ns


@kernel
def _end(world: Any, place: int) -> int:
    """End an effect; an actor that has orders in the book cancels them first, and is called again."""
    effect = world.effects[place]
    last_act(world, effect)
    if has_orders(world, place):
        write_as(world, codes.ACTOR + place, codes.DISCONNECT, codes.BUY, NONE, codes.LIMIT, codes.GTC, 0, 0)
        return _SENT
    effect.ended_ns = world.now_ns
    if world.stream != 0:
        write_edge(world, effect, place, ENDED)
    effect.act_ns = codes.NEVER_NS
    _rest(world, effect)
    _start_followers(world, place, AFTER)
    return _CHANGED | i64(end_effect(world, effect))


@kernel
def _chance_draw(effect: Any) -> int:
    """Return the number of the draw that decides on a beginning; the next one is its jitter's."""
    return i64(_FIRST_CHANCE_DRAW + 2 * max(effect.repeats, 0))


@kernel
def _rest(world: Any, effect: Any) -> None:
    """Put an effect away, or set the time of its next beginning."""
    jitter_draw = _chance_draw(effect) + 1
    effect.repeats -= 1
    if effect.repeat_ns <= 0 or effect.repeats <= 0:
        effect.state = OVER
        return
    effect.state = WAITING
    jitter = i64((2.0 * uniform(effect.key, jitter_draw) - 1.0) * effect.jitter_ns)
    effect.begin_ns = max(effect.begin_ns + effect.repeat_ns + jitter, world.now_ns + 1)
