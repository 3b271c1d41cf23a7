"""Price levels taken apart into single orders, message by message; the rules stand in docs/sources.md.

Two books are kept: ``shown``, the lots the source says are at a level, and ``held``, the lots of the orders the tape
has there. Between two messages trades move ``held`` alone; each message ends with ``held`` made equal to ``shown``.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.market.data.levels.queue import (
    FRONT,
    Rebuild,
    add_order,
    emit,
    end_event,
    make_record,
    take_lots,
    withdraw,
)

# What a change says.
LEVEL: Final = 1  # the level now has ``lots``
SIGHT: Final = 2  # the side is empty from here to its best price, but for what the message goes on to name
RESET: Final = 3  # the book is empty but for what the message goes on to name; ``lots`` are flags for its rows
TOUCH: Final = 4  # as LEVEL, from a faster source that is believed until the next message of the main one
TOUCH_SIGHT: Final = 5  # as SIGHT, from that source
TRADE: Final = 6  # ``lots`` traded at ``price``; ``side`` is the aggressor's, 0 if unknown

CHANGE: Final = make_record("ts_ns", "recv_ns", "line", "kind", "side", "price", "lots", "last", "level", "other")
"""One change. ``last``: 1 at the end of its message. ``level``: that of (side, price); of a trade the level of the
resting order, with ``other`` the one on the opposite side, for an aggressor nobody knows."""


@kernel
def row_of(side: int) -> int:
    """Return the row of a side in ``top``, ``first`` and ``sight``."""
    return 0 if side == codes.BUY else 1


@kernel
def _await(market: Rebuild, level: int) -> None:
    """Put a level on the list of those to compare."""
    if market.places[level].waits == 0:
        market.places[level].waits = 1
        market.waiting[market.state[0].waiting] = level
        market.state[0].waiting += 1


@kernel
def _name(market: Rebuild, level: int, lots: int, main: bool) -> None:
    """Note that the present message says that a level has ``lots``."""
    place, state = market.places[level], market.state[0]
    place.target = lots
    place.named = state.message
    if main and place.shown != lots:
        place.shown = lots
        place.changed = state.message
    row = row_of(place.side)
    if lots > 0 and level > market.top[row]:
        market.top[row] = level
    if place.held != lots:
        _await(market, level)


@kernel
def _empty(market: Rebuild, row: int, lowest: int, main: bool) -> None:
    """Note that a side is empty from a level to its best price, unless the message goes on to name some."""
    for level in range(lowest, market.top[row] + 1):
        if market.places[level].held > 0 or market.places[level].shown > 0:
            _name(market, level, 0, main)
    if main:
        market.sight[1, row] = lowest


@kernel
def _aggressor(market: Rebuild, change: Any) -> int:
    """Return who was the aggressor of a trade, by what rests at its price, else by the tick rule."""
    state = market.state[0]
    if change.side != 0:
        return i64(change.side)
    state.inferred += 1
    if market.places[change.level].held > 0:
        return codes.BUY
    if market.places[change.other].held > 0:
        return codes.SELL
    if change.price != state.last_price:
        return codes.BUY if change.price > state.last_price else codes.SELL
    return codes.BUY if state.last_side == 0 else i64(state.last_side)


@kernel
def _trade(market: Rebuild, change: Any) -> None:
    """Execute the oldest orders at the price; what is not there becomes a print."""
    state = market.state[0]
    side = _aggressor(market, change)
    level = i64(change.level)
    if change.side == 0 and side == codes.SELL:
        level = i64(change.other)
    left = change.lots
    while left > 0 and market.places[level].head != NONE:
        left -= take_lots(market, codes.EXECUTE, market.places[level].head, left, 0)
    if left > 0:
        emit(market, codes.PRINT, side, change.price, left, NONE, 0)
        state.printed += 1
    state.last_price = change.price
    state.last_side = side
    _await(market, level)


@kernel
def _due(market: Rebuild, level: int, main: bool) -> int:
    """Return the lots a level should hold at the end of the present message."""
    place = market.places[level]
    if main:
        return i64(place.shown)
    return i64(place.target if place.named == market.state[0].message else place.held)


@kernel
def _pass_over(market: Rebuild, level: int) -> None:
    """Withdraw the opposite orders a new one at ``level`` would trade with: the newer row is believed."""
    place = market.places[level]
    row = row_of(-place.side)
    for opposite in range(market.top[row], place.clear - 1, -1):
        if market.places[opposite].held > 0:
            withdraw(market, opposite, market.places[opposite].held, FRONT, 1.0, np.uint64(0), codes.SNAPSHOT)
            _await(market, opposite)
            market.state[0].crossed += 1


@kernel
def _is_passed(market: Rebuild, level: int) -> bool:
    """Tell whether an order at ``level`` would trade."""
    place = market.places[level]
    for opposite in range(market.top[row_of(-place.side)], place.clear - 1, -1):
        if market.places[opposite].held > 0:
            return True
    return False


@kernel
def _flags(market: Rebuild, level: int) -> int:
    """Return the flags of a correction: it comes from a snapshot, or from a price that came into sight."""
    state = market.state[0]
    if state.marks == 0 and level < market.sight[0, row_of(market.places[level].side)]:
        state.entered += 1
        return codes.SNAPSHOT
    return i64(state.marks)


@kernel
def _fill_up(market: Rebuild, level: int, main: bool) -> None:
    place, state = market.places[level], market.state[0]
    lack = _due(market, level, main) - place.held
    if lack <= 0:
        return
    if place.named == state.message:
        _pass_over(market, level)
    elif _is_passed(market, level):
        return  # it waits until nothing stands against it
    if main and place.changed != state.message:
        state.restored += 1
    add_order(market, level, lack, _flags(market, level))


@kernel
def _settle(market: Rebuild, main: bool, model: int, exponent: float, key: np.uint64) -> None:
    """Make the book hold what it should: first what leaves, then what comes."""
    count = market.state[0].waiting
    for index in range(count):
        level = market.waiting[index]
        surplus = market.places[level].held - _due(market, level, main)
        if surplus > 0:
            withdraw(market, level, surplus, model, exponent, key, _flags(market, level))
    for index in range(count):
        _fill_up(market, market.waiting[index], main)
    _forget(market)


@kernel
def _forget(market: Rebuild) -> None:
    """Shorten the list of levels to compare and the reach of both sides."""
    state = market.state[0]
    kept = 0
    for index in range(state.waiting):
        place = market.places[market.waiting[index]]
        if place.held != place.shown:
            market.waiting[kept] = market.waiting[index]
            kept += 1
        else:
            place.waits = 0
    state.waiting = kept
    for row in range(2):
        market.sight[0, row] = market.sight[1, row]
        level = market.top[row]
        while level >= market.first[row] and market.places[level].held == 0 and market.places[level].shown == 0:
            level -= 1
        market.top[row] = level


@kernel
def _note(market: Rebuild, change: Any) -> None:
    """Take in one change."""
    kind = change.kind
    if kind == TRADE:
        _trade(market, change)
    elif kind in (LEVEL, TOUCH):
        _name(market, i64(change.level), i64(change.lots), kind == LEVEL)
    elif kind == RESET:
        market.state[0].marks = codes.SNAPSHOT | change.lots
        for row in range(2):
            _empty(market, row, market.first[row], True)
    else:
        _empty(market, row_of(i64(change.side)), i64(change.level), kind == SIGHT)


@kernel
def rebuild(market: Rebuild, changes: NDArray[Any], model: int, exponent: float, key: np.uint64) -> None:
    """Play all changes and write the tape.

    Args:
        market: An empty book from :func:`new_rebuild`. When more rows are counted than fit, nothing in it counts.
        changes: ``CHANGE``, in order.
        model: ``BACK``, ``FRONT`` or ``PLACED``.
        exponent: Of ``PLACED``.
        key: Of its random stream.
    """
    state = market.state[0]
    for index in range(len(changes)):
        if state.rows > len(market.rows):
            return
        change = changes[index]
        state.ts_ns = change.ts_ns
        state.recv_ns = change.recv_ns
        state.line = change.line
        _note(market, change)
        if change.last == 1:
            if change.kind != TRADE:
                main = change.kind != TOUCH and change.kind != TOUCH_SIGHT
                _settle(market, main, model, exponent, key)
            end_event(market)
            state.message += 1
            state.marks = 0
