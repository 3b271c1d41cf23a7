"""What the strategy decided, and what its decisions would hold if each were filled as it wished.

An *intent* is a decision: a side, lots, a *desired price* and a *condition*. Strategy Alpha is the profit of all
intents, each filled in full at its desired price at the moment its condition comes true (DESIGN section 9,
docs/alpha.md):

* ``AT_ONCE``, a market order, a change of position, a parent order: the mid that the desk saw, at once;
* ``AT_LIMIT``, a limit order: its price, when the market first trades at or through it;
* ``AT_TRIGGER``, a stop: its trigger, when the market first trades there.

Intents of a *group* share one theoretical life (``core.intent_groups``).

Lots whose condition came true are *due*; due lots that no fill has met are *open*. Filled lots that were not due are
*extra*: a cancel lost its race, a moved order filled at its old price. When an intent closes, the lots by which theory
and fact differ are closed in theory at the exchange's mid, so that both hold the same again. Half-ticks and lots, in
integers; profits are half-ticks x lots.
"""

from typing import Any

from twin_env.core.conditions import ALONE, AT_ONCE, EXIT, FAR, GIVEN_UP, SIZED, come_due, watch
from twin_env.core.exchange.book import is_one_sided, mid_half_ticks
from twin_env.core.intent_groups import is_group_open
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import GROUPS, INTENTS, NONE
from twin_env.core.stream import DECIDED, SETTLED, write_intent


@kernel
def clear_intents(world: Any) -> None:
    """Forget every intent and what all of them would hold."""
    ledger = world.ledger
    ledger.theory_lots = 0
    ledger.theory_value = 0
    ledger.opportunity = 0
    ledger.low_ticks = -FAR
    ledger.high_ticks = FAR
    for index in range(INTENTS):
        _clear(ledger.intents[index])
    for number in range(GROUPS):
        group = ledger.groups[number]
        group.left = 0
        group.lots = 0
        group.value = 0


@kernel
def _clear(intent: Any) -> None:
    intent.price = 0
    intent.waiting = 0
    intent.due = 0
    intent.open = 0
    intent.open_value = 0
    intent.extra = 0
    intent.extra_value = 0
    intent.efficient_ticks = 0.0
    intent.client = 0
    intent.side = 1
    intent.condition = AT_ONCE
    intent.with_order = 0
    intent.closed = 0
    intent.rejected = 0
    intent.group = NONE
    intent.role = ALONE


@kernel
def open_intent(world: Any, index: int, side: int, lots: int, client: int) -> None:
    """Write down a decision in the place of an earlier one, which ends if it has not; ``ask`` gives it its terms.

    Args:
        world: One world.
        index: Its place.
        side: +1 buy, -1 sell.
        lots: To trade.
        client: Number of the order that it lives and ends with; 0 for a parent order, which has many.
    """
    intent = world.ledger.intents[index]
    _settle(world, index)
    _clear(intent)
    intent.side = side
    intent.waiting = lots
    intent.client = client
    intent.with_order = 1 if client > 0 else 0


@kernel
def ask_again(world: Any, index: int, lots: int, condition: int, price: int) -> bool:
    """Change the terms of an intent that lives with an order: what is due stays, the rest waits for a new price.

    Args:
        world: One world.
        index: Its place.
        lots: New total.
        condition: New condition.
        price: New desired price, half-ticks.

    Returns:
        Whether anything waits for the new terms, or has come due by them.
    """
    intent = world.ledger.intents[index]
    if intent.with_order == 0 or intent.closed == 1:
        return False
    intent.waiting = max(lots - intent.due, 0)
    if intent.waiting == 0:
        watch(world)
        return False
    ask(world, index, condition, price)
    return True


@kernel
def ask(world: Any, index: int, condition: int, price: int) -> None:
    """Let what waits of an intent wait for a price, or come due now.

    Args:
        world: One world.
        index: Its place.
        condition: ``AT_ONCE``, ``AT_LIMIT`` or ``AT_TRIGGER``.
        price: Desired, half-ticks.
    """
    intent = world.ledger.intents[index]
    intent.condition = condition
    intent.price = price
    if intent.role == EXIT or intent.role == SIZED or intent.role == GIVEN_UP:
        left = max(world.ledger.groups[intent.group].left, 0)
        intent.role = SIZED if intent.waiting < left else EXIT
        intent.waiting = min(intent.waiting, left)
    if world.stream != 0:
        write_intent(world, index, DECIDED, i64(intent.waiting), i64(0), mid_half_ticks(world))
    if condition == AT_ONCE:
        come_due(world, index)
    watch(world)


@kernel
def give_up(world: Any, index: int) -> None:
    """Take back what has not come true of an intent that lives with an order: its cancel was decided."""
    intent = world.ledger.intents[index]
    if intent.with_order == 0:
        return
    if intent.role == EXIT or intent.role == SIZED:
        intent.role = GIVEN_UP
    if intent.waiting > 0:
        intent.waiting = 0
        watch(world)
        if world.stream != 0:
            write_intent(world, index, DECIDED, i64(0), i64(0), mid_half_ticks(world))


@kernel
def meet(world: Any, intent: Any, lots: int) -> Any:
    """Take filled lots off the open ones, as many as there are.

    Returns:
        How many were open, and what they were to cost in all, half-ticks x lots.
    """
    met = min(lots, intent.open)
    if met == 0:
        return i64(0), i64(0)
    value = _share(intent.open_value, met, intent.open)
    world.ledger.drift_ticks += intent.side * met * (world.efficient_price.efficient_ticks - intent.efficient_ticks)
    intent.open -= met
    intent.open_value -= value
    return i64(met), i64(value)


@kernel
def _share(value: int, lots: int, of_lots: int) -> int:
    """Return what some of several lots cost, rounded towards zero: they differ only where an order was made larger."""
    size = abs(value)
    share = size // of_lots * lots + size % of_lots * lots // of_lots
    return i64(share if value >= 0 else -share)


@kernel
def add_extra(world: Any, index: int, side: int, lots: int, paid: int, mid: int) -> None:
    """Note a fill that the theory does not have.

    One that comes after its intent is over, or on its other side, is closed in theory at once.

    Args:
        world: One world.
        index: Place of the intent of its order.
        side: Of its order.
        lots: Filled.
        paid: Half-ticks.
        mid: Half-ticks, before the fill.
    """
    intent = world.ledger.intents[index]
    if intent.closed == 1 or intent.side != side:
        _close_in_theory(world, index, -side * lots, -side * lots * paid, mid)
        return
    intent.extra += lots
    intent.extra_value += lots * paid


@kernel
def close_intent(world: Any, index: int) -> None:
    """End an intent: what theory and fact differ by is closed in theory at the exchange's present mid."""
    intent = world.ledger.intents[index]
    if intent.closed == 1:
        return
    if is_one_sided(world):
        world.ledger.substituted += 1
    _settle(world, index)
    intent.closed = 1
    if intent.role != ALONE and not is_group_open(world, i64(intent.group)):
        group = world.ledger.groups[intent.group]
        _close_in_theory(world, index, i64(group.lots), i64(group.value), mid_half_ticks(world))
        group.lots = 0
        group.value = 0


@kernel
def end_with_order(world: Any, index: int) -> None:
    """End an intent whose order is over, if it was made for that order alone."""
    if world.ledger.intents[index].with_order == 1:
        close_intent(world, index)


@kernel
def _settle(world: Any, index: int) -> None:
    """Close in theory what an intent's theory and fact differ by; that of a group's member is left to its group."""
    ledger = world.ledger
    intent = ledger.intents[index]
    ledger.drift_ticks += open_drift_ticks(world, intent)
    if intent.role == ALONE:
        _close_in_theory(world, index, open_lots(intent), open_value(intent), mid_half_ticks(world))
    else:
        group = ledger.groups[intent.group]
        group.lots += open_lots(intent)
        group.value += open_value(intent)
    intent.open = 0
    intent.open_value = 0
    intent.extra = 0
    intent.extra_value = 0
    if intent.waiting > 0:
        intent.waiting = 0
        watch(world)


@kernel
def _close_in_theory(world: Any, index: int, lots: int, value: int, mid: int) -> None:
    """Trade away in theory, at a mid, lots that theory has and fact has not.

    Args:
        world: One world.
        index: Place of the intent that they are of, or of the last of its group.
        lots: Signed by side.
        value: What they cost, half-ticks x lots, signed likewise.
        mid: Half-ticks.
    """
    ledger = world.ledger
    ledger.opportunity -= lots * mid - value
    ledger.theory_lots -= lots
    ledger.theory_value -= lots * mid
    if world.stream != 0 and (lots != 0 or value != 0):
        write_intent(world, index, SETTLED, lots, value, mid)


@kernel
def open_lots(intent: Any) -> int:
    """Return the lots by which theory and fact of an intent differ, signed by side."""
    return i64(intent.side * (intent.open - intent.extra))


@kernel
def open_value(intent: Any) -> int:
    """Return what these lots cost, half-ticks x lots, signed by side."""
    return i64(intent.side * (intent.open_value - intent.extra_value))


@kernel
def open_drift_ticks(world: Any, intent: Any) -> float:
    """Return what moves of the efficient price cost so far on the open lots of an intent, in ticks x lots."""
    moved = world.efficient_price.efficient_ticks - intent.efficient_ticks
    return float(intent.side * intent.open * moved)


@kernel
def theory(world: Any, mid: int) -> Any:
    """Return the profit of all decisions, and what theory and fact differ by that is still open, at a mid.

    Args:
        world: One world.
        mid: Half-ticks.

    Returns:
        Strategy alpha and opportunity, half-ticks x lots.
    """
    ledger = world.ledger
    opportunity = ledger.opportunity
    for index in range(INTENTS):
        intent = ledger.intents[index]
        opportunity -= open_lots(intent) * mid - open_value(intent)
    for number in range(GROUPS):
        group = ledger.groups[number]
        opportunity -= group.lots * mid - group.value
    return i64(ledger.theory_lots * mid - ledger.theory_value), i64(opportunity)
