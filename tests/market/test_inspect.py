"""``inspect``: what it tells about files whose truth is known, and what it says about files it cannot read."""

import gzip
import json
import math
import zipfile
from decimal import Decimal

import databento_dbn as dbn
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.market.dbn import SNAPSHOT, START_NS, Mbo, quote, save
from twin_env.cli.main import main
from twin_env.market.data.grid import find_lot_size, find_tick_size
from twin_env.market.data.inspection import InspectOptions, SpreadMeter, TimeMeter
from twin_env.market.data.registry import inspect_file, readers
from twin_env.market.data.tape import TapeError

BUY, SELL = 1, -1
SECOND = 10**9


def test_orders_are_counted_by_kind_with_rates_spread_and_silences(tmp_path):
    mbo = Mbo().event(("A", 1, BUY, 10, 5), ("A", 2, SELL, 11, 5))
    mbo.add("C", 1, BUY, 10, 5, step_ns=0).add("A", 3, BUY, 9, 5, step_ns=0)
    mbo.add("T", 0, BUY, 11, 1, step_ns=30 * SECOND).add("C", 3, BUY, 9, 9, step_ns=70 * SECOND)
    found = inspect_file(mbo.save(tmp_path / "day.dbn"))
    assert found.instruments == ("ESH4",)
    assert (found.tick_size, found.tick_size_is_found, found.rows) == (0.25, True, 6)
    assert found.end_ns - found.start_ns == 100 * SECOND
    assert {kind: (rate.count, rate.mean_per_s, rate.peak_per_s) for kind, rate in found.rates.items()} == {
        "add": (3, 0.03, 3),
        "cancel": (2, 0.02, 1),
        "trade": (1, 0.01, 1),
    }
    assert (found.spread.mean_ticks, found.spread.one_tick_share, found.spread.seconds) == (2.0, 0.0, 100.0)
    assert [silence.duration_ns for silence in found.silences] == [70 * SECOND]
    assert found.silences[0].start_ns == found.start_ns + 30 * SECOND
    assert found.silence_count == 1
    assert {problem.what for problem in found.problems} == {"repaired: trade_printed"}


def test_problems_tell_how_often_and_where_first(tmp_path):
    mbo = Mbo().event(("A", 1, BUY, 10, 5), ("A", 2, SELL, 11, 5)).add("C", 8, BUY, 9, 1).add("C", 9, BUY, 9, 1)
    mbo.add("A", 3, BUY, 9, 0).add("T", 0, SELL, 10, 1).add("A", 4, BUY, 12, 1).add("C", 4, BUY, 12, 1)
    mbo.sequence += 5
    found = inspect_file(mbo.add("M", 7, BUY, 8, 1).save(tmp_path / "day.dbn"))
    assert {(problem.what, problem.count, problem.first) for problem in found.problems} == {
        ("state: crossed", 1, "record 7"),
        ("dropped: cancel_unseen", 2, "record 3"),
        ("dropped: zero_lots", 1, "record 5"),
        ("repaired: modify_unseen", 1, "record 9"),
        ("repaired: trade_printed", 1, "record 6"),
    }
    assert found.sequence_jumps == 1


def test_the_snapshot_and_the_time_before_trading_count_in_no_spread(tmp_path):
    mbo = Mbo()
    for order, side, ticks in ((1, BUY, 10), (2, SELL, 15)):
        mbo.add("A", order, side, ticks, 5, flags=SNAPSHOT, ts_event=START_NS - 10**15)
    mbo.add("A", 3, BUY, 16, 1, step_ns=SECOND)
    mbo.event(("T", 0, 0, 15, 1), ("C", 3, BUY, 16, 1), ("M", 2, SELL, 15, 4), step_ns=SECOND)
    found = inspect_file(
        mbo.add("A", 4, BUY, 14, 1, step_ns=SECOND).add("C", 4, BUY, 14, 1, step_ns=SECOND).save(tmp_path / "d.dbn")
    )
    assert found.end_ns - found.start_ns == 3 * SECOND
    assert found.rates["add"].count == 2
    assert (found.spread.mean_ticks, found.spread.one_tick_share, found.spread.seconds) == (3.0, 0.5, 2.0)
    assert any("begins at record 7" in note for note in found.notes)


def test_quotes_tell_the_spread_and_crossed_states(tmp_path):
    levels = [(99, 1, 100, 2), (101, 1, 100, 2), (100, 1, 100, 2), (97, 1, 100, 2), (97, 0, 100, 2)]
    records = b"".join(quote(START_NS + SECOND * index, [level], sequence=index) for index, level in enumerate(levels))
    found = inspect_file(save(tmp_path / "q.dbn", records, schema="mbp-1"))
    assert (found.spread.mean_ticks, found.spread.one_tick_share, found.spread.seconds) == (2.0, 0.5, 2.0)
    assert {(problem.what, problem.count, problem.first) for problem in found.problems} == {
        ("state: crossed", 1, "record 2"),
        ("state: locked", 1, "record 3"),
    }


def test_a_symbol_can_be_chosen(tmp_path):
    mbo = Mbo().add("A", 1, BUY, 10, 5).add("A", 1, SELL, 11, 5, instrument_id=18)
    path = mbo.save(tmp_path / "day.dbn", symbols={"ESH4": 17, "ESM4": 18})
    with pytest.raises(TapeError, match="ESH4, ESM4"):
        inspect_file(path)
    assert inspect_file(path, InspectOptions(symbol="ESM4")).instruments == ("ESM4",)


def test_records_of_other_schemas_are_counted(tmp_path):
    note = bytes(dbn.SystemMsg(START_NS, "hello"))
    found = inspect_file(save(tmp_path / "s.dbn", note * 3, schema="status"))
    assert found.rows == 3
    assert list(found.rates) == ["SystemMsg"]
    with pytest.raises(TapeError, match="cut short"):
        inspect_file(save(tmp_path / "s.dbn", note[:-1], schema="status"))


MESSAGES = b"34200,1,1,5,10000,1\n34200,1,2,5,10100,-1\n34300,3,1,5,10000,1\n"
BOOKS = b"10100,5,9900,1\n10100,5,10000,5\n10100,5,9900,1\n"


def test_a_lobster_day_is_told(tmp_path):
    path = tmp_path / "XYZ_2012-06-21.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "XYZ_2012-06-21_34200000_57600000_message_1.csv",
            b"34200,1,1,5,10000,1\n34200,3,1,5,10000,1\n34300,1,2,5,10000,1\n",
        )
        archive.writestr(
            "XYZ_2012-06-21_34200000_57600000_orderbook_1.csv", b"10100,5,10000,5\n10100,5,9900,1\n10100,5,10000,5\n"
        )
    found = inspect_file(path)
    assert found.instruments == ("XYZ",)
    assert found.rates["new"].count == 2
    assert (found.spread.mean_ticks, found.spread.one_tick_share, found.spread.seconds) == (2.0, 0.0, 100.0)
    assert [silence.duration_ns for silence in found.silences] == [100 * SECOND]
    assert found.start_ns == 1_340_285_400 * SECOND
    alone = tmp_path / "XYZ_2012-06-21_message.csv"
    alone.write_bytes(MESSAGES)
    assert inspect_file(alone).spread is None


@pytest.mark.parametrize("text", [b"", b"time,price\n1,2\n", b"\x1f\x8b broken", b"{}"])
@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz", "file.zip", "file.dbn", "file"])
def test_an_unknown_format_is_told_in_one_sentence(tmp_path, text, name, capsys):
    (tmp_path / name).write_bytes(text)
    assert main(["market", "inspect", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "format is not known, expected one of: " in error
    assert all(known.name in error for known in readers())


def test_the_command_prints_and_writes_json(tmp_path, capsys):
    mbo = Mbo().event(("A", 1, BUY, 10, 5), ("A", 2, SELL, 11, 5)).add("C", 1, BUY, 10, 5, step_ns=SECOND)
    path = mbo.save(tmp_path / "day.dbn.zst")
    assert main(["market", "inspect", str(path), "--tick-size", "0.05", "--json", str(tmp_path / "out.json")]) == 0
    text = capsys.readouterr().out
    assert "Databento DBN 3, schema mbo, GLBX.MDP3" in text
    assert "2023-11-14 22:13:20.000001000" in text  # UTC
    assert "2023-11-14 17:13:20.000001000" in text  # New York
    assert "5.000 ticks on average over 1 s, one tick 0.0% of the time" in text
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["rates"]["add"] == {"count": 2, "mean_per_s": 2.0, "peak_per_s": 2}
    assert main(["market", "inspect", str(path), "--tick-size", "-1"]) == 2
    assert main(["market", "inspect", str(tmp_path / "gone")]) == 2
    assert "--tick-size is -1.0, expected more than 0" in (error := capsys.readouterr().err)
    assert "gone: no such file, expected market data" in error


@given(st.lists(st.tuples(st.integers(0, 3 * 10**9), st.integers(-1, 3)), max_size=30), st.integers(1, 7))
def test_meters_find_the_same_in_parts_and_at_once(steps, size):
    times = np.cumsum([step[0] for step in steps], dtype=np.int64)
    ticks = np.array([step[1] for step in steps], np.int64)
    whole, parts = (TimeMeter(), SpreadMeter()), (TimeMeter(), SpreadMeter())
    for (clock, spread), length in ((whole, len(steps) + 1), (parts, size)):
        for first in range(0, len(steps), length):
            part = slice(first, first + length)
            clock.add(times[part], {"wide": ticks[part] > 1})
            spread.add(times[part], ticks[part])
    assert parts[1].spread() == whole[1].spread()
    assert (parts[0].silences, parts[0].silence_count) == (whole[0].silences, whole[0].silence_count)
    assert parts[0].rates() == whole[0].rates()
    lasted, before = np.diff(times), ticks[:-1]
    if lasted[before > 0].sum() > 0:
        mean = (lasted * before)[before > 0].sum() / lasted[before > 0].sum()
        assert whole[1].spread().mean_ticks == pytest.approx(mean, abs=1e-6)
    if (ticks > 1).any():
        assert whole[0].rates()["wide"].peak_per_s == np.unique(times[ticks > 1] // SECOND, return_counts=True)[1].max()


@pytest.mark.jit
def test_every_fixture_and_the_es_day_can_be_inspected(data_dir):
    for path in sorted((data_dir / "dbn_fixtures").iterdir()):
        assert inspect_file(path).rows > 0
    found = inspect_file(data_dir / "cme_es" / "esh4-glbx-mdp3-20231225.mbo.dbn.zst")
    assert found.rows == 68_792
    assert found.rates["trade"].count == 2973
    assert found.spread.mean_ticks == pytest.approx(1.06077, abs=1e-5)
    assert found.tick_size == 0.25
    assert ("state: crossed", "record 8760") in {(problem.what, problem.first) for problem in found.problems}


def write_table(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def problems(found):
    return {(problem.what, problem.count, problem.first) for problem in found.problems}


def test_trades_with_plain_names_need_no_map(tmp_path):
    path = write_table(
        tmp_path / "t.csv",
        "ts,Price,Size,Side,symbol",
        "1700000000000,10.50,0.014,buy,XYZ",
        "1700000000500,10.75,0,sell,XYZ",
        "1700000070500,11.00,0.010,,XYZ",
        "1700000060000,11.00,0.020,buy,XYZ",
        "1700000071000,11.00,0.020,sell,XYZ",
    )
    found = inspect_file(path)
    assert (found.format, found.instruments, found.rows) == ("table of trades", ("XYZ",), 5)
    assert (found.tick_size, found.tick_size_is_found, found.lot_size, found.lot_size_is_found) == (
        0.25,
        True,
        0.001,
        True,
    )
    assert (found.start_ns, found.end_ns) == (1_700_000_000 * SECOND, 1_700_000_071 * SECOND)
    assert (found.rates["trade"].count, found.spread) == (3, None)
    assert [silence.duration_ns for silence in found.silences] == [70_500_000_000]
    assert problems(found) == {("dropped: size_zero", 1, "line 3"), ("dropped: time_back", 1, "line 5")}
    assert any("time is ts (ms since 1970)" in note for note in found.notes)
    assert any(note == "1 of 3 trades do not tell who was the aggressor." for note in found.notes)
    coarse = inspect_file(path, InspectOptions(lot_size=0.01))
    assert ("dropped: size_between_steps", 1, "line 2") in problems(coarse) and not coarse.lot_size_is_found


QUOTES = ("time;bid;bid_size;ask;ask_size", "2024-01-02 10:00:00;10;1;11;2", "2024-01-02 10:00:01;12;1;11;2")
QUOTES += ("2024-01-02 10:00:02;11;1;11;2", "2024-01-02 10:00:03;10;1;13;2", "2024-01-02 10:00:04;10;1;;")


@pytest.mark.parametrize("name", ["q.csv", "q.csv.gz", "q.zip"])
def test_quotes_tell_spread_and_states_whatever_holds_them(tmp_path, name):
    path, text = tmp_path / name, "\n".join(QUOTES) + "\n"
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("q.csv", text)
    else:
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    found = inspect_file(path)
    # One tick for the first second, none while crossed or locked, three for the last.
    assert (found.spread.mean_ticks, found.spread.one_tick_share, found.spread.seconds) == (2.0, 0.5, 2.0)
    assert found.rates["quote"].count == found.rows == 5
    assert problems(found) == {
        ("state: crossed", 1, "line 3"),
        ("state: locked", 1, "line 4"),
        ("state: one_sided", 1, "line 6"),
    }


def test_trades_and_quotes_of_one_parquet_table_are_both_told(tmp_path):
    pl = pytest.importorskip("polars")
    start = 1_700_000_000 * SECOND
    rows = {"ts_event": [start, start + SECOND], "price": [10.0, 10.5], "size": [1, 2], "bid": [10.0, 10.0]}
    path = tmp_path / "t.parquet"
    pl.DataFrame(rows | {"ask": [10.5, 11.0]}).with_columns(pl.col("ts_event").cast(pl.Datetime("ns"))).write_parquet(
        path
    )
    found = inspect_file(path)
    assert found.format == "table of trades and quotes"
    assert {kind: rate.count for kind, rate in found.rates.items()} == {"trade": 2, "quote": 2}
    assert (found.tick_size, found.spread.mean_ticks, found.start_ns) == (0.5, 1.0, start)


def test_bars_tell_their_length_and_what_no_bar_covers(tmp_path):
    starts = [0, 300, 600, 1500, 1800]
    bars = [f"{1_700_000_000 + start},10,12,9,11,100" for start in starts]
    found = inspect_file(write_table(tmp_path / "b.csv", "timestamp,open,high,low,close,volume", *bars))
    assert (found.format, found.rates["bar"].count) == ("table of bars", 5)
    assert [(s.start_ns, s.duration_ns) for s in found.silences] == [(1_700_000_900 * SECOND, 600 * SECOND)]
    assert any("300 s long" in note and "1 do not follow" in note for note in found.notes)


def test_a_table_that_does_not_explain_itself_is_refused_in_one_sentence(tmp_path, capsys):
    odd = write_table(tmp_path / "odd.csv", "time,price,size", "34200.5,10,1")
    plain = write_table(tmp_path / "plain.csv", "1700000000,10,1")
    part = write_table(tmp_path / "map.yaml", "time: 0", "time_unit: s", "price: 1")
    whole = write_table(tmp_path / "whole.yaml", "time: 0", "time_unit: s", "price: 1", "size: 2")
    cases = {
        (odd,): "time is '34200.5', expected YYYY-MM-DD with a time of day, or a number since 1970",
        (plain,): "format is not known, expected one of: ",
        (plain, "--columns", part): "columns make no table, expected price and size",
        (plain, "--columns", "lean_ticks"): "there is no preset 'lean_ticks'",
        (plain, "--columns", whole, "--lot-size", "0"): "--lot-size is 0.0, expected more than 0",
        (plain, "--columns", whole, "--tick-size", "3"): "0 of 1 rows are left (1 price_between_steps)",
    }
    for words, sentence in cases.items():
        assert main(["market", "inspect", *map(str, words)]) == 2
        error = capsys.readouterr().err
        assert sentence in error and error.count("\n") == 1
    assert main(["market", "inspect", str(plain), "--columns", str(whole)]) == 0
    assert "lot size     1 (found out from the sizes)" in capsys.readouterr().out


@given(st.lists(st.integers(-(10**6), 10**6).filter(bool), min_size=1, max_size=20), st.integers(0, 6))
@example([1], 6)
@example([1_000_001], 6)
def test_the_tick_found_is_the_largest_that_fits_all_prices(units, decimals):
    step = math.gcd(*units)
    prices = np.array([float(f"{unit}e-{decimals}") for unit in units])
    assert find_tick_size("x", prices) == pytest.approx(step / 10**decimals, rel=1e-12)
    lot = find_lot_size("x", abs(prices))
    needed = max(0, *(-Decimal(f"{unit}e-{decimals}").normalize().as_tuple().exponent for unit in units))
    assert lot == pytest.approx(10.0**-needed, rel=1e-12)


def test_numbers_on_no_grid_are_refused():
    for find in (find_tick_size, find_lot_size):
        with pytest.raises(TapeError, match="more than 9 decimals"):
            find("x", np.array([1 / 3]))
    with pytest.raises(TapeError, match="no price"):
        find_tick_size("x", np.array([0.0, np.nan]))


def binance_line(ms, message, recv_digits=19):
    received = str(1_700_000_000_000 + ms).ljust(recv_digits, "0")
    return f"{received} {json.dumps({'data': {'s': 'XYZ', 'T': 1_700_000_000_000 + ms - 1} | message})}"


def diff(first, last, before):
    return {"e": "depthUpdate", "U": first, "u": last, "pu": before, "b": [["10.0", "0.02"]], "a": [["10.5", "1"]]}


def ticker(last, bid, ask):
    return {"e": "bookTicker", "u": last, "b": bid, "B": "0.02", "a": ask, "A": "1"}


@pytest.mark.parametrize("digits", [13, 16, 19])
def test_a_binance_recording_tells_gaps_spread_and_states(tmp_path, digits):
    lines = [(0, diff(1, 5, 0)), (1, diff(6, 8, 5)), (2, ticker(9, "10.0", "10.5")), (1002, ticker(10, "10.0", "11.0"))]
    lines += [(2002, ticker(11, "11.0", "10.5")), (3002, diff(14, 15, 13))]
    lines += [(3003, {"e": "trade", "t": 1, "p": "10.0", "q": "0.02", "m": True})]
    path = write_table(tmp_path / "rec.txt", *(binance_line(ms, message, digits) for ms, message in lines))
    found = inspect_file(path)
    assert (found.format, found.instruments, found.rows) == ("Binance recording", ("XYZ",), 7)
    assert (found.tick_size, found.lot_size, found.lot_size_is_found) == (0.5, 0.01, True)
    assert {kind: rate.count for kind, rate in found.rates.items()} == {"depth": 3, "ticker": 3, "trade": 1}
    assert (found.spread.mean_ticks, found.spread.one_tick_share, found.spread.seconds) == (1.5, 0.5, 2.0)
    assert found.sequence_jumps == 1
    assert {("state: crossed", 1, "line 5"), ("state: gap", 1, "line 6")} <= problems(found)
    assert not any("received_before_sent" in what for what, _, _ in problems(found))
    assert any("refused unless gaps is 'ignore'" in note for note in found.notes)
    other = write_table(
        tmp_path / "two.txt", binance_line(0, diff(1, 2, 0)), binance_line(1, ticker(3, "1", "2") | {"s": "ABC"})
    )
    with pytest.raises(TapeError, match="2 symbols"):
        inspect_file(other)


def test_the_real_recording_is_told(data_dir):
    found = inspect_file(data_dir / "binance" / "examples_usdm_btcusdt_20240808.gz")
    assert (found.instruments, found.rows, found.tick_size, found.lot_size) == (("BTCUSDT",), 93_954, 0.1, 0.001)
    counts = {kind: rate.count for kind, rate in found.rates.items()}
    assert counts == {"depth": 6551, "snapshot": 1, "ticker": 66_089, "trade": 21_313}
    assert found.sequence_jumps == 0
    assert found.spread.mean_ticks == pytest.approx(1.14, abs=0.005)
    assert ("repaired: received_before_sent", 93_954, "line 1") in problems(found)


def test_real_gold_is_told(data_dir):
    options = {"member": "*_201312.csv"}
    folder = data_dir / "comex_gc"
    trades = inspect_file(
        folder / "future_comex_tick_gc_20131007_trade.zip", InspectOptions(columns="lean_trade_ticks", **options)
    )
    assert (trades.rows, trades.rates["trade"].count, trades.tick_size, trades.lot_size) == (39_702, 39_610, 0.1, 1)
    assert problems(trades) == {("dropped: size_zero", 92, "line 2892")}
    quotes = inspect_file(
        folder / "future_comex_minute_gc_20131007_quote.zip", InspectOptions(columns="lean_quote_minutes", **options)
    )
    assert quotes.spread.mean_ticks == pytest.approx(1.729, abs=0.001)
    assert ("state: locked", 33, "line 60") in problems(quotes)
    with pytest.raises(TapeError, match="10 csv members, expected 1"):
        inspect_file(folder / "future_comex_minute_gc_20131007_trade.zip", InspectOptions(columns="lean_trade_minutes"))
