"""Which function of which mechanism: the one place that maps a mechanism's code to what it does.

A mechanism may do something once when its effect begins, each time the effect acts, once when it ends, and it may
contribute to the state that is computed from all effects that are on. A new one is a module in ``mechanisms``, a code,
a parameter record, and a line in the functions here that it needs.
"""

from typing import Any

from twin_env.core.faults.fault_codes import (
    AUCTION,
    FEED_CUT,
    FEED_HOLD,
    GUARD,
    HALT,
    HOST_HOLD,
    LAYERS,
    MAKERS,
    MODIFIER,
    ORDER_CUT,
    OUTAGE,
    PATH,
    POSITION,
    STUFFING,
    TAKER,
)
from twin_env.core.faults.mechanisms.auction import begin_auction, end_auction
from twin_env.core.faults.mechanisms.feed_cut import apply_feed_cut, end_feed_cut
from twin_env.core.faults.mechanisms.guard import swap_guard
from twin_env.core.faults.mechanisms.halt import apply_halt
from twin_env.core.faults.mechanisms.holds import apply_feed_hold, apply_host_hold
from twin_env.core.faults.mechanisms.layers import act_layers
from twin_env.core.faults.mechanisms.makers import act_makers, apply_makers, begin_makers
from twin_env.core.faults.mechanisms.modifier import act_modifier, apply_modifier, begin_modifier, end_modifier
from twin_env.core.faults.mechanisms.order_cut import apply_order_cut, begin_order_cut, end_order_cut
from twin_env.core.faults.mechanisms.outage import apply_outage, begin_outage, end_outage
from twin_env.core.faults.mechanisms.path import act_path, apply_path, begin_path, note_move
from twin_env.core.faults.mechanisms.position import begin_position, end_position
from twin_env.core.faults.mechanisms.stuffing import act_stuffing
from twin_env.core.faults.mechanisms.taker import act_taker
from twin_env.core.state.jit import kernel


@kernel
def begin_effect(world: Any, effect: Any) -> bool:
    """Do what an effect does once when it begins; return whether it put a message into the exchange's inbox."""
    mechanism = effect.mechanism
    if mechanism == MODIFIER:
        begin_modifier(world, effect)
    elif mechanism == PATH:
        begin_path(world, effect)
    elif mechanism == MAKERS:
        begin_makers(world, effect)
    elif mechanism in (TAKER, LAYERS, STUFFING):
        effect.act_ns = world.now_ns
    elif mechanism == POSITION:
        begin_position(world, effect)
    elif mechanism == GUARD:
        swap_guard(world, effect)
    elif mechanism == AUCTION:
        return begin_auction(world)
    elif mechanism == ORDER_CUT:
        return begin_order_cut(world, effect)
    elif mechanism == OUTAGE:
        return begin_outage(world, effect)
    return False


@kernel
def act_effect(world: Any, place: int) -> bool:
    """Let an effect act once; return whether it put a message into the exchange's inbox."""
    effect = world.effects[place]
    mechanism = effect.mechanism
    if mechanism == PATH:
        return act_path(world, place)
    if mechanism == TAKER:
        return act_taker(world, place)
    if mechanism == LAYERS:
        return act_layers(world, place)
    if mechanism == STUFFING:
        return act_stuffing(world, place)
    if mechanism == MAKERS:
        return act_makers(world, effect)
    act_modifier(world, effect)
    return False


@kernel
def last_act(world: Any, effect: Any) -> None:
    """Do what an effect does when its time is over, before its actor's orders are cancelled."""
    if effect.mechanism == PATH:
        note_move(world, effect)


@kernel
def end_effect(world: Any, effect: Any) -> bool:
    """Do what an effect does once when it ends; return whether it put a message into the exchange's inbox."""
    mechanism = effect.mechanism
    if mechanism == MODIFIER:
        end_modifier(world, effect)
    elif mechanism == POSITION:
        end_position(world, effect)
    elif mechanism == GUARD:
        swap_guard(world, effect)
    elif mechanism == FEED_CUT:
        end_feed_cut(world, effect)
    elif mechanism == ORDER_CUT:
        end_order_cut(world)
    elif mechanism == OUTAGE:
        end_outage(world)
    elif mechanism == AUCTION:
        return end_auction(world)
    return False


@kernel
def apply_effect(world: Any, effect: Any) -> None:
    """Contribute what an effect that is on does to the state computed from all of them."""
    mechanism = effect.mechanism
    if mechanism == MODIFIER:
        apply_modifier(world, effect)
    elif mechanism == PATH:
        apply_path(world, effect)
    elif mechanism == MAKERS:
        apply_makers(world, effect)
    elif mechanism == HALT:
        apply_halt(world)
    elif mechanism == OUTAGE:
        apply_outage(world)
    elif mechanism == FEED_CUT:
        apply_feed_cut(world)
    elif mechanism == ORDER_CUT:
        apply_order_cut(world)
    elif mechanism == FEED_HOLD:
        apply_feed_hold(world, effect)
    elif mechanism == HOST_HOLD:
        apply_host_hold(world, effect)
