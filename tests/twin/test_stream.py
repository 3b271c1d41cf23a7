import numpy as np
import pytest

from tests.core.worlds import DRIVEN, tape_template, to_tape
from tests.streams import random_messages
from tests.studies.markets import made_market
from twin_env.core.event_loop import advance_world
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.state import codes
from twin_env.core.state.world import create_worlds
from twin_env.core.stream import BOOK, EXCHANGE
from twin_env.core.wire.feed import ADDED, PRINT_ONLY
from twin_env.twin import Stream, StreamError, Twin
from twin_env.twin.exchange import read_levels
from twin_env.twin.followed_book import best_lots, follow_level


def test_a_small_buffer_loses_nothing(market):
    small, large = Stream(room=1 << 13), Stream(room=1 << 20)
    ends = []
    for stream in (small, large):
        worlds = create_worlds(market.config.capacities)
        market.start(worlds, 0, seed=1, start_ns=market.first_ns)
        calls = 0
        done = False
        while not done:
            calls += 1
            with stream.attached(worlds, 0):
                done = advance_world(worlds, 0, market.tape, market.first_ns + 120 * 10**9)
        ends.append((calls, worlds.tobytes()[:64]))
    assert ends[0][0] > 3 and ends[1][0] == 1
    assert small.lost == large.lost == 0
    assert np.array_equal(small.read().rows, large.read().rows)


def test_without_a_pause_what_is_lost_is_counted(market):
    worlds = create_worlds(market.config.capacities)
    market.start(worlds, 0, seed=1, start_ns=market.first_ns)
    stream = Stream(pauses=False, room=100)
    with stream.attached(worlds, 0):
        assert advance_world(worlds, 0, market.tape, market.first_ns + 20 * 10**9)
    assert stream.end == 100 and stream.lost > 0
    assert worlds["stream"][0] == 0


def test_a_book_made_from_the_stream_is_the_exchanges(market):
    twin = Twin(market, seed=11, planes=BOOK | EXCHANGE)
    levels = {(side, price): lots for side, price, lots in _levels(twin)}
    orders = {
        int(row["entry"]): [int(row["side"]), int(row["price_ticks"]), int(row["lots"])]
        for row in twin.exchange.resting_orders()
    }
    cursor = twin.events().next
    for _ in range(6):
        twin.advance(10)
        batch = twin.events(cursor)
        cursor = batch.next
        for row in batch.book:
            if row["kind"] == PRINT_ONLY:
                continue
            levels[int(row["side"]), int(row["price"])] = int(row["lots"])
            kept = orders.setdefault(int(row["entry"]), [int(row["side"]), int(row["price"]), 0])
            assert (row["kind"] == ADDED) == (row["change"] > 0)
            kept[2] += int(row["change"])
        assert {key: lots for key, lots in levels.items() if lots} == {(s, p): n for s, p, n in _levels(twin)}
        resting = twin.exchange.resting_orders()
        assert {e: tuple(o) for e, o in orders.items() if o[2]} == {
            int(r["entry"]): (int(r["side"]), int(r["price_ticks"]), int(r["lots"])) for r in resting
        }


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_of_the_book_follows_the_stream(seed):
    """A thin book, of which somebody else often takes a whole side: the copy remembers the last price too."""
    tape = to_tape(random_messages(seed, 3_000, orders=60))
    market = made_market(tape_template(DRIVEN, tape_orders=60), DRIVEN, tape, first_ns=int(tape["ts_ns"][0]))
    twin = Twin(market, planes=BOOK | EXCHANGE)
    copied, empty = twin.exchange.copy_book(), 0
    for moment in range(1, 200):
        before = twin.cursor
        twin.advance_until(max(twin.now_ns, int(tape["ts_ns"][15 * moment])))
        twin.trade_as_external(1 - 2 * (moment % 2), 1000)
        for change in twin.events(before).book:
            follow_level(copied[0], change)
        depth = twin.exchange.book(1000)
        empty += len(depth.bids) == 0 or len(depth.asks) == 0
        for side, levels in ((1, depth.bids), (-1, depth.asks)):
            assert np.array_equal(read_levels(copied[0]["book"], side, 1000), levels)
            assert touch_ticks(copied[0], side) == twin.exchange.touch_ticks(side)
            assert best_lots(copied[0], side) == (levels[0, 1] if len(levels) else 0)
    assert empty > 3


def _levels(twin):
    book = twin.exchange.book(10_000)
    return [(side, int(price), int(lots)) for side, rows in ((1, book.bids), (-1, book.asks)) for price, lots in rows]


def test_trades_of_the_stream_are_the_volume(market):
    twin = Twin(market, seed=12)
    before, trades = twin.exchange.traded_lots, twin.exchange.trades
    twin.advance(60)
    traded = twin.events().exchange
    traded = traded[traded["kind"] == codes.TRADED]
    assert traded["lots"].sum() == twin.exchange.traded_lots - before > 0
    assert len(traded) == twin.exchange.trades - trades


def test_the_feed_arrives_late_and_in_order(market):
    twin = Twin(market, seed=13)
    twin.advance(20)
    feed = twin.events().feed
    late_ns = feed["ts_ns"] - feed["sent_ns"]
    assert (late_ns > 0).all() and 20e6 < late_ns.mean() < 120e6
    assert (np.diff(feed["seq"]) >= 1).all()
    assert (np.diff(twin.events().rows["ts_ns"]) >= 0).all()


def test_requests_reports_and_marks_tell_an_orders_journey(market):
    twin = Twin(market, seed=14)
    twin.advance(5)
    twin.desk.submit("buy", 1, type="market")
    twin.advance(3)
    batch = twin.events()
    sent, arrived = batch.requests
    (fill,) = batch.marks
    accepted, filled = batch.reports
    assert (sent["client"], fill["client"], filled["client"]) == (1, 1, 1)
    assert sent["sent_ns"] < arrived["ts_ns"] == fill["ts_ns"] < filled["ts_ns"]
    assert (accepted["kind"], filled["kind"], filled["final"]) == (codes.ACCEPTED, codes.TRADED, 1)
    # the ledger's parts, from the marks alone
    parts, half = twin.alpha(), twin.instrument.half_tick_micro / 1e6
    assert parts["latency"] == pytest.approx(-(fill["mid_arrived"] - fill["mid_sent"]) * fill["lots"] * half)
    assert parts["spread"] == pytest.approx(-(fill["touch_entered"] - fill["mid_entered"]) * fill["lots"] * half)
    assert parts["impact"] == pytest.approx(-(2 * fill["price"] - fill["touch_entered"]) * fill["lots"] * half)


def test_readers_have_cursors_of_their_own(market):
    twin = Twin(market, seed=15, keep=2000)
    first = twin.events()
    twin.advance(2)
    second = twin.events(first.next)
    twin.advance(2)
    third = twin.events(second.next)
    both = twin.events(first.next)
    assert np.array_equal(np.concatenate([second.rows, third.rows]), both.rows)
    assert len(twin.events(third.next)) == 0
    twin.advance(60)
    with pytest.raises(StreamError, match="earlier rows are not kept"):
        twin.events(first.next)
    with pytest.raises(StreamError, match="cursor="):
        twin.events(10**9)


def test_rows_that_were_read_can_be_forgotten(market):
    twin = Twin(market, seed=15)
    for _ in range(5):
        twin.advance(1)
        kept = twin.cursor
    twin.advance(1)
    rows = twin.events(kept).rows
    twin.forget(kept)
    assert np.array_equal(twin.events(kept).rows, rows)
    with pytest.raises(StreamError, match="earlier rows are not kept"):
        twin.events()
    twin.forget(twin.cursor)
    assert len(twin.events(twin.cursor)) == 0
    twin.advance(1)
    assert twin.events(kept + len(rows)).first == kept + len(rows)


def test_rows_can_be_taken_back(market):
    twin = Twin(market, seed=16)
    twin.advance(3)
    stream = twin._running.stream
    middle = stream.end // 2
    kept = stream.read().rows[:middle].copy()
    stream.take_back(middle)
    assert stream.end == middle
    assert np.array_equal(stream.read().rows, kept)


@pytest.mark.parametrize("options", [{"planes": 1 << 9}, {"keep": 0}])
def test_a_stream_refuses_what_it_cannot_do(options):
    with pytest.raises(StreamError):
        Stream(**options)
