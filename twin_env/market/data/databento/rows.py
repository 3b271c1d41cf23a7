"""Rows for the tape, and the trades of an MBO feed as such rows. The rules stand in docs/history.md."""

from typing import Any

from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.market.data.databento import orders as feeds
from twin_env.market.data.databento.orders import Feed, find, note


@kernel
def emit(feed: Feed, kind: int, side: int, price: int, lots: int, slot: int, flags: int, line: int) -> None:
    """Write one row for the tape."""
    state = feed.state[0]
    row = feed.rows[state.rows]
    row.ts_ns = state.ts_ns
    row.recv_ns = state.recv_ns
    row.kind = kind
    row.side = side
    row.price = price
    row.lots = lots
    row.order = slot
    row.row = NONE
    feed.rows["flags"][state.rows] = flags | (codes.GAP if state.gap else 0)
    feed.lines[state.rows] = line
    state.last_row = state.rows
    state.rows += 1


@kernel
def resume(feed: Feed) -> None:
    """Tell the exchange to match orders again."""
    state = feed.state[0]
    state.halted = 0
    state.crossed_ns = state.ts_ns
    emit(feed, codes.RESUME, 0, 0, 0, NONE, 0, state.line)


@kernel
def _print(feed: Feed, side: int, price: int, lots: int, line: int) -> None:
    """Write a trade against nobody who is on the tape; who took liquidity is guessed if the feed does not say."""
    state = feed.state[0]
    if side == 0:
        note(state, feeds.SIDE_GUESSED)
        side = state.last_side if price == state.last_trade else (1 if price > state.last_trade else -1)
        side = 1 if side == 0 else side
    state.last_side = side
    state.last_trade = price
    if state.started or (state.crossed and state.ts_ns >= state.start_ns):
        emit(feed, codes.PRINT, side, price, lots, NONE, 0, line)


@kernel
def end_trade(feed: Feed) -> None:
    """Print what no fill accounted for."""
    state = feed.state[0]
    if state.trade_left > 0:
        note(state, feeds.TRADE_PRINTED)
        _print(feed, state.trade_side, state.trade_price, state.trade_left, state.trade_line)
    state.trade_left = 0
    state.trade_active = 0


@kernel
def trade(feed: Feed, step: Any) -> None:
    """Begin a trade. Without an aggressor it is an auction's, and its fills are told by what becomes of the orders."""
    state = feed.state[0]
    end_trade(feed)
    if state.halted:
        resume(feed)
    state.trade_active = 1
    state.trade_side = step.side
    state.trade_price = step.price
    state.trade_order = step.order
    state.trade_line = step.line
    if step.side == 0:
        _print(feed, 0, step.price, step.lots, step.line)
        return
    state.trade_left = step.lots
    if not state.crossed:
        state.traded = 1


@kernel
def fill(feed: Feed, step: Any) -> None:
    """Play a fill of a resting order; the aggressor's own is told by what becomes of its order."""
    state, slot = feed.state[0], find(feed, step.order)
    if state.trade_active and (state.trade_side == 0 or step.order == state.trade_order):
        return
    live = slot != NONE and feed.orders[slot].lots > 0
    if state.trade_active and live and feed.orders[slot].side == state.trade_side:
        return
    state.trade_left = max(0, state.trade_left - step.lots)
    line = state.trade_line if state.trade_active else step.line
    taken = 0
    if slot != NONE and feed.orders[slot].taped_lots > 0:
        taken = _execute(feed, slot, step, line)
        if taken < step.lots:
            note(state, feeds.FILL_BEYOND)
    elif state.started:
        note(state, feeds.FILL_UNSEEN)
        if not live:
            note(state, feeds.UNKNOWN)
    if taken < step.lots:
        _print(feed, _taker(state, step), step.price, step.lots - taken, line)


@kernel
def _taker(state: Any, step: Any) -> int:
    return i64(state.trade_side if state.trade_active else -step.side)


@kernel
def _execute(feed: Feed, slot: int, step: Any, line: int) -> int:
    """Let an order on the tape trade and return how many lots it had."""
    entry, state = feed.orders[slot], feed.state[0]
    lots = min(i64(entry.taped_lots), i64(step.lots))
    entry.taped_lots -= lots
    if entry.taped_price != step.price:
        note(state, feeds.FILL_PRICE)
    state.last_trade = step.price
    state.last_side = -entry.taped_side
    flags = codes.ENDS_ORDER if entry.taped_lots == 0 else 0
    emit(feed, codes.EXECUTE, -entry.taped_side, entry.taped_price, lots, slot, flags, line)
    return i64(lots)
