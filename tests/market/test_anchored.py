"""Tapes that drive the synthetic flow: what the anchor follows, what it must not see, and every trade as an order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market.dbn import START_NS, quote, save
from twin_env.config import ConfigError, load_config
from twin_env.core.state import codes
from twin_env.core.state.layout import NONE
from twin_env.market.data.columns.reader import TableFile, read_bars, read_quotes, read_trades
from twin_env.market.data.databento import tables as databento_tables
from twin_env.market.data.led.paths import infer_sides
from twin_env.market.data.led.reader import anchor_bars, anchor_trades_quotes
from twin_env.market.data.led.source import BarHistory, TradesQuotes
from twin_env.market.data.led.tables import DatabentoTable
from twin_env.market.data.tables import Bars, Quotes, Trades
from twin_env.market.data.tape import TapeError

NS = 1_000_000_000
TICK = 0.1


def trades_of(*rows):
    """rows: (ts, price, lots, side)."""
    return Trades(*np.array(rows, np.int64).reshape(-1, 4).T)


def quotes_of(*rows):
    """rows: (ts, bid, ask), or with lots (ts, bid, ask, bid_lots, ask_lots)."""
    return Quotes(*np.array([(*row, 1, 1)[:5] for row in rows], np.int64).reshape(-1, 5).T)


def bars_of(*rows, length_ns=60 * NS):
    """rows: (start, open, high, low, close, volume)."""
    start, *prices, volume = np.array(rows, np.int64).reshape(-1, 6).T
    return Bars(start, np.full(len(start), length_ns), *prices, volume)


def tape_of(trades=None, quotes=None, **arguments):
    return anchor_trades_quotes(trades, quotes, tick_size=TICK, **arguments)


def anchors(tape):
    rows = tape.rows[tape.rows["kind"] == codes.ANCHOR]
    return list(zip(rows["ts_ns"].tolist(), rows["price"].tolist(), strict=True))


def orders(tape):
    rows = tape.rows[tape.rows["kind"] == codes.NEW]
    return list(zip(rows["ts_ns"].tolist(), rows["side"].tolist(), rows["lots"].tolist(), strict=True))


def test_an_anchor_is_the_mid_in_half_ticks_and_comes_when_it_changes():
    tape = tape_of(quotes=quotes_of((1, 100, 101), (2, 100, 101), (3, 99, 102), (4, 100, 102)))
    assert anchors(tape) == [(1, 201), (4, 202)]
    row = tape.rows[0]
    assert (row["side"], row["lots"], row["order"], row["row"], row["owner"]) == (0, 0, NONE, NONE, codes.BACKGROUND)
    assert (tape.orders, tape.start_ns, tape.end_ns) == (0, 1, 4)


def test_trades_become_market_orders_after_the_anchor_of_their_time():
    tape = tape_of(trades_of((2, 101, 7, 1), (2, 100, 3, -1)), quotes_of((2, 100, 101)))
    assert tape.rows["kind"].tolist() == [codes.ANCHOR, codes.NEW, codes.NEW]
    assert orders(tape) == [(2, 1, 7), (2, -1, 3)]
    row = tape.rows[1]
    assert (row["type"], row["tif"], row["order"]) == (codes.MARKET, codes.IOC, NONE)
    assert tape_of(trades_of((2, 101, 7, 1)), quotes_of((2, 100, 101)), market_orders=False).report.kinds == {
        "anchor": 1
    }


def test_trades_before_the_first_anchor_are_counted():
    tape = tape_of(trades_of((1, 101, 7, 1), (3, 101, 2, 1)), quotes_of((2, 100, 101)), anchor="quotes")
    assert orders(tape) == [(3, 1, 2)] and tape.report.dropped == {"trade_before_anchor": 1}


def test_a_quote_of_one_side_or_too_wide_is_not_believed_and_counted():
    quotes = quotes_of((1, 100, 101), (2, 90, 110), (3, 100, 0, 1, 0), (4, 101, 102))
    tape = tape_of(quotes=quotes, max_spread_ticks=10)
    assert anchors(tape) == [(1, 201), (4, 203)]
    assert tape.report.dropped == {"quote_one_sided": 1, "quote_wide": 1}


def test_trades_that_bounce_between_bid_and_ask_move_nothing():
    tape = tape_of(trades_of(*((t, 100 + t % 2, 1, 0) for t in range(1, 20))))
    assert anchors(tape) == [(1, 202)]


def test_the_anchor_follows_what_two_trades_agree_on_and_no_single_one():
    prices = [100, 100, 150, 100, 105, 104, 104]
    tape = tape_of(trades_of(*((t, price, 1, 0) for t, price in enumerate(prices, start=1))))
    # 105 and 104 lie beyond the band of one tick's spread, 200 +- 1 half-ticks: the nearer, 208, comes to its edge.
    assert anchors(tape) == [(1, 200), (6, 207)]


def test_trades_beyond_the_latest_quote_move_its_band_and_the_next_quote_sets_it():
    quotes = quotes_of((1, 100, 102), (10, 100, 101))
    trades = trades_of((2, 102, 1, 0), (3, 102, 1, 0), (4, 105, 1, 0), (5, 104, 1, 0))
    assert anchors(tape_of(trades, quotes)) == [(1, 202), (5, 206), (10, 201)]
    assert anchors(tape_of(trades, quotes, anchor="quotes")) == [(1, 202), (10, 201)]
    assert anchors(tape_of(trades, quotes, anchor="trades"))[0] == (2, 204)


def test_trades_before_a_quote_say_nothing_after_it():
    quotes = quotes_of((1, 100, 102), (3, 100, 102))
    assert anchors(tape_of(trades_of((2, 105, 1, 0), (4, 105, 1, 0)), quotes)) == [(1, 202)]


EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(95, 105), st.integers(0, 3)), min_size=1, max_size=40)


@given(events=EVENTS, cut=st.integers(1, 40), anchor=st.sampled_from(["both", "quotes", "trades"]))
def test_no_anchor_depends_on_anything_later(events, cut, anchor):
    def tape(part):
        ts = np.cumsum([gap for gap, _, _ in events])[: len(part)].tolist()
        trades = trades_of(*((t, price, 1, 0) for t, (_, price, spread) in zip(ts, part, strict=True) if not spread))
        quotes = quotes_of(
            *((t, price, price + spread) for t, (_, price, spread) in zip(ts, part, strict=True) if spread)
        )
        try:
            return tape_of(trades, quotes, anchor=anchor)
        except TapeError:
            return None

    whole, early = tape(events), tape(events[:cut])
    if early is not None:
        until = early.end_ns
        assert [row for row in anchors(whole) if row[0] < until] == [row for row in anchors(early) if row[0] < until]
        assert [row for row in orders(whole) if row[0] < until] == [row for row in orders(early) if row[0] < until]


@given(rows=EVENTS)
def test_up_and_down_are_alike(rows):
    up, down = (
        tape_of(trades_of(*((t, sign * price, 1, 0) for t, (_, price, _) in enumerate(rows)))) for sign in (1, -1)
    )
    assert anchors(up) == [(t, -price) for t, price in anchors(down)]


@given(rows=EVENTS)
def test_the_anchor_stays_within_half_a_spread_of_two_trades_that_agree(rows):
    prices = [price for _, price, _ in rows]
    tape = tape_of(trades_of(*((t, price, 1, 0) for t, price in enumerate(prices))), spread_ticks=2)
    moves = dict(anchors(tape))
    present = None
    for t, price in enumerate(prices):
        present = moves.get(t, present)
        if t and prices[t - 1] == price:
            assert abs(present - 2 * price) <= 2


def naive_sides(prices, sides):
    out, last = [], 1
    for at, price in enumerate(prices):
        if at and price != prices[at - 1]:
            last = 1 if price > prices[at - 1] else -1
        out.append(sides[at] or last)
    return out


@given(rows=st.lists(st.tuples(st.integers(1, 4), st.sampled_from([-1, 0, 0, 1])), min_size=1))
def test_unknown_sides_follow_the_tick_rule(rows):
    prices, sides = np.array(rows, np.int64).T
    found, count = infer_sides(prices, sides)
    assert found.tolist() == naive_sides(prices.tolist(), sides.tolist()) and count == (sides == 0).sum()


def test_unknown_sides_are_counted():
    tape = tape_of(trades_of((1, 100, 1, 0), (2, 99, 1, 0), (3, 100, 1, -1)))
    assert [side for _, side, _ in orders(tape)] == [1, -1, -1] and tape.report.repaired == {"side_inferred": 2}


BAR = st.tuples(st.integers(-50, 50), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 500))


@given(drawn=st.lists(BAR, min_size=1, max_size=20), steps=st.integers(4, 30), seed=st.integers(0, 2**31))
def test_the_path_of_a_bar_goes_through_its_four_prices_and_stays_inside(drawn, steps, seed):
    rows = []
    for at, (low, *above, volume) in enumerate(drawn):
        first, last, high = low + above[0], low + above[1], low + max(above)
        rows.append((at * steps * NS, first, high, low, last, volume))
    tape = anchor_bars(bars_of(*rows, length_ns=steps * NS), tick_size=TICK, step_s=1, seed=seed, market_orders=True)
    moves, present = dict(anchors(tape)), None
    traded = orders(tape)
    for at, (start, first, high, low, last, volume) in enumerate(rows):
        path = []
        for step in range(steps):
            present = moves.get(start + step * NS, present)
            path.append(present)
        assert (path[0], path[-1], max(path), min(path)) == (2 * first, 2 * last, 2 * high, 2 * low)
        rising = path.index(min(path)) <= len(path) - 1 - path[::-1].index(max(path))
        falling = path.index(max(path)) <= len(path) - 1 - path[::-1].index(min(path))
        assert rising if last >= first else falling
        assert sum(lots for t, _, lots in traded if start <= t < start + steps * NS) == volume, at


def test_the_path_depends_on_its_seed_alone():
    bars = bars_of((0, 100, 110, 95, 104, 50), (60 * NS, 104, 105, 90, 91, 50))
    same, again, other = (anchor_bars(bars, tick_size=TICK, seed=seed, market_orders=True) for seed in (1, 1, 2))
    assert np.array_equal(same.rows, again.rows) and not np.array_equal(same.rows, other.rows)


def test_the_variance_of_the_path_is_that_of_its_range():
    """Brownian motion with a known variance gives bars; paths drawn through them have the same variance."""
    rng, steps, count, deviation = np.random.default_rng(5), 400, 2000, 40.0
    walks = np.round(np.cumsum(rng.standard_normal((count, steps)) * deviation, axis=1)).astype(np.int64)
    rows = [(at * steps * NS, w[0], w.max(), w.min(), w[-1], 0) for at, w in enumerate(walks)]
    tape = anchor_bars(bars_of(*rows, length_ns=steps * NS), tick_size=TICK, step_s=1, seed=3)
    times, prices = np.array(anchors(tape)).T
    path = prices[np.searchsorted(times, np.arange(count * steps) * NS, side="right") - 1].reshape(count, steps) / 2
    assert np.diff(path, axis=1).std() == pytest.approx(deviation, rel=0.05)


def test_bars_shorter_than_four_steps_are_refused():
    with pytest.raises(
        TapeError, match=r"bars: 1 bars, the shortest of 60 s, expected bars of at least 4 steps of 20 s"
    ):
        anchor_bars(bars_of((0, 1, 1, 1, 1, 0)), tick_size=TICK, step_s=20)
    with pytest.raises(ConfigError, match="step_s is 20, expected at most a quarter of bar_s, 60"):
        load_config(BarHistory, {"bars": {"path": "a.csv", "columns": "lean_trade_minutes"}, "step_s": 20})


def test_nothing_to_anchor_to_is_refused():
    with pytest.raises(TapeError, match="0 rows to anchor to, expected a quote with bid and ask, or a trade"):
        tape_of(quotes=quotes_of((1, 100, 0, 1, 0)))
    with pytest.raises(ConfigError, match="trades and quotes are missing, expected at least one of them"):
        load_config(TradesQuotes, {})
    table = {"path": "a.csv", "columns": "lean_trade_ticks"}
    with pytest.raises(ConfigError, match="anchor is quotes and quotes are missing, expected them"):
        load_config(TradesQuotes, {"trades": table, "anchor": "quotes"})


def lean(data_dir, kind, table, preset, **keys):
    paths = tuple(data_dir / "comex_gc" / f"future_comex_{kind}_gc_2013100{day}_{table}.zip" for day in (7, 8))
    return TableFile(path=paths, member="*_201312.csv", columns=preset, **keys)


@pytest.fixture(scope="module")
def gold(data_dir):
    return {
        "trades": lean(data_dir, "tick", "trade", "lean_trade_ticks", bad_rows="drop"),
        "quotes": lean(data_dir, "minute", "quote", "lean_quote_minutes", bad_rows="drop"),
    }


def at_minutes(tape, times_ns):
    """Return the anchor before each time."""
    times, prices = np.array(anchors(tape)).T
    return prices[np.searchsorted(times, times_ns, side="left") - 1]


@pytest.mark.parametrize("anchor", ["both", "trades"])
def test_the_anchor_of_gold_trades_knows_the_mid_of_the_minute_before_it_is_told(gold, anchor):
    quotes = read_quotes(gold["quotes"], TICK)
    tape = tape_of(read_trades(gold["trades"], TICK), quotes, anchor=anchor, max_spread_ticks=10)
    told = (quotes.bid_lots > 0) & (quotes.ask_lots > 0) & (quotes.ask_ticks - quotes.bid_ticks <= 10)
    told[0] = False
    mids, found = (quotes.bid_ticks + quotes.ask_ticks)[told], at_minutes(tape, quotes.ts_ns[told])
    assert np.corrcoef(mids, found)[0, 1] > 0.999
    assert np.corrcoef(np.diff(mids), np.diff(found))[0, 1] > 0.9
    assert tape.report.kinds["new"] == 91_573 and tape.report.repaired["side_inferred"] == 91_573


def test_configs_read_what_the_functions_make_and_keep_it(gold, data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path))
    config = TradesQuotes(**gold, max_spread_ticks=10)
    made = tape_of(read_trades(gold["trades"], TICK), read_quotes(gold["quotes"], TICK), max_spread_ticks=10)
    first, second = config.read(TICK), config.read(TICK)
    assert np.array_equal(first.rows, made.rows) and np.array_equal(second.rows, made.rows)
    assert first.report == made.report and len(list(tmp_path.rglob("*.tape"))) == 1
    bars = lean(data_dir, "minute", "trade", "lean_trade_minutes")
    drawn = BarHistory(bars=bars, step_s=2, seed=4, volume="market_orders").read(TICK)
    table = read_bars(bars, TICK)
    assert np.array_equal(drawn.rows, anchor_bars(table, tick_size=TICK, step_s=2, seed=4, market_orders=True).rows)
    assert drawn.rows["lots"].sum() == table.volume_lots.sum() == 124_296


START_S = START_NS // NS


def dbn_quotes(path, *rows):
    """rows: (second, bid, ask, traded price or None)."""
    records = b"".join(
        quote(
            START_NS + second * NS,
            [(bid, 5, ask, 5)],
            sequence=number,
            **({} if traded is None else {"action": "T", "side": BUYER, "ticks": traded, "lots": 3}),
        )
        for number, (second, bid, ask, traded) in enumerate(rows, start=1)
    )
    return save(path, records, schema="mbp-1")


BUYER = 1
DBN_TICK = 0.25


@pytest.mark.parametrize("name", ["es.dbn", "es.dbn.zst"])
def test_one_databento_file_gives_trades_and_quotes(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path / "cache"))
    path = dbn_quotes(tmp_path / name, (0, 100, 101, None), (1, 100, 101, 101), (2, 101, 102, None))
    tables = {"trades": {"path": str(path)}, "quotes": {"path": str(path), "symbol": "ESH4"}}
    config = load_config(TradesQuotes, tables)
    assert config.trades == DatabentoTable(path=path) and config.quotes.symbol == "ESH4"
    tape = config.read(DBN_TICK)
    assert anchors(tape) == [(START_NS, 201), (START_NS + 2 * NS, 203)]
    assert [side for _, side, _ in orders(tape)] == [BUYER] and orders(tape)[0][2] == 3
    text = "ts,price,size,side\n" + f"{START_S + 1},25.25,3,buy\n"
    (tmp_path / "t.csv").write_text(text)
    columns = {"time": "ts", "time_unit": "s", "price": "price", "size": "size", "side": "side"}
    mixed = load_config(TradesQuotes, tables | {"trades": {"path": str(tmp_path / "t.csv"), "columns": columns}})
    assert isinstance(mixed.trades, TableFile)
    assert np.array_equal(mixed.read(DBN_TICK).rows, tape.rows)


def test_a_changed_databento_file_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "es.dbn"
    config = TradesQuotes(quotes=DatabentoTable(path=dbn_quotes(path, (0, 100, 101, None))))
    assert anchors(config.read(DBN_TICK)) == [(START_NS, 201)]
    dbn_quotes(path, (0, 102, 103, None))
    assert anchors(config.read(DBN_TICK)) == [(START_NS, 205)]


def test_errors_of_a_table_speak_of_its_kind_alone(tmp_path):
    with pytest.raises(ConfigError, match=r"trades: DatabentoTable: columns is 'x', an unknown key.*path, symbol\.$"):
        load_config(TradesQuotes, {"trades": {"path": "a.dbn.zst", "columns": "x"}})
    with pytest.raises(ConfigError, match=r"trades: TableFile: columns is missing, expected a mapping\.$"):
        load_config(TradesQuotes, {"trades": {"path": "a.csv"}})
    path = dbn_quotes(tmp_path / "es.dbn", (0, 100, 101, None))
    with pytest.raises(TapeError, match="schema is mbp-1, expected one of ohlcv-1s"):
        BarHistory(bars=DatabentoTable(path=path)).read(DBN_TICK)
    with pytest.raises(TapeError, match=r"gone\.dbn: no such file"):
        TradesQuotes(trades=DatabentoTable(path=tmp_path / "gone.dbn")).read(DBN_TICK)


def test_databento_bars_are_drawn_and_their_length_is_checked(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path))
    path = data_dir / "dbn_fixtures" / "test_data.ohlcv-1m.dbn"
    bars = {"path": str(path)}
    drawn = load_config(BarHistory, {"bars": bars, "volume": "market_orders"}).read(DBN_TICK)
    table = databento_tables.read_bars(path, tick_size=DBN_TICK)
    assert len(table) > 0 and drawn.rows["lots"].sum() == table.volume_lots.sum()
    assert anchors(drawn)[0] == (table.start_ns[0], 2 * table.open_ticks[0])
    with pytest.raises(TapeError, match="bar_s is 30, expected 60, the length its schema tells"):
        load_config(BarHistory, {"bars": bars, "bar_s": 30}).read(DBN_TICK)
