"""Databento files: what becomes of each record, real files through the exchange, broken files refused or counted."""

import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import databento_dbn as dbn
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.dbn import (
    BAD_RECEIVE_TIME,
    LAST,
    MAYBE_BAD_BOOK,
    SNAPSHOT,
    START_NS,
    TICK,
    UNDEFINED,
    Mbo,
    header,
    quote,
    save,
)
from twin_env.config import ConfigError, load_config
from twin_env.core.event_loop import advance
from twin_env.core.flow.flow import TAPE_FLOW
from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import HISTORY
from twin_env.core.state.world import copy_world, create_template, create_worlds
from twin_env.market.data.databento.files import read_header, stream
from twin_env.market.data.databento.inspect import foreign_records
from twin_env.market.data.databento.layouts import LAYOUTS
from twin_env.market.data.databento.reader import read_mbo
from twin_env.market.data.databento.source import DatabentoHistory
from twin_env.market.data.tape import TapeError
from twin_env.reference import Message, ReferenceExchange

BUY, SELL = 1, -1
ES = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
REOPENING_NS = 1_703_545_200_000_000_000  # 25 December 2023, 23:00 UTC


def read(tmp_path, mbo, **facts):
    return read_mbo(mbo.save(tmp_path / "day.mbo.dbn"), tick_size=0.25, **facts)


def rows(tape, first=0):
    """Return what rows say: (kind, side, price, lots, order)."""
    names = ("kind", "side", "price", "lots", "order")
    return [(codes.KIND_NAMES[row[0]], *row[1:]) for row in tape.rows[list(names)][first:].tolist()]


def exchange():
    return ReferenceExchange(protection_ticks=50, max_orders=4096, max_levels=4096, max_stops=4)


def play(messages):
    """Return the events of the reference exchange, orders named by when they were accepted."""
    venue, names, count, events = exchange(), {-1: -1}, 0, []
    for message in messages:
        for event in venue.handle(message):
            if event.kind == codes.ACCEPTED:
                names[event.order] = count
                count += 1
            events.append(event._replace(order=names[event.order], contra=names[event.contra]))
    return events, venue


def messages_of(tape):
    return [Message.from_record(row) for row in tape.rows]


# Whatever happens in a market comes back as it was

MOVES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 30), st.integers(0, 12), st.integers(1, 9), st.booleans()), max_size=60
)


def history_of(moves):
    """Turn moves into a history that never crosses, as messages and as MBO records."""
    mbo, messages, live, count = Mbo(), [], {}, 0
    for kind, which, depth, lots, choice in moves:
        side = BUY if choice else SELL
        key = sorted(live)[which % len(live)] if live else None
        if kind <= 1 or key is None:
            price = -depth if side == BUY else 1 + depth
            messages.append({"kind": codes.NEW, "order": count, "side": side, "price": price, "lots": lots})
            mbo.add("A", 100 + count, side, price, lots)
            live[count] = [side, price, lots]
            count += 1
        else:
            side, price, left = live[key]
            place = (100 + key, side, price)
            if kind == 2:
                messages.append({"kind": codes.CANCEL, "order": key})
                mbo.add("C", *place, left)
            elif kind == 3:
                messages.append({"kind": codes.REDUCE, "order": key, "lots": lots})
                mbo.add("C", *place, lots)
                live[key][2] = max(0, left - lots)
            elif kind == 4:
                moved = -depth if side == BUY else 1 + depth
                lots = lots if moved != price else left + lots
                messages.append({"kind": codes.REPLACE, "order": key, "price": moved, "lots": lots})
                mbo.add("M", 100 + key, side, moved, lots)
                live[key] = [side, moved, lots]
            elif kind == 5:
                lots = min(lots, left)
                messages.append({"kind": codes.EXECUTE, "order": key, "side": -side, "price": price, "lots": lots})
                after = ("C", *place, left) if lots == left else ("M", *place, left - lots)
                after = ("C", *place, lots) if choice else after  # a venue may tell what was taken instead
                mbo.event(("T", 7, -side, price, lots), ("F", *place, lots), after)
                live[key][2] -= lots
            else:
                messages.append({"kind": codes.PRINT, "side": -side, "price": price, "lots": lots})
                mbo.add("T", 0, -side, price, lots)
            if kind == 2 or (key in live and live[key][2] <= 0):
                del live[key]
        messages[-1]["ts_ns"] = mbo.ts_ns
    return mbo, [Message(**{"order": -1, **fields}) for fields in messages]


@given(MOVES)
@settings(max_examples=60)
def test_a_history_written_as_mbo_plays_to_the_identical_event_stream(moves):
    mbo, messages = history_of(moves)
    if not messages:
        return
    with tempfile.TemporaryDirectory() as folder:
        tape = read(Path(folder), mbo)
    assert play(messages_of(tape))[0] == play(messages)[0]
    assert not {name for name in tape.report.repaired if name != "trade_printed"}
    assert tape.report.dropped == {"before_start": 0}


def session_of(moves):
    """Let a real exchange handle orders that may cross, and write down what a feed would say about it."""
    venue, mbo, live, count, all_events = exchange(), Mbo(), {}, 0, []
    for kind, which, depth, lots, choice in moves:
        side = BUY if choice else SELL
        key = sorted(live)[which % len(live)] if live else None
        if kind <= 3 or key is None:
            message = Message(order=count, side=side, price=depth, lots=lots, ts_ns=mbo.ts_ns + 1000)
            live[count] = [side, depth, lots]
            mine, verb, count = count, "A", count + 1
        elif kind == 4:
            message = Message(kind=codes.CANCEL, order=key)
            mine, verb = key, "C"
        else:
            lots = lots if depth != live[key][1] else live[key][2] + lots
            filled = venue._orders[key].filled
            message = Message(kind=codes.REPLACE, order=key, price=depth, lots=lots + filled)
            live[key][1:] = [depth, lots]
            mine, verb = key, "M"
        events = list(venue.handle(message))
        all_events += [event for event in events if event.kind == codes.TRADED]
        records = feed_records(mine, verb, events, live)
        mbo.event(*records)
    return venue, mbo, all_events


def feed_records(mine, verb, events, live):
    """Write trades and fills first, then what became of the resting orders, then of the aggressor."""
    side, price, _ = live[mine]
    trades, after = [], {}
    for event in events:
        if event.kind == codes.TRADED:
            trades.append(("T", 100 + mine, side, event.price, event.lots))
            trades.append(("F", 100 + event.contra, -side, event.price, event.lots))
            if verb == "M":
                trades.append(("F", 100 + mine, side, event.price, event.lots))
            other = live[event.contra]
            other[2] -= event.lots
            live[mine][2] -= event.lots
            name = (100 + event.contra, -side, other[1])
            after[event.contra] = ("M", *name, other[2]) if other[2] else ("C", *name, event.lots)
    left = live[mine][2]
    own = [(verb, 100 + mine, side, price, left)] if left > 0 else []
    if verb == "C" or (verb == "M" and left <= 0):
        own = [("C", 100 + mine, side, price, 10**6)]
    for gone in [mine if verb == "C" else None, *[key for key, order in live.items() if order[2] <= 0]]:
        live.pop(gone, None)
    return [*trades, *after.values(), *own]


@given(MOVES)
@settings(max_examples=60)
def test_a_session_of_orders_that_cross_leaves_the_same_trades_and_the_same_book(moves):
    venue, mbo, trades = session_of(moves)
    if not mbo.records:
        return
    with tempfile.TemporaryDirectory() as folder:
        tape = read(Path(folder), mbo)
    events, other = play(messages_of(tape))
    played = [(event.price, event.lots, event.side) for event in events if event.kind == codes.TRADED]
    assert played == [(event.price, event.lots, event.side) for event in trades]
    for side in (BUY, SELL):
        assert queues(other, side) == queues(venue, side)
    assert not {event.kind for event in events} & {codes.REJECTED, codes.UNRESOLVED, codes.PRINTED}


def queues(venue, side):
    """Return the lots of every order of a side, by price and place in the queue."""
    return [(price, [order.lots for order in level.orders.values()]) for price, level in venue._book.levels(side)]


# What single records become

QUOTED = [("A", 1, BUY, 10, 5), ("A", 2, SELL, 12, 5)]


def quoted():
    return Mbo().event(*QUOTED)


def test_records_become_rows_with_times_flags_and_lines(tmp_path):
    mbo = quoted().add("C", 1, BUY, 10, 2).add("C", 1, BUY, 10, 3, ts_recv=2**64 - 1)
    mbo.add("A", 3, BUY, 9, 1, flags=LAST | BAD_RECEIVE_TIME).add("A", 4, BUY, 9, 1, flags=LAST | MAYBE_BAD_BOOK)
    tape = read(tmp_path, mbo)
    assert rows(tape) == [
        ("new", BUY, 10, 5, 0),
        ("new", SELL, 12, 5, 1),
        ("reduce", BUY, 10, 2, 0),
        ("cancel", BUY, 10, 3, 0),
        ("new", BUY, 9, 1, 0),
        ("new", BUY, 9, 1, 2),
    ]
    last, ends, gap = codes.LAST_IN_EVENT, codes.ENDS_ORDER, codes.GAP
    assert tape.rows["flags"].tolist() == [0, last, last, last | ends, last, last | gap]
    assert (tape.rows["ts_ns"] - START_NS).tolist() == [1000, 1000, 2000, 3000, 4000, 5000]
    assert (tape.rows["recv_ns"] - tape.rows["ts_ns"]).tolist() == [500, 500, 500, 0, 0, 500]
    assert tape.lines.tolist() == [1, 2, 3, 4, 5, 6]
    assert (tape.orders, tape.tick_size, tape.source) == (3, 0.25, "day.mbo.dbn")
    assert tape.report.repaired == {"after_gap": 1}
    assert tape.report.source_rows == 6


def test_a_snapshot_starts_the_tape_at_the_first_message(tmp_path):
    mbo = Mbo()
    for order, side, ticks in ((1, BUY, 10), (2, SELL, 12)):
        mbo.add("A", order, side, ticks, 5, flags=SNAPSHOT | BAD_RECEIVE_TIME, ts_event=START_NS - 10**15)
    tape = read(tmp_path, mbo.add("C", 1, BUY, 10, 5))
    assert rows(tape)[:2] == [("new", BUY, 10, 5, 0), ("new", SELL, 12, 5, 1)]
    assert tape.rows["flags"].tolist()[:2] == [codes.SNAPSHOT, codes.SNAPSHOT | codes.LAST_IN_EVENT]
    assert tape.lines.tolist() == [0, 0, 3]
    assert tape.start_ns == mbo.ts_ns
    assert (tape.report.snapshot_orders, tape.report.dropped) == (2, {"before_start": 2})
    assert tape.report.repaired == {}


def test_a_file_that_is_only_a_snapshot_is_a_book(tmp_path):
    mbo = Mbo()
    for order, side, ticks in ((1, BUY, 10), (2, SELL, 12)):
        mbo.add("A", order, side, ticks, 5, flags=SNAPSHOT)
    assert rows(read(tmp_path, mbo)) == [("new", BUY, 10, 5, 0), ("new", SELL, 12, 5, 1)]


def test_a_trade_is_as_many_rows_as_it_has_fills(tmp_path):
    mbo = quoted().add("A", 3, SELL, 12, 4)
    mbo.event(
        ("T", 9, BUY, 12, 8),
        ("F", 2, SELL, 12, 5),
        ("F", 3, SELL, 12, 3),
        ("C", 2, SELL, 12, 5),
        ("M", 3, SELL, 12, 1),
    )
    tape = read(tmp_path, mbo)
    assert rows(tape, 3) == [("execute", BUY, 12, 5, 1), ("execute", BUY, 12, 3, 2)]
    assert tape.rows["flags"].tolist()[3:] == [codes.ENDS_ORDER, codes.LAST_IN_EVENT]
    assert tape.lines.tolist()[3:] == [4, 4]  # both are the trade of record 4


def test_trades_against_nobody_seen_are_printed(tmp_path):
    mbo = quoted().add("T", 0, SELL, 11, 4)  # no fill at all
    mbo.event(("T", 0, BUY, 12, 4), ("F", 2, SELL, 12, 3), ("M", 2, SELL, 12, 2))  # a fill is missing
    mbo.event(("T", 0, BUY, 12, 4), ("F", 77, SELL, 12, 4))  # of an order that is unknown
    tape = read(tmp_path, mbo)
    assert rows(tape, 2) == [
        ("print", SELL, 11, 4, -1),
        ("execute", BUY, 12, 3, 1),
        ("print", BUY, 12, 1, -1),
        ("print", BUY, 12, 4, -1),
    ]
    assert tape.report.repaired == {"trade_printed": 2, "fill_unseen": 1}
    assert tape.report.unknown_rows == 1


def test_a_fill_beyond_the_displayed_lots_is_printed_and_the_refill_goes_to_the_back(tmp_path):
    mbo = quoted().add("A", 3, SELL, 12, 1)
    mbo.event(("T", 0, BUY, 12, 8), ("F", 2, SELL, 12, 8), ("M", 2, SELL, 12, 4))
    tape = read(tmp_path, mbo)
    assert rows(tape, 3) == [("execute", BUY, 12, 5, 1), ("print", BUY, 12, 3, -1), ("new", SELL, 12, 4, 1)]
    assert tape.report.repaired == {"fill_beyond": 1}
    assert queues(play(messages_of(tape))[1], SELL) == [(12, [1, 4])]


def test_the_aggressors_own_fill_is_told_by_its_order(tmp_path):
    """A resting order is moved through the spread: its own fill is no trade of its own."""
    fills = (("F", 2, SELL, 12, 5), ("F", 1, BUY, 12, 5))
    tape = read(tmp_path, quoted().event(("T", 1, BUY, 12, 5), *fills, ("C", 1, BUY, 10, 5), ("C", 2, SELL, 12, 5)))
    assert rows(tape, 2) == [("execute", BUY, 12, 5, 1), ("cancel", BUY, 10, 5, 0)]
    assert tape.report.repaired == {}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (("M", 1, BUY, 10, 7), [("replace", BUY, 10, 7, 0)]),
        (("M", 1, BUY, 9, 5), [("replace", BUY, 9, 5, 0)]),
        (("M", 1, BUY, 10, 3), [("reduce", BUY, 10, 2, 0)]),
        (("M", 1, BUY, 10, 5), []),
        (("M", 1, SELL, 12, 5), [("cancel", BUY, 10, 5, 0), ("new", SELL, 12, 5, 0)]),
        (("C", 1, BUY, 10, 99), [("cancel", BUY, 10, 5, 0)]),
    ],
)
def test_modifications_keep_the_place_only_at_the_price_and_with_no_more_lots(tmp_path, after, expected):
    assert rows(read(tmp_path, quoted().add(*after)), 2) == expected


def test_an_order_cancelled_and_entered_again_in_one_event_loses_its_place(tmp_path):
    tape = read(tmp_path, quoted().event(("C", 1, BUY, 10, 5), ("A", 1, BUY, 10, 5)))
    assert rows(tape, 2) == [("cancel", BUY, 10, 5, 0), ("new", BUY, 10, 5, 0)]


def test_an_event_is_played_as_a_whole(tmp_path):
    """Its bid comes before the ask it would meet has moved; nothing may trade."""
    tape = read(tmp_path, quoted().event(("A", 3, BUY, 12, 5), ("M", 2, SELL, 13, 5)))
    assert rows(tape, 2) == [("replace", SELL, 13, 5, 1), ("new", BUY, 12, 5, 2)]
    assert tape.report.repaired == {}


def test_a_cleared_book_is_cancelled_order_by_order(tmp_path):
    mbo = quoted().add("R", price=UNDEFINED).add("A", 1, BUY, 8, 1).add("A", 2, SELL, 9, 1)
    tape = read(tmp_path, mbo)
    assert rows(tape, 2)[:2] == [("cancel", BUY, 10, 5, 0), ("cancel", SELL, 12, 5, 1)]
    assert sorted(rows(tape, 4)) == [
        ("new", SELL, 9, 1, tape.rows["order"][5]),
        ("new", BUY, 8, 1, tape.rows["order"][4]),
    ]
    assert tape.report.repaired == {"clears": 1}


def test_a_trade_between_two_ticks_goes_to_the_aggressors_better_one(tmp_path):
    mbo = quoted()
    for side in (BUY, SELL):
        mbo.add("T", 0, side, lots=1, price=10 * TICK + TICK // 2)
    tape = read(tmp_path, mbo)
    assert rows(tape, 2) == [("print", BUY, 10, 1, -1), ("print", SELL, 11, 1, -1)]
    assert tape.report.repaired == {"trade_printed": 2, "trade_rounded": 2}


def test_an_event_without_an_end_ends_with_its_time(tmp_path):
    mbo = Mbo().add("A", 1, BUY, 10, 5, flags=0).add("A", 2, SELL, 12, 5, flags=0)
    tape = read(tmp_path, mbo)
    assert tape.rows["flags"].tolist() == [codes.LAST_IN_EVENT] * 2
    assert tape.report.repaired == {"event_cut": 1}


# The time before continuous trading, and books that are crossed


def pre_opening():
    """Orders cross, an auction uncrosses them, trading goes on."""
    mbo = quoted().add("A", 3, BUY, 13, 2).add("A", 4, BUY, 9, 2)
    fills = (("T", 0, 0, 12, 2), ("F", 3, 0, 12, 2), ("F", 2, 0, 12, 2))
    return mbo.event(*fills, ("C", 3, BUY, 13, 2), ("M", 2, SELL, 12, 3)).add("A", 5, BUY, 11, 1)


def test_the_tape_starts_where_trading_does(tmp_path):
    mbo = pre_opening()
    tape = read(tmp_path, mbo)
    assert rows(tape) == [
        ("print", BUY, 12, 2, -1),
        ("new", BUY, 10, 5, 0),
        ("new", SELL, 12, 3, 1),
        ("new", BUY, 9, 2, 3),
        ("new", BUY, 11, 1, tape.rows["order"][4]),
    ]
    assert tape.start_ns == mbo.ts_ns - 1000
    assert (tape.rows["flags"] & codes.SNAPSHOT != 0).tolist() == [False, True, True, True, False]
    assert tape.report.dropped == {"before_start": 9}
    assert tape.report.repaired == {"side_guessed": 1, "crossed": 2}


def test_the_tape_starts_no_earlier_than_asked(tmp_path):
    mbo = pre_opening().add("T", 0, BUY, 12, 1).add("A", 6, BUY, 10, 1)
    early = read(tmp_path, mbo, start_ns=START_NS)
    assert np.array_equal(early.rows, read(tmp_path, mbo).rows)
    asked = mbo.ts_ns - 500
    late = read(tmp_path, mbo, start_ns=asked)
    assert late.start_ns == asked
    assert late.rows["ts_ns"].tolist() == [asked] * 4 + [mbo.ts_ns]
    assert rows(late)[-1][:4] == ("new", BUY, 10, 1)
    assert queues(play(messages_of(late))[1], BUY) == queues(play(messages_of(early))[1], BUY)


def test_a_start_after_the_end_is_refused(tmp_path):
    with pytest.raises(TapeError, match=r"day\.mbo\.dbn: no moment of continuous trading from start_ns 17"):
        read(tmp_path, quoted(), start_ns=START_NS + 10**12)


def test_a_book_that_stays_crossed_is_refused(tmp_path):
    with pytest.raises(TapeError, match=r"day\.mbo\.dbn: no moment of continuous trading"):
        read(tmp_path, quoted().add("A", 3, BUY, 13, 2))


def test_orders_that_cross_later_wait_until_the_book_does_not(tmp_path):
    mbo = quoted().add("T", 0, BUY, 12, 1).add("A", 3, BUY, 12, 2).add("A", 4, BUY, 11, 1).add("C", 2, SELL, 12, 5)
    tape = read(tmp_path, mbo)
    cancelled = ("cancel", SELL, 12, 5, 1)
    assert rows(tape, 3) == [cancelled, ("new", BUY, 12, 2, 2), ("new", BUY, 11, 1, 3)]
    assert tape.rows["ts_ns"].tolist()[3:] == [mbo.ts_ns] * 3
    assert tape.report.repaired == {"trade_printed": 1, "locked": 2}


def test_a_book_crossed_for_more_than_a_second_is_a_halt(tmp_path):
    mbo = quoted().add("T", 0, BUY, 12, 1).add("A", 3, BUY, 13, 2)
    mbo.add("C", 1, BUY, 10, 1, step_ns=10**9).add("C", 1, BUY, 10, 1, step_ns=1)
    mbo.event(("T", 0, 0, 12, 2), ("C", 3, BUY, 13, 2), ("M", 2, SELL, 12, 3))
    tape = read(tmp_path, mbo)
    assert rows(tape, 3) == [
        ("reduce", BUY, 10, 1, 0),
        ("halt", 0, 0, 0, -1),
        ("reduce", BUY, 10, 1, 0),
        ("resume", 0, 0, 0, -1),
        ("print", BUY, 12, 2, -1),
        ("reduce", SELL, 12, 2, 1),
    ]
    events, _ = play(messages_of(tape))
    assert codes.REJECTED not in {event.kind for event in events}
    assert tape.report.repaired == {"trade_printed": 1, "crossed": 3, "side_guessed": 1}


# Broken input


@pytest.mark.parametrize(
    ("record", "repaired", "dropped"),
    [
        (("A", 3, BUY, 9, 0), {}, {"zero_lots": 1}),
        (("C", 1, BUY, 10, 0), {}, {"zero_lots": 1}),
        (("T", 0, BUY, 10, 0), {}, {"zero_lots": 1}),
        (("N", 0, BUY, 10, 1), {}, {"no_action": 1}),
        (("A", 3, 0, 9, 1), {}, {"no_side": 1}),
        (("C", 3, BUY, 9, 1), {}, {"cancel_unseen": 1}),
        (("A", 1, BUY, 10, 5), {}, {"added_again": 1}),
    ],
)
def test_records_that_say_nothing_are_dropped_and_counted(tmp_path, record, repaired, dropped):
    tape = read(tmp_path, quoted().add(*record))
    assert len(tape) == 2
    assert tape.report.repaired == repaired
    assert tape.report.dropped == {"before_start": 0, **dropped}


@pytest.mark.parametrize(
    ("record", "row", "repaired"),
    [
        (("M", 1, BUY, 10, 0), ("cancel", BUY, 10, 5, 0), "modify_to_zero"),
        (("M", 3, BUY, 9, 1), ("new", BUY, 9, 1, 2), "modify_unseen"),
        (("A", 1, BUY, 9, 1), ("replace", BUY, 9, 1, 0), "added_live"),
    ],
)
def test_records_that_contradict_the_book_are_repaired_and_counted(tmp_path, record, row, repaired):
    tape = read(tmp_path, quoted().add(*record))
    assert rows(tape, 2) == [row]
    assert tape.report.repaired == {repaired: 1}


def test_a_record_without_a_price_is_dropped(tmp_path):
    tape = read(tmp_path, quoted().add("A", 3, BUY, lots=1, price=UNDEFINED).add("T", 0, BUY, lots=1, price=UNDEFINED))
    assert len(tape) == 2
    assert tape.report.dropped == {"before_start": 0, "no_price": 2}


def test_a_missing_record_shows_in_the_counts(tmp_path):
    mbo = quoted().add("A", 3, BUY, 9, 5).add("C", 3, BUY, 9, 5)
    del mbo.records[2]
    tape = read(tmp_path, mbo)
    assert tape.report.dropped == {"before_start": 0, "cancel_unseen": 1}
    assert tape.report.unknown_rows == 1


def test_what_is_told_twice_is_played_once(tmp_path):
    mbo = quoted().add("T", 0, BUY, 12, 1).add("T", 0, BUY, 12, 2).add("C", 1, BUY, 10, 2)
    twice = mbo.records[:3] + mbo.records[2:3] + mbo.records[3:] + mbo.records[2:]
    once = read(tmp_path, mbo)
    mbo.records = twice
    tape = read(tmp_path, mbo)
    assert np.array_equal(tape.rows, once.rows)
    assert tape.report.dropped == {"before_start": 0, "duplicate": 1, "sequence_back": 3}


def test_sequence_numbers_may_begin_anew(tmp_path):
    mbo = quoted().add("A", 3, BUY, 9, 1)
    mbo.sequence = 0
    mbo.add("C", 1, BUY, 10, 2).add("A", 4, BUY, 9, 1, step_ns=0, flags=0).add("A", 5, BUY, 9, 1, step_ns=0)
    tape = read(tmp_path, mbo)
    assert rows(tape, 3) == [("reduce", BUY, 10, 2, 0), ("new", BUY, 9, 1, 3), ("new", BUY, 9, 1, 4)]
    assert tape.report.dropped == {"before_start": 0}


def test_time_that_goes_back_stands_still(tmp_path):
    mbo = quoted().add("A", 3, BUY, 9, 1, step_ns=-700).add("A", 4, BUY, 9, 1, step_ns=1000)
    tape = read(tmp_path, mbo)
    assert (tape.rows["ts_ns"] - START_NS).tolist() == [1000, 1000, 1000, 1300]
    assert tape.report.repaired == {"time_back": 1}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"price": TICK + 1}, r"record 3: price is 0\.250000001, expected a multiple of tick_size 0\.25"),
        ({"ts_event": 2**64 - 1}, r"record 3: ts_event is undefined, expected a time"),
        ({"publisher_id": 2}, r"record 3: publisher is 2, expected 1 alone"),
    ],
)
def test_a_record_that_cannot_be_right_is_named(tmp_path, fields, message):
    with pytest.raises(TapeError, match=rf"day\.mbo\.dbn {message}"):
        read(tmp_path, quoted().add("A", 3, BUY, 1, 1, **fields))


@pytest.mark.parametrize(("place", "field"), [(38, "action"), (39, "side")])
def test_a_strange_letter_is_named(tmp_path, place, field):
    mbo = quoted()
    record = bytearray(mbo.records[1])
    record[place] = ord("Q")
    mbo.records[1] = bytes(record)
    with pytest.raises(TapeError, match=rf"record 2: {field} is b'Q', expected one of "):
        read(tmp_path, mbo)


@pytest.mark.parametrize(("tick_size", "message"), [(0.3, "a multiple of tick_size 0.3"), (1.0, "a multiple of")])
def test_a_wrong_tick_size_is_refused(tmp_path, tick_size, message):
    with pytest.raises(TapeError, match=message):
        read_mbo(Mbo().add("A", 1, BUY, 3, 1).save(tmp_path / "day.dbn"), tick_size=tick_size)


@pytest.mark.parametrize("tick_size", [0.0, -0.25, float("nan"), 1e-10, 1.5e-9])
def test_a_tick_that_is_no_whole_number_of_units_is_refused(tmp_path, tick_size):
    with pytest.raises(TapeError, match=r"tick_size is .*, expected a multiple of 1e-09"):
        read_mbo(quoted().save(tmp_path / "day.dbn"), tick_size=tick_size)


def test_mixed_symbols_are_refused_unless_one_is_chosen(tmp_path):
    mbo = quoted().add("A", 1, BUY, 20, 1, instrument_id=18).add("C", 1, BUY, 10, 1)
    path = mbo.save(tmp_path / "day.dbn", symbols={"ESH4": 17, "ESM4": 18})
    with pytest.raises(TapeError, match=r"instruments are mixed, expected one to be chosen with symbol: ESH4, ESM4$"):
        read_mbo(path, tick_size=0.25)
    for symbol in ("ESH4", "17", 17):
        tape = read_mbo(path, tick_size=0.25, symbol=symbol)
        assert len(tape) == 3
        assert tape.lines.tolist() == [1, 2, 4]
        assert tape.report.dropped == {"before_start": 0, "other_instrument": 1}
    assert rows(read_mbo(path, tick_size=0.25, symbol="ESM4")) == [("new", BUY, 20, 1, 0)]
    with pytest.raises(TapeError, match=r"symbol is ESZ4, expected one of ESH4, ESM4$"):
        read_mbo(path, tick_size=0.25, symbol="ESZ4")
    with pytest.raises(TapeError, match=r"no records of 99, expected at least one"):
        read_mbo(path, tick_size=0.25, symbol=99)


@pytest.mark.jit
@pytest.mark.parametrize("name", ["day.dbn", "day.dbn.zst"])
def test_a_file_cut_short_is_refused_wherever_it_is_cut(tmp_path, name):
    path = quoted().save(tmp_path / name)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if name == "day.dbn" and length in (len(whole) - 56, len(whole) - 112):
            continue  # a plain file that ends with a record does not show that there were more
        with pytest.raises(TapeError, match=r"day\.dbn"):
            read_mbo(path, tick_size=0.25)


def test_damaged_files_are_refused(tmp_path):
    path = quoted().save(tmp_path / "day.dbn.zst")
    data = bytearray(path.read_bytes())
    data[8] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(TapeError, match=r"day\.dbn\.zst: "):
        read_mbo(path, tick_size=0.25)
    path.write_bytes(b"time,price\n")
    with pytest.raises(TapeError, match=r"starts with b'time', expected a DBN file"):
        read_mbo(path, tick_size=0.25)
    with pytest.raises(TapeError, match=r"gone: no such file, expected a DBN file"):
        read_mbo(tmp_path / "gone", tick_size=0.25)
    path.write_bytes(b"DBN\x09" + header()[4:])
    with pytest.raises(TapeError, match=r"header is damaged or of another version"):
        read_mbo(path, tick_size=0.25)
    save(path.with_suffix(""), b"\0" * 56)
    with pytest.raises(TapeError, match=r"a record says it is 0 bytes long, expected at least 16"):
        read_mbo(path.with_suffix(""), tick_size=0.25)
    with pytest.raises(TapeError, match=r"schema is trades, expected mbo"):
        read_mbo(save(tmp_path / "t.dbn", b"", schema="trades"), tick_size=0.25)


@pytest.mark.parametrize(("module", "name"), [("databento_dbn", "day.dbn"), ("zstandard", "day.dbn.zst")])
def test_a_missing_package_is_named_with_its_remedy(tmp_path, monkeypatch, module, name):
    path = quoted().save(tmp_path / name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TapeError, match=r"expected it installed: pip install 'twin-env\[data\]'"):
        read_mbo(path, tick_size=0.25)


# As the source of a market


def test_a_source_is_read_through_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path / "cache"))
    mbo = quoted().add("T", 0, BUY, 12, 1).add("C", 1, BUY, 10, 2)
    path = mbo.save(tmp_path / "day.dbn")
    config = load_config(DatabentoHistory, {"model": "databento", "path": str(path), "symbol": "ESH4"})
    tape = config.read(0.25)
    assert np.array_equal(tape.rows, read_mbo(path, tick_size=0.25).rows)
    start = {"start": f"2023-11-14T22:13:20.00000{mbo.ts_ns % 10_000 // 1000}Z"}
    later = load_config(DatabentoHistory, {"path": str(path), **start}).read(0.25)
    assert later.start_ns == mbo.ts_ns
    assert len(later) == 3


def test_depth_is_a_source_through_the_queue_model(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path / "cache"))
    levels = [(99, 5, 101, 2), *[(0, 0, 0, 0)] * 9]
    records = quote(START_NS, levels, kind=dbn.MBP10Msg)
    path = save(tmp_path / "day.dbn", records, schema="mbp-10")
    tape = DatabentoHistory(path=path).read(0.25)
    _, venue = play(messages_of(tape))
    assert (venue._book.depth(BUY, 2)[0][:2], venue._book.depth(SELL, 2)[0][:2]) == ((99, 5), (101, 2))
    with pytest.raises(TapeError, match=r"start is 2023-01-01 .*, expected none with schema mbp-10"):
        DatabentoHistory(path=path, start="2023-01-01T00:00:00Z").read(0.25)
    with pytest.raises(TapeError, match=r"schema is trades, expected mbo or mbp-10: others do not make an order book"):
        DatabentoHistory(path=save(tmp_path / "t.dbn", b"", schema="trades")).read(0.25)


def test_a_start_needs_a_time_zone(tmp_path):
    with pytest.raises(ConfigError, match=r"start"):
        load_config(DatabentoHistory, {"path": "day.dbn", "start": "2023-11-14T22:13:20"})


# The form of the file does not matter


def test_frames_chunks_send_times_and_other_records_do_not_matter(tmp_path, monkeypatch):
    mbo = quoted()
    for order in range(3, 40):
        mbo.add("A", order, BUY, 10 - order % 7, 1 + order % 3)
    expected = read(tmp_path, mbo)
    data = header() + b"".join(mbo.records)
    forms = {"frames.zst": zstandard.compress(data[:700]) + zstandard.compress(data[700:])}
    forms["sent.dbn"] = header(ts_out=True) + b"".join(
        struct.pack("B", 16) + record[1:] + struct.pack("<Q", START_NS) for record in mbo.records
    )
    note = bytes(dbn.SystemMsg(START_NS, "hello"))
    forms["mixed.dbn"] = header() + note + note.join(mbo.records)
    for chunk_bytes in (1 << 22, 400, 700):
        monkeypatch.setattr("twin_env.market.data.databento.files._CHUNK_BYTES", chunk_bytes)
        for name, form in forms.items():
            (tmp_path / name).write_bytes(form)
            tape = read_mbo(tmp_path / name, tick_size=0.25)
            assert np.array_equal(tape.rows, expected.rows), (name, chunk_bytes)
            assert np.array_equal(tape.lines, expected.lines)
            others = {"other_type": len(mbo.records)} if name == "mixed.dbn" else {}
            assert tape.report.dropped == {"before_start": 0, **others}


# Real files


def fixtures(data_dir):
    return sorted((data_dir / "dbn_fixtures").iterdir())


def test_every_fixture_decodes_as_databento_decodes_it(data_dir):
    schemas = Counter()
    for path in fixtures(data_dir):
        truth = [record for part in foreign_records(path) for record in part]
        assert truth
        schema = read_header(path).schema
        schemas[schema] += 1
        if schema not in LAYOUTS:
            continue
        mine = np.concatenate([chunk.records for chunk in stream(path)])
        assert len(mine) == len(truth)
        for record, other in zip(mine, truth, strict=True):
            compare(record, other)
    assert len(schemas) == 13
    assert min(schemas.values()) >= 2


def compare(record, other):
    """Compare what NumPy sees in place with what Databento's decoder says."""
    names = {"instrument": "instrument_id", "publisher": "publisher_id", "order": "order_id", "delta": "ts_in_delta"}
    for name in set(record.dtype.names) - {"length", "rtype", "levels", "depth"}:
        theirs = getattr(other, names.get(name, name), None)
        mine = record[name].item()
        if theirs is None or (name in ("action", "sequence", "delta") and not hasattr(other, name)):
            continue
        assert (mine.decode() if isinstance(mine, bytes) else mine) == (
            str(theirs) if isinstance(mine, bytes) else theirs
        )
    if "levels" in record.dtype.names:
        for level, pair in zip(record["levels"], other.levels, strict=True):
            sizes = (pair.bid_px, pair.ask_px, pair.bid_sz, pair.ask_sz)
            assert tuple(level.tolist())[:4] == sizes


@pytest.fixture(scope="module")
def es(data_dir):
    return read_mbo(data_dir / "cme_es" / ES, tick_size=0.25)


@kernel
def look(worlds, tape, times, out):
    """Advance to each time and write the best bid and ask."""
    world = worlds[0]
    for index in range(times.shape[0]):
        advance(world, tape, times[index])
        out[index, 0] = world.book.key[0, world.book.count[0] - 1]
        out[index, 1] = -world.book.key[1, world.book.count[1] - 1]


@pytest.mark.jit
def test_the_es_hour_played_through_the_exchange_is_the_market_of_the_file(es):
    """Facts of the file: 2,973 trades, 59,143 records, and a spread of one tick 94 % of the time.

    The README of the data gives a mean spread of 1.058 ticks: by receive time, with the crossed book of the auction
    (-94 ticks, on the wire for 106 ms) in it. The book that trades has 1.0608.
    """
    assert es.start_ns == REOPENING_NS
    template = create_template(HISTORY, es.orders)
    template[0].venue.protection_ticks = 50
    template[0].flow_kind = TAPE_FLOW
    worlds = create_worlds(HISTORY)
    copy_world(template, 0, worlds, 0)
    times = np.unique(es.rows["ts_ns"])
    touches = np.zeros((len(times), 2), np.int64)
    look(worlds, es.rows, times, touches)
    spread, lasted_ns = (touches[:, 1] - touches[:, 0])[:-1], np.diff(times)
    mean = (spread * lasted_ns).sum() / lasted_ns.sum()
    assert spread.min() == 1
    assert mean == pytest.approx(1.06077, abs=1e-5)
    hour_ns = lasted_ns.sum()
    with_the_auction = (mean * (hour_ns - 106e6) - 94 * 106e6) / hour_ns
    assert with_the_auction == pytest.approx(1.058, abs=5e-4)
    assert lasted_ns[spread == 1].sum() / hour_ns == pytest.approx(0.94, abs=5e-3)
    world = worlds[0]
    assert not any(int(count) for count in world.divergence.tolist())
    assert not world.rejects.any()


@pytest.mark.jit
def test_the_es_hour_has_every_trade_of_the_file(es, data_dir):
    traded = np.isin(es.rows["kind"], (codes.EXECUTE, codes.PRINT))
    assert len(np.unique(es.lines[traded])) == 2973
    records = np.concatenate([chunk.records for chunk in stream(data_dir / "cme_es" / ES)])
    trades = records[records["action"] == b"T"]
    assert es.rows["lots"][traded].sum() == trades["size"].sum()
    by_trade = np.bincount(es.lines[traded], es.rows["lots"][traded], minlength=len(records) + 1)
    assert by_trade[1:][records["action"] == b"T"].tolist() == trades["size"].tolist()
    assert es.report.repaired == {"fill_beyond": 27, "side_guessed": 1, "crossed": 891}
    assert es.report.dropped == {"before_start": 9714}


@pytest.mark.jit
def test_the_reference_exchange_makes_the_same_book_of_the_es_hour_as_the_records(es, data_dir):
    """The last book of the tape, against adds, cancels and modifications applied in a dictionary."""
    orders = {}
    for chunk in stream(data_dir / "cme_es" / ES):
        for action, order, side, price, size in chunk.records[["action", "order", "side", "price", "size"]].tolist():
            if action in (b"A", b"M"):
                orders[order] = (side, price // TICK, size)
            elif action == b"C":
                del orders[order]  # no cancel of this file leaves anything
    book = Counter()
    for side, ticks, size in orders.values():
        book[1 if side == b"B" else -1, ticks] += size
    venue = ReferenceExchange(protection_ticks=50, max_orders=es.orders, max_levels=65_536, max_stops=1)
    for message in messages_of(es):
        list(venue.handle(message))
    for side in (BUY, SELL):
        mine = {(side, price): lots for price, lots, _ in venue._book.depth(side, 10**6)}
        assert mine == {key: lots for key, lots in book.items() if key[0] == side}


MEMORY = """
import resource, sys
from pathlib import Path
from twin_env.market.data.databento.reader import _write
small, big, target = map(Path, sys.argv[1:])
_write(small, target, 0.25, None, 0)
used = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (used + 48_000_000, -1))
_write(big, target, 0.25, None, 0)
"""


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """3 million records (168 MB, a tape of 216 MB) within 48 MB more than a small file needs."""
    small = big_file(tmp_path / "small.dbn", 200_000)
    big = big_file(tmp_path / "big.dbn", 3_000_000)
    command = [sys.executable, "-c", MEMORY, str(small), str(big), str(tmp_path / "tape")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tape").stat().st_size > 2_999_000 * 72


def big_file(path, count):
    """Write orders that live for 1000 records, on both sides of 100."""
    index = np.arange(count)
    records = np.zeros(count, LAYOUTS["mbo"][0])
    cancels, order = index % 2 == 1, np.where(index % 2 == 1, index - 1001, index)
    side = order // 2 % 2
    records["length"], records["rtype"], records["publisher"], records["instrument"] = 14, 160, 1, 17
    records["ts_event"] = records["ts_recv"] = START_NS + 1000 * index
    records["order"], records["size"], records["flags"], records["sequence"] = order + 10_000, 5, LAST, index + 1
    records["side"] = np.where(side == 0, b"B", b"A")
    records["price"] = TICK * (100 + np.where(side == 0, -1, 1) * (order % 37) + side)
    records["action"] = np.where(cancels, b"C", b"A")
    return save(path, records[~cancels | (order >= 0)].tobytes())
