"""Depth by price level becomes single orders on a tape; the rules stand in docs/sources.md."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_env.config import Config
from twin_env.core.state import codes
from twin_env.core.state.layout import NONE
from twin_env.core.state.rng import stream_key
from twin_env.market.data.levels import queue as queues
from twin_env.market.data.levels import rebuild as steps
from twin_env.market.data.levels.rebuild import CHANGE, LEVEL, RESET, SIGHT, TRADE
from twin_env.market.data.tables import DepthSnapshots, Trades
from twin_env.market.data.tape import IntArray, Rule, Tape, TapeError, TapeReport, count_kinds, enforce

QUEUE_STREAM: Final = 101  # subsystem of the random stream; those of the worlds are in twin_env.core.state.rng
_MODELS: Final = {"back": queues.BACK, "front": queues.FRONT, "uniform": queues.PLACED, "power": queues.PLACED}


class QueueModel(Config):
    """Who leaves when a level gets shorter and no trade explains it.

    ``back``: the youngest order first. ``front``: the oldest. ``uniform``: every lot of the level is equally likely.
    ``power``: the place x of the one who leaves (0 first, 1 last in the queue) is drawn with P(place <= x) = x^n: n = 1
    is ``uniform``, a large n is like ``back``. The one chosen gives what has to leave, up to all it has; then the
    next is chosen.

    Attributes:
        model: The rule.
        exponent: n of ``power``; 3 fits futures and shares with long queues, 1.5 a share with short ones.
        seed: Of the random draws of ``uniform`` and ``power``.
    """

    model: Literal["back", "front", "uniform", "power"] = "power"
    exponent: float = Field(default=3.0, ge=0.1, le=100)
    seed: int = Field(default=0, ge=0, lt=2**63)


@dataclass(frozen=True, eq=False)
class DepthChanges:
    """What messages say about levels and trades, in order.

    Attributes:
        rows: ``l2_rebuild.CHANGE``; ``level`` and ``other`` are filled in later. Rows up to one with ``last`` set
            are one message and have one time.
        source: Where they came from.
        report: What the reader dropped and repaired.
        levels: Best prices a side that snapshots show; None for a book of all prices.
    """

    rows: NDArray[np.void]
    source: str
    report: TapeReport
    levels: int | None = None


def read_diffs(
    ts_ns: IntArray,
    side: IntArray,
    price_ticks: IntArray,
    lots: IntArray,
    *,
    recv_ns: IntArray | None = None,
    source: str = "diffs",
) -> DepthChanges:
    """Say as changes what a list of level changes tells.

    Args:
        ts_ns: Exchange time; int64, shape ``(rows,)``, as all columns. Rows of one time in a row are one message; the
            first message is the book at the start.
        side: +1 for a bid level, -1 for an ask level.
        price_ticks: Its price.
        lots: Lots there now; 0 removes it.
        recv_ns: When it was received; by default ``ts_ns``.
        source: For errors.

    Raises:
        TapeError: A value is out of range.
    """
    rows = np.zeros(len(ts_ns) + 1, CHANGE)
    rows["kind"], rows["kind"][0] = LEVEL, RESET
    received = ts_ns if recv_ns is None else recv_ns
    columns = {"ts_ns": ts_ns, "recv_ns": received, "side": side, "price": price_ticks, "lots": lots}
    for name, values in columns.items():
        rows[name][1:] = values
    rows["ts_ns"][:1], rows["recv_ns"][:1] = ts_ns[:1], received[:1]
    rows["line"] = np.maximum(1, np.arange(len(rows)))
    rows["last"] = 1
    rows["last"][:-1] = np.diff(rows["ts_ns"]) != 0
    enforce(source, "row", _diff_rules(rows[1:]))
    return DepthChanges(rows, source, TapeReport(len(ts_ns), {}))


def _diff_rules(rows: NDArray[np.void]) -> list[Rule]:
    side, price, lots = rows["side"], rows["price"], rows["lots"]
    return [
        Rule("side", side, abs(side) != 1, "+1 (bid) or -1 (ask)"),
        Rule("price_ticks", price, abs(price) > codes.MAX_PRICE_TICKS, "within 2^40 ticks of zero"),
        Rule("lots", lots, (lots < 0) | (lots > codes.MAX_LOTS), "0 to 2^40"),
    ]


def read_snapshots(depth: DepthSnapshots) -> DepthChanges:
    """Say as changes what snapshots of the k best levels, and the trades among them, tell.

    A snapshot with k levels tells nothing of prices worse than its last one; with fewer, all of the side is seen.
    A row that reports a trade tells of depth only if its levels differ from the row before.
    """
    fresh = _fresh(depth)
    parts = [_resets(depth, fresh)]
    for side, price, lots in (
        (codes.BUY, depth.bid_ticks, depth.bid_lots),
        (codes.SELL, depth.ask_ticks, depth.ask_lots),
    ):
        parts += [_sights(depth, side, price, lots, fresh), _levels(depth, side, price, lots, fresh)]
    parts.append(_snapshot_trades(depth))
    rows = np.concatenate(parts)
    rows = rows[
        np.lexsort((rows["kind"] == TRADE, rows["line"]))
    ]  # stable: sights stay before the levels of their side
    rows["last"] = 1
    rows["last"][:-1] = (rows["line"][1:] != rows["line"][:-1]) | (rows["kind"][1:] == TRADE)
    report = replace(depth.report, source_rows=len(depth))
    return DepthChanges(rows, depth.source, report, depth.levels)


def merge_trades(changes: DepthChanges, trades: Trades) -> DepthChanges:
    """Put trades among the messages by time; a trade comes before all depth of its time."""
    rows = np.zeros(len(trades), CHANGE)
    rows["kind"], rows["last"] = TRADE, 1
    rows["ts_ns"] = rows["recv_ns"] = trades.ts_ns
    rows["line"] = np.arange(1, len(trades) + 1)
    rows["side"], rows["price"], rows["lots"] = trades.side, trades.price_ticks, trades.lots
    at = np.searchsorted(changes.rows["ts_ns"], trades.ts_ns, side="left")
    merged = np.insert(changes.rows, at, rows)
    report = replace(changes.report, source_rows=changes.report.source_rows + len(trades))
    return DepthChanges(merged, changes.source, report, changes.levels)


def make_tape(changes: DepthChanges, queue: QueueModel, *, tick_size: float) -> Tape:
    """Rebuild single orders from levels.

    Args:
        changes: Of :func:`read_snapshots`, :func:`merge_trades` or a reader of depth messages.
        queue: Who leaves a queue.
        tick_size: Price of one tick, in the quote currency.

    Returns:
        The tape. After the last row of each depth message its book is the source's, where that shows it.

    Raises:
        TapeError: Rows are not in time order, or hold no depth.
    """
    rows, early = _from_first_book(changes)
    places, buys = _index_levels(rows)
    market = _run(rows, places, buys, queue)
    count = int(market.state[0].rows)
    tape = _finish(market.rows[:count].view(np.ndarray))
    return Tape(
        rows=tape,
        orders=int(market.state[0].slots),
        tick_size=tick_size,
        start_ns=int(rows["ts_ns"][0]),
        end_ns=int(rows["ts_ns"][-1]),
        source=changes.source,
        report=_report(changes.report, market, tape, early),
        lines=market.lines[:count],
        levels=changes.levels,
    )


def _fresh(depth: DepthSnapshots) -> NDArray[np.bool_]:
    """Tell which rows say something about depth."""
    if depth.trade_lots is None:
        return np.ones(len(depth), bool)
    same = np.ones(max(0, len(depth) - 1), bool)
    for column in (depth.bid_ticks, depth.bid_lots, depth.ask_ticks, depth.ask_lots):
        same &= (column[1:] == column[:-1]).all(axis=1)
    fresh = np.ones(len(depth), bool)
    fresh[1:] = ~(same & (depth.trade_lots[1:] > 0))
    return fresh


def _changes(depth: DepthSnapshots, index: IntArray, kind: int, side: Any, price: Any, lots: Any) -> NDArray[np.void]:
    rows = np.zeros(len(index), CHANGE)
    rows["ts_ns"] = rows["recv_ns"] = depth.ts_ns[index]
    rows["line"] = index + 1
    rows["kind"], rows["side"], rows["price"], rows["lots"] = kind, side, price, lots
    return rows


def _resets(depth: DepthSnapshots, fresh: NDArray[np.bool_]) -> NDArray[np.void]:
    return _changes(depth, np.flatnonzero(fresh)[:1], RESET, 0, 0, 0)


def _sights(
    depth: DepthSnapshots, side: int, price: IntArray, lots: IntArray, fresh: NDArray[np.bool_]
) -> NDArray[np.void]:
    index = np.flatnonzero(fresh)
    # Beyond the last of k levels nothing is known; a shorter list shows the whole side.
    worst = np.where(lots[index, -1] > 0, price[index, -1], -side * codes.MAX_PRICE_TICKS)
    return _changes(depth, index, SIGHT, side, worst, 0)


def _levels(
    depth: DepthSnapshots, side: int, price: IntArray, lots: IntArray, fresh: NDArray[np.bool_]
) -> NDArray[np.void]:
    index, level = np.nonzero((lots > 0) & fresh[:, None])
    return _changes(depth, index, LEVEL, side, price[index, level], lots[index, level])


def _snapshot_trades(depth: DepthSnapshots) -> NDArray[np.void]:
    if depth.trade_lots is None or depth.trade_ticks is None or depth.trade_side is None:
        return np.zeros(0, CHANGE)
    index = np.flatnonzero(depth.trade_lots)
    return _changes(depth, index, TRADE, depth.trade_side[index], depth.trade_ticks[index], depth.trade_lots[index])


def _from_first_book(changes: DepthChanges) -> tuple[NDArray[np.void], int]:
    """Return the changes from the first depth on, and how many trades came before it."""
    rows = changes.rows
    depth = np.flatnonzero(rows["kind"] != TRADE)
    if not len(depth):
        raise TapeError(f"{changes.source}: 0 rows of depth, expected at least one")
    earlier = np.zeros(len(rows), bool)
    earlier[1:] = np.diff(rows["ts_ns"]) < 0
    enforce(changes.source, "change", [Rule("ts_ns", rows["ts_ns"], earlier, "no earlier than the one before")])
    return rows[depth[0] :].copy(), int(depth[0])


def _index_levels(rows: NDArray[np.void]) -> tuple[NDArray[np.void], int]:
    """Number the levels that occur, buys then sells, each worst to best, and write the numbers into ``rows``.

    Returns:
        ``l2_queue.PLACE``, and how many are buy levels.
    """
    trades = rows[rows["kind"] == TRADE]
    priced = rows[(rows["kind"] != TRADE) & (rows["kind"] != RESET)]
    buys, sells = (
        np.unique(np.concatenate([side * trades["price"], side * priced["price"][priced["side"] == side]]))
        for side in (codes.BUY, codes.SELL)
    )
    places = np.zeros(len(buys) + len(sells), queues.PLACE)
    places["side"] = np.repeat([codes.BUY, codes.SELL], [len(buys), len(sells)])
    places["price"] = np.concatenate([buys, -sells])
    # The lowest opposite level that is at or better than the price: -key of this side, on the other one's scale.
    places["clear"][: len(buys)] = len(buys) + np.searchsorted(sells, -buys)
    places["clear"][len(buys) :] = np.searchsorted(buys, -sells)
    on_buys = np.searchsorted(buys, rows["price"])
    on_sells = len(buys) + np.searchsorted(sells, -rows["price"])
    trade = rows["kind"] == TRADE
    resting_buys = np.where(trade, rows["side"] == codes.SELL, rows["side"] == codes.BUY)
    rows["level"] = np.where(resting_buys, on_buys, on_sells)
    rows["other"] = on_buys
    return places, len(buys)


@np.errstate(over="ignore")  # random keys wrap around; uncompiled, NumPy would warn
def _run(rows: NDArray[np.void], places: NDArray[np.void], buys: int, queue: QueueModel) -> queues.Rebuild:
    """Rebuild; again with more room where the guess of the tape's length was too short."""
    key = np.uint64(stream_key(np.uint64(queue.seed), QUEUE_STREAM, 0))
    exponent = queue.exponent if queue.model == "power" else 1.0
    room = 2 * len(rows) + len(places)
    while True:
        market = queues.new_rebuild(places, buys, room)
        steps.rebuild(market, rows.view(np.recarray), _MODELS[queue.model], exponent, key)
        if market.state[0].rows <= room:
            return market
        room *= 2


def _finish(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Fill the fields every row has alike."""
    rows["seq"] = np.arange(1, len(rows) + 1)
    rows["row"] = NONE
    rows["owner"] = codes.BACKGROUND
    rows["type"] = codes.LIMIT
    rows["tif"] = codes.GTC
    return rows


def _report(report: TapeReport, market: queues.Rebuild, rows: NDArray[np.void], early: int) -> TapeReport:
    state = market.state[0]
    repaired = {
        "execution_printed": state.printed,
        "level_crossed": state.crossed,
        "trade_undone": state.restored,
        "side_inferred": state.inferred,
    }
    first = market.lines[: len(rows)] == market.lines[0]
    return TapeReport(
        source_rows=report.source_rows,
        kinds=count_kinds(rows),
        snapshot_orders=int((first & (rows["kind"] == codes.NEW)).sum()),
        window_rows=int(state.entered),
        unknown_rows=report.unknown_rows,
        dropped={**report.dropped, "trade_before_book": early},
        repaired={**report.repaired, **{reason: int(count) for reason, count in repaired.items()}},
    )
