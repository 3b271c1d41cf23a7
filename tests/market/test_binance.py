"""Binance recordings: update ids, gaps, and the exchange that plays the tape has the levels of every depth message."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sortedcontainers import SortedDict

from tests.market.test_l2 import exchange_for
from twin_env.core.exchange.exchange import handle
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import HISTORY
from twin_env.core.state.world import copy_world, create_template, create_worlds
from twin_env.market.data.binance.files import DIFF, SNAPSHOT, read_recording
from twin_env.market.data.binance.reader import read_binance
from twin_env.market.data.binance.source import BinanceRecording
from twin_env.market.data.levels.reader import QueueModel
from twin_env.market.data.tape import TapeError
from twin_env.reference import Divergence, Message

REAL = "examples_usdm_btcusdt_20240808.gz"
MS = 1_000_000


def level(price, lots):
    return [f"{price / 10:.2f}", f"{lots / 1000:.4f}"]


def diff(first, last, before, bids=(), asks=(), t=None):
    return {
        "stream": "btcusdt@depth@0ms",
        "data": {
            "e": "depthUpdate",
            "E": t or last,
            "T": t or last,
            "s": "BTCUSDT",
            "U": first,
            "u": last,
            "pu": before,
        }
        | {"b": [level(*cell) for cell in bids], "a": [level(*cell) for cell in asks]},
    }


def snapshot(last, bids=(), asks=(), t=None):
    levels = {"bids": [level(*cell) for cell in bids], "asks": [level(*cell) for cell in asks]}
    return {"lastUpdateId": last, "E": t or last, "T": t or last} | levels


def trade(number, t, price, lots, seller):
    price, size = level(price, lots)
    return {
        "e": "trade",
        "E": t,
        "T": t,
        "s": "BTCUSDT",
        "t": number,
        "p": price,
        "q": size,
        "X": "MARKET",
        "m": seller,
    }


def ticker(last, bid, ask, t=None):
    (b, bid_size), (a, ask_size) = level(*bid), level(*ask)
    return {"e": "bookTicker", "u": last, "s": "BTCUSDT", "b": b, "B": bid_size, "a": a, "A": ask_size, "T": t or last}


def record(path, messages, start_ns=10**15):
    lines = [f"{start_ns + index} {json.dumps(message)}\n" for index, message in enumerate(messages)]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def read(tmp_path):
    def read_messages(*messages, **arguments):
        path = record(tmp_path / "btc.txt", messages)
        return read_binance(path, tick_size=0.1, lot_size=0.001, **{"queue": QueueModel(model="back")} | arguments)

    return read_messages


def play(tape, lines=None):
    """Return bids and asks after the last row of each line, all rows accepted and nothing diverged."""
    exchange, books = exchange_for(tape), {}
    for row, line in zip(tape.rows, tape.lines, strict=True):
        assert not any(event.kind == codes.REJECTED for event in exchange.handle(Message.from_record(row)))
        books[int(line)] = [{price: lots for price, lots, _ in exchange.depth(side, 99)} for side in (BUY, SELL)]
    assert exchange.divergence == Divergence()
    return books


START = snapshot(100, bids=[(1000, 5), (999, 7)], asks=[(1001, 4)])


def test_a_book_begins_with_the_snapshot_and_diffs_received_before_it(read):
    tape = read(
        diff(80, 90, 79, bids=[(1000, 1)]),  # ends before the snapshot
        diff(91, 110, 90, bids=[(1000, 6)]),  # goes on behind it
        START,
        diff(111, 120, 110, asks=[(1001, 0), (1002, 3)]),
    )
    books = play(tape)
    assert books == {
        3: [{1000: 5, 999: 7}, {1001: 4}],
        2: [{1000: 6, 999: 7}, {1001: 4}],
        4: [{1000: 6, 999: 7}, {1002: 3}],
    }
    assert tape.report.dropped == {"depth_before_snapshot": 1, "trade_before_book": 0}
    assert tape.report.snapshot_orders == 3
    assert (tape.rows["flags"][tape.lines == 3] & codes.SNAPSHOT).all()


def test_times_are_the_exchanges_and_receive_times_are_kept(read):
    tape = read(START, diff(101, 110, 100, bids=[(1000, 6)], t=2000))
    assert tape.rows["ts_ns"].tolist() == [100 * MS] * 3 + [2000 * MS]
    assert tape.rows["recv_ns"].tolist() == [10**15] * 3 + [10**15 + 1]


def test_a_clock_behind_the_exchanges_is_counted_and_measured(tmp_path):
    path = record(tmp_path / "btc.txt", [START, diff(101, 110, 100, t=2000, bids=[(1000, 6)])], start_ns=1500 * MS)
    tape = read_binance(path, tick_size=0.1, lot_size=0.001)
    assert tape.report.repaired["received_before_sent"] == 1
    assert read_recording(path).delay_ns().tolist() == [1400 * MS, -500 * MS + 1]


def test_a_trade_takes_the_front_before_the_depth_of_its_time(read):
    tape = read(
        START,
        diff(101, 110, 100, bids=[(1000, 9)], t=150),
        diff(111, 120, 110, bids=[(1000, 3)], t=160),
        trade(1, 160, 1000, 6, seller=True),
    )
    played = tape.rows[tape.rows["ts_ns"] == 160 * MS]
    assert played["kind"].tolist() == [codes.EXECUTE, codes.EXECUTE]
    assert played["lots"].tolist() == [5, 1] and played["side"].tolist() == [SELL, SELL]


def test_a_ticker_shortens_and_clears_levels_until_the_next_diff(read):
    messages = (
        START,
        ticker(103, (999, 6), (1001, 4)),
        diff(101, 110, 100, asks=[(1001, 2)]),
    )
    tape = read(*messages)
    assert play(tape) == {
        1: [{1000: 5, 999: 7}, {1001: 4}],
        2: [{999: 6}, {1001: 4}],
        3: [{1000: 5, 999: 7}, {1001: 2}],
    }
    assert 2 not in read(*messages, tickers=False).lines


def test_a_gap_waits_for_the_next_snapshot(read):
    tape = read(
        START,
        diff(101, 110, 100, bids=[(1000, 6)]),
        diff(150, 160, 149, bids=[(1000, 1)]),
        diff(161, 170, 160, bids=[(1000, 2)]),
        snapshot(165, bids=[(998, 5)], asks=[(1001, 4)]),
        diff(171, 180, 170, bids=[(998, 6)]),
    )
    assert tape.report.repaired["gap_recovered"] == 1 and tape.report.dropped["depth_in_gap"] == 1
    books = play(tape)
    assert 3 not in books and books[5] == [{998: 5}, {1001: 4}]
    assert books[4] == [{998: 5, 1000: 2}, {1001: 4}]  # reaches behind the snapshot
    assert (tape.rows["flags"][tape.lines == 5] & codes.GAP).all()
    assert not (tape.rows["flags"][tape.lines != 5] & codes.GAP).any()


def test_a_snapshot_inside_the_gap_mends_it(read):
    tape = read(START, diff(101, 110, 100), snapshot(149, bids=[(998, 5)]), diff(150, 160, 149, bids=[(998, 6)]))
    assert play(tape)[4] == [{998: 6}, {}]
    assert tape.report.repaired["gap_recovered"] == 1


GAP = (START, diff(101, 110, 100, bids=[(1000, 6)]), diff(150, 160, 149, bids=[(1000, 1)]))


@pytest.mark.parametrize(
    ("gaps", "end"), [("snapshot", "expected 110, or a snapshot afterwards"), ("refuse", "expected 110")]
)
def test_a_gap_that_cannot_be_mended_is_refused(read, gaps, end):
    with pytest.raises(TapeError) as error:
        read(*GAP, gaps=gaps)
    assert str(error.value) == f"btc.txt line 3: pu is 149, {end}"


def test_a_diff_that_overlaps_the_one_before_does_not_follow_it(read):
    with pytest.raises(TapeError, match=r"btc\.txt line 3: pu is 104, expected 110"):
        read(START, diff(101, 110, 100), diff(105, 120, 104))


def test_of_a_ticker_and_a_diff_with_one_id_the_diff_has_the_last_word(read):
    tape = read(START, diff(101, 110, 100, bids=[(1000, 6)]), ticker(110, (1000, 2), (1001, 4)))
    exchange = exchange_for(tape)
    for row in tape.rows:
        exchange.handle(Message.from_record(row))
    assert exchange.depth(BUY, 1) == [(1000, 6, 2)]


def test_a_gap_can_be_ignored_and_is_counted(read):
    tape = read(*GAP, gaps="ignore")
    assert play(tape)[3][0] == {1000: 1, 999: 7} and tape.report.repaired["gap_ignored"] == 1


def without(message, *names):
    return {name: value for name, value in message["data"].items() if name not in names}


def test_spot_ids_follow_by_one(read):
    spot = snapshot(100, bids=[(1000, 5)])
    del spot["T"], spot["E"]
    tape = read(
        spot,
        without(diff(99, 110, 0, bids=[(1000, 6)]), "pu", "T"),
        without(diff(111, 112, 0, bids=[(1000, 7)]), "pu", "T"),
    )
    assert play(tape)[3] == [{1000: 7}, {}] and tape.start_ns == 110 * MS
    with pytest.raises(TapeError, match=r"btc.txt line 2: U is 102, expected 101, or a snapshot afterwards"):
        read(spot, without(diff(102, 110, 0, bids=[(1000, 6)]), "pu"))


def test_without_a_snapshot_the_book_begins_with_the_first_diff(read):
    tape = read(diff(101, 110, 100, bids=[(1000, 6)]), diff(111, 120, 110, bids=[(1001, 6)]))
    assert play(tape)[2] == [{1000: 6, 1001: 6}, {}]
    assert tape.report.repaired["start_without_snapshot"] == 1


def test_duplicates_and_disorder_are_counted(read):
    again = diff(101, 110, 100, bids=[(1000, 6)])
    one = trade(1, 130, 1000, 1, seller=True)
    tape = read(
        START,
        again,
        again,
        diff(121, 130, 120),
        diff(111, 120, 110, bids=[(999, 1)]),
        one,
        one,
        trade(2, 125, 1000, 2, True),
    )
    assert tape.report.dropped["depth_duplicate"] == 1 and tape.report.dropped["trade_duplicate"] == 1
    assert tape.report.repaired["depth_reordered"] == 1 and tape.report.repaired["trade_reordered"] == 1
    executed = tape.rows[tape.rows["kind"] == codes.EXECUTE]
    assert executed["lots"].tolist() == [2, 1]


def test_sizes_between_lots_are_rounded_and_counted(read):
    tape = read(snapshot(100, bids=[(1000, 5.4), (999, 0.2)]))
    assert sorted(tape.rows["lots"].tolist()) == [1, 5] and tape.report.repaired["size_rounded"] == 2


def test_several_symbols_need_a_choice(read):
    other = diff(1, 2, 0, bids=[(5, 1)])
    other["data"]["s"] = "ETHUSDT"
    with pytest.raises(TapeError, match=r"2 symbols \(BTCUSDT, ETHUSDT\), expected one, or symbol to choose it"):
        read(START, diff(101, 110, 100), other)
    assert read(START, diff(101, 110, 100), other, symbol="BTCUSDT").report.dropped["other_symbol"] == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("nothing", "line 2: line is 'nothing' ("),
        ('5 {"e": "trade", "s"', 'line 2: line is \'5 {"e": "trade", "s"\' ('),
        ("5 [1]", "line 2: line is '5 [1]' (no object), expected a receive time, a blank, a JSON message"),
        ('5 {"e": "depthUpdate", "b": [], "a": []}', "line 2: field 'U' is missing, expected it there"),
        (f"5 {json.dumps(diff(101, 110, 100, bids=[(1000.5, 1)]))}", "line 2: price is 100.05, expected"),
        (
            f"5 {json.dumps(trade(1, 101, 1000.5, 1, True))}",
            "line 2: price is 100.05, expected a multiple of tick_size 0.1",
        ),
        (f"5 {json.dumps(diff(101, 110, 100, bids=[(1000, -1)]))}", "line 2: size is -0.001, expected at least 0"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, sentence):
    path = tmp_path / "btc.txt"
    path.write_text(f"1 {json.dumps(START)}\n{line}\n")
    with pytest.raises(TapeError) as error:
        read_binance(path, tick_size=0.1, lot_size=0.001)
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_a_truncated_gz_is_refused(tmp_path):
    whole = gzip.compress(b"".join(b"1 %d\n" % number for number in range(10**4)))
    path = tmp_path / "btc.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TapeError, match=r"btc\.gz"):
        read_recording(path)
    path.write_bytes(gzip.compress(f"1 {json.dumps(START)}\n".encode() * 500)[:-20])
    with pytest.raises(TapeError, match="gzip data are damaged or cut short"):
        read_recording(path)


def test_missing_and_empty_files_are_refused(tmp_path):
    with pytest.raises(TapeError, match="no such file"):
        read_recording(tmp_path / "none.gz")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(TapeError, match="0 lines, expected at least one"):
        read_recording(tmp_path / "empty.txt")


def test_the_config_reads_what_the_function_reads(tmp_path, read):
    tape = read(START)
    config = BinanceRecording(path=tmp_path / "btc.txt", lot_size=0.001, queue=QueueModel(model="back"))
    assert config.model == "binance" and np.array_equal(config.read(0.1).rows, tape.rows)


@st.composite
def recordings(draw):
    """A book in snapshots, diffs and trades; returns messages and the book after each diff, by line."""
    book = {BUY: {1000: 3}, SELL: {1001: 3}}
    messages, truth, at = [snapshot(1, bids=[(1000, 3)], asks=[(1001, 3)])], {}, 1
    for _ in range(draw(st.integers(1, 20))):
        touch = draw(st.integers(997, 1003))
        wanted = {
            BUY: draw(st.dictionaries(st.integers(990, touch), st.integers(1, 5), max_size=4)),
            SELL: draw(st.dictionaries(st.integers(touch + 1, 1010), st.integers(1, 5), max_size=4)),
        }
        prices = draw(st.lists(st.integers(995, 1005), max_size=2))
        messages += [trade(10 * at + n, at + 1, price, 2, draw(st.booleans())) for n, price in enumerate(prices)]
        if draw(st.booleans()) and book[BUY] and book[SELL]:
            best = min(book[SELL])
            messages.append(ticker(at, (draw(st.integers(990, best - 1)), 1), (best, draw(st.integers(1, 5)))))
        cells = [
            [(price, wanted[side].get(price, 0)) for price in {*wanted[side], *book[side]}] for side in (BUY, SELL)
        ]
        messages.append(diff(at + 1, at + 4, at, *cells))
        truth[len(messages)], book, at = [wanted[BUY], wanted[SELL]], wanted, at + 4
    return messages, truth


@given(recording=recordings(), model=st.sampled_from(["back", "front", "uniform", "power"]))
@settings(max_examples=80)
def test_the_levels_are_the_sources_after_every_diff(recording, model, tmp_path_factory):
    messages, truth = recording
    path = record(tmp_path_factory.mktemp("recording") / "btc.txt", messages)
    tape = read_binance(path, tick_size=0.1, lot_size=0.001, queue=QueueModel(model=model))
    books = play(tape)
    assert {line: book for line, book in books.items() if line in truth and truth[line] != book} == {}


@kernel
def play_and_look(worlds, messages, looks, depth, out):
    """Play rows; after row ``looks[k]`` write the ``depth`` best (price, lots) of bids and asks to ``out[k]``."""
    world = worlds[0]
    at = 0
    for row in range(messages.shape[0]):
        world.now_ns = messages[row].ts_ns
        handle(world, messages[row])
        if at < len(looks) and looks[at] == row:
            for side in range(2):
                count = world.book.count[side]
                for place in range(min(depth, count)):
                    key = world.book.key[side, count - 1 - place]
                    out[at, side, place, 0] = key if side == 0 else -key
                    out[at, side, place, 1] = world.book.levels[world.book.level[side, count - 1 - place]].lots
            at += 1


def true_levels(recording, lines, depth):
    """Return the best levels of the recording itself after each line, kept in two sorted dictionaries."""
    books, cells = recording.books, np.cumsum(recording.books["cells"])
    sides = {BUY: SortedDict(), SELL: SortedDict()}
    out = np.zeros((len(lines), 2, depth, 2), np.int64)
    at = {int(line): index for index, line in enumerate(lines)}
    begun = books["last"][books["kind"] == SNAPSHOT][0]
    order = [i for i in np.argsort(books["last"], kind="stable") if books["kind"][i] in (SNAPSHOT, DIFF)]
    for index in sorted(order, key=lambda i: (books["last"][i], books["kind"][i])):
        if books["last"][index] < begun:
            continue
        for cell in range(cells[index] - books["cells"][index], cells[index]):
            side, price = recording.sides[cell], round(recording.prices[cell] * 10)
            if recording.sizes[cell] > 0:
                sides[side][side * price] = round(recording.sizes[cell] * 1000)
            else:
                sides[side].pop(side * price, None)
        if (row := at.get(int(books["line"][index]))) is not None:
            for place, side in enumerate((BUY, SELL)):
                best = sides[side].items()[-depth:][::-1]
                out[row, place, : len(best)] = [(side * key, lots) for key, lots in best]
    return out


@pytest.mark.jit
def test_fifty_levels_of_the_real_recording_are_those_of_its_diffs(data_dir):
    path = data_dir / "binance" / REAL
    tape = read_binance(path, tick_size=0.1, lot_size=0.001)
    recording = read_recording(path)
    diffs = set(recording.books["line"][recording.books["kind"] == DIFF].tolist())
    last = {int(line): row for row, line in enumerate(tape.lines.tolist()) if line in diffs}
    lines, looks = np.array(list(last)), np.array(list(last.values()))
    template, worlds = create_template(HISTORY, tape.orders), create_worlds(HISTORY)
    copy_world(template, 0, worlds, 0)
    seen = np.zeros((len(looks), 2, 50, 2), np.int64)
    play_and_look(worlds, tape.rows, looks, 50, seen)
    assert len(looks) > 6_500
    assert (seen == true_levels(recording, lines, 50)).all()
    assert not any(worlds[0].divergence.tolist()) and not worlds[0].rejects.any()
    executed, printed = (
        int(tape.rows["lots"][tape.rows["kind"] == kind].sum()) for kind in (codes.EXECUTE, codes.PRINT)
    )
    assert executed / (executed + printed) > 0.96
