import math
import re
import threading

import numpy as np
import pytest

from twin_env.core.state import codes
from twin_env.core.state.world import create_worlds, digest
from twin_env.core.stream import EXCHANGE
from twin_env.twin import OrderError, StateError, Twin

NS = 10**9


def test_a_twin_is_the_market_that_its_seed_names(market):
    twin = Twin(market, seed=3, planes=0)
    twin.advance(20)
    worlds = create_worlds(market.config.capacities)
    market.start(worlds, 0, seed=3, start_ns=market.first_ns)
    from twin_env.core.event_loop import advance_world

    advance_world(worlds, 0, market.tape, market.first_ns + 20 * NS)
    assert twin.digest == digest(worlds)


@pytest.mark.parametrize("planes", [0, EXCHANGE, 127])
def test_watching_changes_nothing(market, planes):
    watched, plain = Twin(market, seed=5, planes=planes), Twin(market, seed=5, planes=0)
    for twin in (watched, plain):
        twin.advance(10)
        twin.desk.submit("buy", 3, type="market")
        twin.advance(5)
    assert watched.digest == plain.digest


def test_how_time_is_cut_changes_nothing(market):
    once, often = Twin(market, seed=6), Twin(market, seed=6)
    once.advance(8)
    random = np.random.default_rng(0)
    while often.now_ns < once.now_ns:
        often.advance_until(min(once.now_ns, often.now_ns + int(random.integers(1, 700_000_000))))
    assert often.digest == once.digest
    assert np.array_equal(often.events().rows, once.events().rows)


def test_an_order_lives_by_what_the_desk_hears(market):
    twin = Twin(market, seed=7)
    twin.advance(5)
    bid = twin.desk.touch_ticks("buy")
    resting = twin.desk.submit("buy", 2, price=twin.instrument.to_price(bid - 40))
    taking = twin.desk.submit("sell", 1, type="market", id="mine")
    assert twin.desk.order(resting).state == "sent"
    assert twin.desk.order(taking).pending == 1
    twin.advance(2)
    assert twin.desk.order(resting).state == "working"
    filled = twin.desk.order("mine")
    assert (filled.state, filled.filled_lots, filled.is_over) == ("filled", 1, True)
    assert filled.average_price == pytest.approx(twin.instrument.to_price(bid), abs=2.0)
    assert twin.desk.position_lots == -1
    twin.desk.replace(resting, lots=1)
    twin.advance(2)
    assert twin.desk.order(resting).lots == 1
    twin.desk.cancel(resting)
    twin.advance(2)
    ended = twin.desk.order(resting)
    assert (ended.state, ended.reason) == ("cancelled", "cancelled by its owner")
    assert twin.desk.orders() == []
    assert [order.id for order in twin.desk.orders(working=False)] == [resting, "mine"]


def test_a_refused_order_says_why(market):
    twin = Twin(market, seed=7)
    twin.advance(1)
    order = twin.desk.submit("buy", 1, type="stop", trigger=twin.instrument.to_price(twin.desk.touch_ticks("buy") - 50))
    twin.advance(2)
    assert twin.desk.order(order).state == "rejected"
    assert "stop trigger" in twin.desk.order(order).reason


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("buys", 1), {"type": "market"}, "side='buys'"),
        (("buy", 0), {"type": "market"}, "lots=0"),
        (("buy", 1.5), {"type": "market"}, "lots=1.5"),
        (("buy", 1), {}, "price=None with type='limit'"),
        (("buy", 1), {"type": "market", "price": 4300.0}, "price=4300.0 with type='market'"),
        (("buy", 1), {"price": 4300.04}, "4300.04"),
        (("buy", 1), {"price": 4300.0, "tif": "gtx"}, "tif='gtx'"),
        (("buy", 1), {"type": "stop"}, "trigger=None"),
        (("buy", 10**15), {"type": "market"}, "lots=1000000000000000, expected an integer from 1 to"),
        (("buy", 1), {"price": math.nan}, "price=nan, expected a number from"),
        (("buy", 1), {"price": math.inf}, "price=inf, expected a number from"),
        (("buy", 1), {"price": 1e30}, "price=1e+30, expected a number from"),
        (("buy", 1), {"price": "4300"}, "price='4300', expected a number from"),
        (("buy", 1), {"type": "market", "id": 7}, "id=7, expected a text"),
        (("buy", 1), {"type": "market", "id": ""}, "id='', expected a text"),
        (("buy", 1), {"type": "market", "id": object()}, "expected a text"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_a_sentence(market, arguments, options, said):
    twin = Twin(market, seed=1)
    before = twin.digest
    with pytest.raises(OrderError, match=re.escape(said)):
        twin.desk.submit(*arguments, **options)
    assert twin.digest == before


def test_a_cancel_that_comes_too_late_changes_no_reason(market):
    for order, state, reason, rejects in (
        ({"price": 4000.0, "tif": "fok"}, "rejected", "fill-or-kill cannot be filled in full", 2),
        ({"type": "market"}, "filled", "", 1),
    ):
        twin = Twin(market, seed=1)
        twin.advance(5)
        sent = twin.desk.submit("buy", 1, **order)
        twin.desk.cancel(sent)
        twin.advance(5)
        assert (twin.desk.order(sent).state, twin.desk.order(sent).reason) == (state, reason)
        assert twin.desk.rejects == rejects


@pytest.mark.parametrize(
    ("terms", "said"),
    [({}, "names nothing, expected price, lots or trigger"), ({"trigger": 4250.0}, "trigger=4250.0 for a limit order")],
)
def test_a_replace_asks_for_something_an_order_has(market, terms, said):
    twin = Twin(market, seed=1)
    order = twin.desk.submit("buy", 1, price=4250.0)
    with pytest.raises(OrderError, match=said):
        twin.desk.replace(order, **terms)
    assert twin.desk.order(order).pending == 1


def test_a_closed_twin_can_be_read_alone(market):
    twin = Twin(market, seed=1)
    twin.advance(1)
    twin.close()
    for change in (
        lambda: twin.advance(1),
        lambda: twin.desk.submit("buy", 1, type="market"),
        lambda: twin.trade_as_external(1, 1),
        lambda: twin.inject({"kind": "feed_disconnect"}),
        lambda: twin.stop_faults(),
    ):
        with pytest.raises(ValueError, match="the twin is closed"):
            change()
    assert len(twin.events()) > 0 and twin.desk.book().bids.size
    twin.fork().advance(1)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda twin: twin.advance(math.nan), "seconds=nan"),
        (lambda twin: twin.advance(math.inf), "seconds=inf"),
        (lambda twin: twin.advance("60"), "seconds='60'"),
        (lambda twin: twin.advance(-1), "seconds=-1"),
        (lambda twin: twin.advance_until(2**63), "until_ns=9223372036854775808"),
        (lambda twin: twin.advance_until(1.5), "until_ns=1.5"),
        (lambda twin: twin.desk.book(levels=1.5), "levels=1.5"),
        (lambda twin: twin.exchange.book(levels=-1), "levels=-1"),
        (lambda twin: twin.trade_as_external(2, 1), "side=2, lots=1"),
        (lambda twin: twin.trade_as_external(1, 0), "side=1, lots=0"),
        (lambda twin: twin.inject(None), "The experiment is None"),
        (lambda twin: Twin(twin.market, planes="exchange"), "planes='exchange'"),
        (lambda twin: Twin(twin.market, start_ns="09:30"), "start_ns='09:30'"),
        (lambda twin: Twin(twin.market, chaos={"kind": "feed_loss", "probabilty": 0.1}), "probabilty"),
    ],
)
def test_wrong_input_is_one_sentence(market, use, said):
    with pytest.raises(ValueError) as refused:
        use(Twin(market, seed=1))
    assert said in str(refused.value) and "expected" in str(refused.value)


def test_ages_are_those_of_observations(market):
    with Twin(market, seed=5) as twin:
        twin.advance(3)
        last = twin.events().feed[-1]
        assert twin.desk.feed_age_ms == pytest.approx((twin.now_ns - int(last["sent_ns"])) / 1e6)


def test_ids_are_used_once_and_must_be_known(market):
    twin = Twin(market, seed=1)
    twin.desk.submit("buy", 1, type="market", id="a")
    with pytest.raises(OrderError, match="used before"):
        twin.desk.submit("buy", 1, type="market", id="a")
    with pytest.raises(OrderError, match="names no order"):
        twin.desk.cancel("b")


def test_working_orders_are_those_that_are_not_over(market):
    with Twin(market, seed=3) as twin:
        touch = twin.instrument.to_price(twin.desk.touch_ticks("buy"))
        for turn in range(20):
            twin.desk.submit("buy", 1, price=touch - 0.1 * (turn % 4), tif="ioc" if turn % 3 == 0 else "day")
            for order in twin.desk.orders()[:1] if turn % 5 == 4 else ():
                twin.desk.cancel(order.id)
            for desk in (twin.desk, twin.fork().desk):
                working = [order.number for order in desk.orders()]
                assert working == [order.number for order in desk.orders(working=False) if not order.is_over]
            twin.advance(0.1)
        assert 0 < len(working) < 20


def test_the_desk_has_room_for_so_many_orders(market):
    twin = Twin(market, seed=1)
    price = twin.instrument.to_price(twin.desk.touch_ticks("buy") - 60)
    for _ in range(16):
        twin.desk.submit("buy", 1, price=price)
    with pytest.raises(OrderError, match="16 orders"):
        twin.desk.submit("buy", 1, price=price)
    assert len(twin.desk.orders()) == 16


def test_a_fork_goes_its_own_way(market):
    twin = Twin(market, seed=9)
    twin.advance(5)
    order = twin.desk.submit("buy", 1, price=twin.instrument.to_price(twin.desk.touch_ticks("buy") - 30))
    fork = twin.fork()
    same = twin.fork()
    fork.desk.cancel(order)
    fork.advance(3)
    twin.advance(3)
    same.advance(3)
    assert fork.desk.order(order).state == "cancelled"
    assert twin.desk.order(order).state == "working"
    assert same.digest == twin.digest != fork.digest
    assert np.array_equal(same.events().rows, twin.events().rows)


def test_an_injected_fault_begins_and_can_be_stopped(market):
    twin = Twin(market, seed=2)
    twin.advance(2)
    twin.inject({"kind": "feed_disconnect", "duration_s": 30})
    twin.advance(5)
    assert twin.desk.feed_age_ms > 4000
    twin.stop_faults()
    twin.advance(3)
    assert twin.desk.feed_age_ms < 2000
    began, ended = twin.events().faults
    assert (began["ts_ns"], ended["ts_ns"]) == (twin.start_ns + 2 * NS, twin.start_ns + 7 * NS)


def test_an_external_trade_trades_at_once(market):
    twin, alone = Twin(market, seed=4), Twin(market, seed=4)
    for one in (twin, alone):
        one.advance(5)
    asks, traded = twin.exchange.book(100).asks, twin.exchange.traded_lots
    lots = int(asks[:2, 1].sum())
    cursor = twin.cursor
    assert twin.trade_as_external(1, lots) == lots
    assert twin.exchange.traded_lots == traded + lots
    assert np.array_equal(twin.exchange.book(98).asks, asks[2:])
    entries = twin.events(cursor).exchange
    trades = entries[entries["kind"] == codes.TRADED]
    assert set(trades["owner"]) == {codes.BACKGROUND} and trades["lots"].sum() == lots
    assert set(entries["message_kind"]) == {codes.NEW} and len(set(entries["message"])) == 1
    assert twin.desk.position_lots == 0
    assert twin.trade_as_external(-1, 10**9) < 10**9  # no farther than the venue's protection


def test_a_refused_external_trade_gets_nothing(market):
    twin = Twin(market, seed=4)
    twin.inject({"kind": "trading_halt", "duration_s": 5})
    twin.advance(1)
    assert twin.trade_as_external(1, 3) == 0


def test_without_wires_the_exchange_does_the_same(market):
    plain, silent = Twin(market, seed=6), Twin(market, seed=6, planes=EXCHANGE, wires=False)
    for twin in (plain, silent):
        twin.advance(4)
        twin.trade_as_external(1, 5)
        twin.advance(20)
    assert silent.event_hash == plain.event_hash
    assert np.array_equal(silent.events().exchange, plain.events().exchange)
    assert len(plain.events().feed) > 0 == len(silent.events().feed)
    assert silent.fork().has_wires is False


def test_without_wires_nothing_is_sent_and_nothing_goes_wrong(market):
    twin = Twin(market, seed=6, wires=False)
    before = twin.digest
    with pytest.raises(OrderError, match="wires=False"):
        twin.desk.submit("buy", 1, type="market")
    with pytest.raises(ValueError, match="wires=False"):
        twin.inject({"kind": "feed_disconnect"})
    with pytest.raises(ValueError, match="wires=False"):
        Twin(market, chaos="library:fat_finger.mid", wires=False)
    assert twin.digest == before


def test_the_split_sums(market):
    twin = Twin(market, seed=4)
    twin.advance(1)
    twin.desk.submit("buy", 5, type="market")
    twin.advance(10)
    parts = twin.alpha()
    assert parts["net"] == pytest.approx(parts["strategy"] + parts["execution"], abs=1e-9)
    rest = sum(value for name, value in parts.items() if name not in ("net", "strategy", "execution"))
    assert parts["execution"] == pytest.approx(rest, abs=1e-9)
    assert parts["fees"] < 0


def test_time_does_not_go_back_and_seeds_are_numbers(market):
    twin = Twin(market, seed=1)
    with pytest.raises(ValueError, match="time does not go back"):
        twin.advance_until(twin.now_ns - 1)
    for seed in (-1, 1.5, True, "x", 2**63):
        with pytest.raises(ValueError, match="seed="):
            Twin(market, seed=seed)


def test_other_threads_read_while_it_runs(market):
    twin = Twin(market, seed=8)
    reads, stop, wrong = [0], threading.Event(), []

    def read() -> None:
        cursor = 0
        while not stop.is_set():
            batch = twin.events(cursor)
            book, mid = twin.exchange.book(1), twin.exchange.mid_half_ticks
            if batch.first != cursor or (len(book.bids) and len(book.asks) and book.bids[0, 0] >= book.asks[0, 0]):
                wrong.append((cursor, book, mid))
            cursor = batch.next
            reads[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    twin.advance(120)
    stop.set()
    reader.join(30)
    assert not reader.is_alive()
    assert not wrong
    assert reads[0] > 10
    alone = Twin(market, seed=8, planes=0)
    alone.advance(120)
    assert twin.digest == alone.digest


def test_a_state_is_where_the_market_stood(market):
    twin = Twin(market, seed=9)
    twin.advance(4)
    order = twin.desk.submit("buy", 1, price=twin.instrument.to_price(twin.desk.touch_ticks("buy") - 30), id="mine")
    twin.inject({"kind": "feed_disconnect", "duration_s": 3})
    twin.advance(1)
    state = twin.state()
    other = Twin(market, seed=1)
    other.set_state(state)
    for one in (twin, other):
        one.desk.cancel("mine")
        one.advance(5)
    assert other.digest == twin.digest and other.seed == 9
    assert other.desk.order(order) == twin.desk.order(order)
    assert other.desk.order(order).state == "cancelled"


def test_a_state_that_is_refused_changes_nothing(market):
    twin, random = Twin(market, seed=9), np.random.default_rng(0)
    state, before = twin.state(), twin.digest
    wrong = [b"", b"x" * 100, state[:-1], state + b"0", "text", None]
    for _ in range(60):
        damaged = bytearray(state)
        damaged[random.integers(len(state))] ^= int(random.integers(1, 256))
        wrong.append(bytes(damaged))
    for bad in wrong:
        with pytest.raises(StateError):
            twin.set_state(bad)
        assert twin.digest == before
    with pytest.raises(StateError, match="another market"):
        Twin("mgc_poisson").set_state(state)


def test_a_run_file_takes_no_state(market, tmp_path):
    with Twin(market, seed=9, run_file=tmp_path / "a.run") as twin, pytest.raises(ValueError, match="run file"):
        twin.set_state(twin.state())
