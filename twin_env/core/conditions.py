"""When a decision of the strategy comes true.

A decision waits for a *condition*, and the market's trades make it come true; what comes due of one member of a group
ends the others. See ``core.intents``.
"""

from typing import Any, Final

from twin_env.core.exchange.book import mid_half_ticks
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import INTENTS, NONE
from twin_env.core.stream import DUE, write_intent

# Conditions.
AT_ONCE: Final = 0
AT_LIMIT: Final = 1
AT_TRIGGER: Final = 2
CONDITION_NAMES: Final = {AT_ONCE: "at_once", AT_LIMIT: "at_limit", AT_TRIGGER: "at_trigger"}

# Roles in a group.
ALONE: Final = 0
ENTRY: Final = 1  # what it fills, the exits may fill
EXIT: Final = 2
SIZED: Final = 3  # an exit that was made smaller than what is left: it grows no more with its entry
GIVEN_UP: Final = 4  # its cancel was decided: nothing of it comes due any more
ROLE_NAMES: Final = {ALONE: "alone", ENTRY: "entry", EXIT: "exit", SIZED: "sized", GIVEN_UP: "given_up"}

FAR: Final = 2**62  # beyond every price


@kernel
def on_trade(world: Any, price: int) -> None:
    """Pass a trade of the market, whoever's, to the conditions of intents.

    Args:
        world: One world.
        price: Ticks.
    """
    ledger = world.ledger
    if price > ledger.low_ticks and price < ledger.high_ticks:
        return
    # Which ones is settled before any comes due: the trade that fills an entry in theory reaches none of its exits.
    reached = 0
    for index in range(INTENTS):
        intent = ledger.intents[index]
        if intent.waiting > 0 and _beyond(intent) * (2 * price - intent.price) >= 0:
            reached |= 1 << index
    while reached != 0:
        index = _first_sent(world, reached)
        reached ^= 1 << index
        come_due(world, index)
    watch(world)


@kernel
def _first_sent(world: Any, places: int) -> int:
    """Return which of several intents was decided first; their places are bits."""
    first = NONE
    for index in range(INTENTS):
        intents = world.ledger.intents
        if places >> index & 1 and (first == NONE or intents[index].client < intents[first].client):
            first = index
    return i64(first)


@kernel
def _beyond(intent: Any) -> int:
    """Return on which side of its price a trade lets an intent come true: +1 above, -1 below."""
    return i64(-intent.side if intent.condition == AT_LIMIT else intent.side)


@kernel
def watch(world: Any) -> None:
    """Work out between which prices a trade changes nothing."""
    ledger = world.ledger
    ledger.low_ticks = -FAR
    ledger.high_ticks = FAR
    for index in range(INTENTS):
        intent = ledger.intents[index]
        if intent.waiting == 0:
            continue
        ticks = intent.price >> 1  # a limit or a trigger: an even number of half-ticks
        if _beyond(intent) > 0:
            ledger.high_ticks = min(ledger.high_ticks, ticks)
        else:
            ledger.low_ticks = max(ledger.low_ticks, ticks)


@kernel
def come_due(world: Any, index: int) -> None:
    """Fill what waits of an intent, in theory, at its desired price."""
    intent = world.ledger.intents[index]
    lots = i64(intent.waiting)
    if lots == 0:
        return
    efficient_ticks = world.efficient_price.efficient_ticks
    weight = lots / (intent.open + lots)
    intent.efficient_ticks += weight * (efficient_ticks - intent.efficient_ticks)
    intent.waiting = 0
    intent.due += lots
    intent.open += lots
    intent.open_value += lots * intent.price
    world.ledger.theory_lots += intent.side * lots
    world.ledger.theory_value += intent.side * lots * intent.price
    if world.stream != 0:
        write_intent(world, index, DUE, lots, i64(0), mid_half_ticks(world))
    if intent.role != ALONE:
        share_life(world, intent, lots)


@kernel
def take_back_due(world: Any, index: int, lots: int) -> None:
    """Take back, at the moment they came due, lots that another member of the group has; none if that is no number."""
    if lots <= 0:
        return
    intent = world.ledger.intents[index]
    intent.due -= lots
    intent.open -= lots
    intent.open_value -= lots * intent.price
    world.ledger.theory_lots -= intent.side * lots
    world.ledger.theory_value -= intent.side * lots * intent.price
    if world.stream != 0:
        write_intent(world, index, DUE, i64(-lots), i64(0), mid_half_ticks(world))


@kernel
def share_life(world: Any, intent: Any, lots: int) -> None:
    """Tell the exits of a group that lots of one member came due: the first exit ends the others."""
    ledger = world.ledger
    group = ledger.groups[intent.group]
    group.left += lots if intent.role == ENTRY else -lots
    for index in range(INTENTS):
        other = ledger.intents[index]
        if other.group != intent.group or other.closed == 1:
            continue
        if other.role == EXIT:
            other.waiting = max(group.left, 0)
        elif other.role == SIZED:
            other.waiting = min(other.waiting, max(group.left, 0))
