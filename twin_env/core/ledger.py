"""Where the money went: every fill split into parts that telescope, in integers.

Half-ticks times lots throughout. The formulas are DESIGN section 9 and docs/alpha.md:
Perold's implementation shortfall (1988), refined by arrival and queue marks. ``cash``,
``position`` and ``fees`` are booked apart from the parts; that both routes lead to the
same net is checked by tests at every step, and is true because each fill telescopes.

Only this module writes marks. The others call a hook where something happens to an order of the desk:
``on_send``, ``on_arrival`` and ``on_entry`` (of the request at the exchange, and of the order in the book),
``on_answer``, ``on_fill``, ``on_end``.
"""

from typing import Any, Final

from twin_env.core.exchange.book import is_one_sided, mid_half_ticks, touch_ticks
from twin_env.core.faults.modifiers import FEE
from twin_env.core.state.codes import REJECTED
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import INTENTS, NONE
from twin_env.core.stream import write_mark

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
    ledger.past_lots = 0
    ledger.past_mids = 0
    ledger.past_missed = 0
    ledger.past_drift_ticks = 0.0
    for index in range(INTENTS):
        open_intent(world, index, 1, 0, 0)


@kernel
def open_intent(world: Any, index: int, side: int, lots: int, mid: int) -> None:
    """Write down a decision to trade ``lots``, made when the desk saw ``mid`` (half-ticks)."""
    intent = world.ledger.intents[index]
    intent.side = side
    intent.lots = lots
    intent.filled = 0
    intent.mid = mid
    intent.closed_mid = 0
    intent.efficient_ticks = world.news.efficient_ticks
    intent.closed_efficient_ticks = 0.0
    intent.closed = 0
    intent.with_order = 0
    intent.rejected = 0


@kernel
def replace_intent(world: Any, index: int, side: int, lots: int) -> None:
    """Write down a decision that lives as long as the order of desk row ``index``, in the place of an earlier one.

    What ended is summed up first: its filled lots go on earning with the mid, its unfilled lots are settled.
    """
    ledger = world.ledger
    past = ledger.intents[index]
    missed = past.side * (past.lots - past.filled)
    ledger.past_lots += past.side * past.filled
    ledger.past_mids += past.side * past.filled * past.mid
    ledger.past_missed += missed * (past.closed_mid - past.mid)
    ledger.past_drift_ticks += missed * (past.closed_efficient_ticks - past.efficient_ticks)
    open_intent(world, index, side, lots, world.desk.mid)
    past.with_order = 1


@kernel
def close_intent(world: Any, index: int) -> None:
    """End an intent: what is not filled is marked at the exchange's present mid."""
    intent = world.ledger.intents[index]
    intent.closed = 1
    intent.closed_mid = mid_half_ticks(world)
    intent.closed_efficient_ticks = world.news.efficient_ticks
    if is_one_sided(world):
        world.ledger.substituted += 1


@kernel
def drop_intent(world: Any, index: int) -> None:
    """Take back a decision whose order could not leave: nothing is left of it to split."""
    world.ledger.intents[index].lots = 0


@kernel
def clear_marks(own: Any) -> None:
    """Forget the marks of an order of the desk."""
    own.mid_next = 0
    own.mid_sent = 0
    own.mid_arrived = 0
    own.touch_arrived = 0
    own.resting = 0


@kernel
def on_send(world: Any, request: Any) -> None:
    """Mark a request that leaves the desk with the exchange's present mid."""
    request.mid_sent = mid_half_ticks(world)


@kernel
def on_arrival(world: Any, row: int, mid_sent: int) -> None:
    """Mark the desk order of a request that reaches the exchange; of an elected stop, that counts as sent just now.

    Args:
        world: One world.
        row: Of the desk order.
        mid_sent: Half-ticks, the exchange's mid when the request left the desk.
    """
    world.own[row].mid_next = mid_sent


@kernel
def on_entry(world: Any, row: int, side: int) -> None:
    """Mark a desk order that enters the book with the market it meets; ``row`` is NONE for anybody else's."""
    if row == NONE:
        return
    own = world.own[row]
    own.mid_sent = own.mid_next
    own.mid_arrived = mid_half_ticks(world)
    own.touch_arrived = 2 * touch_ticks(world, -side)
    own.resting = 0
    if is_one_sided(world):
        world.ledger.substituted += 1


@kernel
def on_answer(world: Any, row: int, kind: int) -> None:
    """Note whether the exchange's answer to the latest request about a desk order is a reject."""
    world.ledger.intents[world.own[row].intent].rejected = 1 if kind == REJECTED else 0


@kernel
def on_fill(world: Any, row: int, price: int, lots: int, mid: int, one_sided: bool) -> None:
    """Book one fill of a desk order at ``price`` ticks; ``mid`` is the exchange's just before it."""
    if world.stream != 0:
        write_mark(world, row, price, lots, mid)
    own = world.own[row]
    ledger = world.ledger
    intent = ledger.intents[own.intent]
    signed = own.side * lots
    paid = 2 * price
    ledger.timing -= signed * (own.mid_sent - intent.mid)
    ledger.latency -= signed * (own.mid_arrived - own.mid_sent)
    if own.resting == 1:
        ledger.queue_wait -= signed * (mid - own.mid_arrived)
        ledger.spread_earned -= signed * (paid - mid)
        ledger.fees_micro += lots * i64(world.venue.maker_fee_micro * world.modifiers[FEE])
        ledger.substituted += 1 if one_sided else 0
    else:
        ledger.spread -= signed * (own.touch_arrived - own.mid_arrived)
        ledger.impact -= signed * (paid - own.touch_arrived)
        ledger.fees_micro += lots * i64(world.venue.taker_fee_micro * world.modifiers[FEE])
        ledger.taker_lots += lots
    ledger.drift_ticks += signed * (world.news.efficient_ticks - intent.efficient_ticks)
    ledger.cash -= signed * paid
    ledger.position += signed
    ledger.fills += 1
    ledger.filled_lots += lots
    intent.filled += lots


@kernel
def on_end(world: Any, row: int) -> None:
    """End the intent of a desk row whose order is over, if it was made for that order alone."""
    index = world.own[row].intent
    intent = world.ledger.intents[index]
    if intent.with_order == 1 and intent.closed == 0:
        close_intent(world, index)


@kernel
def split(world: Any, parts: Any) -> None:
    """Write the split at the exchange's present mid, in 1e-6 of the account currency.

    Args:
        world: One world.
        parts: Output, int64 of shape ``(SPLIT,)``, in the order of the constants above.
    """
    ledger = world.ledger
    mid = mid_half_ticks(world)
    strategy = ledger.past_lots * mid - ledger.past_mids + ledger.past_missed
    opportunity = -ledger.past_missed
    for index in range(INTENTS):
        intent = ledger.intents[index]
        if intent.lots == 0:
            continue
        end = intent.closed_mid if intent.closed == 1 else mid
        unfilled = intent.side * (intent.lots - intent.filled) * (end - intent.mid)
        strategy += intent.side * intent.filled * (mid - intent.mid) + unfilled
        opportunity -= unfilled
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
    """Return what moves of the efficient price cost on lots while they were unfilled, in ticks x lots.

    Each move is drawn without regard to anybody's orders, has mean zero, and meets lots whose number was settled before
    it: a martingale, so the mean is zero whatever the policy. It is the luck in a shortfall (a control variate).
    """
    ledger = world.ledger
    total = ledger.drift_ticks + ledger.past_drift_ticks
    for index in range(INTENTS):
        intent = ledger.intents[index]
        end = intent.closed_efficient_ticks if intent.closed == 1 else world.news.efficient_ticks
        total += intent.side * (intent.lots - intent.filled) * (end - intent.efficient_ticks)
    return float(total)
