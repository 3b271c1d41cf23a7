"""Recordings: nothing is lost, nothing is invented, and the market does not notice."""

import numpy as np
import pytest

from tests.core.worlds import (
    DRIVEN,
    FLOW_START,
    SECOND,
    START_NS,
    flow_template,
    set_protections,
    tape_template,
    to_tape,
)
from tests.market.rebuild import RebuiltBook, assert_touch
from tests.streams import random_messages
from tests.studies.markets import made_market
from twin_env.config import load_config
from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE, SYNTHETIC
from twin_env.core.stream import BOOK as BOOK_PLANE
from twin_env.market import LobsterHistory, MarketConfig
from twin_env.reference import GuardTerms
from twin_env.studies.realism.recorder import PLANES
from twin_env.studies.realism.recording import (
    BOOK,
    CANCEL,
    LIMIT,
    TRADE,
    Recorder,
    Recording,
    RecordingError,
    record_market,
)
from twin_env.twin.opening import open_market
from twin_env.twin.twin import Twin

pytestmark = pytest.mark.jit

MARKET = load_config(MarketConfig, "mgc_poisson", folder="markets")
CRASH = {"kind": "flash_crash", "move": {"value": 5, "unit": "points"}, "fall_s": 10}
STUFFING = {"kind": "quote_stuffing", "messages_per_s": 200, "duration_s": 40}
EXPERIMENTS = {
    "stuffing": {"title": "Stuffing", "method": [STUFFING]},
    "crash": {"title": "Crash", "method": [CRASH]},
    "auction": {"title": "Auction", "method": [{"kind": "trading_halt", "duration_s": 5, "auction_s": 10}, STUFFING]},
}


def recorded(market, until_ns, start_ns=None):
    """Play a market without wires and return its recording, and the twin."""
    twin = Twin(market, seed=5, start_ns=start_ns, planes=PLANES, wires=False)
    recorder = Recorder(twin)
    twin.advance_until(until_ns)
    return recorder.finish("test"), twin


def tape_of(*rows):
    """Messages by keyword, one second apart unless they say when."""
    tape = np.zeros(len(rows), MESSAGE)
    tape["row"], tape["tif"], tape["order"] = NONE, codes.GTC, NONE
    for number, row in enumerate(rows):
        tape[number]["ts_ns"] = START_NS + SECOND * (number + 1)
        for name, value in row.items():
            tape[number][name] = value
    return to_tape(tape)


def limit(order, side, price, lots, **more):
    return {"kind": codes.NEW, "order": order, "side": side, "price": price, "lots": lots, **more}


def market(order, side, lots):
    return {"kind": codes.NEW, "order": order, "side": side, "lots": lots, "type": codes.MARKET, "tif": codes.IOC}


def record_tape(*rows, profile=SYNTHETIC, seconds=60):
    played = made_market(tape_template(profile), profile, tape_of(*rows))
    return recorded(played, START_NS + seconds * SECOND)[0]


def short(recording, *names):
    return [tuple(int(row[name]) for name in names) for row in recording.events]


BID = limit(0, 1, 100, 5)
ASK = limit(1, -1, 102, 3)
ASK_2 = limit(2, -1, 103, 4)


# Properties


@pytest.fixture(scope="module")
def hour():
    return record_market(MARKET, 3, 0.25)


def test_a_recorded_market_makes_the_events_it_makes_otherwise():
    played = made_market(flow_template(), DRIVEN, **FLOW_START)
    until_ns = START_NS + 300 * SECOND
    plain = Twin(played, seed=5, planes=0)
    plain.advance_until(until_ns)
    recording, twin = recorded(played, until_ns)
    assert len(recording) > 5000
    assert twin.event_hash == plain.event_hash
    assert twin.exchange.trades == plain.exchange.trades
    assert np.array_equal(twin.exchange.resting_orders(), plain.exchange.resting_orders())


@pytest.mark.parametrize("guards", [[], [GuardTerms(6, 10_000_000, 3_000_000)]], ids=["free", "guarded"])
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_any_stream_of_messages_add_up_to_its_book(seed, guards):
    tape = to_tape(random_messages(seed, 6_000, orders=200))
    template = tape_template(DRIVEN, tape_orders=200, self_match=codes.CANCEL_BOTH)
    set_protections(template, 0, guards)
    recording, twin = recorded(
        made_market(template, DRIVEN, tape), int(tape["ts_ns"][-1]), start_ns=int(tape["ts_ns"][1000])
    )
    assert (twin.exchange.venue["guards"]["trips"][0] > 20) == bool(guards)
    kinds = set(recording.events["kind"].tolist())
    assert kinds == {BOOK, LIMIT, CANCEL, TRADE}
    book = assert_rows_rebuild_the_touch(recording.events)
    depth = twin.exchange.book(levels=1000)
    for side, levels in ((1, depth.bids), (-1, depth.asks)):
        assert [tuple(level) for level in levels.tolist()] == book.side(side)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_market_is_recorded_with_its_experiment(name):
    played = open_market("mgc_2025", "retail")
    twin = Twin(played, chaos=EXPERIMENTS[name], seed=2)  # all planes, and a desk that trades
    plain = Twin(played, chaos=EXPERIMENTS[name], seed=2, planes=0)
    recorder = Recorder(twin)
    for moment in range(1, 31):
        for one in (twin, plain):
            one.desk.submit("buy" if moment % 2 else "sell", 2, type="market")
            one.advance_until(one.start_ns + 2 * moment * SECOND)
        recorder.read()
    recording = recorder.finish()
    assert twin.event_hash == plain.event_hash
    assert (twin.effects()["begun"] > 0).all()
    book = assert_rows_rebuild_the_touch(recording.events)
    depth = twin.exchange.book(levels=1000)
    for side, levels in ((1, depth.bids), (-1, depth.asks)):
        assert [tuple(level) for level in levels.tolist()] == book.side(side)
    trades = recording.events[recording.events["kind"] == TRADE]
    assert trades["lots"].sum() == sum(twin.events().exchange["lots"][twin.events().exchange["kind"] == codes.TRADED])


def test_an_experiment_leaves_its_marks_in_a_recording(hour):
    config = load_config(MarketConfig, "mgc_2025", folder="markets")
    calm, chaos = (record_market(config, 3, 0.02, chaos=one) for one in (None, EXPERIMENTS["stuffing"]))
    assert len(chaos) > 1.5 * len(calm)
    assert_rows_rebuild_the_touch(chaos.events)


def test_a_twin_that_hides_its_book_cannot_be_recorded():
    with pytest.raises(RecordingError, match="planes="):
        Recorder(Twin(made_market(tape_template(SYNTHETIC), SYNTHETIC), planes=BOOK_PLANE))


def assert_rows_rebuild_the_touch(events):
    book = RebuiltBook()
    last_of_group = np.append(events["group"][1:] != events["group"][:-1], True)
    for row, is_last in zip(events, last_of_group, strict=True):
        book.apply(row)
        if is_last:
            assert_touch(book, row)
    return book


def test_rows_of_the_synthetic_market_rebuild_its_touch(hour):
    assert_rows_rebuild_the_touch(hour.events)


def test_samples_are_the_rebuilt_book(hour):
    book, place = RebuiltBook(), 0
    for sample, ts_ns in enumerate(hour.depth_ns[:300]):
        while place < len(hour) and hour.events["ts_ns"][place] <= ts_ns:
            book.apply(hour.events[place])
            place += 1
        assert book.touch() == tuple(hour.touch[sample])
        for row, side in enumerate((1, -1)):
            levels = book.side(side)
            lots = {abs(price - levels[0][0]): lots for price, lots in levels}
            assert [lots.get(away, 0) for away in range(10)] == hour.depth[sample, row].tolist()


def test_samples_are_a_second_apart_from_the_first_to_the_last_moment(hour):
    assert hour.depth_ns[0] == hour.start_ns
    assert hour.depth_ns[-1] == hour.end_ns
    assert np.all(np.diff(hour.depth_ns) == SECOND)
    assert hour.hours == 0.25


def test_each_order_rests_once(hour):
    rows = hour.events[np.isin(hour.events["kind"], (LIMIT, BOOK))]
    assert len(np.unique(rows["order"])) == len(rows)


def test_distances_are_from_the_touch_before_the_message(hour):
    events = hour.events
    first = np.flatnonzero(np.diff(events["group"]) > 0) + 1
    own_limit = first[events["kind"][first] == LIMIT]
    before, row = events[own_limit - 1], events[own_limit]
    best = np.where(row["side"] > 0, before["bid"], before["ask"])
    assert np.array_equal(row["side"] * (best - row["price_ticks"]), row["distance_ticks"])
    assert (row["distance_ticks"] < 0).any()
    assert (row["distance_ticks"] > 3).any()


def test_the_same_seed_gives_the_same_recording_and_another_another(hour):
    again, other = record_market(MARKET, 3, 0.25), record_market(MARKET, 4, 0.25)
    assert np.array_equal(hour.events, again.events)
    assert not np.array_equal(hour.events[:100], other.events[:100])


def test_chunks_leave_no_seam(hour, monkeypatch):
    monkeypatch.setattr("twin_env.studies.realism.recording._READ_NS", 700_000_000)
    times = []
    again = record_market(MARKET, 3, 0.25, on_chunk=times.append)
    assert len(times) > 50
    assert times == sorted(times)
    assert np.array_equal(hour.events, again.events)
    assert np.array_equal(hour.depth, again.depth)


def test_a_part_begins_with_its_book_and_rebuilds_its_touch(hour):
    part = hour.between(hour.start_ns + 100 * SECOND, hour.start_ns + 200 * SECOND)
    assert_rows_rebuild_the_touch(part.events)
    assert part.depth_ns[0] == part.start_ns
    assert part.depth_ns[-1] == part.end_ns
    assert len(part.depth) == len(part.touch) == 101
    inner = (hour.events["ts_ns"] > part.start_ns) & (hour.events["ts_ns"] <= part.end_ns)
    assert np.array_equal(part.events[part.events["kind"] != BOOK], hour.events[inner])


def test_a_part_of_a_part_is_the_part(hour):
    times = [hour.start_ns + second * SECOND for second in (50, 100, 200, 250)]
    outer = hour.between(times[0], times[3])
    assert np.array_equal(outer.between(*times[1:3]).events, hour.between(*times[1:3]).events)


def test_a_part_must_lie_in_the_recording(hour):
    with pytest.raises(RecordingError, match="expected a part of"):
        hour.between(hour.start_ns - 1, hour.end_ns)


# Examples


def test_orders_cancels_and_trades_have_a_row_each():
    recording = record_tape(
        BID,
        ASK,
        ASK_2,
        {"kind": codes.REDUCE, "order": 0, "lots": 2},
        limit(3, 1, 101, 1),
        market(4, 1, 5),
        {"kind": codes.CANCEL, "order": 0},
    )
    rows = short(recording, "kind", "side", "price_ticks", "lots", "left_lots", "distance_ticks", "order")
    assert rows == [
        (LIMIT, 1, 100, 5, 5, rows[0][5], 1),
        (LIMIT, -1, 102, 3, 3, rows[1][5], 2),
        (LIMIT, -1, 103, 4, 4, 1, 3),
        (CANCEL, 1, 100, 2, 3, 0, 1),
        (LIMIT, 1, 101, 1, 1, -1, 4),
        (TRADE, 1, 102, 3, 0, 0, 2),
        (TRADE, 1, 103, 2, 2, 1, 3),
        (CANCEL, 1, 100, 3, 0, 1, 1),
    ]
    assert short(recording, "bid", "ask", "bid_lots", "ask_lots")[4:] == [
        (101, 102, 1, 3),
        (101, 103, 1, 2),
        (101, 103, 1, 2),
        (101, 103, 1, 2),
    ]


def test_a_sample_is_what_the_last_event_up_to_it_left():
    recording = record_tape(BID, ASK, {"kind": codes.REDUCE, "order": 0, "lots": 2}, seconds=4)
    assert recording.touch[:, 2].tolist() == [0, 5, 5, 3, 3]
    assert recording.touch[:, 3].tolist() == [0, 0, 3, 3, 3]
    assert recording.depth[:, 0, 0].tolist() == [0, 5, 5, 3, 3]
    assert recording.touch[1, 0] == 100


def test_fills_of_one_aggressor_share_a_group_with_what_then_rests():
    recording = record_tape(BID, ASK, ASK_2, limit(3, 1, 102, 10))
    assert short(recording, "kind", "lots")[3:] == [(TRADE, 3), (LIMIT, 7)]
    groups = recording.events["group"]
    assert len(set(groups[:4])) == 4
    assert groups[3] == groups[4]


def test_a_replace_that_loses_its_place_is_a_cancel_and_a_new_order():
    shrink = {"kind": codes.REPLACE, "order": 0, "price": 100, "lots": 3}
    move = {"kind": codes.REPLACE, "order": 0, "price": 99, "lots": 3}
    recording = record_tape(BID, ASK, shrink, shrink, move)  # the second changes nothing
    rows = short(recording, "kind", "price_ticks", "lots", "left_lots", "order")[2:]
    assert rows == [(CANCEL, 100, 2, 3, 1), (CANCEL, 100, 3, 0, 1), (LIMIT, 99, 3, 3, 3)]


def test_a_historys_trades_of_one_moment_and_side_are_one_aggressor():
    at = {"ts_ns": START_NS + 10 * SECOND}
    hit = {"kind": codes.EXECUTE, "side": 1, **at}
    recording = record_tape(
        BID,
        ASK,
        ASK_2,
        {**hit, "order": 1, "price": 102, "lots": 3},
        {**hit, "kind": codes.PRINT, "price": 102, "lots": 2},
        {**hit, "order": 2, "price": 103, "lots": 1},
        {"kind": codes.EXECUTE, "side": -1, "order": 0, "price": 100, "lots": 1, **at},
    )
    trades = recording.events[recording.events["kind"] == TRADE]
    assert trades["order"].tolist() == [2, 0, 3, 1]
    assert np.diff(trades["group"]).tolist() == [0, 0, 1]
    assert trades["distance_ticks"].tolist() == [0, 0, 1, 0]


def test_what_a_history_repairs_is_nobodys_order():
    repaired = {"flags": codes.SNAPSHOT}
    recording = record_tape({**BID, **repaired}, ASK, {"kind": codes.REDUCE, "order": 0, "lots": 2, **repaired})
    assert short(recording, "kind", "lots", "left_lots") == [(BOOK, 5, 5), (LIMIT, 3, 3), (BOOK, -2, 3)]


def test_a_stop_is_seen_when_it_rests_and_not_while_it_waits():
    stop = {"kind": codes.NEW, "order": 3, "side": 1, "trigger": 102, "lots": 9, "type": codes.STOP_LIMIT, "price": 102}
    recording = record_tape(BID, ASK, ASK_2, stop, market(4, 1, 1), {"kind": codes.CANCEL, "order": 3})
    rows = short(recording, "kind", "side", "price_ticks", "lots")[3:]
    assert rows == [(TRADE, 1, 102, 1), (TRADE, 1, 102, 2), (LIMIT, 1, 102, 7), (CANCEL, 1, 102, 7)]
    waiting = record_tape(BID, ASK, stop, {"kind": codes.CANCEL, "order": 3})
    assert len(waiting) == 2


def test_orders_that_never_rest_leave_no_row():
    recording = record_tape(BID, ASK, limit(3, 1, 101, 4, tif=codes.IOC), limit(4, 1, 101, 4, flags=codes.ENDS_ORDER))
    assert len(recording) == 2


def test_one_message_may_make_more_events_than_a_world_keeps():
    asks = [limit(order, -1, 102, 1) for order in range(1, 80)]
    recording = record_tape(BID, *asks, market(100, 1, 79), seconds=200)
    assert short(recording, "kind", "order")[-79:] == [(TRADE, order) for order in range(2, 81)]


def test_there_must_be_time_to_record():
    with pytest.raises(RecordingError, match="expected later than its start"):
        record_market(MARKET, 3, 0.0)


# Files


def test_a_saved_recording_comes_back(hour, tmp_path):
    path = tmp_path / "hour.npz"
    hour.save(path)
    again = Recording.load(path)
    assert [p.name for p in tmp_path.iterdir()] == ["hour.npz"]
    for name in ("name", "tick_size", "start_ns", "end_ns"):
        assert getattr(again, name) == getattr(hour, name)
    for name in ("events", "depth", "depth_ns", "touch"):
        assert np.array_equal(getattr(again, name), getattr(hour, name))
    assert again.events.dtype == hour.events.dtype


def test_a_file_that_is_no_whole_recording_is_refused(hour, tmp_path):
    path = tmp_path / "hour.npz"
    with pytest.raises(RecordingError, match="no such file"):
        Recording.load(path)
    hour.save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(RecordingError, match="is not a whole recording"):
        Recording.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(RecordingError, match="is not a whole recording"):
        Recording.load(path)


# A real history


@pytest.mark.slow
def test_a_real_hour_is_recorded_and_its_rows_rebuild_its_touch(data_dir):
    folder = data_dir / "lobster"
    source = LobsterHistory(
        messages=folder / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
        orderbook=folder / "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz",
        window=False,
    )
    recording = record_market(MarketConfig(instrument="aapl", source=source), 0, 0.2)
    assert (recording.events["kind"] == TRADE).sum() > 500
    part = recording.between(recording.start_ns, recording.start_ns + 120 * SECOND)
    assert_rows_rebuild_the_touch(part.events)
