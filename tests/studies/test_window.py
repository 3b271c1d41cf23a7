"""Two recordings through one window: what a source of k levels would have shown of a market, and what it would not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.worlds import DRIVEN, SECOND, examples, tape_template
from tests.market.rebuild import RebuiltBook, assert_touch
from tests.market.test_l2 import MODELS, snapshots
from tests.market.test_lobster import ACTIONS, UNIT, tape_of, write_day
from tests.market.test_lobster import Market as Exchange
from tests.studies.markets import made_market
from twin_env.cli.main import main
from twin_env.config import load_config
from twin_env.market import LobsterHistory, MarketConfig
from twin_env.market.data.levels.reader import make_tape, read_snapshots
from twin_env.market.data.tape_file import read_tape, write_tape
from twin_env.studies.calibration.distance import Target
from twin_env.studies.realism import SAMPLES, Series, common_levels, compare, seen_through
from twin_env.studies.realism.recorder import PLANES
from twin_env.studies.realism.recording import BOOK, CANCEL, LIMIT, ROW, TRADE, Recorder, Recording, record_market
from twin_env.twin.twin import Twin

pytestmark = pytest.mark.jit

START_NS = 1_748_874_600_000_000_000
POISSON = load_config(MarketConfig, "mgc_poisson", folder="markets")
PLACED = [name for name in SAMPLES if name.endswith(("_levels", "_depth"))]


@pytest.fixture(scope="module")
def hour():
    return record_market(POISSON, 3, 0.25)


@pytest.fixture(scope="module")
def other():
    return record_market(POISSON, 4, 0.25)


def recorded(tape):
    template = tape_template(DRIVEN, tape_orders=max(1, tape.orders))
    market = made_market(template, DRIVEN, tape.rows, first_ns=tape.start_ns - SECOND, levels=tape.levels)
    twin = Twin(market, planes=PLANES, wires=False)
    recorder = Recorder(twin)
    twin.advance_until(tape.end_ns + SECOND)
    return replace(recorder.finish("made up"), tick_size=0.01)


def acts(events):
    """What was sent, one tuple each: kind, side, price, lots."""
    rows = events[np.isin(events["kind"], (LIMIT, CANCEL))]
    return [tuple(int(row[name]) for name in ("kind", "side", "price_ticks", "lots")) for row in rows]


def values_of(name, recording):
    return SAMPLES[name](Series(recording))[1]


# What shows


@given(st.lists(ACTIONS, min_size=1, max_size=120), st.sampled_from((1, 2, 3)))
@settings(max_examples=examples(60), deadline=None)
def test_what_shows_are_the_messages_a_file_of_so_many_levels_holds(actions, levels):
    whole, narrow = Exchange(60), Exchange(levels)
    for exchange in (whole, narrow):
        exchange.recording = True
        for action in actions:
            exchange.act(action)
    seen = seen_through(recorded(tape_of(whole.messages, whole.books)), levels)
    kinds = {1: LIMIT, 2: CANCEL, 3: CANCEL}
    expected = [
        (kinds[kind], side, price // UNIT, lots) for kind, _, lots, price, side in narrow.messages if kind in kinds
    ]
    assert acts(seen.events) == expected


def test_no_order_placed_or_withdrawn_beyond_the_levels_shows_and_all_others_do(hour):
    levels = 3
    seen, book, hidden = seen_through(hour, levels), RebuiltBook(), 0
    for row, was in zip(seen.events, hour.events, strict=True):
        if was["kind"] in (LIMIT, CANCEL):
            side, price = int(row["side"]), int(row["price_ticks"])
            better = sum(side * (at - price) > 0 for at, _ in book.side(side))
            assert row["kind"] == (was["kind"] if better < levels else BOOK)
            hidden += better >= levels
        book.apply(row)
    assert 100 < hidden < np.isin(hour.events["kind"], (LIMIT, CANCEL)).sum()
    assert seen.levels == levels


def test_through_one_level_every_order_is_placed_at_the_best_price_or_better(hour):
    assert max(values_of("limit_bid_order_levels", hour)) > 5
    assert set(values_of("limit_bid_order_levels", seen_through(hour, 1))) == {1.0}


def test_the_book_stays_whole_and_so_do_trades(hour):
    seen, book = seen_through(hour, 2), RebuiltBook()
    ends = np.append(np.diff(seen.events["group"]) != 0, True)
    for row, is_last in zip(seen.events, ends, strict=True):
        book.apply(row)
        if is_last:
            assert_touch(book, row)
    trades = hour.events["kind"] == TRADE
    assert np.array_equal(seen.events[trades], hour.events[trades])
    for name in ("vol_per_min", "ofi"):
        assert np.array_equal(values_of(name, seen), values_of(name, hour))


def test_samples_of_depth_hold_the_best_prices_alone(hour):
    seen = seen_through(hour, 2).depth
    assert (seen > 0).sum(axis=2).max() == 2
    assert np.array_equal(seen[:, :, 0], hour.depth[:, :, 0])
    by_hand = hour.depth[40, 0].copy()
    by_hand[np.flatnonzero(by_hand)[2:]] = 0
    assert np.array_equal(seen[40, 0], by_hand)


def test_what_was_seen_through_its_levels_is_not_changed_by_them_again(hour):
    once = seen_through(hour, 3)
    again = seen_through(once, 3)
    assert np.array_equal(once.events, again.events)
    assert np.array_equal(once.depth, again.depth)
    assert not np.array_equal(once.events, hour.events)
    wide = seen_through(hour, 10_000)
    assert np.array_equal(wide.events, hour.events)
    assert np.array_equal(wide.depth, hour.depth)
    assert seen_through(hour, None) is hour


def test_times_are_those_between_what_shows():
    """Level 2 is out of sight: an order that leaves there was never seen to be cancelled."""
    rows = [
        {"kind": LIMIT, "order": 1, "price_ticks": 100, "at": 1},
        {"kind": LIMIT, "order": 2, "price_ticks": 99, "at": 2},  # hidden
        {"kind": LIMIT, "order": 3, "price_ticks": 101, "at": 4},
        {"kind": CANCEL, "order": 1, "price_ticks": 100, "at": 8},  # hidden now
        {"kind": CANCEL, "order": 3, "price_ticks": 101, "at": 16},
        {"kind": CANCEL, "order": 2, "price_ticks": 99, "at": 32},  # in sight now, but nobody saw it come
    ]
    events = np.zeros(len(rows), ROW)
    for number, row in enumerate(rows):
        events[number]["ts_ns"] = START_NS + row.pop("at") * SECOND
        events[number]["group"], events[number]["side"], events[number]["lots"] = number, 1, 1
        events[number]["left_lots"] = row["kind"] == LIMIT
        for name, value in row.items():
            events[number][name] = value
    times = START_NS + SECOND * np.arange(61)
    depth, touch = np.zeros((61, 2, 10), np.int64), np.zeros((61, 4), np.int64)
    whole = Recording("hand", 0.1, START_NS, START_NS + 60 * SECOND, events, depth, times, touch)
    seen = seen_through(whole, 1)
    assert np.exp(values_of("log_inter_arrival_time", whole)) == pytest.approx([1000, 2000, 4000, 8000, 16000])
    assert np.exp(values_of("log_inter_arrival_time", seen)) == pytest.approx([3000, 12000, 16000])
    assert np.exp(values_of("log_time_to_cancel", whole)) == pytest.approx([7000, 30000, 12000])
    assert np.exp(values_of("log_time_to_cancel", seen)) == pytest.approx([12000])
    assert (len(values_of("spread", whole)), len(values_of("spread", seen))) == (6, 4)


# Held against each other


def test_a_market_is_at_no_distance_from_its_own_file_of_few_levels(hour):
    shown = seen_through(hour, 2)
    for found in (compare(hour, shown, resamples=0), compare(shown, hour, resamples=0)):
        assert {one.l1.mean for one in found} == {one.wasserstein.mean for one in found} == {0.0}
    unlike = {one.name: one for one in compare(hour, replace(shown, levels=None), resamples=0)}
    assert min(unlike[name].wasserstein.mean for name in PLACED) > 0.1


def test_both_are_looked_at_alike_whichever_is_named_first(hour, other):
    shown = seen_through(hour, 2)
    there, back = compare(shown, other, resamples=0), compare(other, shown, resamples=0)
    by_hand = compare(hour, other, levels=2, resamples=0)
    whole = compare(hour, other, resamples=0)
    for one, turned, chosen in zip(there, back, by_hand, strict=True):
        assert (
            (one.l1.mean, one.samples) == (turned.l1.mean, turned.reference_samples) == (chosen.l1.mean, chosen.samples)
        )
    assert [one.l1.mean for one in there] != [one.l1.mean for one in whole]
    assert there[0].reference_samples < whole[0].reference_samples


def test_the_levels_are_those_of_the_one_that_shows_less(hour):
    five, two = replace(hour, levels=5), replace(hour, levels=2)
    assert common_levels(hour, hour) is None
    assert common_levels(hour, five) == common_levels(five, hour) == 5
    assert common_levels(two, five) == common_levels(five, two) == 2
    assert common_levels(hour, five, 3) == 3
    with pytest.raises(ValueError, match="levels is 3, expected at most 2, which is what MGC shows a side"):
        common_levels(five, two, 3)
    with pytest.raises(ValueError, match="levels is 0, expected at least 1"):
        compare(hour, hour, levels=0)


def test_a_fit_looks_at_simulations_through_the_levels_of_its_source(hour):
    target = Target(seen_through(hour, 2))
    assert {one.loss for one in target.distances(hour)} == {0.0}
    assert target.loss(hour) == 0.0


# Sources know what they show


def test_a_lobster_file_shows_the_levels_of_its_orderbook(tmp_path):
    book = [[10_200, 5, 10_000, 7, 10_300, 6, 9_900, 8]]
    tape = tape_of([(5, 0, 1, 10_000, 1)], book)
    assert tape.levels == 2
    assert tape_of([(5, 0, 1, 10_000, 1)], book, levels=1).levels == 2  # its messages are still those of two
    assert tape_of([(1, 1, 1, 10_000, 1)]).levels is None
    write_tape(tape, tmp_path / "day.tape")
    assert read_tape(tmp_path / "day.tape").levels == 2


def test_a_recorded_history_knows_what_its_file_shows(tmp_path):
    messages, books = write_day(
        tmp_path, [(1, 1, 5, 10_000, 1), (1, 2, 3, 10_200, -1)], [[10_300, 5, 10_000, 5], [10_200, 3, 10_000, 5]]
    )
    source = LobsterHistory(messages=messages, orderbook=books)
    assert record_market(MarketConfig(instrument="amzn", source=source), 0, 1.0).levels == 1


@given(depth=snapshots(levels=2))
@settings(max_examples=5)
def test_snapshots_show_their_levels(depth):
    assert make_tape(read_snapshots(depth), MODELS[0], tick_size=0.1).levels == 2


def test_a_recording_keeps_what_its_source_shows(hour, tmp_path):
    assert hour.levels is None
    shown = replace(hour, levels=5)
    shown.save(tmp_path / "five.npz")
    assert Recording.load(tmp_path / "five.npz").levels == 5
    assert shown.between(hour.start_ns, hour.start_ns + 60 * SECOND).levels == 5


def test_a_recording_saved_before_levels_were_known_still_loads(hour, tmp_path):
    hour.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        arrays = dict(archive)
    facts = json.loads(str(arrays.pop("facts")))
    del facts["levels"]
    np.savez(tmp_path / "old.npz", facts=np.array(json.dumps(facts)), **arrays)
    assert Recording.load(tmp_path / "old.npz").levels is None


@pytest.mark.slow
def test_a_real_file_looked_at_through_its_own_levels_is_what_it_was(data_dir):
    source = LobsterHistory(messages=data_dir / "lobster" / "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip")
    recording = record_market(MarketConfig(instrument="amzn", source=source), 0, 1.0)
    assert recording.levels == 5
    seen = seen_through(recording, 5)
    assert np.array_equal(seen.events, recording.events)
    assert not np.array_equal(seen_through(recording, 4).events, recording.events)


# The command


def test_the_command_says_through_how_many_levels_it_looked(hour, other, tmp_path, capsys):
    names = [str(tmp_path / "whole.npz"), str(tmp_path / "five.npz")]
    for recording, name in zip((hour, replace(other, levels=5)), names, strict=True):
        recording.save(Path(name))
    for more, levels in (([], 5), (["--levels", "1"], 1)):
        more += ["--json", str(tmp_path / "score.json")]
        assert main(["market", "realism", names[0], "--against", names[1], *more]) == 0
        says = f"both through {levels} level{'s' if levels > 1 else ''} a side"
        assert says in capsys.readouterr().out
        document = json.loads((tmp_path / "score.json").read_text())
        assert document["levels"] == levels
        found = {one["name"]: one["l1"] for one in document["distances"]}
        expected = compare(hour, other, levels=levels)
        assert found == {one.name: one.l1.mean for one in expected}
    assert main(["market", "realism", names[0], "--against", names[1], "--levels", "6"]) == 2
    assert "levels is 6, expected at most 5" in capsys.readouterr().err
    assert main(["market", "realism", names[0], "--levels", "6"]) == 2
    assert "--levels is 6 without --against" in capsys.readouterr().err
