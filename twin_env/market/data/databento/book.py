"""An MBO feed followed by a tape, event by event. The rules stand in docs/history.md."""

from typing import Any, Final

import numpy as np

from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.market.data.databento import orders as feeds
from twin_env.market.data.databento.orders import Feed, find, free_slot, note, set_order, spread_ticks, take_slot
from twin_env.market.data.databento.rows import emit, end_trade, fill, resume, trade

HALT_AFTER_NS: Final = 1_000_000_000  # a book crossed for longer is no slip of the data: nobody matches orders
_ONE_SIDED: Final = 2**61
_RECORDS: Final = 1  # what an open event holds
_SNAPSHOT: Final = 2


@kernel
def _submit(feed: Feed, step: Any) -> None:
    """Play an add or a modification: either says what the order is from now on."""
    state, slot = feed.state[0], find(feed, step.order)
    live = slot != NONE and feed.orders[slot].lots > 0
    if live and step.action == feeds.ADD:
        entry = feed.orders[slot]
        if entry.side == step.side and entry.price == step.price and entry.lots == step.lots:
            note(state, feeds.ADDED_AGAIN)
            return
        note(state, feeds.ADDED_LIVE)
    if not live and step.action == feeds.MODIFY:
        note(state, feeds.MODIFY_UNSEEN)
        note(state, feeds.UNKNOWN)
    if slot == NONE:
        slot = take_slot(feed, step.order)
    set_order(feed, slot, step.side, step.price, step.lots)
    feed.orders[slot].marks = codes.SNAPSHOT if step.snapshot else 0


@kernel
def _cancel(feed: Feed, step: Any) -> None:
    state, slot = feed.state[0], find(feed, step.order)
    if slot == NONE or feed.orders[slot].lots == 0:
        note(state, feeds.CANCEL_UNSEEN)
        note(state, feeds.UNKNOWN)
        return
    entry = feed.orders[slot]
    set_order(feed, slot, i64(entry.side), i64(entry.price), max(0, entry.lots - step.lots))


@kernel
def _clear(feed: Feed) -> None:
    """Remove every order."""
    note(feed.state[0], feeds.CLEARS)
    for slot in range(feed.state[0].slots):
        entry = feed.orders[slot]
        if entry.age > 0 and entry.lots > 0:
            set_order(feed, slot, i64(entry.side), i64(entry.price), 0)


@kernel
def _withdraw(feed: Feed, slot: int, line: int) -> None:
    """Take an order off the tape."""
    entry = feed.orders[slot]
    lots = entry.taped_lots
    entry.taped_lots = 0
    emit(feed, codes.CANCEL, entry.taped_side, entry.taped_price, lots, slot, codes.ENDS_ORDER, line)


@kernel
def _shrink(feed: Feed, slot: int) -> None:
    """Let the tape follow a changed order as far as that takes liquidity away."""
    entry, state = feed.orders[slot], feed.state[0]
    if entry.taped_lots > 0:
        same_side = entry.side == entry.taped_side
        if entry.lots == 0:
            _withdraw(feed, slot, entry.line)
        elif entry.age == entry.taped_age:
            if entry.lots < entry.taped_lots:
                lots = entry.taped_lots - entry.lots
                entry.taped_lots = entry.lots
                emit(feed, codes.REDUCE, entry.side, entry.price, lots, slot, 0, entry.line)
        elif state.crossed or not same_side or (entry.price == entry.taped_price and entry.lots <= entry.taped_lots):
            _withdraw(feed, slot, entry.line)
    if entry.lots == 0:
        free_slot(feed, slot)


@kernel
def _grow(feed: Feed, slot: int, retreating: bool) -> None:
    """Let the tape follow a changed order to its new price and size."""
    entry = feed.orders[slot]
    if entry.lots == 0 or (entry.age == entry.taped_age and entry.lots <= entry.taped_lots):
        return
    retreats = entry.taped_lots > 0 and entry.side * (entry.price - entry.taped_price) < 0
    if retreats != retreating:
        return
    kind = codes.REPLACE if entry.taped_lots > 0 else codes.NEW
    flags = entry.marks if kind == codes.NEW else 0
    entry.taped_side = entry.side
    entry.taped_price = entry.price
    entry.taped_lots = entry.lots
    entry.taped_age = entry.age
    emit(feed, kind, entry.side, entry.price, entry.lots, slot, flags, entry.line)


@kernel
def _follow(feed: Feed) -> None:
    """Bring the tape to where the feed is. Prices improve last: so no order meets one that has left."""
    state = feed.state[0]
    for index in range(state.changes):
        if feed.orders[feed.changes[index, 0]].age == feed.changes[index, 1]:
            _shrink(feed, i64(feed.changes[index, 0]))
    if state.crossed and state.started:
        return
    if state.started:
        for retreating in (True, False):
            for index in range(state.changes):
                if feed.orders[feed.changes[index, 0]].age == feed.changes[index, 1]:
                    _grow(feed, i64(feed.changes[index, 0]), retreating)
    state.changes = 0


@kernel
def _start(feed: Feed) -> None:
    """Begin the tape: every order of the feed, oldest first."""
    state = feed.state[0]
    state.started = 1
    if state.ts_ns < state.start_ns:
        state.ts_ns = state.start_ns
        state.recv_ns = state.start_ns
    state.skipped = state.records
    ages = np.full(state.slots, codes.NEVER_NS, np.int64)
    count = 0
    for slot in range(state.slots):
        if feed.orders[slot].age > 0 and feed.orders[slot].lots > 0:
            ages[slot] = feed.orders[slot].age
            count += 1
    for slot in np.argsort(ages)[:count]:
        feed.orders[slot].marks = codes.SNAPSHOT
        feed.orders[slot].taped_lots = 0
        line = feed.orders[slot].line
        feed.orders[slot].line = 0
        _grow(feed, i64(slot), False)
        feed.orders[slot].line = line
    state.snapshot_orders = count
    state.since_ns = state.ts_ns
    state.spread = spread_ticks(feed)
    _end_rows(feed)


@kernel
def _end_rows(feed: Feed) -> None:
    last = feed.state[0].last_row
    if last != NONE:
        feed.rows["flags"][last] |= codes.LAST_IN_EVENT


@kernel
def _check_matching(feed: Feed) -> None:
    """Look at the book after an event: is anybody matching orders?"""
    state = feed.state[0]
    spread = spread_ticks(feed)
    _measure(state, spread)
    if spread > 0:
        if state.halted:
            resume(feed)
        state.crossed = 0
        return
    if not state.crossed:
        state.crossed = 1
        state.crossed_ns = state.ts_ns
    if not state.traded:
        _discard(feed)
    elif state.started and not state.halted and state.ts_ns - state.crossed_ns > HALT_AFTER_NS:
        state.halted = 1
        emit(feed, codes.HALT, 0, 0, 0, NONE, 0, state.line)


@kernel
def _discard(feed: Feed) -> None:
    """Forget the tape so far: it was the time before trading opened."""
    state = feed.state[0]
    state.rows = 0
    state.last_row = NONE
    state.discarded = 1
    if not state.started:
        return
    state.started = 0
    state.snapshot_orders = state.spread_ns = state.spread_sum = state.one_tick_ns = 0
    for slot in range(state.slots):
        feed.orders[slot].taped_lots = 0
        feed.orders[slot].taped_age = 0


@kernel
def _measure(state: Any, spread: int) -> None:
    """Add up how long each spread lasted on the tape; a crossed, locked or one-sided book has none."""
    lasted_ns = state.ts_ns - state.since_ns if state.started else 0
    if 0 < state.spread < _ONE_SIDED:
        state.spread_ns += lasted_ns
        state.spread_sum += state.spread * lasted_ns
        state.one_tick_ns += lasted_ns if state.spread == 1 else 0
    state.spread = spread
    state.since_ns = state.ts_ns
    if spread < 0:
        note(state, feeds.CROSSED)
    elif spread == 0:
        note(state, feeds.LOCKED)


@kernel
def _end_event(feed: Feed) -> None:
    """Bring the tape to the end of the feed's event."""
    state = feed.state[0]
    if not state.open:
        return
    state.open = 0
    end_trade(feed)
    _check_matching(feed)
    _follow(feed)
    _end_rows(feed)
    state.gap = 0


@kernel
def _play(feed: Feed, step: Any) -> None:
    if step.action == feeds.ADD or step.action == feeds.MODIFY:
        _submit(feed, step)
    elif step.action == feeds.CANCEL:
        _cancel(feed, step)
    elif step.action == feeds.TRADE:
        trade(feed, step)
    elif step.action == feeds.FILL:
        fill(feed, step)
    elif step.action == feeds.CLEAR:
        _clear(feed)


@kernel
def follow(feed: Feed, steps: Any) -> None:
    """Play records and write the rows that follow from them.

    Args:
        feed: With room for the records (``make_room``).
        steps: ``STEP``, in time order.
    """
    state = feed.state[0]
    for index in range(len(steps)):
        step = steps[index]
        if state.open and step.ts_ns != state.ts_ns:
            if state.open == _RECORDS:
                note(state, feeds.EVENT_CUT)
            _end_event(feed)
        idle = not state.open and not state.started and not step.snapshot
        if idle and step.ts_ns >= state.start_ns and spread_ticks(feed) > 0:
            if state.last_ns == 0:  # a snapshot may be older than the file
                state.ts_ns = step.ts_ns
                state.recv_ns = step.recv_ns
            _start(feed)
        state.ts_ns = step.ts_ns
        state.recv_ns = step.recv_ns
        state.line = step.line
        state.gap |= step.gap
        state.open = _SNAPSHOT if step.snapshot else _RECORDS
        if not step.snapshot:
            state.last_ns = step.ts_ns
        _play(feed, step)
        state.records += 1
        if step.last:
            _end_event(feed)


@kernel
def finish(feed: Feed) -> None:
    """End the last event; a file that is a snapshot alone starts its tape here."""
    state = feed.state[0]
    _end_event(feed)
    if not state.started and state.ts_ns >= state.start_ns and spread_ticks(feed) > 0:
        _start(feed)
