"""Databento files of trades, quotes, bars and depth: what the tables hold, and what broken files do to them."""

import databento_dbn as dbn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market.dbn import START_NS, TICK, UNDEFINED, Mbo, quote, save
from twin_env.market.data.databento.tables import read_bars, read_depth, read_quotes, read_trades, stream_depth
from twin_env.market.data.tables import Bars, DepthSnapshots, Quotes, Trades
from twin_env.market.data.tape import TapeError

BUY, SELL = 1, -1
MBP10 = dbn.MBP10Msg
NOBODY = (0, 0, 0, 0)


def ten(*levels):
    return [*levels, *[NOBODY] * (10 - len(levels))]


def columns(table, *names):
    return [getattr(table, name).tolist() for name in names]


def trade(ts_ns, ticks, lots, side=BUY, sequence=0, price=None):
    price = ticks * TICK if price is None else price
    sides = {BUY: dbn.Side.BID, SELL: dbn.Side.ASK, 0: dbn.Side.NONE}
    return bytes(
        dbn.TradeMsg(1, 17, ts_ns, price, lots, dbn.Action.TRADE, sides[side], 0, ts_ns, sequence=sequence, flags=128)
    )


def bar(ts_ns, low, high, volume=1, first=None, last=None):
    prices = (low if first is None else first, high, low, high if last is None else last)
    values = [UNDEFINED if price is None else price * TICK for price in prices]
    return bytes(dbn.OHLCVMsg(dbn.RType(33), 1, 17, ts_ns, *values, volume))


def test_trades_are_read_with_their_aggressor(tmp_path):
    records = [trade(START_NS + side, 100, 3, side) for side in (-1, 0, 1)]
    found = read_trades(save(tmp_path / "t.dbn.zst", b"".join(records), schema="trades"), tick_size=0.25)
    assert columns(found, "price_ticks", "lots", "side") == [[100] * 3, [3] * 3, [-1, 0, 1]]
    assert (found.ts_ns - START_NS).tolist() == [-1, 0, 1]
    assert (found.source, found.report.source_rows, found.report.dropped) == ("t.dbn.zst", 3, {})


def test_trades_are_found_in_files_of_other_schemas(tmp_path):
    mbo = Mbo().add("A", 1, SELL, 100, 5).event(("T", 9, BUY, 100, 2), ("F", 1, SELL, 100, 2), ("M", 1, SELL, 100, 3))
    quotes = quote(START_NS, [(99, 1, 100, 2)]) + quote(
        START_NS, [(99, 1, 100, 2)], action="T", side=1, ticks=100, lots=2
    )
    for path in (mbo.save(tmp_path / "o.dbn"), save(tmp_path / "q.dbn", quotes, schema="mbp-1")):
        assert columns(read_trades(path, tick_size=0.25), "price_ticks", "lots", "side") == [[100], [2], [1]]


def test_broken_trades_are_dropped_repaired_or_refused_and_counted(tmp_path):
    records = [
        trade(START_NS + 10, 100, 1, sequence=5),
        trade(START_NS + 9, 100, 2, sequence=6),  # time goes back
        trade(START_NS + 11, 100, 0, sequence=7),  # no lots
        trade(START_NS + 12, 0, 1, sequence=8, price=UNDEFINED),
        trade(START_NS + 10, 100, 1, sequence=5),  # told before
        trade(START_NS + 13, 0, 4, sequence=9, price=100 * TICK + TICK // 2),  # between two ticks
    ]
    found = read_trades(save(tmp_path / "t.dbn", b"".join(records), schema="trades"), tick_size=0.25)
    assert columns(found, "price_ticks", "lots") == [[100, 100, 100], [1, 2, 4]]
    assert (found.ts_ns - START_NS).tolist() == [10, 10, 13]
    assert found.report.dropped == {"sequence_back": 1, "zero_lots": 1, "no_price": 1}
    assert found.report.repaired == {"time_back": 1, "trade_rounded": 1}


def test_quotes_are_read_and_crossed_ones_dropped(tmp_path):
    levels = [(99, 1, 100, 2), (99, 0, 100, 2), (101, 1, 100, 2), (100, 1, 100, 2), (99, 4, 101, 5)]
    records = b"".join(quote(START_NS + index, [level]) for index, level in enumerate(levels))
    found = read_quotes(save(tmp_path / "q.dbn", records, schema="mbp-1"), tick_size=0.25)
    assert columns(found, "bid_ticks", "bid_lots") == [[99, 0, 99], [1, 0, 4]]
    assert columns(found, "ask_ticks", "ask_lots") == [[100, 100, 101], [2, 2, 5]]
    assert (found.ts_ns - START_NS).tolist() == [0, 1, 4]
    assert found.report.dropped == {"crossed": 2}


def test_bars_are_read_with_their_length(tmp_path):
    path = save(tmp_path / "b.dbn", bar(START_NS, 4, 9, 7, 5, 8) + bar(START_NS + 60 * 10**9, 1, 2), schema="ohlcv-1m")
    found = read_bars(path, tick_size=0.25)
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    assert columns(found, *names) == [[5, 1], [9, 2], [4, 1], [8, 2], [7, 1]]
    assert columns(found, "duration_ns") == [[60 * 10**9] * 2]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (bar(START_NS, 4, 9, first=10), r"b\.dbn row 1: high_ticks is 9, expected no lower than open and close"),
        (bar(START_NS, 4, 9, last=3), r"b\.dbn row 1: low_ticks is 4, expected no higher than open and close"),
        (bar(START_NS, 4, 9) * 2, r"b\.dbn row 2: start_ns is .*, expected no earlier than the end of the bar before"),
    ],
)
def test_bars_that_cannot_be_right_are_refused(tmp_path, records, message):
    with pytest.raises(TapeError, match=message):
        read_bars(save(tmp_path / "b.dbn", records, schema="ohlcv-1m"), tick_size=0.25)


def test_bars_without_prices_are_dropped(tmp_path):
    path = save(tmp_path / "b.dbn", bar(START_NS, None, 9) + bar(START_NS + 60 * 10**9, 1, 2), schema="ohlcv-1m")
    found = read_bars(path, tick_size=0.25)
    assert (len(found), found.report.dropped) == (1, {"no_price": 1})


def test_depth_is_read_with_the_trades_in_it(tmp_path):
    good, better = ten((99, 1, 101, 2), (98, 3, 103, 4)), ten((100, 1, 101, 2))
    records = quote(START_NS, good, kind=MBP10) + quote(
        START_NS + 1, better, kind=MBP10, action="T", side=SELL, ticks=100, lots=1
    )
    path = save(tmp_path / "d.dbn", records, schema="mbp-10")
    found = read_depth(path, tick_size=0.25, levels=3)
    assert columns(found, "bid_ticks", "bid_lots") == [[[99, 98, 0], [100, 0, 0]], [[1, 3, 0], [1, 0, 0]]]
    assert columns(found, "ask_ticks", "ask_lots") == [[[101, 103, 0], [101, 0, 0]], [[2, 4, 0], [2, 0, 0]]]
    assert columns(found, "trade_ticks", "trade_lots", "trade_side") == [[0, 100], [0, 1], [0, SELL]]
    assert found.levels == 3
    with pytest.raises(TapeError, match=r"levels is 11, expected 1 to 10, what the file has"):
        read_depth(path, tick_size=0.25, levels=11)


@pytest.mark.parametrize("chunk_bytes", [400, 1 << 22])
def test_crossed_depth_is_dropped_and_its_trades_kept(tmp_path, monkeypatch, chunk_bytes):
    monkeypatch.setattr("twin_env.market.data.databento.files._CHUNK_BYTES", chunk_bytes)
    good, crossed = ten((99, 1, 101, 2)), ten((102, 1, 101, 2))
    traded = {"action": "T", "side": BUY, "ticks": 101, "lots": 1}
    rows = [(crossed, traded), (good, {}), (crossed, {}), (crossed, traded), (good, {})]
    records = b"".join(quote(START_NS + n, levels, kind=MBP10, **more) for n, (levels, more) in enumerate(rows))
    path = save(tmp_path / "d.dbn", records, schema="mbp-10")
    found = read_depth(path, tick_size=0.25)
    assert (found.ts_ns - START_NS).tolist() == [1, 3, 4]
    assert found.bid_ticks[:, 0].tolist() == [99, 99, 99]
    assert found.trade_lots.tolist() == [0, 1, 0]
    assert found.report.dropped == {"crossed": 2}
    assert found.report.repaired == {"crossed_with_trade": 1}
    parts = list(stream_depth(path, tick_size=0.25))
    assert np.array_equal(np.concatenate([part.ts_ns for part in parts]), found.ts_ns)
    assert parts[-1].report == found.report
    assert (len(parts) > 1) == (chunk_bytes == 400)


def test_levels_out_of_order_are_refused(tmp_path):
    path = save(tmp_path / "d.dbn", quote(START_NS, ten((98, 1, 101, 2), (99, 1, 103, 4)), kind=MBP10), schema="mbp-10")
    with pytest.raises(TapeError, match=r"row 1: bid_ticks is 99, expected a worse price than the level before"):
        read_depth(path, tick_size=0.25)


def test_a_wrong_tick_size_or_schema_is_refused(tmp_path):
    path = save(tmp_path / "q.dbn", quote(START_NS, [(99, 1, 100, 2)]), schema="mbp-1")
    with pytest.raises(TapeError, match=r"record 1: bid price is 24\.75, expected a multiple of tick_size 0\.2"):
        read_quotes(path, tick_size=0.2)
    with pytest.raises(TapeError, match=r"schema is mbp-1, expected one of mbp-10"):
        read_depth(path, tick_size=0.25)
    with pytest.raises(TapeError, match=r"no records of schema trades, expected at least one"):
        read_trades(save(tmp_path / "t.dbn", b"", schema="trades"), tick_size=0.25)


# The tables themselves


def test_tables_are_read_only_copies():
    mine = np.array([1, 2])
    found = Trades(mine, mine, mine, np.array([1, -1]))
    mine[:] = 7
    assert found.price_ticks.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        found.price_ticks[0] = 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trades(*np.array([[2, 1], [1, 1], [1, 1], [1, 1]])), r"trades row 2: ts_ns is 1, expected no earlier"),
        (lambda: Trades(*np.array([[1], [1], [0], [1]])), r"row 1: lots is 0, expected 1 to 2\^40"),
        (lambda: Trades(*np.array([[1], [1], [1], [2]])), r"row 1: side is 2, expected \+1 \(buy\), -1 \(sell\) or 0"),
        (lambda: Trades(*np.array([[1], [2**41], [1], [1]])), r"row 1: price_ticks is 2199023255552, expected within"),
        (lambda: Trades(np.array([1]), np.array([1, 2]), np.array([1]), np.array([1])), r"one for each of 1 rows"),
        (
            lambda: Trades(*np.array([[1.0], [1.0], [1.0], [1.0]])),
            r"ts_ns is float64 of shape \(1,\), expected integers",
        ),
        (lambda: Quotes(*np.array([[1], [5], [5], [1], [1]])), r"row 1: bid_ticks is 5, expected less than ask_ticks"),
        (lambda: Quotes(*np.array([[1], [5], [6], [-1], [1]])), r"row 1: bid_lots is -1, expected 0 to 2\^40"),
        (lambda: Bars(*np.array([[1], [0], [1], [1], [1], [1], [1]])), r"row 1: duration_ns is 0, expected at least 1"),
        (
            lambda: Bars(*np.array([[1], [1], [1], [1], [1], [1], [-1]])),
            r"row 1: volume_lots is -1, expected at least 0",
        ),
        (lambda: depth([[9, 8]], [[1, 1]], [[10]], [[1]]), r"ask_ticks has shape \(1, 1\), expected \(rows, levels\)"),
        (lambda: depth([[9, 8]], [[0, 1]], [[10, 11]], [[1, 1]]), r"bid_ticks is 8, expected a worse price than"),
        (lambda: depth([[9, 8]], [[1, 1]], [[9, 11]], [[1, 1]]), r"bid_ticks is 9, expected less than ask_ticks"),
        (lambda: depth([[9]], [[1]], [[10]], [[1]], trade_lots=np.array([1])), r"one of trade_ticks, .* is missing"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(make, message):
    with pytest.raises(TapeError, match=message):
        make()


def depth(*sides, **more):
    bid, bid_lots, ask, ask_lots = map(np.array, sides)
    return DepthSnapshots(np.array([1]), bid, bid_lots, ask, ask_lots, **more)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(1, 9)), max_size=20), st.integers(1, 5))
def test_sequence_numbers_are_judged_alike_in_parts_and_at_once(steps, size):
    from twin_env.market.data.databento.checks import SequenceCheck

    records = np.zeros(len(steps), [("sequence", "<u4"), ("ts_event", "<u8")])
    records["ts_event"] = np.cumsum([step[0] for step in steps])
    records["sequence"] = [step[1] for step in steps]
    exempt = np.array([step[2] == 9 for step in steps], bool)
    whole, parts = SequenceCheck(), SequenceCheck()
    at_once = whole.find_back(records, exempt)
    found = [parts.find_back(records[n : n + size], exempt[n : n + size]) for n in range(0, len(records), size)]
    assert np.concatenate([*found, np.zeros(0, bool)]).tolist() == at_once.tolist()
    assert at_once.tolist() == slowly(records, exempt)
    assert parts.jumps == whole.jumps


def slowly(records, exempt):
    newest = newest_ns = 0
    repeating, result = False, []
    for sequence, time_ns, skipped in zip(
        records["sequence"].tolist(), records["ts_event"].tolist(), exempt, strict=True
    ):
        if skipped:
            result.append(False)
            continue
        if sequence > newest or (sequence < newest and time_ns > newest_ns):
            newest, repeating = sequence, False
        elif sequence < newest:
            repeating = True
        newest_ns = max(newest_ns, time_ns)
        result.append(repeating)
    return result
