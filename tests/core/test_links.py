"""The wire: how long messages take, and that none overtakes another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.core.session import Session
from tests.core.soundness import assert_sound
from tests.core.worlds import MS, examples, set_delays, tape_template
from twin_env.core.state import codes, layout
from twin_env.core.state.codes import BUY, NEVER_NS, SELL
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import DELAY_KNOTS
from twin_env.core.wire import links


@kernel
def send_at(link_array, sent_ns, arrivals_ns):
    for i in range(sent_ns.shape[0]):
        arrivals_ns[i] = links.arrival_ns(link_array[0], sent_ns[i])


@kernel
def draw_many(link_array, delays_ns):
    for i in range(delays_ns.shape[0]):
        delays_ns[i] = links.draw_delay_ns(link_array[0])


def open_link(knots_ns, seed=1):
    link = np.zeros(1, layout.LINK)
    link[0]["delay_ns"][:] = knots_ns
    links.open_link(link[0], np.uint64(seed), 2, 0)
    return link


def arrivals(link, sent_ns):
    out = np.zeros(len(sent_ns), np.int64)
    send_at(link, np.asarray(sent_ns, np.int64), out)
    return out


knot_tables = st.lists(st.integers(0, 10**9), min_size=DELAY_KNOTS, max_size=DELAY_KNOTS).map(sorted)
send_times = st.lists(st.integers(0, 10**8), min_size=1, max_size=60).map(np.cumsum)


@settings(max_examples=examples(150), deadline=None)
@given(knots=knot_tables, sent=send_times, seed=st.integers(0, 2**64 - 1))
def test_nothing_overtakes_and_every_delay_is_within_the_table(knots, sent, seed):
    at = arrivals(open_link(knots, seed), sent)
    assert (np.diff(at) >= 0).all()
    assert (at - sent >= knots[0]).all()
    assert (at <= np.maximum.accumulate(sent + knots[-1])).all()


@pytest.mark.jit
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_delays_follow_the_quantiles_of_the_table(seed):
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.integers(1, 10**6, DELAY_KNOTS))
    link, delays = open_link(knots, seed), np.zeros(100_000, np.int64)
    draw_many(link, delays)
    assert delays.min() >= knots[0] and delays.max() <= knots[-1]
    scores = np.linspace(-5, 5, DELAY_KNOTS)
    probabilities = stats.norm.cdf(np.interp(delays, knots, scores))
    assert stats.kstest(probabilities, "uniform").pvalue > 1e-4
    assert link[0]["draws"] == len(delays)


@pytest.mark.parametrize("delay_ns", [0, 1, 50 * MS])
def test_a_constant_delay_is_exact(delay_ns):
    sent = np.cumsum(np.arange(50))
    assert (arrivals(open_link(delay_ns), sent) - sent == delay_ns).all()


def test_a_message_waits_for_a_slower_one_before_it():
    link = open_link(np.linspace(0, 100 * MS, DELAY_KNOTS))
    at = arrivals(link, np.zeros(1000, np.int64))
    assert at[-1] == at.max() > 50 * MS
    assert link[0]["last_ns"] == at[-1]


def test_reopening_a_link_repeats_its_delays():
    link = open_link(np.linspace(0, 100 * MS, DELAY_KNOTS), seed=9)
    sent = np.arange(100) * 10**12
    first = arrivals(link, sent)
    links.open_link(link[0], np.uint64(9), 2, 0)
    assert link[0]["next_ns"] == NEVER_NS and link[0]["draws"] == link[0]["last_ns"] == 0
    assert (arrivals(link, sent) == first).all()
    links.open_link(link[0], np.uint64(10), 2, 0)
    assert (arrivals(link, sent) != first).any()


# The same, seen from a whole world.


def quiet_session(**delays):
    template = tape_template()
    set_delays(template, **delays)
    return Session(template)


@pytest.mark.parametrize("latency_ms", [0, 1, 75])
def test_an_order_acts_at_its_latency_and_not_a_nanosecond_before(latency_ms):
    session = quiet_session(order_link=(latency_ms, latency_ms))
    session.order(BUY, 5, 100)
    if latency_ms:
        session.run(latency_ms * MS - 1)
        assert session.depth(BUY) == []
        session.run(1)
    else:
        session.run(0)
    assert session.depth(BUY) == [(100, 5, 1)]
    assert [event.ts_ns for event in session.events()] == [session.now_ns]


@pytest.mark.parametrize("request_name", ["cancel", "replace"])
def test_a_change_acts_at_its_latency_too(request_name):
    session = quiet_session(order_link=(20, 20))
    row = session.order(BUY, 5, 100)
    session.run(100 * MS)
    if request_name == "cancel":
        session.cancel(row)
    else:
        session.replace(row, 5, 101)
    session.run(20 * MS - 1)
    assert session.depth(BUY) == [(100, 5, 1)]
    session.run(1)
    assert session.depth(BUY) == ([] if request_name == "cancel" else [(101, 5, 1)])


def test_a_decision_takes_its_time_before_the_wire_does():
    session = quiet_session(order_link=(20, 20))
    session.desk["decision_ns"] = 7 * MS
    session.order(BUY, 5, 100)
    session.run(27 * MS - 1)
    assert session.depth(BUY) == []
    session.run(1)
    assert session.depth(BUY) == [(100, 5, 1)]


def test_acknowledgements_and_market_data_have_wires_of_their_own():
    session = quiet_session(order_link=(10, 10), report_link=(30, 30), market_data_link=(50, 50))
    row = session.order(SELL, 5, 100)
    session.run(40 * MS - 1)
    assert session.row(row)["state"] == 1 and session.desk["pending"] == 1
    session.run(1)
    assert session.row(row)["state"] == 2 and session.desk["pending"] == 0
    session.run(20 * MS - 1)
    assert session.mirror(SELL) == []
    session.run(1)
    assert session.mirror(SELL) == [(100, 5)]


def test_heartbeats_measure_the_round_trip():
    session = quiet_session(heartbeat_out=(20, 20))
    session.run(39 * MS)
    assert session.desk["round_trip_ns"] == 0
    session.run(1 * MS)
    assert session.desk["round_trip_ns"] == 40 * MS
    session.run(10**9)
    assert session.world["heartbeat_in"]["popped"] == 2


def test_heartbeats_beyond_what_the_wire_holds_are_skipped_and_counted():
    session = quiet_session(heartbeat_out=(800, 800))
    session.desk["heartbeat_ns"] = 50 * MS
    session.run(10**10)
    assert session.world["heartbeat_out"]["lost"] > 0
    assert session.desk["round_trip_ns"] == 1600 * MS
    assert_sound(session.world)


def test_a_desk_may_go_without_heartbeats():
    template = tape_template()
    template[0]["desk"]["heartbeat_ns"] = 0
    session = Session(template)
    session.run(10**10)
    assert session.world["heartbeat_out"]["pushed"] == 0


@pytest.mark.parametrize("seed", range(5))
def test_requests_reach_the_exchange_in_the_order_they_were_sent(seed):
    """Random delays, random gaps: new orders are accepted, and cancelled, in the order of sending."""
    session = quiet_session(order_link=(0, 200))
    rng, rows = np.random.default_rng(seed), []
    for price in range(10):
        rows.append(session.order(BUY, 1, price))
        session.run(int(rng.integers(0, 30 * MS)))
    for row in rows:
        session.cancel(row)
        session.run(int(rng.integers(0, 30 * MS)))
    session.run(10**9)
    events = session.events()
    assert [event.kind for event in events] == [codes.ACCEPTED] * 10 + [codes.CANCELLED] * 10
    assert [event.price for event in events] == list(range(10)) * 2
