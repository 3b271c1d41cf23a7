"""The market of a message file rebuilt order by order, and written down as tape rows.

The rules stand in docs/history.md. *Spare* lots of an order are those no later message
of the file accounts for: they are gone, or belong to an order the file never named.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import MESSAGE, NONE, Dtype


def _record(*fields: str) -> Dtype:
    return np.dtype([(field, "i8") for field in fields])


STEP: Final = _record("ts_ns", "kind", "order", "lots", "price", "side", "level", "clear")
"""One message. ``kind``: as on the tape, 0 for nothing; ``REDUCE`` for any withdrawal. ``level`` is that of
(side, price); ``clear``: the lowest level of the side it shows to be empty (see ``_clear``)."""

LEVEL: Final = _record("side", "price", "lots", "head", "tail")
"""One (side, price): all buy levels, then all sell levels, each from worst to best."""

ORDER: Final = _record("level", "lots", "claim", "slot", "next", "prev")
"""One order. ``claim``: lots later messages will take from it."""

DEPTH: Final = _record("line", "level", "lots")
"""Lots at a level, as the orderbook file has them."""

STATE: Final = np.dtype(
    [
        *((name, "i8") for name in ("ts_ns", "line", "rows", "slots", "free", "orders", "resubmitted")),
        ("best", "i8", 2),  # no level of the side above it holds lots
        *((name, "i8") for name in ("unknown", "shrunk", "vanished", "printed", "cleared", "moved", "entries")),
    ]
)


class Rebuild(NamedTuple):
    """Everything a rebuild works on; one array per table.

    Attributes:
        orders: ``ORDER``: those of the file first, then room for those it never named.
        levels: ``LEVEL``.
        free: Slots free again, a stack; int64.
        rows: ``MESSAGE``, the tape; rows that do not fit are counted and not written.
        lines: Line of the file behind each row; int64.
        state: ``STATE``, one record.
    """

    orders: NDArray[Any]
    levels: NDArray[Any]
    free: NDArray[Any]
    rows: NDArray[Any]
    lines: NDArray[Any]
    state: NDArray[Any]


def new_rebuild(levels: NDArray[Any], claims: NDArray[Any], unnamed: int, rows: int) -> Rebuild:
    """Return an empty market.

    Args:
        levels: ``LEVEL`` with side and price.
        claims: Lots that messages will take from each order of the file; int64.
        unnamed: Most orders that can appear without a submission.
        rows: Tape rows there is room for.
    """
    orders = np.zeros(len(claims) + unnamed, ORDER)
    orders["claim"][: len(claims)] = claims
    levels = levels.copy()
    levels["head"] = levels["tail"] = NONE
    state = np.zeros(1, STATE)
    state["orders"] = len(claims)
    state["best"] = NONE
    tape, lines = np.zeros(rows, MESSAGE), np.zeros(rows, np.int64)
    free = np.zeros(len(orders), np.int64)
    return Rebuild(
        orders.view(np.recarray), levels.view(np.recarray), free, tape.view(np.recarray), lines, state.view(np.recarray)
    )


@kernel
def _emit(market: Rebuild, kind: int, side: int, price: int, lots: int, slot: int, flags: int) -> None:
    state = market.state[0]
    if state.rows < len(market.rows):
        row = market.rows[state.rows]
        row.ts_ns = state.ts_ns
        row.kind = kind
        row.side = side
        row.price = price
        row.lots = lots
        row.order = slot
        market.rows["flags"][state.rows] = flags  # a record's attribute "flags" is numpy's own
        market.lines[state.rows] = state.line
    state.rows += 1


@kernel
def _end_event(market: Rebuild) -> None:
    """Flag the newest row as the last of its event; an event without rows finds it flagged already."""
    last = market.state[0].rows - 1
    if 0 <= last < len(market.rows):
        market.rows["flags"][last] |= codes.LAST_IN_EVENT


@kernel
def _take_slot(market: Rebuild) -> int:
    state = market.state[0]
    if state.free > 0:
        state.free -= 1
        return market.free[state.free]  # type: ignore[no-any-return]
    state.slots += 1
    return state.slots - 1  # type: ignore[no-any-return]


@kernel
def _place(market: Rebuild, order: int, level: int, lots: int, flags: int) -> None:
    """Put an order at the back of its level."""
    entry, at, state = market.orders[order], market.levels[level], market.state[0]
    entry.level = level
    entry.lots = lots
    entry.slot = _take_slot(market)
    entry.next = NONE
    entry.prev = at.tail
    if at.tail == NONE:
        at.head = order
    else:
        market.orders[at.tail].next = order
    at.tail = order
    at.lots += lots
    row = 0 if at.side == codes.BUY else 1
    state.best[row] = max(state.best[row], level)
    _emit(market, codes.NEW, at.side, at.price, lots, entry.slot, flags)


@kernel
def _place_unnamed(market: Rebuild, level: int, lots: int) -> None:
    """Put an order the file never named at the back of a level."""
    state = market.state[0]
    state.orders += 1
    _place(market, state.orders - 1, level, lots, codes.SNAPSHOT)


@kernel
def _unlink(market: Rebuild, order: int) -> None:
    entry, state = market.orders[order], market.state[0]
    at = market.levels[entry.level]
    if entry.prev == NONE:
        at.head = entry.next
    else:
        market.orders[entry.prev].next = entry.next
    if entry.next == NONE:
        at.tail = entry.prev
    else:
        market.orders[entry.next].prev = entry.prev
    market.free[state.free] = entry.slot
    state.free += 1


@kernel
def _take(market: Rebuild, kind: int, order: int, lots: int, flags: int) -> None:
    """Take lots from an order: executed, or withdrawn (kind ``REDUCE``); at zero it ends."""
    entry = market.orders[order]
    at = market.levels[entry.level]
    entry.lots -= lots
    at.lots -= lots
    if entry.lots == 0:
        _unlink(market, order)
        flags |= codes.ENDS_ORDER
        if kind == codes.REDUCE:
            kind = codes.CANCEL
    side = -at.side if kind == codes.EXECUTE else at.side
    _emit(market, kind, side, at.price, lots, entry.slot, flags)


@kernel
def _take_spare(market: Rebuild, kind: int, level: int, lots: int, flags: int) -> int:
    """Take spare lots at a level, of the oldest for a trade, of the youngest else; return what is missing."""
    order = market.levels[level].head if kind == codes.EXECUTE else market.levels[level].tail
    while order != NONE and lots > 0:
        entry = market.orders[order]
        following = entry.next if kind == codes.EXECUTE else entry.prev
        part = min(lots, entry.lots - max(0, entry.claim))
        if part > 0:
            _take(market, kind, order, part, flags)
            lots -= part
        order = following
    return lots


@kernel
def _clear(market: Rebuild, row: int, lowest: int) -> None:
    """Remove what rests at or above a level: the message shows that nothing did."""
    state = market.state[0]
    while state.best[row] >= lowest:
        at = market.levels[state.best[row]]
        while at.head != NONE:
            _take(market, codes.REDUCE, at.head, market.orders[at.head].lots, codes.SNAPSHOT)
            state.cleared += 1
        state.best[row] -= 1


@kernel
def _submit(market: Rebuild, step: Any) -> None:
    if market.orders[step.order].lots > 0:
        market.state[0].resubmitted = market.state[0].line
        return
    _clear(market, 1 if step.side == codes.BUY else 0, step.clear)
    _place(market, step.order, step.level, step.lots, 0)


@kernel
def _remove(market: Rebuild, step: Any) -> None:
    """Play a withdrawal or a visible execution: from the order it names, then from spare lots at its price."""
    state, entry = market.state[0], market.orders[step.order]
    entry.claim -= step.lots
    if step.kind == codes.EXECUTE and (entry.lots == 0 or entry.level == step.level):
        _clear(market, 0 if step.side == codes.BUY else 1, step.clear)
    named = min(entry.lots, step.lots)
    if named > 0:
        state.moved += entry.level != step.level
        _take(market, step.kind, step.order, named, 0)
    else:
        state.unknown += 1
    missing = _take_spare(market, step.kind, step.level, step.lots - named, 0)
    if missing > 0 and step.kind == codes.EXECUTE:
        _emit(market, codes.PRINT, -step.side, step.price, missing, NONE, 0)
        state.printed += 1
    elif missing == step.lots:
        state.vanished += 1
    elif missing > 0:
        state.shrunk += 1


@kernel
def _play(market: Rebuild, step: Any) -> None:
    if step.kind == codes.NEW:
        _submit(market, step)
    elif step.kind == codes.REDUCE or step.kind == codes.EXECUTE:
        _remove(market, step)
    elif step.kind == codes.PRINT:
        _emit(market, codes.PRINT, -step.side, step.price, step.lots, NONE, 0)
    elif step.kind != 0:
        _emit(market, step.kind, 0, 0, 0, NONE, 0)


@kernel
def _correct(market: Rebuild, level: int, lots: int) -> None:
    """Make a level hold what the file shows at a price that came into its window."""
    held = market.levels[level].lots
    if held < lots:
        _place_unnamed(market, level, lots - held)
    elif held > lots:
        _take_spare(market, codes.REDUCE, level, held - lots, codes.SNAPSHOT)


@kernel
def _open_window(market: Rebuild, before: int, now: int, seen: Any, at: int) -> int:
    """Correct levels ``now`` to ``before - 1``, which were outside; ``seen[at:]`` is what the file has there."""
    for level in range(before - 1, now - 1, -1):
        lots = 0
        if at < len(seen) and seen[at].line == market.state[0].line and seen[at].level == level:
            lots = seen[at].lots
            at += 1
        _correct(market, level, lots)
    return at


@kernel
def rebuild(market: Rebuild, steps: Any, book: Any, window: Any, seen: Any) -> None:
    """Play a message file and write its tape.

    Args:
        market: An empty market from :func:`new_rebuild`.
        steps: ``STEP``, the messages.
        book: ``DEPTH``, the initial book, best first.
        window: Lowest level the orderbook file shows after each message, buy and sell; int64, shape
            ``(messages, 2)``, or ``(0, 2)`` without the window rule.
        seen: ``DEPTH``, what the file has at prices that came into its window, by line, side, best first.
    """
    state = market.state[0]
    state.ts_ns = steps[0].ts_ns
    for index in range(len(book)):
        _place_unnamed(market, book[index].level, book[index].lots)
    _end_event(market)
    at = 0
    for index in range(len(steps)):
        state.ts_ns = steps[index].ts_ns
        state.line = index + 1
        _play(market, steps[index])
        played = state.rows
        if 0 < index < len(window):
            at = _open_window(market, window[index - 1, 0], window[index, 0], seen, at)
            at = _open_window(market, window[index - 1, 1], window[index, 1], seen, at)
        state.entries += state.rows - played
        _end_event(market)
