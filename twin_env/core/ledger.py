"""Where the money went: every fill split into parts that telescope, in integers.

Half-ticks times lots throughout. The formulas are DESIGN section 9 and docs/alpha.md:
Perold's implementation shortfall (1988), refined by arrival and queue marks, and told from the desired price of
each decision (``core.intents``). ``cash``, ``position`` and ``fees`` are booked apart from the parts; that both
routes lead to the same net is checked by tests at every step, and is true because each fill telescopes.

Only this module writes marks. The others call a hook where something happens to an order of the desk:
``on_decision``, ``on_change`` and ``on_cancel`` when the desk decides, ``on_send``, ``on_arrival``, ``on_election`` and
``on_entry`` (of the request, of a stop, and of the order in the book), ``on_answer``, ``on_fill``, ``on_end``.
"""

from typing import Any, Final

from twin_env.core.conditions import AT_ONCE, AT_TRIGGER
from twin_env.core.exchange.book import is_one_sided, mid_half_ticks, touch_ticks
from twin_env.core.faults.modifiers import FEE
from twin_env.core.intents import (
    add_extra,
    ask,
    ask_again,
    clear_intents,
    end_with_order,
    give_up,
    meet,
    open_drift_ticks,
    open_intent,
    theory,
)
from twin_env.core.state.codes import REJECTED
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import INTENTS, NONE
from twin_env.core.stream import parts_of, write_mark, write_parts

# Positions of the split, the same everywhere money is shown (alpha.PARTS names them).
NET: Final = 0
STRATEGY: Final = 1
EXECUTION: Final = 2
TIMING: Final = 3
LATENCY: Final = 4
SPREAD: Final = 5
IMPACT: Final = 6
QUEUE_WAIT: Final = 7
SPREAD_EARNED: Final = 8
OPPORTUNITY: Final = 9
FEES: Final = 10
SPLIT: Final = 11
SPLIT_NAMES: Final = (
    "net",
    "strategy",
    "execution",
    "timing",
    "latency",
    "spread",
    "impact",
    "queue_wait",
    "spread_earned",
    "opportunity",
    "fees",
)


@kernel
def clear_ledger(world: Any) -> None:
    """Forget every fill and every intent."""
    ledger = world.ledger
    ledger.timing = 0
    ledger.latency = 0
    ledger.spread = 0
    ledger.impact = 0
    ledger.queue_wait = 0
    ledger.spread_earned = 0
    ledger.cash = 0
    ledger.position = 0
    ledger.fees_micro = 0
    ledger.fills = 0
    ledger.filled_lots = 0
    ledger.taker_lots = 0
    ledger.substituted = 0
    ledger.drift_ticks = 0.0
    clear_intents(world)


@kernel
def clear_marks(marks: Any) -> None:
    """Forget the marks of an order of the desk."""
    marks.mid_next = 0
    marks.mid_sent = 0
    marks.mid_arrived = 0
    marks.mid_entered = 0
    marks.touch_entered = 0
    marks.entered = 0
    marks.resting = 0


@kernel
def on_decision(world: Any, row: int, side: int, lots: int, condition: int, price: int) -> None:
    """Write down a new order of the desk that is a decision of its own: its intent lives as long as it does.

    Args:
        world: One world.
        row: Of the desk order, and of its intent.
        side: +1 buy, -1 sell.
        lots: To trade.
        condition: Of ``core.conditions``.
        price: Desired, half-ticks.
    """
    open_intent(world, row, side, lots, i64(world.desk_order_marks[row].client))
    ask(world, row, condition, price)


@kernel
def on_change(world: Any, row: int, lots: int, condition: int, price: int) -> None:
    """Write down other terms of a desk order; the arguments are those of ``on_decision``, lots the new total."""
    marks = world.desk_order_marks[row]
    changed = ask_again(world, i64(marks.intent), lots, condition, price)
    if changed and condition == AT_ONCE:
        marks.entered = 0  # what it costs is told from this decision on


@kernel
def on_cancel(world: Any, row: int) -> None:
    """Write down that a desk order is no longer wanted, whatever the exchange makes of that."""
    give_up(world, i64(world.desk_order_marks[row].intent))


@kernel
def on_send(world: Any, request: Any) -> None:
    """Mark a request that leaves the desk with the exchange's present mid."""
    request.mid_sent = mid_half_ticks(world)


@kernel
def on_arrival(world: Any, row: int, mid_sent: int) -> None:
    """Mark the desk order of a request that reaches the exchange.

    Args:
        world: One world.
        row: Of the desk order.
        mid_sent: Half-ticks, the exchange's mid when the request left the desk.
    """
    world.desk_order_marks[row].mid_next = mid_sent


@kernel
def on_election(world: Any, row: int, trigger: int) -> None:
    """Mark the desk order of a stop that is elected: what it costs is told from its trigger, in ticks.

    One that was decided to trade at once is told from the mid when it was sent, as every such order; the wait of a
    parent order's stop is the parent's timing.
    """
    marks = world.desk_order_marks[row]
    intent = world.ledger.intents[marks.intent]
    if intent.condition == AT_TRIGGER or intent.with_order == 0:
        marks.mid_next = 2 * trigger
        marks.entered = 0


@kernel
def on_entry(world: Any, row: int, side: int) -> None:
    """Mark a desk order that enters the book with the market it meets; ``row`` is NONE for anybody else's.

    An order that was moved keeps the marks of its first entry beside those of the present one, so that moving it turns
    no waiting into timing.
    """
    if row == NONE:
        return
    marks = world.desk_order_marks[row]
    marks.mid_entered = mid_half_ticks(world)
    marks.touch_entered = 2 * touch_ticks(world, -side)
    marks.resting = 0
    if marks.entered == 0:
        marks.entered = 1
        marks.mid_sent = marks.mid_next
        marks.mid_arrived = marks.mid_entered
    if is_one_sided(world):
        world.ledger.substituted += 1


@kernel
def on_answer(world: Any, row: int, kind: int) -> None:
    """Note whether the exchange's answer to the latest request about a desk order is a reject."""
    world.ledger.intents[world.desk_order_marks[row].intent].rejected = 1 if kind == REJECTED else 0


@kernel
def on_fill(world: Any, row: int, price: int, lots: int, mid: int, one_sided: bool) -> None:
    """Book one fill of a desk order at ``price`` ticks; ``mid`` is the exchange's just before it."""
    if world.stream != 0:
        write_mark(world, row, price, lots, mid)
    marks = world.desk_order_marks[row]
    ledger = world.ledger
    before = parts_of(ledger)
    intent = ledger.intents[marks.intent]
    signed = marks.side * lots
    paid = 2 * price
    met, value = meet(world, intent, lots if marks.side == intent.side else 0)
    if met > 0:
        _split_fill(ledger, marks, intent, met, value, paid, mid)
    if met < lots:
        add_extra(world, i64(marks.intent), i64(marks.side), lots - met, paid, mid)
    if marks.resting == 1:
        ledger.fees_micro += lots * i64(world.venue.maker_fee_micro * world.modifiers[FEE])
        ledger.substituted += 1 if one_sided else 0
    else:
        ledger.fees_micro += lots * i64(world.venue.taker_fee_micro * world.modifiers[FEE])
        ledger.taker_lots += lots
    ledger.cash -= signed * paid
    ledger.position += signed
    ledger.fills += 1
    ledger.filled_lots += lots
    if world.stream != 0:
        write_parts(world, row, met, before)


@kernel
def _split_fill(ledger: Any, marks: Any, intent: Any, lots: int, value: int, paid: int, mid: int) -> None:
    """Split what lots cost beyond their desired prices; the parts of each case telescope to all of it.

    Args:
        ledger: Of the world.
        marks: Of the order.
        intent: Of the order.
        lots: Filled, all of them due.
        value: Lots times desired price, half-ticks.
        paid: Price of the fill, half-ticks.
        mid: Half-ticks, just before the fill.
    """
    side = i64(intent.side)
    if intent.condition == AT_ONCE:
        ledger.timing -= side * (lots * marks.mid_sent - value)
        ledger.latency -= side * lots * (marks.mid_arrived - marks.mid_sent)
        if marks.resting == 1:
            ledger.queue_wait -= side * lots * (mid - marks.mid_arrived)
            ledger.spread_earned -= side * lots * (paid - mid)
        else:
            # Of an order that was moved: what passed between its first and its present entry was waiting.
            ledger.queue_wait -= side * lots * (marks.mid_entered - marks.mid_arrived)
            ledger.spread -= side * lots * (marks.touch_entered - marks.mid_entered)
            ledger.impact -= side * lots * (paid - marks.touch_entered)
    elif intent.condition == AT_TRIGGER:
        # Its trigger at the exchange may lag behind the one it was moved to.
        ledger.latency -= side * (lots * marks.mid_sent - value)
        if marks.resting == 1:
            ledger.queue_wait -= side * lots * (paid - marks.mid_sent)
        else:
            ledger.impact -= side * lots * (paid - marks.mid_sent)
    else:
        earned = -side * (lots * paid - value)
        if earned < 0:  # its price had traded, its place in the queue had not come, and it was moved after the market
            ledger.queue_wait += earned
        elif marks.resting == 1:
            ledger.spread_earned += earned
        else:  # the market came towards it while it was on its way
            ledger.latency += earned


@kernel
def on_end(world: Any, row: int) -> None:
    """End the intent of a desk row whose order is over, if it was made for that order alone."""
    end_with_order(world, i64(world.desk_order_marks[row].intent))


@kernel
def split(world: Any, parts: Any) -> None:
    """Write the split at the exchange's present mid, in 1e-6 of the account currency.

    Args:
        world: One world.
        parts: Output, int64 of shape ``(SPLIT,)``, in the order of the constants above.
    """
    ledger = world.ledger
    mid = mid_half_ticks(world)
    strategy, opportunity = theory(world, mid)
    money = world.venue.half_tick_micro
    parts[NET] = (ledger.cash + ledger.position * mid) * money - ledger.fees_micro
    parts[STRATEGY] = strategy * money
    parts[TIMING] = ledger.timing * money
    parts[LATENCY] = ledger.latency * money
    parts[SPREAD] = ledger.spread * money
    parts[IMPACT] = ledger.impact * money
    parts[QUEUE_WAIT] = ledger.queue_wait * money
    parts[SPREAD_EARNED] = ledger.spread_earned * money
    parts[OPPORTUNITY] = opportunity * money
    parts[FEES] = -ledger.fees_micro
    execution = 0
    for part in range(TIMING, SPLIT):
        execution += parts[part]
    parts[EXECUTION] = execution


@kernel
def drift_ticks(world: Any) -> float:
    """Return what moves of the efficient price cost on lots that were due and not filled, in ticks x lots.

    Each move is drawn without regard to anybody's orders, has mean zero, and meets lots whose number was settled before
    it: a martingale, so the mean is zero whatever the policy. It is the luck in a shortfall (a control variate).
    """
    total = world.ledger.drift_ticks
    for index in range(INTENTS):
        total += open_drift_ticks(world, world.ledger.intents[index])
    return float(total)
