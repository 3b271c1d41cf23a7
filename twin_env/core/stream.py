"""The stream: everything a world does, recorded in order while there is a reader.

A watched world holds, in ``world.stream``, the address of a buffer: one ``HEAD`` and then entries of 88 bytes. Who
watches attaches the buffer for the time of a call and detaches it afterwards, so no address is ever part of a state, a
copy or a hash. A world without readers has 0 there and pays for one comparison.

An entry belongs to a *plane*, which says what it is about and how its bytes are read (``ENTRIES``). All planes share
one order: the order in which things happened. Nothing is ever dropped without being counted in ``HEAD.lost``; an
advance that may pause returns before the buffer could overflow.
"""

from typing import Any, Final

from twin_env.core.exchange.ladder import row_of
from twin_env.core.state import codes
from twin_env.core.state.address import records_at
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE, record

# Planes, bits of ``HEAD.planes``.
EXCHANGE: Final = 1  # what the exchange did
BOOK: Final = 2  # changes of the exchange's price levels
FEED: Final = 4  # market data that reached the desk
REQUESTS: Final = 8  # of the desk: sent, arrived, lost
REPORTS: Final = 16  # that reached the desk
FAULTS: Final = 32  # effects of an experiment that began or ended
MARKS: Final = 64  # prices beside each fill of the desk, as the ledger takes them
INTENTS: Final = 128  # decisions of the strategy: made, due, over
PARTS: Final = 256  # what each fill of the desk cost beyond its desired price
ALL_PLANES: Final = 511
PLANE_NAMES: Final = {
    EXCHANGE: "exchange",
    BOOK: "book",
    FEED: "feed",
    REQUESTS: "requests",
    REPORTS: "reports",
    FAULTS: "faults",
    MARKS: "marks",
    INTENTS: "intents",
    PARTS: "parts",
}

# Stages of a request or of the order it is about, in ``flag``.
SENT: Final = 1
ARRIVED: Final = 2
LOST: Final = 3
HELD: Final = 4  # an exit of a bracket waits at the desk for its entry to fill
DROPPED: Final = 5  # and was never sent
JOINED: Final = 6  # an order became a member of a group
STAGE_NAMES: Final = {
    SENT: "sent",
    ARRIVED: "arrived",
    LOST: "lost",
    HELD: "held",
    DROPPED: "dropped",
    JOINED: "joined",
}

# Edges of an effect, in ``kind``.
BEGAN: Final = 1
ENDED: Final = 2
EDGE_NAMES: Final = {BEGAN: "began", ENDED: "ended"}

# What became of a decision, in ``kind``.
DECIDED: Final = 1  # it was made, or its terms were changed; with no lots it was taken back
DUE: Final = 2  # its condition came true
SETTLED: Final = 3  # lots by which theory and fact differ were closed in theory
INTENT_NAMES: Final = {DECIDED: "decided", DUE: "due", SETTLED: "settled"}

HEAD: Final = record(
    [
        ("count", "i8"),  # entries written since the buffer was drained
        ("room", "i8"),  # entries it holds
        ("planes", "i8"),  # that are wanted
        ("pauses", "i8"),  # 1: an advance returns before the buffer could overflow
        ("lost", "i8"),  # entries there was no room for
        ("messages", "i8"),  # that the exchange handled while it was watched
        ("flags", "i8"),  # of the present one
        ("kind", "i8"),
    ]
)
_COMMON: Final[list[tuple[object, ...]]] = [
    ("ts_ns", "i8"),
    ("message", "u4"),  # counts the messages of the exchange: entries of one share its number
    ("plane", "i2"),
    ("row", "i2"),  # of the desk's order, NONE for all others
    ("kind", "i1"),
    ("reason", "i1"),
    ("side", "i1"),
    ("owner", "i1"),
    ("flag", "i4"),  # no bytes between fields: copies of a plane do not carry those
]
EXCHANGE_ENTRY: Final = record(
    [
        *_COMMON,
        ("price", "i8"),
        ("lots", "i8"),
        ("order", "i4"),  # slot; slots are used again
        ("contra", "i4"),
        ("entry", "i8"),  # place in time of the order: names it for good while it rests
        ("contra_entry", "i8"),
        ("client", "i4"),  # the desk's number for the order, 0 for everybody else's
        ("contra_client", "i4"),
        ("message_kind", "i4"),  # of ``codes``: what the exchange was asked for
        ("trader", "i2"),  # of the synthetic flow who sent a background message, of ``codes``
        ("contra_owner", "i2"),
        ("spare", "i8"),
    ]
)
"""One thing the exchange did: ``kind`` and ``reason`` are those of ``codes``, ``flag`` those of the message."""

BOOK_ENTRY: Final = record(
    [
        *_COMMON,
        ("price", "i8"),
        ("lots", "i8"),  # at the level after the change
        ("change", "i8"),
        ("entry", "i8"),  # of the order that changed
        ("client", "i8"),
        ("spare", "i8", 2),
        ("message_kind", "i8"),  # as in ``EXCHANGE_ENTRY``
    ]
)
"""One change of a level at the exchange: ``kind`` is that of ``wire.feed``, of which a snapshot changes nothing."""

FEED_ENTRY: Final = record(
    [
        *_COMMON,
        ("sent_ns", "i8"),
        ("seq", "i8"),
        ("price", "i8"),
        ("lots", "i8"),
        ("change", "i8"),
        ("entry", "i8"),
        ("client", "i8"),
        ("spare", "i8"),
    ]
)
"""One market data message that reached the desk; ``flag`` is 1 when the desk knew it already, or better."""

REQUEST_ENTRY: Final = record(
    [
        *_COMMON,
        ("sent_ns", "i8"),
        ("price", "i8"),
        ("trigger", "i8"),
        ("lots", "i8"),
        ("client", "i8"),
        ("intent", "i8"),
        ("type", "i2"),
        ("tif", "i2"),
        ("flags", "i2"),
        ("decided", "i2"),  # 1 for a decision of who drives the desk, 0 for what the desk does by itself
        ("group", "i2"),  # of orders that share one life, NONE without
        ("role", "i2"),  # in it, of core.conditions
        ("spare", "i2", 2),
    ]
)
"""One stage of a request of the desk: ``kind`` is new, cancel or replace, ``flag`` the stage."""

REPORT_ENTRY: Final = record(
    [
        *_COMMON,
        ("sent_ns", "i8"),
        ("lots", "i8"),
        ("notional", "i8"),  # ticks x lots of a fill, else a price in ticks
        ("client", "i8"),
        ("answers", "i4"),  # requests it answers
        ("final", "i4"),  # 1 when nothing is left of the order
        ("spare", "i8", 3),
    ]
)
"""One report that reached the desk: ``kind`` and ``reason`` are those of ``codes``."""

FAULT_ENTRY: Final = record(
    [
        *_COMMON,
        ("fault", "i8"),  # its place in the experiment's method
        ("effect", "i8"),  # place of the effect among the world's
        ("mechanism", "i8"),
        ("leads", "i8"),  # 1 for the first effect of a fault: its edges are the fault's
        ("begun", "i8"),  # how often it began
        ("spare", "i8", 3),
    ]
)
"""An effect that began or ended: ``kind`` says which."""

MARK_ENTRY: Final = record(
    [
        *_COMMON,
        ("price", "i8"),
        ("lots", "i8"),
        ("mid", "i8"),  # half-ticks at the exchange just before the fill, as all that follow
        ("mid_sent", "i8"),
        ("mid_arrived", "i8"),
        ("mid_entered", "i8"),
        ("touch_entered", "i8"),
        ("client", "i8"),
    ]
)
"""The prices that a fill of the desk is valued with; ``flag`` is 1 when its order rested."""

INTENT_ENTRY: Final = record(
    [
        *_COMMON,
        ("price", "i8"),  # desired, half-ticks
        ("lots", "i8"),  # that wait, that came due, or that are settled: these are signed by what theory had more
        ("value", "i8"),  # of the settled ones, half-ticks x lots, signed likewise
        ("mid", "i8"),  # of the exchange, half-ticks
        ("client", "i8"),  # number of the order that the decision is for, 0 for a parent order
        ("condition", "i2"),  # of ``core.conditions``
        ("group", "i2"),  # NONE for one that stands alone
        ("role", "i2"),
        ("rejected", "i2"),  # 1 where the exchange refused the latest request for it
        ("touch", "i8"),  # other side's best price as the desk saw it, half-ticks; its mid where it saw none
        ("spare", "i8"),
    ]
)
"""What became of a decision of the strategy: ``kind`` says what, ``row`` is its place among the intents."""

PARTS_ENTRY: Final = record(
    [
        *_COMMON,
        ("timing", "i8"),
        ("latency", "i8"),
        ("spread", "i8"),
        ("impact", "i8"),
        ("queue_wait", "i8"),
        ("spread_earned", "i8"),
        ("fee_micro", "i8"),  # 1e-6 of the account currency, positive when paid
        ("lots", "i8"),  # of the fill that were due; what is left of it the theory does not have
    ]
)
"""What a fill of the desk cost beyond its desired price, half-ticks x lots; one for each ``MARK_ENTRY``, in order."""

ENTRY: Final = EXCHANGE_ENTRY
ENTRIES: Final = {
    EXCHANGE: EXCHANGE_ENTRY,
    BOOK: BOOK_ENTRY,
    FEED: FEED_ENTRY,
    REQUESTS: REQUEST_ENTRY,
    REPORTS: REPORT_ENTRY,
    FAULTS: FAULT_ENTRY,
    MARKS: MARK_ENTRY,
    INTENTS: INTENT_ENTRY,
    PARTS: PARTS_ENTRY,
}
_HEAD_BYTES: Final = HEAD.itemsize
_ENTRIES_OF_ORDER: Final = 8  # one message cannot make more entries of a live order: it trades, or is cancelled, once
_ENTRIES_OF_STOP: Final = 12  # and of a waiting stop: it is elected, trades and ends
_ENTRIES_OF_MESSAGE: Final = 96


@kernel
def needed_room(world: Any) -> int:
    """Return how many entries the next message or timer can make at most."""
    live = _ENTRIES_OF_ORDER * world.live_orders + _ENTRIES_OF_STOP * world.stop_count
    return i64(live + _ENTRIES_OF_MESSAGE)


@kernel
def must_pause(world: Any) -> bool:
    """Return whether the buffer of a world with readers has to be drained before anything else happens."""
    head = records_at(world.stream, 1, HEAD)[0]
    return bool(head.pauses == 1 and head.count + needed_room(world) > head.room)


@kernel
def count_message(world: Any) -> None:
    """Give what follows from the message in the inbox, until the next one, a number of its own."""
    head = records_at(world.stream, 1, HEAD)[0]
    head.messages += 1
    head["flags"] = world.inbox["flags"]
    head.kind = world.inbox.kind


@kernel
def _claim(world: Any, plane: int) -> int:
    """Return the place of the next entry, NONE where the plane is not wanted or there is no room."""
    head = records_at(world.stream, 1, HEAD)[0]
    if head.planes & plane == 0:
        return NONE
    if head.count == head.room:
        head.lost += 1
        return NONE
    place = head.count
    head.count += 1
    entry = records_at(world.stream + _HEAD_BYTES, head.room, ENTRY)[place]
    entry.ts_ns = world.now_ns
    entry.message = head.messages
    entry.plane = plane
    entry.reason = 0
    entry.owner = 0
    entry.flag = 0
    entry.row = NONE
    return i64(place)


@kernel
def _client_of(world: Any, slot: int) -> int:
    """Return the desk's number for an order at the exchange, 0 for all others."""
    row = world.orders[slot].row if slot >= 0 else NONE
    return i64(world.desk_order_marks[row].client) if row != NONE else i64(0)


@kernel
def write_exchange(
    world: Any, kind: int, reason: int, side: int, owner: int, order: int, contra: int, price: int, lots: int
) -> None:
    """Write what the exchange did; the arguments are those of ``events.emit``."""
    place = _claim(world, EXCHANGE)
    if place == NONE:
        return
    head = records_at(world.stream, 1, HEAD)[0]
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, EXCHANGE_ENTRY)[place]
    entry.kind = kind
    entry.reason = reason
    entry.side = side
    entry.owner = owner
    entry.flag = head["flags"]
    entry.price = price
    entry.lots = lots
    entry.order = order
    entry.contra = contra
    known = order >= 0 and order < world.orders.shape[0]
    entry.entry = world.orders[order].entry if known else NONE
    entry.contra_entry = world.orders[contra].entry if contra >= 0 else NONE
    entry.client = _client_of(world, order) if known else 0
    entry.contra_client = _client_of(world, contra)
    entry.message_kind = head.kind
    entry.trader = world.trader if owner == codes.BACKGROUND else codes.UNKNOWN_TRADER
    entry.contra_owner = world.orders[contra].owner if contra >= 0 else NONE
    if kind == codes.REJECTED and owner == codes.DESK and world.answer_row != NONE:
        entry.row = world.answer_row
        entry.client = world.desk_order_marks[world.answer_row].client
    elif known:
        entry.row = world.orders[order].row


@kernel
def write_level(world: Any, kind: int, side: int, price: int, lots: int, change: int, entry: int, row: int) -> None:
    """Write a change of a level; the arguments are those of ``wire.feed.publish``."""
    place = _claim(world, BOOK)
    if place == NONE:
        return
    head = records_at(world.stream, 1, HEAD)[0]
    level = records_at(world.stream + _HEAD_BYTES, place + 1, BOOK_ENTRY)[place]
    level.kind = kind
    level.side = side
    level.flag = head["flags"]
    level.row = row
    level.price = price
    level.lots = lots
    level.change = change
    level.entry = entry
    level.client = world.desk_order_marks[row].client if row != NONE else 0
    level.message_kind = head.kind


@kernel
def write_feed(world: Any, message: Any, known: int) -> None:
    """Write a market data message that reached the desk."""
    place = _claim(world, FEED)
    if place == NONE:
        return
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, FEED_ENTRY)[place]
    entry.kind = message.kind
    entry.side = message.side
    entry.flag = known
    entry.row = message.row
    entry.sent_ns = message.sent_ns
    entry.seq = message.seq
    entry.price = message.price
    entry.lots = message.lots
    entry.change = message.change
    entry.entry = message.entry
    entry.client = message.client


@kernel
def write_request(world: Any, request: Any, stage: int, decided: int) -> None:
    """Write that a request of the desk was sent, arrived, or was lost; ``decided`` is 0 for the desk's own."""
    place = _claim(world, REQUESTS)
    if place == NONE:
        return
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, REQUEST_ENTRY)[place]
    entry.kind = request.kind
    entry.side = request.side
    entry.owner = codes.DESK
    entry.flag = stage
    entry.row = request.row
    entry.sent_ns = request.sent_ns
    entry.price = request.price
    entry.trigger = request.trigger
    entry.lots = request.lots
    entry.client = world.desk_order_marks[request.row].client
    entry.intent = world.desk_order_marks[request.row].intent
    entry.type = request.type
    entry.tif = request.tif
    entry["flags"] = request["flags"]
    entry.decided = decided
    entry.group = world.desk.orders[request.row].group
    entry.role = world.desk.orders[request.row].role


@kernel
def write_order(world: Any, row: int, stage: int, decided: int) -> None:
    """Write that an order waits at the desk, joined a group, or was never sent."""
    if world.stream == 0:
        return
    place = _claim(world, REQUESTS)
    if place == NONE:
        return
    order = world.desk.orders[row]
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, REQUEST_ENTRY)[place]
    entry.kind = codes.NEW
    entry.side = order.side
    entry.owner = codes.DESK
    entry.flag = stage
    entry.row = row
    entry.sent_ns = order.sent_ns
    entry.price = order.price
    entry.trigger = order.trigger
    entry.lots = order.lots
    entry.client = order.client
    entry.intent = world.desk_order_marks[row].intent
    entry.type = order.type
    entry.tif = order.tif
    entry["flags"] = 0
    entry.decided = decided
    entry.group = order.group
    entry.role = order.role


@kernel
def write_report(world: Any, report: Any) -> None:
    """Write a report that reached the desk."""
    place = _claim(world, REPORTS)
    if place == NONE:
        return
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, REPORT_ENTRY)[place]
    entry.kind = report.kind
    entry.reason = report.reason
    entry.side = world.desk.orders[report.row].side
    entry.owner = codes.DESK
    entry.row = report.row
    entry.sent_ns = report.sent_ns
    entry.lots = report.lots
    entry.notional = report.notional
    entry.client = world.desk.orders[report.row].client
    entry.answers = report.answers
    entry.final = report.final


@kernel
def write_edge(world: Any, effect: Any, number: int, edge: int) -> None:
    """Write that an effect of an experiment began or ended."""
    place = _claim(world, FAULTS)
    if place == NONE:
        return
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, FAULT_ENTRY)[place]
    entry.kind = edge
    entry.side = effect.side
    entry.fault = effect.fault
    entry.effect = number
    entry.mechanism = effect.mechanism
    entry.leads = effect.leads
    entry.begun = effect.begun


@kernel
def write_mark(world: Any, row: int, price: int, lots: int, mid: int) -> None:
    """Write the prices that a fill of the desk is valued with."""
    place = _claim(world, MARKS)
    if place == NONE:
        return
    marks = world.desk_order_marks[row]
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, MARK_ENTRY)[place]
    entry.kind = codes.TRADED
    entry.side = marks.side
    entry.owner = codes.DESK
    entry.flag = marks.resting
    entry.row = row
    entry.price = price
    entry.lots = lots
    entry.mid = mid
    entry.mid_sent = marks.mid_sent
    entry.mid_arrived = marks.mid_arrived
    entry.mid_entered = marks.mid_entered
    entry.touch_entered = marks.touch_entered
    entry.client = marks.client


@kernel
def write_intent(world: Any, index: int, stage: int, lots: int, value: int, mid: int) -> None:
    """Write what became of a decision of the strategy.

    Args:
        world: One world.
        index: Place of the intent.
        stage: ``DECIDED``, ``DUE`` or ``SETTLED``.
        lots: As in ``INTENT_ENTRY``.
        value: Likewise.
        mid: Of the exchange, half-ticks.
    """
    place = _claim(world, INTENTS)
    if place == NONE:
        return
    intent = world.ledger.intents[index]
    desk, row = world.desk, row_of(-intent.side)
    seen = desk.book.count[row]
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, INTENT_ENTRY)[place]
    entry.touch = -2 * intent.side * desk.book.key[row, seen - 1] if seen > 0 else desk.mid
    entry.kind = stage
    entry.side = intent.side
    entry.owner = codes.DESK
    entry.row = index
    entry.price = intent.price
    entry.lots = lots
    entry.value = value
    entry.mid = mid
    entry.client = intent.client
    entry.condition = intent.condition
    entry.group = intent.group
    entry.role = intent.role
    entry.rejected = intent.rejected


@kernel
def write_parts(world: Any, row: int, lots: int, before: Any) -> None:
    """Write what a fill cost: the parts of the ledger less those before it.

    Args:
        world: One world.
        row: Of the desk order.
        lots: Of the fill that were due.
        before: ``parts_of`` the ledger before the fill.
    """
    place = _claim(world, PARTS)
    if place == NONE:
        return
    ledger, marks = world.ledger, world.desk_order_marks[row]
    entry = records_at(world.stream + _HEAD_BYTES, place + 1, PARTS_ENTRY)[place]
    entry.kind = codes.TRADED
    entry.side = marks.side
    entry.owner = codes.DESK
    entry.flag = marks.resting
    entry.row = row
    entry.timing = ledger.timing - before[0]
    entry.latency = ledger.latency - before[1]
    entry.spread = ledger.spread - before[2]
    entry.impact = ledger.impact - before[3]
    entry.queue_wait = ledger.queue_wait - before[4]
    entry.spread_earned = ledger.spread_earned - before[5]
    entry.fee_micro = ledger.fees_micro - before[6]
    entry.lots = lots


@kernel
def parts_of(ledger: Any) -> Any:
    """Return the parts that fills add to, in the order of ``PARTS_ENTRY``."""
    return (
        ledger.timing,
        ledger.latency,
        ledger.spread,
        ledger.impact,
        ledger.queue_wait,
        ledger.spread_earned,
        ledger.fees_micro,
    )
