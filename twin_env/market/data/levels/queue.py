"""Queues of single orders at price levels, and the tape that is written as they change."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import MESSAGE, NONE, Dtype
from twin_env.core.state.rng import uniform

# Who leaves a queue that gets shorter without a trade.
BACK: Final = 0
FRONT: Final = 1
PLACED: Final = 2


def make_record(*names: str) -> Dtype:
    """Make a record of int64 fields."""
    return np.dtype([(name, "i8") for name in names])


PLACE: Final = make_record(
    "side", "price", "shown", "held", "target", "head", "tail", "named", "changed", "waits", "clear"
)
"""One (side, price): all buy levels, then all sell levels, each from worst to best. ``named`` and ``changed``: the
latest messages that named it and that changed ``shown``; ``waits``: 1 while it is in the list of levels to compare;
``clear``: the lowest opposite level an order here would trade with."""

QUEUED: Final = make_record("lots", "level", "next", "prev")
"""One order, under its slot."""

STATE: Final = make_record(
    *("ts_ns", "recv_ns", "line", "marks", "message", "rows", "slots", "free", "waiting", "draws"),
    *("last_price", "last_side", "crossed", "printed", "restored", "entered", "inferred"),
)


class Rebuild(NamedTuple):
    """Everything a rebuild works on; one array per table.

    Attributes:
        places: ``PLACE``.
        orders: ``QUEUED``, by slot.
        free: Slots free again, a stack; int64.
        waiting: Levels where the two books may differ; int64.
        top: By side (0 buy, 1 sell): no level of the side above it holds or shows lots; int64.
        first: Lowest level of each side; int64.
        sight: Lowest level the source shows, before and after the message, by side; int64, shape ``(2, 2)``.
        rows: ``MESSAGE``, the tape; rows that do not fit are counted and not written.
        lines: Line of the source behind each row; int64.
        state: ``STATE``, one record.
    """

    places: NDArray[Any]
    orders: NDArray[Any]
    free: NDArray[Any]
    waiting: NDArray[Any]
    top: NDArray[Any]
    first: NDArray[Any]
    sight: NDArray[Any]
    rows: NDArray[Any]
    lines: NDArray[Any]
    state: NDArray[Any]


def new_rebuild(places: NDArray[Any], buys: int, room: int) -> Rebuild:
    """Return an empty book.

    Args:
        places: ``PLACE`` with side, price and clear.
        buys: How many of them are buy levels.
        room: Tape rows there is room for.
    """
    places = places.copy()
    places["head"] = places["tail"] = places["named"] = places["changed"] = NONE
    first = np.array([0, buys])
    most_orders = room + len(places)  # a message adds at most one to each level
    return Rebuild(
        places=places.view(np.recarray),
        orders=np.zeros(most_orders, QUEUED).view(np.recarray),
        free=np.zeros(most_orders, np.int64),
        waiting=np.zeros(len(places), np.int64),
        top=first - 1,
        first=first,
        sight=np.array([first, first]),
        rows=np.zeros(room, MESSAGE).view(np.recarray),
        lines=np.zeros(room, np.int64),
        state=np.zeros(1, STATE).view(np.recarray),
    )


@kernel
def emit(market: Rebuild, kind: int, side: int, price: int, lots: int, slot: int, flags: int) -> None:
    """Write a row of the tape."""
    state = market.state[0]
    if state.rows < len(market.rows):
        row = market.rows[state.rows]
        row.ts_ns = state.ts_ns
        row.recv_ns = state.recv_ns
        row.kind = kind
        row.side = side
        row.price = price
        row.lots = lots
        row.order = slot
        market.rows["flags"][state.rows] = flags  # a record's attribute "flags" is numpy's own
        market.lines[state.rows] = state.line
    state.rows += 1


@kernel
def end_event(market: Rebuild) -> None:
    """Flag the newest row as the last of its event; an event without rows finds it flagged already."""
    last = market.state[0].rows - 1
    if 0 <= last < len(market.rows):
        market.rows["flags"][last] |= codes.LAST_IN_EVENT


@kernel
def add_order(market: Rebuild, level: int, lots: int, flags: int) -> None:
    """Put a new order at the back of a level."""
    place, state = market.places[level], market.state[0]
    if state.free > 0:
        state.free -= 1
        slot = market.free[state.free]
    else:
        slot = state.slots
        state.slots += 1
    order = market.orders[slot]
    order.lots = lots
    order.level = level
    order.next = NONE
    order.prev = place.tail
    if place.tail == NONE:
        place.head = slot
    else:
        market.orders[place.tail].next = slot
    place.tail = slot
    place.held += lots
    emit(market, codes.NEW, place.side, place.price, lots, slot, flags)


@kernel
def _unlink(market: Rebuild, slot: int) -> None:
    order, state = market.orders[slot], market.state[0]
    place = market.places[order.level]
    if order.prev == NONE:
        place.head = order.next
    else:
        market.orders[order.prev].next = order.next
    if order.next == NONE:
        place.tail = order.prev
    else:
        market.orders[order.next].prev = order.prev
    market.free[state.free] = slot
    state.free += 1


@kernel
def take_lots(market: Rebuild, kind: int, slot: int, most: int, flags: int) -> int:
    """Take up to ``most`` lots from an order, executed or withdrawn (kind ``REDUCE``); return how many."""
    order = market.orders[slot]
    place = market.places[order.level]
    lots = min(most, order.lots)
    order.lots -= lots
    place.held -= lots
    if order.lots == 0:
        _unlink(market, slot)
        flags |= codes.ENDS_ORDER
        if kind == codes.REDUCE:
            kind = codes.CANCEL
    side = -place.side if kind == codes.EXECUTE else place.side
    emit(market, kind, side, place.price, lots, slot, flags)
    return i64(lots)


@kernel
def _choose(market: Rebuild, level: int, model: int, exponent: float, key: np.uint64) -> int:
    """Return the order of a level that leaves next."""
    place, state = market.places[level], market.state[0]
    if model == FRONT:
        return i64(place.head)
    if model == BACK:
        return i64(place.tail)
    draw = uniform(key, state.draws)
    state.draws += 1
    x = draw ** (1.0 / exponent)  # P(place <= x) = x^n
    before = min(i64(x * place.held), place.held - 1)
    slot = place.head
    while before >= market.orders[slot].lots:
        before -= market.orders[slot].lots
        slot = market.orders[slot].next
    return i64(slot)


@kernel
def withdraw(market: Rebuild, level: int, lots: int, model: int, exponent: float, key: np.uint64, flags: int) -> None:
    """Take lots that did not trade from a level, from whom the model says."""
    if lots == market.places[level].held:
        model = FRONT  # everybody leaves
    while lots > 0:
        lots -= take_lots(market, codes.REDUCE, _choose(market, level, model, exponent, key), lots, flags)
