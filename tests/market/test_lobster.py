"""LOBSTER reader against an independent replay: on days made up by hypothesis, on hand-written files, on real ones."""

import datetime
import gzip
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sortedcontainers import SortedDict

from twin_env.core.state import codes
from twin_env.market.data.lobster.reader import load_lobster, read_lobster
from twin_env.market.data.tape import Tape, TapeError

NAME = "XYZ_2012-06-21_34200000_57600000"
EMPTY = 9_999_999_999
UNIT = 100  # file price units in one tick


class Replay:
    """The book of a tape in dictionaries. Every row must be possible, and say the truth about its order's end."""

    def __init__(self):
        self.orders = {}
        self.depth = {codes.BUY: SortedDict(), codes.SELL: SortedDict()}
        self.shown = {}

    def change(self, side, price, lots):
        depth = self.depth[side]
        self.shown = {key: levels for key, levels in self.shown.items() if key[0] != side}
        depth[price] = depth.get(price, 0) + lots
        assert depth[price] >= 0
        if not depth[price]:
            del depth[price]

    def best(self, side, levels):
        """The best levels of a side: a new list whenever the side changed."""
        key = side, levels
        if key not in self.shown:
            depth = self.depth[side]
            start, stop = (0, levels) if side == codes.SELL else (max(0, len(depth) - levels), len(depth))
            self.shown[key] = [(price, depth[price]) for price in depth.islice(start, stop)][::-side]
        return self.shown[key]

    def play(self, kind, side, price, lots, slot, flags):
        if kind == codes.NEW:
            assert slot not in self.orders
            assert all(side * price < side * against for against, _ in self.best(-side, 1))
            self.orders[slot] = [side, price, lots]
            self.change(side, price, lots)
            assert not flags & codes.ENDS_ORDER
        elif kind in (codes.CANCEL, codes.REDUCE, codes.EXECUTE):
            order = self.orders[slot]
            assert order[:2] == [-side if kind == codes.EXECUTE else side, price]
            order[2] -= lots
            self.change(order[0], price, -lots)
            assert bool(flags & codes.ENDS_ORDER) == (order[2] == 0)
            assert kind == codes.EXECUTE or (kind == codes.CANCEL) == (order[2] == 0)
            if not order[2]:
                del self.orders[slot]
        else:
            assert kind in (codes.PRINT, codes.HALT, codes.RESUME)
            assert slot == -1


def replay(tape):
    """Yield (line, replay) after each line of the source that has rows; line 0 is the initial book."""
    book, most = Replay(), 0
    ends = np.flatnonzero(tape.rows["flags"] & codes.LAST_IN_EVENT)
    assert len(tape) == 0 or ends[-1] == len(tape) - 1
    assert np.array_equal(tape.lines[ends], np.unique(tape.lines))
    columns = [tape.rows[field].tolist() for field in ("kind", "side", "price", "lots", "order", "flags")]
    for line, *row in zip(tape.lines.tolist(), *columns, strict=True):
        book.play(*row)
        most = max(most, len(book.orders))
        if row[-1] & codes.LAST_IN_EVENT:
            yield line, book
    assert most == tape.orders


def mismatches(tape, table, levels):
    """Count the lines after which the best levels of the replay are not those of an orderbook table."""
    states = {line: (book.best(codes.SELL, levels), book.best(codes.BUY, levels)) for line, book in replay(tape)}
    wrong, shown = 0, states.get(0, ([], []))
    for line, row in enumerate(table[:, : 4 * levels].tolist(), start=1):
        shown = states.get(line, shown)
        asks = [(price // UNIT, lots) for price, lots in zip(row[::4], row[1::4], strict=True) if lots]
        bids = [(price // UNIT, lots) for price, lots in zip(row[2::4], row[3::4], strict=True) if lots]
        wrong += (asks, bids) != shown
    return wrong


class Market:
    """A market that writes LOBSTER files: messages that changed the best levels, and those levels after each."""

    def __init__(self, levels):
        self.levels, self.orders, self.messages, self.books = levels, {}, [], []
        self.submitted, self.recording = 0, False

    def shown(self):
        row = []
        sides = [self.ranked(codes.SELL), self.ranked(codes.BUY)]
        for level in range(self.levels):
            for side, prices in zip((codes.SELL, codes.BUY), sides, strict=True):
                price = prices[level] if level < len(prices) else None
                lots = sum(o[2] for o in self.orders.values() if o[:2] == [side, price])
                row += [-side * EMPTY, 0] if price is None else [price * UNIT, lots]
        return row

    def ranked(self, side):
        return sorted({o[1] for o in self.orders.values() if o[0] == side}, key=lambda price: -side * price)

    def happen(self, kind, number, lots, price, side):
        before = self.shown()
        if kind == 1:
            self.orders[number] = [side, price, lots]
        elif kind < 5:
            self.orders[number][2] -= lots
            if not self.orders[number][2]:
                del self.orders[number]
        after = self.shown()
        if self.recording and (before != after or kind == 5):
            self.messages.append((kind, number, lots, price * UNIT, side))
            self.books.append(after)

    def submit(self, side, price, lots):
        while lots and (rank := self.ranked(-side)) and side * price >= side * rank[0]:
            oldest = next(number for number, o in self.orders.items() if o[:2] == [-side, rank[0]])
            part = min(lots, self.orders[oldest][2])
            self.happen(4, oldest, part, rank[0], -side)
            lots -= part
        if lots:
            self.submitted += 1
            self.happen(1, self.submitted, lots, price, side)

    def act(self, action):
        what, side, price, lots, pick = action
        if what < 5 or not self.orders:
            return self.submit(side, price, lots)
        number = list(self.orders)[pick % len(self.orders)]
        side, price, left = self.orders[number]
        if what < 8:
            return self.happen(3, number, left, price, side)
        if what == 8 and left > 1:
            return self.happen(2, number, 1 + lots % (left - 1), price, side)
        return self.happen(5, 0, lots, price, side)


ACTIONS = st.tuples(
    st.integers(0, 9),
    st.sampled_from((codes.BUY, codes.SELL)),
    st.integers(93, 107),
    st.integers(1, 9),
    st.integers(0, 40),
)


ANY_LEVELS = st.sampled_from((1, 2, 3, 60))


@st.composite
def markets(draw, levels=ANY_LEVELS):
    """A market with a past that no file shows, then a recorded present."""
    market = Market(draw(levels))
    for action in draw(st.lists(ACTIONS, max_size=60)):
        market.act(action)
    market.recording = True
    for action in draw(st.lists(ACTIONS, min_size=1, max_size=120)):
        market.act(action)
    if not market.messages:
        market.submit(codes.BUY, 99, 1)
        market.happen(5, 0, 1, 100, codes.BUY)
    return market


def write_day(folder, messages, books=None):
    """Write csv files; messages are (type, id, size, price, direction), one a millisecond."""
    feed, book = folder / f"{NAME}_message_1.csv", folder / f"{NAME}_orderbook_1.csv"
    lines = (f"{34200 + i // 1000}.{i % 1000:03d}," + ",".join(map(str, m)) for i, m in enumerate(messages))
    feed.write_text("\n".join(lines) + "\n")
    if books is None:
        return feed, None
    book.write_text("\n".join(",".join(map(str, row)) for row in books) + "\n")
    return feed, book


def tape_of(messages, books=None, **options):
    with tempfile.TemporaryDirectory() as folder:
        return read_lobster(*write_day(Path(folder), messages, books), **options)


# Properties


@given(markets())
def test_a_replay_shows_the_orderbook_file_at_every_level_after_every_message(market):
    tape = tape_of(market.messages, market.books)
    assert mismatches(tape, np.array(market.books), market.levels) == 0
    assert tape.report.dropped["withdrawal_unseen"] == 0
    assert tape.report.repaired["order_passed"] == 0


@given(markets(levels=st.just(60)))
def test_a_whole_book_needs_the_first_row_only(market):
    tape = tape_of(market.messages, market.books[:1], window=False)
    assert mismatches(tape, np.array(market.books), market.levels) == 0
    assert tape.report.window_rows == 0
    assert tape.report.unknown_rows == sum(
        1 for kind, number, *_ in market.messages if kind in (2, 3, 4) and number not in submitted(market.messages)
    )


def submitted(messages):
    return {number for kind, number, *_ in messages if kind == 1}


@given(markets())
def test_lots_traded_are_those_of_the_file(market):
    tape = tape_of(market.messages, market.books)
    traded, printed = Counter(), Counter()
    for row in tape.rows[np.isin(tape.rows["kind"], (codes.EXECUTE, codes.PRINT))]:
        counts = traded if row["kind"] == codes.EXECUTE else printed
        counts[int(row["side"]), int(row["price"])] += int(row["lots"])
    real = {kind: Counter() for kind in range(1, 6)}
    for kind, _, lots, price, side in market.messages:
        real[kind][-side, price // UNIT] += lots
    assert (traded, printed) == (real[4], real[5])


def mirror_message(message):
    kind, number, lots, price, side = message
    return (kind, number, lots, 200 * UNIT - price, -side)


def mirror_book(row):
    cells = np.array(row).reshape(-1, 4)[:, [2, 3, 0, 1]]
    prices = cells[:, [0, 2]]
    cells[:, [0, 2]] = np.where(abs(prices) == EMPTY, -prices, 200 * UNIT - prices)
    return cells.ravel().tolist()


@given(markets())
def test_buy_and_sell_are_mirror_images(market):
    tape = tape_of(market.messages, market.books)
    other = tape_of([*map(mirror_message, market.messages)], [*map(mirror_book, market.books)])
    ours, theirs = tape.rows[tape.lines > 0], other.rows[other.lines > 0]
    for field in ("ts_ns", "seq", "kind", "lots", "flags"):
        assert np.array_equal(ours[field], theirs[field])
    assert np.array_equal(ours["side"], -theirs["side"])
    assert np.array_equal(ours["price"], 200 - theirs["price"])
    assert (tape.orders, tape.report) == (other.orders, other.report)


MESSAGES = st.tuples(
    st.integers(1, 7), st.integers(0, 12), st.integers(1, 9), st.integers(95, 105), st.sampled_from((1, -1))
).map(lambda m: (*m[:3], m[3] * UNIT if m[0] < 7 else m[3] % 3 - 1, m[4]))


@given(st.lists(MESSAGES, min_size=1, max_size=80))
def test_a_file_that_contradicts_itself_gives_a_tape_that_does_not(messages):
    try:
        tape = tape_of(messages)
    except TapeError as error:
        assert "order id" in str(error)
        return
    for _ in replay(tape):
        pass
    traded = tape.rows[np.isin(tape.rows["kind"], (codes.EXECUTE, codes.PRINT))]
    assert traded["lots"].sum() == sum(message[2] for message in messages if message[0] in (4, 5))


@given(st.integers(0, 86_400 * 10**9 - 1), st.dates(datetime.date(2007, 6, 27), datetime.date(2037, 1, 1)))
def test_time_is_exact_to_the_nanosecond(time_ns, date):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.csv"
        path.write_text(f"{time_ns // 10**9}.{time_ns % 10**9:09d},1,1,1,{UNIT},1\n")
        tape = read_lobster(path, date=date)
    midnight = datetime.datetime.combine(date, datetime.time(), tzinfo=ZoneInfo("America/New_York"))
    assert tape.rows["ts_ns"].tolist() == [round(midnight.timestamp()) * 10**9 + time_ns]


FIELDS = st.sampled_from(("34200.1", "1", "2", "4", "7", "-1", "0", "100", "150", "x", "", "1e5", "nan", "-inf", "2.0"))
HUGE = st.sampled_from((str(2**62), str(-(2**63)), str(2**63), "\x00", "é", "#", '"1"', " 1 "))


@given(st.lists(st.lists(FIELDS | HUGE, min_size=5, max_size=7).map(",".join) | st.text(max_size=9), max_size=4))
def test_whatever_is_in_a_file_the_answer_is_a_tape_or_one_sentence(lines):
    with tempfile.TemporaryDirectory() as folder:
        feed, book = Path(folder) / f"{NAME}_message_1.csv", Path(folder) / "orderbook.csv"
        feed.write_text("\n".join(lines), encoding="utf-8", newline="")
        book.write_text("\n".join(lines), encoding="utf-8", newline="")
        good = write_day(Path(folder), [(1, 1, 1, UNIT, 1)])[0].rename(Path(folder) / f"{NAME}_good.csv")
        feed.write_text("\n".join(lines), encoding="utf-8", newline="")
        for paths in ((feed,), (good, book)):
            try:
                assert isinstance(read_lobster(*paths), Tape)
            except TapeError as error:
                assert paths[-1].name in str(error)
                assert "expected" in str(error)


# Known answers


def fields(tape, *names):
    return [tuple(int(row[name]) for name in names) for row in tape.rows]


def test_each_type_becomes_its_row():
    tape = tape_of(
        [
            (1, 7, 30, 10_000, 1),
            (2, 7, 5, 10_000, 1),
            (4, 7, 10, 10_000, 1),
            (5, 0, 3, 10_050, 1),
            (5, 0, 3, 10_050, -1),
            (6, -1, 900, 10_000, -1),
            (3, 7, 15, 10_000, 1),
            (7, 0, 0, -1, -1),
            (7, 0, 0, 0, -1),
            (7, 0, 0, 1, -1),
        ]
    )
    last, ends = codes.LAST_IN_EVENT, codes.ENDS_ORDER
    assert fields(tape, "kind", "side", "price", "lots", "order", "flags") == [
        (codes.NEW, 1, 100, 30, 0, last),
        (codes.REDUCE, 1, 100, 5, 0, last),
        (codes.EXECUTE, -1, 100, 10, 0, last),
        (codes.PRINT, -1, 101, 3, -1, last),
        (codes.PRINT, 1, 100, 3, -1, last),
        (codes.CANCEL, 1, 100, 15, 0, last | ends),
        (codes.HALT, 0, 0, 0, -1, last),
        (codes.RESUME, 0, 0, 0, -1, last),
    ]
    assert tape.lines.tolist() == [1, 2, 3, 4, 5, 7, 8, 9]
    assert tape.orders == 1
    for field, value in {"owner": codes.BACKGROUND, "type": codes.LIMIT, "tif": codes.GTC, "row": -1}.items():
        assert (tape.rows[field] == value).all()
    assert tape.report.dropped == {"cross_trade": 1, "halt_repeated": 1, "withdrawal_unseen": 0}
    assert tape.report.repaired["print_rounded"] == 2
    assert tape.report.kinds == {"new": 1, "cancel": 1, "reduce": 1, "execute": 1, "print": 2, "halt": 1, "resume": 1}


def test_first_row_gives_the_initial_book_without_the_first_message():
    book = [[10_200, 5, 10_000, 7, 10_300, 6, 9_900, 8]]
    tape = tape_of([(1, 1, 2, 10_000, 1)], book)
    rows = [(codes.NEW, 1, 100, 5), (codes.NEW, -1, 102, 5), (codes.NEW, 1, 99, 8), (codes.NEW, -1, 103, 6)]
    assert fields(tape, "kind", "side", "price", "lots") == [*rows, (codes.NEW, 1, 100, 2)]
    snapshot, last = codes.SNAPSHOT, codes.LAST_IN_EVENT
    assert tape.rows["flags"].tolist() == [snapshot, snapshot, snapshot, snapshot | last, last]
    assert tape.lines.tolist() == [0, 0, 0, 0, 1]
    assert (tape.report.snapshot_orders, tape.orders) == (4, 5)
    assert tape.start_ns == tape.end_ns == tape.rows["ts_ns"][0]


def test_an_execution_that_emptied_the_best_level_is_undone_as_the_best_level():
    tape = tape_of([(4, 1, 2, 10_100, 1)], [[10_200, 5, 10_000, 7]])
    assert fields(tape, "kind", "side", "price", "lots")[:3] == [
        (codes.NEW, 1, 101, 2),
        (codes.NEW, -1, 102, 5),
        (codes.NEW, 1, 100, 7),
    ]
    assert fields(tape, "kind", "order", "flags")[3] == (codes.EXECUTE, 0, codes.ENDS_ORDER | codes.LAST_IN_EVENT)


def test_orders_from_before_the_file_are_part_of_the_snapshot():
    messages = [(5, 0, 1, 10_000, 1), (2, 50, 2, 10_000, 1), (4, 51, 3, 10_000, 1), (3, 52, 4, 10_000, 1)]
    tape = tape_of([*messages, (3, 53, 1, 10_000, 1), (4, 54, 6, 10_000, 1)], [[10_200, 5, 10_000, 8]], window=False)
    bid = fields(tape, "kind", "order", "lots", "side")[0][1]
    assert fields(tape, "kind", "order", "lots", "side")[3:] == [
        (codes.REDUCE, bid, 2, 1),
        (codes.EXECUTE, bid, 3, -1),
        (codes.CANCEL, bid, 3, 1),
        (codes.PRINT, -1, 6, -1),
    ]
    report = tape.report
    assert (report.unknown_rows, report.dropped["withdrawal_unseen"]) == (5, 1)
    assert (report.repaired["withdrawal_shrunk"], report.repaired["execution_printed"]) == (1, 1)


def test_slots_are_used_again_after_the_end_of_their_order():
    one = [(1, 1, 2, 10_000, 1), (4, 1, 2, 10_000, 1)]
    tape = tape_of([*one, (1, 2, 2, 10_000, 1), (1, 3, 2, 10_000, 1), (3, 2, 2, 10_000, 1), (1, 4, 2, 10_000, 1)])
    assert tape.rows["order"].tolist() == [0, 0, 0, 1, 0, 0]
    assert tape.orders == 2


def test_window_removes_orders_that_were_withdrawn_unseen_and_keeps_those_that_come_back():
    messages = [
        (1, 1, 5, 10_000, 1),  # withdrawn while out of sight
        (1, 2, 4, 10_000, 1),  # comes back with half of its lots
        (1, 3, 3, 10_100, 1),
        (3, 3, 3, 10_100, 1),
        (4, 2, 2, 10_000, 1),
        (3, 9, 1, 10_000, 1),  # submitted while out of sight
    ]
    bids = [(10_000, 5), (10_000, 9), (10_100, 3), (10_000, 3), (10_000, 1), (-EMPTY, 0)]
    tape = tape_of(messages, [[EMPTY, 0, *bid] for bid in bids])
    assert mismatches(tape, np.array([[EMPTY, 0, *bid] for bid in bids]), 1) == 0
    window = tape.rows[(tape.rows["flags"] & codes.SNAPSHOT) > 0]
    assert [tuple(int(row[f]) for f in ("kind", "order", "lots")) for row in window] == [
        (codes.REDUCE, 1, 2),
        (codes.REDUCE, 0, 4),
    ]
    assert fields(tape, "kind", "order", "lots")[-2:] == [(codes.EXECUTE, 1, 2), (codes.CANCEL, 0, 1)]
    assert tape.report.window_rows == 2


def test_lots_an_order_lost_in_sight_are_not_held_back_for_it():
    messages = [
        (1, 1, 5, 10_000, 1),
        (4, 1, 2, 10_000, 1),  # its last message: the other 3 are withdrawn unseen
        (1, 2, 3, 10_100, 1),
        (3, 2, 3, 10_100, 1),
    ]
    books = [[EMPTY, 0, *bid] for bid in [(10_000, 5), (10_000, 3), (10_100, 3), (9_900, 1)]]
    tape = tape_of(messages, books)
    assert mismatches(tape, np.array(books), 1) == 0
    assert fields(tape, "kind", "order", "lots")[-2:] == [(codes.CANCEL, 0, 3), (codes.NEW, 0, 1)]


def test_a_new_order_shows_that_all_orders_it_would_have_met_are_gone():
    bids = [(1, 1, 1, 10_000, 1), (1, 2, 1, 10_100, 1), (1, 3, 1, 9_900, 1), (1, 4, 1, 9_800, 1)]
    tape = tape_of([*bids, (1, 5, 1, 9_900, -1), (1, 6, 1, 10_000, -1)])
    assert fields(tape, "kind", "price", "flags")[4:7] == [
        (codes.CANCEL, price, codes.SNAPSHOT | codes.ENDS_ORDER) for price in (101, 100, 99)
    ]
    assert list(replay(tape))[-1][1].best(codes.BUY, 2) == [(98, 1)]


def test_without_the_window_the_market_itself_shows_which_orders_are_gone():
    bids = [(1, number, 1, 10_000, 1) for number in range(1, 101)]
    tape = tape_of([*bids, (1, 200, 3, 9_900, -1), (1, 201, 1, 9_700, 1), (4, 202, 1, 9_600, 1)])
    assert len(tape) == 100 + 100 + 1 + 1 + 1 + 1
    assert tape.report.repaired["order_passed"] == 101
    assert tape.report.kinds == {"new": 102, "cancel": 101, "print": 1}
    assert list(replay(tape))[-1][1].best(codes.BUY, 1) == []


def test_an_execution_off_the_price_of_its_order_is_told_at_the_price_of_the_order():
    tape = tape_of([(1, 1, 5, 10_000, 1), (4, 1, 2, 9_900, 1)])
    assert fields(tape, "kind", "price", "lots")[1] == (codes.EXECUTE, 100, 2)
    assert tape.report.repaired["execution_price"] == 1


def test_levels_cuts_the_orderbook_file():
    book = [[10_200, 5, 10_000, 7, 10_300, 6, 9_900, 8]]
    assert len(tape_of([(5, 0, 1, 10_000, 1)], book, levels=1)) == 3
    assert len(tape_of([(1, 1, 1, 9_900, 1)], book, levels=1)) == 3  # the new order is out of sight
    with pytest.raises(TapeError, match=r"levels is 3, expected 1 to 2"):
        tape_of([(5, 0, 1, 10_000, 1)], book, levels=3)


def test_tick_and_price_unit_are_those_given():
    tape = tape_of([(1, 1, 1, 25, 1)], tick_size=0.25, price_unit=0.05)
    assert (fields(tape, "price"), tape.tick_size) == ([(5,)], 0.25)
    with pytest.raises(TapeError, match=r"tick_size is 0.01, expected a whole multiple of price_unit 0.003"):
        tape_of([(1, 1, 1, 25, 1)], price_unit=0.003)


# Files


def same(tape, other):
    return np.array_equal(tape.rows, other.rows) and tape.report == other.report


def test_every_kind_of_file_gives_the_same_tape(tmp_path):
    polars = pytest.importorskip("polars")
    books = [[EMPTY, 0, 10_000, 5], [EMPTY, 0, 10_000, 3]]
    feed, book = write_day(tmp_path, [(1, 1, 5, 10_000, 1), (4, 1, 2, 10_000, 1)], books)
    tape = read_lobster(feed, book)
    packed = {path: path.with_name(path.name + ".gz") for path in (feed, book)}
    for path, packed_path in packed.items():
        packed_path.write_bytes(gzip.compress(path.read_bytes()))
    bundle, parquet = tmp_path / "day.zip", tmp_path / f"{NAME}.parquet"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(feed, feed.name)
        archive.write(book, book.name)
    polars.read_csv(feed, has_header=False).write_parquet(parquet)
    assert same(tape, read_lobster(*packed.values()))
    assert same(tape, read_lobster(bundle))
    assert same(tape, read_lobster(parquet, book))
    assert same(tape, read_lobster(bundle, packed[book]))
    assert same(tape, read_lobster(feed, bundle))


def test_csv_needs_no_polars_and_parquet_says_that_it_does(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    feed, _ = write_day(tmp_path, [(1, 1, 5, 10_000, 1)])
    assert len(read_lobster(feed)) == 1
    parquet = tmp_path / f"{NAME}.parquet"
    parquet.write_bytes(b"")
    with pytest.raises(TapeError, match=r"\.parquet: parquet needs polars, expected it installed"):
        read_lobster(parquet)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0]}, r"1 columns, expected 6"),
        ({c: [1.0] for c in "abcdef"}, r"type is Float64 with 0 gaps, expected integers"),
        ({"a": [1.0]} | {c: [None, 1][:1] for c in "bcdef"}, r"type is Null with 1 gaps, expected integers"),
        ({"a": [float("nan")]} | {c: [1] for c in "bcdef"}, r"line 1: time is nan, expected seconds after midnight"),
        (None, r"cannot be read \(.*\), expected a parquet file"),
    ],
)
def test_bad_parquet(tmp_path, columns, message):
    polars = pytest.importorskip("polars")
    path = tmp_path / f"{NAME}.parquet"
    path.write_bytes(b"PAR1")
    if columns is not None:
        polars.DataFrame(columns).write_parquet(path)
    with pytest.raises(TapeError, match=message):
        read_lobster(path)


GOOD = "34200.1,1,7,5,10000,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r": no lines, expected at least one"),
        (GOOD + "34200.0,1,8,5,10000,1\n", r" line 2: time is 34200.0, expected no earlier than the line before"),
        ("-1,1,8,5,10000,1\n", r" line 1: time is -1.0, expected seconds after midnight, 0 to 86400"),
        ("86400,1,8,5,10000,1\n", r" line 1: time is 86400.0, expected seconds after midnight, 0 to 86400"),
        (GOOD + "34200.2,1,8,5,10000\n", r" line 2: 5 columns, expected 6"),
        (GOOD + "34200.2,1,8,5,10000,1,9\n", r" line 2: 7 columns, expected 6"),
        (GOOD + "\n" + GOOD, r" line 2: 1 columns, expected 6"),
        (GOOD + "34200.2,1,8,5,1e5,1\n", r" line 2: price is '1e5', expected an integer"),
        ("time,type,order,size,price,direction\n" + GOOD, r" line 1: time is 'time', expected seconds"),
        (GOOD + "34200.2,8,8,5,10000,1\n", r" line 2: type is 8, expected 1 to 7"),
        (GOOD + "34200.2,0,8,5,10000,1\n", r" line 2: type is 0, expected 1 to 7"),
        (GOOD + "34200.2,1,8,0,10000,1\n", r" line 2: size is 0, expected 1 to 2\^40"),
        (GOOD + "34200.2,5,0,-3,10000,1\n", r" line 2: size is -3, expected 1 to 2\^40"),
        (GOOD + "34200.2,1,8,5,10050,1\n", r" line 2: price is 10050, expected a multiple of 100 \(tick_size 0.01"),
        (GOOD + "34200.2,1,8,5,10000,0\n", r" line 2: direction is 0, expected 1 \(buy order\) or -1"),
        (GOOD + "34200.2,7,0,0,2,-1\n", r" line 2: price is 2, expected -1 \(halt\), 0 \(quoting\) or 1"),
        (GOOD + "34200.2,1,7,5,10000,1\n", r" line 2: order id is 7, expected one not in the book"),
    ],
)
def test_bad_messages(tmp_path, text, message):
    path = tmp_path / f"{NAME}_message_1.csv"
    path.write_text(text)
    with pytest.raises(TapeError, match=f"{path.name}{message}"):
        read_lobster(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r": no lines, expected at least one"),
        ("10100,1,10000,5,1\n", r" line 1: 5 columns, expected four for each level"),
        ("10100,1,x,5\n", r" line 1: bid price 1 is 'x', expected an integer"),
        ("10100,1,10000,5\n10100,1,10000\n", r" line 2: 3 columns, expected 4"),
        ("10100,-1,10000,5\n", r" line 1: ask size is -1, expected 0 to 2\^40"),
        ("10150,1,10000,5\n", r" line 1: ask price is 10150, expected a multiple of 100"),
        ("10200,1,10000,5,10100,1,9900,1\n", r" line 1: ask price is 10100, expected a worse price than"),
        ("10200,1,10000,5,10300,1,10000,1\n", r" line 1: bid price is 10000, expected a worse price than"),
        ("10100,1,10000,5\n10100,1,10000,5\n", r": 2 rows, expected 1 as in .*_message_1.csv \(window=False uses"),
        ("10100,1,10000,4\n", r" line 1: book is without the order of .*_message_1.csv line 1, expected it there"),
    ],
)
def test_bad_orderbook(tmp_path, text, message):
    feed, _ = write_day(tmp_path, [(1, 7, 5, 10_000, 1)])
    path = tmp_path / f"{NAME}_orderbook_1.csv"
    path.write_text(text)
    with pytest.raises(TapeError, match=f"{path.name}{message}"):
        read_lobster(feed, path)


def test_missing_damaged_and_unknown_files(tmp_path):
    feed, _ = write_day(tmp_path, [(1, number, 5, 10_000, 1) for number in range(500)])
    gone, short = tmp_path / "gone.csv", tmp_path / f"{NAME}_message_1.csv.gz"
    short.write_bytes(gzip.compress(feed.read_bytes())[:-20])
    bad_zip, empty_zip, seven = tmp_path / "bad.zip", tmp_path / "empty.zip", tmp_path / "day.7z"
    bad_zip.write_bytes(b"PK\x03\x04 and no more")
    seven.write_bytes(b"7z")
    with zipfile.ZipFile(empty_zip, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    cut_zip = tmp_path / "cut.zip"
    with zipfile.ZipFile(cut_zip, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(feed, feed.name)
    data = bytearray(cut_zip.read_bytes())
    data[200:240] = bytes(40)
    cut_zip.write_bytes(data)
    for path, message in {
        gone: r"gone\.csv: no such file, expected a LOBSTER message file",
        tmp_path / "gone.parquet": r"gone\.parquet: no such file, expected a LOBSTER message file",
        short: r"\.csv\.gz: gzip data are damaged or cut short \(.*\), expected a whole file",
        bad_zip: r"bad\.zip: zip is damaged \(.*\), expected a whole file",
        cut_zip: r"cut\.zip:.*\.csv: zip is damaged \(.*\), expected a whole file",
        empty_zip: r"empty\.zip: 0 members named \*_message_\*\.csv, expected 1",
        seven: r"day\.7z: suffix is '\.7z', expected \.csv",
    }.items():
        with pytest.raises(TapeError, match=message):
            read_lobster(path)
    with pytest.raises(TapeError, match=r"gone\.csv: no such file, expected a LOBSTER orderbook file"):
        read_lobster(feed, gone)


@pytest.mark.parametrize("name", ["message.csv", "XYZ_2012-13-45_message.csv"])
def test_date_comes_from_the_name_or_the_argument(tmp_path, name):
    path = write_day(tmp_path, [(1, 1, 1, 10_000, 1)])[0].rename(tmp_path / name)
    with pytest.raises(TapeError, match=r"date is not in the file name, expected YYYY-MM-DD"):
        read_lobster(path)
    summer, winter = datetime.date(2012, 6, 21), datetime.date(2012, 1, 5)
    moments = [
        datetime.datetime(2012, 6, 21, 13, 30, tzinfo=datetime.UTC),
        datetime.datetime(2012, 1, 5, 14, 30, tzinfo=datetime.UTC),
    ]
    for date, moment in zip((summer, winter), moments, strict=True):
        assert read_lobster(path, date=date).start_ns == moment.timestamp() * 10**9


def test_cache_returns_the_tape_until_a_file_or_an_argument_changes(tmp_path):
    feed, _ = write_day(tmp_path, [(1, 1, 5, 10_000, 1)])
    cache = tmp_path / "cache"
    tape = load_lobster(feed, cache_dir=cache)
    (cached,) = cache.iterdir()
    stamp = cached.stat().st_mtime_ns
    again = load_lobster(feed, cache_dir=cache)
    assert same(tape, again)
    assert cached.stat().st_mtime_ns == stamp
    assert load_lobster(feed, cache_dir=cache, tick_size=0.1, price_unit=0.001).tick_size == 0.1
    feed.write_text(feed.read_text() + "34201,1,2,5,10000,1\n")
    assert len(load_lobster(feed, cache_dir=cache)) == 2
    assert len(list(cache.iterdir())) == 3


# Real files


@pytest.fixture(scope="module")
def lobster_dir(data_dir):
    path = data_dir / "lobster"
    if not path.is_dir():
        pytest.skip("no LOBSTER sample files in the data folder")
    return path


def table_of(path, member=None):
    if member is None:
        return np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        return np.loadtxt(file, delimiter=",", dtype=np.int64, ndmin=2)


def test_aapl_hour_from_its_first_row(lobster_dir):
    tape = read_lobster(
        lobster_dir / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
        lobster_dir / "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz",
        window=False,
    )
    touch = table_of(lobster_dir / "AAPL_2012-06-21_34200000_37800000_orderbook_L1of50.csv.gz")
    assert mismatches(tape, touch, 1) == 90  # of 91,997: one order withdrawn out of sight
    assert (len(tape), tape.orders, tape.report.snapshot_orders) == (92_053, 474, 89)
    assert tape.rows["ts_ns"][-1] == 1_340_288_999_837_447_053  # 37799.837447053 s in New York


@pytest.mark.parametrize(
    ("name", "levels", "rows"),
    [
        ("AMZN_2012-06-21_5", 5, 177_201),
        ("AMZN_2012-06-21_1", 1, 73_251),
        pytest.param("AAPL_2012-06-21_1", 1, 151_161, marks=pytest.mark.slow),
    ],
)
def test_days_of_few_levels_replay_without_a_mismatch(lobster_dir, name, levels, rows):
    path = lobster_dir / f"LOBSTER_SampleFile_{name}.zip"
    tape = read_lobster(path)
    stock, day, depth = name.split("_")
    table = table_of(path, f"{stock}_{day}_34200000_57600000_orderbook_{depth}.csv")
    assert mismatches(tape, table, levels) == 0
    assert len(tape) == rows
    assert tape.report.dropped == {"cross_trade": 0, "halt_repeated": 0, "withdrawal_unseen": 0}


def test_msft_from_ten_o_clock(lobster_dir, tmp_path):
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(lobster_dir / "MSFT_2012-06-21_34200000_37800000_message_50.parquet")
    start = frame["Time"].search_sorted(35999.954513)
    path = tmp_path / "MSFT_2012-06-21_message_50.parquet"
    frame[start:].write_parquet(path)
    book = lobster_dir / "MSFT_2012-06-21_orderbook_50_rows_from_1000ET_first1000.csv.gz"
    tape = read_lobster(path, book, window=False)
    assert mismatches(tape, table_of(book), 1) == 0
