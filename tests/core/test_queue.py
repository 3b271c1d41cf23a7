"""The desk's idea of its place in the queue, kept from market data alone, against the queue itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.session import Session
from tests.core.traders import RandomTrader
from tests.core.worlds import FLOW_START, MS, SECOND, examples, flow_template, set_delays, tape_template
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, IOC, SELL
from twin_env.core.state.layout import NONE

SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])
WIRES = {
    "alike": {"report_link": (20, 20), "market_data_link": (20, 20)},
    "feed first": {"report_link": (400, 400), "market_data_link": (5, 5)},
    "reports first": {"report_link": (5, 5), "market_data_link": (400, 400)},
    "random": {"report_link": (0, 500), "market_data_link": (0, 500)},
}
LATENCIES = pytest.mark.parametrize("wires", WIRES.values(), ids=WIRES)


def assert_places(session):
    """All market data arrived: what the desk believes of every order is true."""
    resting = 0
    for row in range(len(session.desk["orders"])):
        order, truth = session.row(row), session.truth(row)
        if truth is not None and truth["level"] != NONE:
            resting += 1
            assert order["ahead"] == session.lots_ahead(row), f"row {row}: {order}"
            assert order["entry"] == truth["entry"]
        elif order["state"]:
            assert order["ahead"] == NONE, f"row {row} rests nowhere: {order}"
    return resting


@LATENCIES
@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_place_in_the_queue_is_right_once_all_data_arrived(wires, seed):
    session = Session(flow_template(), seed=seed, **FLOW_START)
    set_delays(session.worlds, order_link=(0, 60), **wires)
    trader = RandomTrader(session, seed)
    for _ in range(6):
        for _ in range(15):
            trader.act()
            session.run(100 * MS)
        flow_kind = int(session.world["flow_kind"])
        session.settle(2 * SECOND)
        assert_places(session)
        session.world["flow_kind"] = flow_kind


@SIDES
def test_strangers_before_and_behind(side):
    session = Session(tape_template(delay_ms=(5, 5)))
    first = session.stranger(side, 4, 100)
    second = session.stranger(side, 3, 100)
    session.run(SECOND)
    row = session.order(side, 2, 100)
    session.run(SECOND)
    behind = session.stranger(side, 6, 100)
    session.run(SECOND)
    assert session.row(row)["ahead"] == 7 == session.lots_ahead(row)
    session.stranger_cancels(behind)
    session.run(SECOND)
    assert session.row(row)["ahead"] == 7
    session.stranger_cancels(second)
    session.run(SECOND)
    assert session.row(row)["ahead"] == 4
    session.stranger(-side, 1, 100, tif=IOC)
    session.run(SECOND)
    assert session.row(row)["ahead"] == 3
    session.stranger_cancels(first)
    session.run(SECOND)
    assert session.row(row)["ahead"] == 0 == session.lots_ahead(row)
    assert session.row(row)["filled"] == 0


@SIDES
def test_a_smaller_replace_keeps_the_place_and_everything_else_loses_it(side):
    session = Session(tape_template(delay_ms=(5, 5)))
    session.stranger(side, 4, 100)
    row = session.order(side, 5, 100)
    session.run(SECOND)
    session.stranger(side, 6, 100)
    places = []
    for lots, price in ((3, 100), (4, 100), (4, 100 - side), (4, 100)):
        session.replace(row, lots, price)
        session.run(SECOND)
        places.append((int(session.row(row)["ahead"]), session.lots_ahead(row)))
    assert places == [(4, 4), (10, 10), (0, 0), (10, 10)]


@SIDES
def test_the_place_is_unknown_until_the_feed_told_it(side):
    session = Session(tape_template(delay_ms=(5, 5)))
    set_delays(session.worlds, market_data_link=(50, 50))
    session.stranger(side, 4, 100)
    session.run(SECOND)
    row = session.order(side, 5, 100)
    session.run(20 * MS)
    assert session.row(row)["state"] == 2 and session.row(row)["ahead"] == NONE
    session.run(SECOND)
    assert session.row(row)["ahead"] == 4


@SIDES
def test_removals_between_the_feed_and_the_answer_to_a_replace_count(side):
    """Market data of the new place arrive before the exchange's word that the order was replaced."""
    session = Session(tape_template())
    set_delays(session.worlds, order_link=(5, 5), report_link=(300, 300), market_data_link=(5, 5))
    session.stranger(side, 9, 100 - side)
    ahead = session.stranger(side, 4, 100)
    row = session.order(side, 5, 100 - side)
    session.run(SECOND)
    session.replace(row, 5, 100)
    session.run(50 * MS)
    session.stranger_cancels(ahead)
    session.run(SECOND)
    assert session.lots_ahead(row) == 0
    assert session.row(row)["ahead"] == 0


@SIDES
def test_a_market_order_that_rests_knows_its_place(side):
    session = Session(tape_template(protection_ticks=0))
    set_delays(session.worlds, report_link=(300, 300), market_data_link=(5, 5))
    session.stranger(-side, 3, 100)
    session.run(SECOND)
    row = session.order(side, 5, type=codes.MARKET)
    session.run(50 * MS)
    assert session.depth(side) == [(100, 2, 1)] and session.row(row)["ahead"] == 0
    session.run(SECOND)
    assert session.row(row)["price"] == 100


@SIDES
@pytest.mark.parametrize("kind", [codes.STOP, codes.STOP_LIMIT])
def test_an_elected_stop_that_rests_knows_its_place(side, kind):
    session = Session(tape_template(delay_ms=(5, 5), protection_ticks=1))
    session.stranger(-side, 3, 100)
    session.stranger(-side, 1, 100 + side)
    session.run(SECOND)
    row = session.order(side, 5, 100 + side, type=kind, trigger=100)
    session.run(SECOND)
    session.stranger(side, 3, 100)  # elects the stop, which takes one lot and rests
    before = session.stranger(side, 2, 100 + side)
    session.run(SECOND)
    assert session.lots_ahead(row) == 0 and session.row(row)["ahead"] == 0
    session.replace(row, 9, 100 + side)
    session.run(SECOND)
    assert session.lots_ahead(row) == 2 == session.row(row)["ahead"]
    session.stranger_cancels(before)
    session.run(SECOND)
    assert session.lots_ahead(row) == 0 == session.row(row)["ahead"]


@SIDES
def test_late_market_data_of_a_gone_order_do_not_touch_the_next_in_its_row(side):
    session = Session(tape_template())
    set_delays(session.worlds, order_link=(1, 1), report_link=(1, 1), market_data_link=(500, 500))
    row = session.order(side, 5, 100)
    session.run(10 * MS)
    session.cancel(row)
    session.run(10 * MS)
    again = session.order(side, 5, type=codes.STOP, trigger=100 + 50 * side)
    assert again == row
    session.run(SECOND)
    assert session.row(again)["ahead"] == NONE
