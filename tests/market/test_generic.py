"""Trades, quotes and bars from tables of any layout: exact ticks, lots and times; bad cells are named or counted."""

import gzip
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_env.config import ConfigError, load_config
from twin_env.market.data.columns.column_map import Columns
from twin_env.market.data.columns.reader import TableFile, read_bars, read_quotes, read_trades
from twin_env.market.data.tape import TapeError

NS = 1_000_000_000
EPOCH_MS = {"time": "time", "time_unit": "ms"}
TRADES = Columns(**EPOCH_MS, price="price", size="size", side="side")
QUOTES = Columns(**EPOCH_MS, bid="bid", bid_size="bid_size", ask="ask", ask_size="ask_size")
BARS = Columns(time="time", time_unit="s", open="open", high="high", low="low", close="close", volume="volume")
TRADE_TEXT = "time,price,size,side\n1000,100.1,2,buy\n1001,100.0,1,sell\n1001,100.2,3,\n"


@pytest.fixture
def table(tmp_path):
    def make(text, columns=TRADES, name="gold.csv", **keys):
        path = tmp_path / name
        path.write_text(text)
        return TableFile(path=path, columns=columns, **keys)

    return make


def refusal(read, file, tick_size=0.1, **arguments):
    with pytest.raises(TapeError) as error:
        read(file, tick_size, **arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def columns_of(trades):
    return [trades.ts_ns.tolist(), trades.price_ticks.tolist(), trades.lots.tolist(), trades.side.tolist()]


EXPECTED = [[NS, 1_001_000_000, 1_001_000_000], [1001, 1000, 1002], [2, 1, 3], [1, -1, 0]]


def test_a_csv_is_read(table):
    trades = read_trades(table(TRADE_TEXT), 0.1)
    assert columns_of(trades) == EXPECTED
    assert trades.report.source_rows == 3 and trades.report.dropped == {}


@pytest.mark.parametrize("kind", ["csv.gz", "zip", "parquet"])
def test_other_containers_hold_the_same(tmp_path, kind):
    path = tmp_path / f"gold.{kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress(TRADE_TEXT.encode()))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", TRADE_TEXT)
    else:
        pl.read_csv(io.StringIO(TRADE_TEXT)).write_parquet(path)
    assert columns_of(read_trades(TableFile(path=path, columns=TRADES), 0.1)) == EXPECTED


def test_columns_by_number_mean_a_file_without_header(table):
    columns = Columns(time=0, time_unit="ms", price=1, size=2)
    trades = read_trades(table("1000,100.1,2\n", columns), 0.1)
    assert columns_of(trades) == [[NS], [1001], [2], [0]]


def test_several_files_follow_each_other(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("time,price,size,side\n1000,100.1,2,buy\n")
    paths[1].write_text("time,price,size,side\n1001,100.1,2,buy\n")
    assert len(read_trades(TableFile(path=paths, columns=TRADES), 0.1)) == 2
    sentence = refusal(read_trades, TableFile(path=paths[::-1], columns=TRADES))
    assert sentence.endswith(
        "a.csv: the first time is 1000000000 ns, expected no earlier than the last of the file before, 1001000000 ns"
    )


def test_a_member_of_a_zip_is_chosen_by_a_pattern(tmp_path):
    path = tmp_path / "gold.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, price in (("gc_201312.csv", "100.1"), ("gc_201402.csv", "100.2")):
            archive.writestr(name, f"time,price,size,side\n1000,{price},2,buy\n")
    assert read_trades(TableFile(path=path, columns=TRADES, member="*_201402.csv"), 0.1).price_ticks.tolist() == [1002]
    for member, found in (
        (None, "2 csv members, expected 1"),
        ("*_2015.csv", "0 csv members that fit member '*_2015.csv'"),
    ):
        assert found in refusal(read_trades, TableFile(path=path, columns=TRADES, member=member))


TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1))


@given(moment=TIMES, nanos=st.integers(0, 999))
@settings(max_examples=30)
def test_written_times_are_exact_to_the_nanosecond(tmp_path_factory, moment, nanos):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    whole = int((moment - datetime(1970, 1, 1)) / timedelta(microseconds=1)) * 1000 + nanos
    written = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{nanos:03d}"
    seconds = f"{Decimal(whole) / NS:f}"
    for unit, text in (("text", written + "Z"), ("s", seconds), ("ns", str(whole))):
        path.write_text(f"time,price,size\n{text},1,1\n")
        columns = Columns(time="time", time_unit=unit, price="price", size="size")
        assert read_trades(TableFile(path=path, columns=columns), 1.0).ts_ns.tolist() == [whole]


@given(moment=TIMES, zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Tokyo", "UTC"]))
@settings(max_examples=30)
def test_a_text_without_a_zone_is_in_the_zone_of_the_map(tmp_path_factory, moment, zone):
    moment = moment.replace(microsecond=0)
    aware = moment.replace(tzinfo=ZoneInfo(zone))
    if aware.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment:
        return  # a time a clock was set forward over
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text(f"date,clock,price,size\n{moment:%d.%m.%Y},{moment:%H:%M:%S},1,1\n")
    columns = Columns(
        time=("date", "clock"), time_format="%d.%m.%Y %H:%M:%S", time_zone=zone, price="price", size="size"
    )
    assert read_trades(TableFile(path=path, columns=columns), 1.0).ts_ns.tolist() == [int(aware.timestamp()) * NS]


def test_texts_with_and_without_a_zone_may_be_mixed(table):
    columns = Columns(time="t", time_zone="America/New_York", price="p", size="s")
    texts = ["2024-01-02T08:00:00Z", "2024-01-02 03:00:01", "2024-01-02T10:00:02+02:00", "2024-01-02 03:00:03-0500"]
    trades = read_trades(table("t,p,s\n" + "".join(f"{text},1,1\n" for text in texts), columns), 1.0)
    assert (trades.ts_ns - trades.ts_ns[0]).tolist() == [0, NS, 2 * NS, 3 * NS]


def test_a_time_a_clock_was_set_forward_over_is_refused(table):
    columns = Columns(time="t", time_zone="America/New_York", price="p", size="s")
    sentence = refusal(read_trades, table("t,p,s\n2024-03-10 02:30:00,1,1\n", columns))
    assert sentence.endswith("line 2: time is '2024-03-10 02:30:00', expected a time as the column map describes it")


def test_times_since_midnight_take_the_day_from_the_file_name_or_the_key(table):
    columns = Columns(
        time="t", time_unit="ms", time_since="midnight", time_zone="America/New_York", price="p", size="s"
    )
    text = "t,p,s\n34200000,1,1\n"
    opened = int(datetime(2013, 10, 7, 9, 30, tzinfo=ZoneInfo("America/New_York")).timestamp()) * NS
    assert read_trades(table(text, columns, "gc_20131007_trade.csv"), 1.0).ts_ns.tolist() == [opened]
    assert read_trades(table(text, columns, date="2013-10-07"), 1.0).ts_ns.tolist() == [opened]
    assert "date is not in the file name" in refusal(read_trades, table(text, columns))


def test_dates_of_a_parquet_file_know_their_unit_and_zone(tmp_path):
    moment = datetime(2024, 1, 2, 8, tzinfo=UTC)
    frame = pl.DataFrame({"t": [moment], "p": [1.5], "s": [2]})
    for number, column in enumerate(
        (frame["t"], frame["t"].dt.replace_time_zone(None), frame["t"].dt.cast_time_unit("ms"))
    ):
        path = tmp_path / f"{number}.parquet"
        frame.with_columns(column.alias("t")).write_parquet(path)
        trades = read_trades(TableFile(path=path, columns=Columns(time="t", price="p", size="s")), 0.5)
        assert columns_of(trades) == [[int(moment.timestamp()) * NS], [3], [2], [0]]


def test_a_flag_of_the_buyer_can_say_the_side(table):
    columns = Columns(**EPOCH_MS, price="price", size="size", side="is_buyer_maker", buy=("false",), sell=("true",))
    text = "time,price,size,is_buyer_maker\n1,1,1,True\n2,1,1,False\n"
    assert read_trades(table(text, columns), 1.0).side.tolist() == [-1, 1]


def test_price_and_lot_units(table):
    columns = Columns(**EPOCH_MS, price="price", size="size", price_unit=1e-4, lot_size=0.001)
    trades = read_trades(table("time,price,size\n1,1001000,0.25\n", columns), 0.01)
    assert columns_of(trades)[1:3] == [[10_010], [250]]


def test_rows_are_kept_by_the_texts_of_a_column_and_by_symbol(table):
    text = "time,price,size,side,symbol,condition\n1,1,1,b,GC,0\n2,1,1,b,SI,0\n3,1,1,b,GC,8\n"
    columns = TRADES.model_copy(update={"symbol": "symbol", "keep": {"condition": ("0",)}})
    trades = read_trades(table(text, columns, symbol="GC"), 1.0)
    assert trades.ts_ns.tolist() == [1_000_000] and trades.report.dropped == {"filtered": 2}


@pytest.mark.parametrize("named", [True, False])
def test_several_symbols_need_a_choice(table, named):
    text = "time,price,size,side,symbol\n1,1,1,b,GC\n2,1,1,b,SI\n"
    columns = TRADES.model_copy(update={"symbol": "symbol" if named else None})
    sentence = refusal(read_trades, table(text, columns))
    assert sentence.endswith("symbol has 2 values (GC, SI), expected one, or symbol to choose it")


GOOD = "1000,100.1,2,buy\n" * 5
BAD_TRADES = [
    ("999,100.1,2,buy", "time is '999', expected no earlier than the row before", "time_back"),
    ("noon,100.1,2,buy", "time is 'noon', expected a time as the column map describes it", "time_unreadable"),
    (",100.1,2,buy", "time is None, expected a time as the column map describes it", "time_unreadable"),
    (
        "1000,100.15,2,buy",
        "price is '100.15', expected a price that is a multiple of tick_size 0.1",
        "price_between_steps",
    ),
    ("1000,abc,2,buy", "price is 'abc', expected a number", "price_unreadable"),
    ("1000,nan,2,buy", "price is 'nan', expected a number", "price_unreadable"),
    ("1000,,2,buy", "price is None, expected a number", "price_missing"),
    ("1000,1e30,2,buy", "price is '1e30', expected within 2^40 ticks or lots of zero", "price_range"),
    ("1000,100.1,0,buy", "size is '0', expected at least one lot", "size_zero"),
    ("1000,100.1,-2,buy", "size is '-2', expected 0 or more", "size_negative"),
    ("1000,100.1,1.5,buy", "size is '1.5', expected a size that is a multiple of lot_size 1", "size_between_steps"),
    ("1000,100.1,2,up", "side is 'up', expected one of the column map's texts", "side_unreadable"),
    ("1000", "price is None, expected a number", "price_missing"),
]


@pytest.mark.parametrize(("row", "sentence", "reason"), BAD_TRADES, ids=[row for row, _, _ in BAD_TRADES])
def test_a_bad_trade_is_named_or_dropped_and_counted(table, row, sentence, reason):
    text = f"time,price,size,side\n{GOOD}{row}\n1000,100.1,2,buy\n"
    assert refusal(read_trades, table(text)).endswith(f"gold.csv line 7: {sentence}")
    trades = read_trades(table(text, bad_rows="drop"), 0.1)
    assert len(trades) == 6 and trades.report.dropped == {reason: 1}
    assert trades.report.source_rows == 7


def test_a_file_of_mostly_bad_rows_is_refused_even_if_they_may_be_dropped(table):
    sentence = refusal(read_trades, table(TRADE_TEXT, bad_rows="drop"), tick_size=0.25)
    assert sentence.endswith("1 of 3 rows are left (2 price_between_steps), expected most of them")


def test_prices_and_sizes_between_steps_can_be_rounded_and_are_counted(table):
    text = "time,price,size,side\n1,100.16,1.6,b\n2,100.1,2,b\n"
    trades = read_trades(table(text, rounding="nearest"), 0.1)
    assert trades.price_ticks.tolist() == [1002, 1001] and trades.lots.tolist() == [2, 2]
    assert trades.report.repaired == {"price_rounded": 1, "size_rounded": 1}
    quotes = read_quotes(
        table("time,bid,bid_size,ask,ask_size\n1,100.16,1,100.24,1\n", QUOTES, rounding="nearest"), 0.1
    )
    assert (quotes.bid_ticks.tolist(), quotes.ask_ticks.tolist()) == ([1001], [1003])


def test_an_id_that_was_there_before_is_a_duplicate(table):
    columns = TRADES.model_copy(update={"id": "id"})
    text = "time,price,size,side,id\n1,1,1,b,7\n2,1,1,b,8\n3,1,1,b,7\n"
    assert refusal(read_trades, table(text, columns), 1.0).endswith(
        "line 4: id is '7', expected one that no row before has"
    )
    assert read_trades(table(text, columns, bad_rows="drop"), 1.0).report.dropped == {"duplicate": 1}


QUOTE_HEAD = "time,bid,bid_size,ask,ask_size\n"


def test_an_empty_or_zero_side_of_a_quote_is_nobody(table):
    quotes = read_quotes(table(QUOTE_HEAD + "1,100.0,5,,\n2,,,100.1,4\n3,100.0,0,100.1,4\n", QUOTES), 0.1)
    assert (quotes.bid_lots.tolist(), quotes.ask_lots.tolist()) == ([5, 0, 0], [0, 4, 4])
    without_sizes = QUOTES.model_copy(update={"bid_size": None, "ask_size": None})
    quotes = read_quotes(table(QUOTE_HEAD + "1,100.0,,100.1,\n2,,,100.1,\n", without_sizes), 0.1)
    assert (quotes.bid_lots.tolist(), quotes.ask_lots.tolist()) == ([1, 0], [1, 1])


@pytest.mark.parametrize(
    ("row", "sentence", "reason"),
    [
        ("5,100.2,1,100.1,1", "bid is '100.2', expected less than the ask of its row", "quote_crossed"),
        ("5,100.1,1,100.1,1", "bid is '100.1', expected less than the ask of its row", "quote_crossed"),
        ("5,100.0,-1,100.1,1", "bid_size is '-1', expected 0 or more", "bid_size_negative"),
        ("5,100.0,,100.1,1", "bid_size is None, expected a number", "bid_size_missing"),
    ],
)
def test_a_bad_quote_is_named_or_dropped_and_counted(table, row, sentence, reason):
    text = f"{QUOTE_HEAD}1,100.0,1,100.1,1\n{row}\n"
    assert refusal(read_quotes, table(text, QUOTES)).endswith(f"line 3: {sentence}")
    assert read_quotes(table(text, QUOTES, bad_rows="drop"), 0.1).report.dropped == {reason: 1}


BAR_HEAD = "time,open,high,low,close,volume\n"


def test_bars_are_read(table):
    bars = read_bars(table(BAR_HEAD + "0,10,12,9,11,5\n60,11,11,11,11,0\n", BARS), 0.5)
    assert bars.duration_ns.tolist() == [60 * NS] * 2 and bars.high_ticks.tolist() == [24, 22]
    assert bars.volume_lots.tolist() == [5, 0]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("60,10,10,9,11,5", "high is '10', expected no lower than open and close"),
        ("60,10,12,11,11,5", "low is '11', expected no higher than open and close"),
        ("60,10,12,9,11,-5", "volume is '-5', expected 0 or more"),
        ("30,10,12,9,11,5", "time is '30', expected no earlier than the end of the bar before"),
        ("0,10,12,9,11,5", "time is '0', expected no earlier than the end of the bar before"),
    ],
)
def test_a_bad_bar_is_named(table, row, sentence):
    text = f"{BAR_HEAD}0,10,12,9,11,5\n{row}\n"
    assert refusal(read_bars, table(text, BARS), 1.0).endswith(f"line 3: {sentence}")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"price": "px"}, "column 'px' is missing, expected one of time, price, size, side"),
        ({"price": None}, "columns.price is not set, expected the column of trades that holds it"),
        ({"symbol": "contract"}, "column 'contract' is missing, expected one of time, price, size, side"),
    ],
)
def test_a_missing_column_is_named(table, keys, sentence):
    assert refusal(read_trades, table(TRADE_TEXT, TRADES.model_copy(update=keys))).endswith(sentence)


def test_a_missing_numbered_column_is_named(table):
    columns = Columns(time=0, time_unit="ms", price=1, size=7)
    assert refusal(read_trades, table("1,2,3\n", columns)).endswith("gold.csv: column 7 is missing, expected 0 to 2")


def test_damaged_files_are_refused(tmp_path):
    whole = gzip.compress(("time,price,size,side\n" + "1000,100.1,2,buy\n" * 5000).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 nothing PAR1")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text("time,price,size,side\n1,1,1,b\n1,1,1,b,5,6\n")
    (tmp_path / "gold.xls").write_text("no")
    expected = {
        "cut.csv.gz": "gzip data are damaged or cut short",
        "cut.zip": "zip data are damaged or cut short",
        "cut.parquet": "cannot be read",
        "empty.csv": "0 rows, expected at least one",
        "ragged.csv": "expected a table of equally long rows",
        "gold.xls": "suffix is '.xls', expected .csv, .csv.gz, .zip or .parquet",
        "none.csv": "no such file",
    }
    for name, text in expected.items():
        assert text in refusal(read_trades, TableFile(path=tmp_path / name, columns=TRADES)), name


def test_a_table_without_rows_is_refused(table):
    assert "0 of 0 rows are left (none), expected most of them" in refusal(read_trades, table("time,price,size,side\n"))


def test_a_bad_map_is_refused_before_any_file_is_opened():
    with pytest.raises(ConfigError, match=r"columns\.time_zone is 'Mars', expected a time zone such as UTC"):
        load_config(TableFile, {"path": "a.csv", "columns": {"time": "t", "time_zone": "Mars"}})
    with pytest.raises(ConfigError, match="time_unit is text, expected ns, us, ms or s where time_since is midnight"):
        load_config(TableFile, {"path": "a.csv", "columns": {"time": "t", "time_since": "midnight"}})
    with pytest.raises(ConfigError, match=r"there is no preset 'lean_ticks'.*expected one of lean_quote_minutes"):
        load_config(TableFile, {"path": "a.csv", "columns": "lean_ticks"})


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 10**6), st.integers(1, 10**5), st.sampled_from([-1, 0, 1])),
        min_size=1,
    ),
    tick=st.sampled_from(["0.1", "0.25", "0.00001", "5"]),
)
@settings(max_examples=50)
def test_any_table_of_trades_comes_back(tmp_path_factory, rows, tick):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    times = np.cumsum([row[0] for row in rows])
    lines = [
        f"{t},{Decimal(tick) * price},{lots},{side}" for t, (_, price, lots, side) in zip(times, rows, strict=True)
    ]
    path.write_text("time,price,size,side\n" + "\n".join(lines) + "\n")
    trades = read_trades(TableFile(path=path, columns=TRADES), float(tick))
    assert columns_of(trades) == [[int(t) * 1_000_000 for t in times], *[[row[at] for row in rows] for at in (1, 2, 3)]]


DAY = "20131007"


def lean(data_dir, kind, table, preset, **keys):
    path = data_dir / "comex_gc" / f"future_comex_{kind}_gc_{DAY}_{table}.zip"
    return TableFile(path=path, member="*_201312.csv", columns=preset, **keys)


def test_lean_files_agree_with_each_other(data_dir):
    trades = read_trades(lean(data_dir, "tick", "trade", "lean_trade_ticks", bad_rows="drop"), 0.1)
    quotes = read_quotes(lean(data_dir, "minute", "quote", "lean_quote_minutes", bad_rows="drop"), 0.1)
    bars = read_bars(lean(data_dir, "minute", "trade", "lean_trade_minutes"), 0.1)
    assert (len(trades), trades.report.dropped) == (39_610, {"size_zero": 92})
    assert (len(bars), abs(int(bars.volume_lots.sum() - trades.lots.sum())) <= 2) == (1314, True)
    day_ns = int(datetime(2013, 10, 7, tzinfo=UTC).timestamp()) * NS
    assert trades.ts_ns[0] == day_ns + 276_000_000 and quotes.ts_ns[0] == day_ns + 60 * NS
    at = np.searchsorted(trades.ts_ns, bars.start_ns + bars.duration_ns, side="left") - 1
    assert (trades.price_ticks[at] == bars.close_ticks).mean() > 0.99
    assert "quote_crossed" in quotes.report.dropped


def test_a_real_file_with_bad_rows_is_refused_by_default(data_dir):
    sentence = refusal(read_trades, lean(data_dir, "tick", "trade", "lean_trade_ticks"))
    assert sentence.endswith("201312.csv line 2892: size is '0', expected at least one lot")
