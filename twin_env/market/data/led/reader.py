"""Trades, quotes and bars as tapes that drive the synthetic flow: anchors, and market orders where the data traded."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE
from twin_env.market.data.led.paths import QUOTE, TRADE, bridge_bars, follow, infer_sides
from twin_env.market.data.tables import Bars, Quotes, Trades
from twin_env.market.data.tape import IntArray, Tape, TapeError, TapeReport, count_kinds

_NS_PER_S: Final = 1_000_000_000
FEWEST_STEPS: Final = 4  # of a bar: open, low, high, close

AnchorSource = Literal["both", "quotes", "trades"]


def anchor_trades_quotes(
    trades: Trades | None,
    quotes: Quotes | None,
    *,
    tick_size: float,
    anchor: AnchorSource = "both",
    spread_ticks: int = 1,
    max_spread_ticks: int | None = None,
    market_orders: bool = True,
) -> Tape:
    """Make a tape of ``ANCHOR`` rows, one where the efficient price changes, and market orders where trades happened.

    Args:
        trades: In time order, or None.
        quotes: In time order, or None.
        tick_size: Price of one tick, in the quote currency.
        anchor: What moves the efficient price, see :class:`~twin_env.market.data.led.source.TradesQuotes`.
        spread_ticks: Spread while no quote tells.
        max_spread_ticks: Quotes wider than that are not believed.
        market_orders: Make market orders of trades.

    Returns:
        The tape. At one time, quotes come before trades, and an anchor before the order of its trade.

    Raises:
        TapeError: There is nothing to anchor to.
    """
    source = ", ".join(table.source for table in (trades, quotes) if table is not None) or "no tables"
    uses_trades = trades is not None and anchor != "quotes"
    uses_quotes = quotes is not None and anchor != "trades"
    events = [_quote_events(quotes, max_spread_ticks)] if quotes is not None and uses_quotes else []
    events += [_trade_events(trades, spread_ticks)] if trades is not None and uses_trades else []
    ts_ns, price = _anchors(events, source)
    parts, repaired, early = [_anchor_rows(ts_ns, price)], {"side_inferred": 0}, 0
    if trades is not None and market_orders:
        late = trades.ts_ns >= ts_ns[0]
        side, repaired["side_inferred"] = infer_sides(trades.price_ticks, trades.side)
        parts.append(_order_rows(trades.ts_ns[late], side[late], trades.lots[late]))
        early = int((~late).sum())
    dropped = {"trade_before_anchor": early, **_unused(quotes, max_spread_ticks)}
    tables = [table for table in (trades, quotes) if table is not None]
    return _tape(np.concatenate(parts), tick_size, source, tables, dropped, repaired)


def anchor_bars(
    bars: Bars, *, tick_size: float, step_s: float = 1.0, seed: int = 0, market_orders: bool = False
) -> Tape:
    """Make a tape of ``ANCHOR`` rows along a path drawn through every bar (:func:`anchor_paths.bridge_bars`).

    The path inside a bar knows the bar's high, low and close; no participant sees it but through the flow.

    Args:
        bars: In time order, all of one length.
        tick_size: Price of one tick, in the quote currency.
        step_s: Time between two points of the path.
        seed: Of the path.
        market_orders: Make market orders of the volume.

    Raises:
        TapeError: There are no bars, or they are shorter than four steps.
    """
    step_ns = round(step_s * _NS_PER_S)
    if len(bars) == 0 or (bars.duration_ns < FEWEST_STEPS * step_ns).any():
        shortest_s = (bars.duration_ns.min() if len(bars) else 0) / _NS_PER_S
        raise TapeError(
            f"{bars.source}: {len(bars)} bars, the shortest of {shortest_s:g} s, "
            f"expected bars of at least {FEWEST_STEPS} steps of {step_s:g} s"
        )
    rng = np.random.Generator(np.random.Philox(seed))
    bar, step, price = bridge_bars(bars, step_ns, rng)
    ts_ns = bars.start_ns[bar] + step * step_ns
    moves = np.ones(len(price), bool)
    moves[1:] = np.diff(price) != 0
    parts = [_anchor_rows(ts_ns[moves], price[moves])]
    if market_orders:
        lots = _spread_volume(bars.volume_lots, len(price) // len(bars), rng)
        side, _ = infer_sides(price, np.zeros(len(price), np.int64))
        parts.append(_order_rows(ts_ns[lots > 0], side[lots > 0], lots[lots > 0]))
    return _tape(np.concatenate(parts), tick_size, bars.source, [bars], {}, {})


def _quote_events(quotes: Quotes, max_spread_ticks: int | None) -> NDArray[np.int64]:
    """Return (time, kind, mid in half-ticks, spread) of the quotes to believe; int64, shape ``(4, quotes)``."""
    used = _believed(quotes, max_spread_ticks)
    bid, ask = quotes.bid_ticks[used], quotes.ask_ticks[used]
    return np.stack([quotes.ts_ns[used], np.full(len(bid), QUOTE), bid + ask, ask - bid])


def _trade_events(trades: Trades, spread_ticks: int) -> NDArray[np.int64]:
    count = len(trades)
    return np.stack([trades.ts_ns, np.full(count, TRADE), 2 * trades.price_ticks, np.full(count, spread_ticks)])


def _believed(quotes: Quotes, max_spread_ticks: int | None) -> NDArray[np.bool_]:
    both = (quotes.bid_lots > 0) & (quotes.ask_lots > 0)
    most = np.inf if max_spread_ticks is None else max_spread_ticks
    return both & (quotes.ask_ticks - quotes.bid_ticks <= most)


def _unused(quotes: Quotes | None, max_spread_ticks: int | None) -> dict[str, int]:
    if quotes is None:
        return {}
    one_sided = int(((quotes.bid_lots == 0) | (quotes.ask_lots == 0)).sum())
    return {
        "quote_one_sided": one_sided,
        "quote_wide": len(quotes) - one_sided - int(_believed(quotes, max_spread_ticks).sum()),
    }


def _anchors(events: list[NDArray[np.int64]], source: str) -> tuple[IntArray, IntArray]:
    """Return times and efficient prices in half-ticks, where they change."""
    merged = np.concatenate(events, axis=1) if events else np.zeros((4, 0), np.int64)
    if merged.shape[1] == 0:
        raise TapeError(f"{source}: 0 rows to anchor to, expected a quote with bid and ask, or a trade")
    ts_ns, kind, mid, reach = merged[:, np.lexsort((merged[1], merged[0]))]
    anchor = np.zeros(len(ts_ns), np.int64)
    follow(kind, mid, reach, anchor)
    changes = np.ones(len(anchor), bool)
    changes[1:] = np.diff(anchor) != 0
    return ts_ns[changes], anchor[changes]


def _rows(ts_ns: IntArray, kind: int) -> NDArray[np.void]:
    rows = np.zeros(len(ts_ns), MESSAGE)
    rows["ts_ns"] = rows["recv_ns"] = ts_ns
    rows["kind"] = kind
    rows["order"] = rows["row"] = NONE
    rows["owner"] = codes.BACKGROUND
    rows["flags"] = codes.LAST_IN_EVENT
    return rows


def _anchor_rows(ts_ns: IntArray, half_ticks: IntArray) -> NDArray[np.void]:
    rows = _rows(ts_ns, codes.ANCHOR)
    rows["price"] = half_ticks
    return rows


def _order_rows(ts_ns: IntArray, side: IntArray, lots: IntArray) -> NDArray[np.void]:
    rows = _rows(ts_ns, codes.NEW)
    rows["type"], rows["tif"] = codes.MARKET, codes.IOC
    rows["side"], rows["lots"] = side, lots
    return rows


def _spread_volume(volume_lots: IntArray, steps: int, rng: np.random.Generator) -> IntArray:
    """Spread the volume of each bar over its steps, every lot on its own; int64, shape ``(bars * steps,)``."""
    return rng.multinomial(volume_lots, np.full(steps, 1.0 / steps)).ravel()


def _tape(
    rows: NDArray[np.void],
    tick_size: float,
    source: str,
    tables: Sequence[Trades | Quotes | Bars],
    dropped: Mapping[str, int],
    repaired: Mapping[str, int],
) -> Tape:
    """Sort the rows, anchors first where times are equal, and add up what was counted."""
    rows = rows[np.lexsort((rows["kind"] != codes.ANCHOR, rows["ts_ns"]))]
    rows["seq"] = np.arange(1, len(rows) + 1)
    first_ns, last_ns = int(rows["ts_ns"][0]), int(rows["ts_ns"][-1])
    report = TapeReport(
        # A table made in memory has no file behind it.
        sum(max(len(table), table.report.source_rows) for table in tables),
        count_kinds(rows),
        dropped=_add([table.report.dropped for table in tables] + [dropped]),
        repaired=_add([table.report.repaired for table in tables] + [repaired]),
    )
    return Tape(rows, 0, tick_size, first_ns, last_ns, source, report)


def _add(counts: list[Mapping[str, int]]) -> dict[str, int]:
    reasons = dict.fromkeys(reason for count in counts for reason in count)
    total = {reason: sum(count.get(reason, 0) for count in counts) for reason in reasons}
    return {reason: count for reason, count in total.items() if count}
