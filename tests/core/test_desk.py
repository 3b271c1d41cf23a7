"""What the desk believes of its own orders: counts, answers and limits, whatever the wires do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.session import Session
from tests.core.soundness import assert_sound
from tests.core.traders import Account, RandomTrader, assert_desk_knows, random_tape
from tests.core.worlds import FLOW_START, MS, SECOND, examples, flow_template, set_delays, tape_template, to_tape
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, DAY, FOK, IOC, MARKET, POST_ONLY, SELL, STOP
from twin_env.core.state.layout import NONE
from twin_env.reference import Message

SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])
FREE, SENT, LIVE = 0, 1, 2


def flow_session(seed, delay_ms):
    return Session(flow_template(delay_ms=delay_ms), seed=seed, **FLOW_START)


def tape_session(seed, delay_ms):
    return Session(tape_template(delay_ms=delay_ms), to_tape(random_tape(seed)), seed=seed)


MARKETS = pytest.mark.parametrize("make", [flow_session, tape_session], ids=["flow", "tape"])


# Lots that may still fill.


@MARKETS
@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 10**6), delay_ms=st.sampled_from([(1, 90), (0, 700), (300, 2000)]))
def test_what_the_desk_counts_as_committed_is_never_too_little(make, seed, delay_ms):
    """Filled plus committed, as the desk knows them, bounds what the exchange has filled and may still fill."""
    session = make(seed, delay_ms)
    trader = RandomTrader(session, seed, grow=False)
    for _ in range(100):
        trader.act()
        session.run(int(trader.rng.integers(0, 200 * MS)))
        assert_committed(session)


def assert_committed(session):
    truths = [session.truth(row) for row in range(len(session.desk["orders"]))]
    open_lots = sum(int(truth["lots"]) for truth in truths if truth is not None)
    possible = int(session.world["ledger"]["filled_lots"]) + open_lots
    assert possible <= session.desk["filled_lots"] + session.committed_lots


@SIDES
def test_lots_asked_for_in_a_replace_are_committed_while_it_travels(side):
    session = Session(tape_template(delay_ms=(10, 10)))
    row = session.order(side, 2, 100)
    session.run(50 * MS)
    session.replace(row, 10, 100)
    session.run(15 * MS)  # the exchange replaced it, the desk was not told yet
    assert session.truth(row)["lots"] == 10
    assert_committed(session)


@SIDES
def test_a_fill_does_not_end_what_a_replace_on_its_way_asked_for(side):
    session = Session(tape_template(delay_ms=(10, 10)))
    row = session.order(side, 2, 100)
    session.run(50 * MS)
    session.replace(row, 10, 100)
    session.run(5 * MS)
    session.stranger(-side, 1, 100, tif=IOC)
    session.run(12 * MS)  # the desk knows of the fill and not of the replace
    assert session.row(row)["filled"] == 1 and session.truth(row)["lots"] == 9
    assert_committed(session)
    session.run(SECOND)
    assert session.committed_lots == 9


@pytest.mark.jit
@SIDES
def test_an_agent_that_respects_its_budget_never_overfills(side):
    """Sends only what filled and committed lots leave of its parent order, however slow the wires are."""
    filled = 0
    for seed in range(10):
        session = Session(flow_template(delay_ms=(100, 3000)), seed=seed, **FLOW_START)
        session.open_intent(side, 25)
        rng = np.random.default_rng(seed)
        for _ in range(300):
            left = 25 - int(session.desk["filled_lots"]) - session.committed_lots
            lots = int(rng.integers(1, 6))
            touch = session.mirror(side)[0][0]
            if lots <= left:
                session.order(side, lots, touch + side * int(rng.integers(-2, 2)))
            elif rng.random() < 0.5 and session.row(0)["state"]:
                session.cancel(0)
            session.run(200 * MS)
            assert session.world["ledger"]["filled_lots"] <= 25
        filled += int(session.world["ledger"]["filled_lots"])
    assert filled > 100


# Reports under load.


@SIDES
def test_no_report_is_lost_when_fills_come_faster_than_they_travel(side):
    """16 orders, one-lot fills round robin, a report wire of 5 seconds: reports merge and all lots arrive."""
    session = Session(tape_template(delay_ms=(1, 1)))
    set_delays(session.worlds, report_link=(5000, 5000))
    session.open_intent(side, 800)
    account = Account(session)
    rows = [session.order(side, 50, 1000 + side * place) for place in range(16)]
    session.run(10 * MS)
    for step in range(800):
        session.stranger(-side, 1, 1000 + side * (step % 2 * 15), tif=IOC, type=MARKET)
        session.run(MS)
        account.read()
    assert account.lots == 800 and NONE not in rows
    assert_desk_knows(session, account)


@pytest.mark.parametrize("seed", range(6))
def test_no_report_is_lost_however_busy_the_desk_is(seed):
    """Fast orders, slow reports, hundreds of requests and fills before the first answer arrives."""
    session = Session(flow_template(), seed=seed, **FLOW_START)
    set_delays(session.worlds, order_link=(0, 1), report_link=(3000, 20_000))
    account, trader = Account(session), RandomTrader(session, seed)
    for _ in range(1_500):
        trader.act()
        session.run(20 * MS)
    assert_sound(session.world)
    assert session.world["report_link"]["lost"] == 0
    assert_desk_knows(session, account)


@SIDES
def test_no_fill_is_known_before_a_report_of_it_could_arrive(side):
    """A crowded wire of 100 ms, on which fills share reports: what the desk knows was booked 100 ms before."""
    session = Session(tape_template())
    set_delays(session.worlds, report_link=(100, 100))
    account = Account(session)
    for place in range(16):
        session.order(side, 50, 1000 + side * place)
    session.run(SECOND)
    booked = []
    for step in range(400):
        session.stranger(-side, 1, 1000 + side * (step % 2 * 15), tif=IOC, type=MARKET)
        account.read()
        booked.append(account.lots)
        session.run(MS)
        assert session.desk["filled_lots"] <= (booked[step - 99] if step >= 99 else 0)
    assert session.world["report_link"]["conflated"] > 0
    assert_desk_knows(session, account)


def test_a_full_order_link_refuses_at_once_and_counts():
    session = Session(tape_template(delay_ms=(1000, 1000)))
    row = session.order(BUY, 1, 100)
    sent = [session.cancel(row) for _ in range(40)]
    ring = len(session.world["requests"])
    assert sent == [True] * (ring - 1) + [False] * (40 - ring + 1)
    assert session.world["rejects"][codes.LINK_CAPACITY] == session.desk["rejects"] == 40 - ring + 1
    assert session.desk["last_reason"] == codes.LINK_CAPACITY
    session.run(2 * SECOND)
    assert session.order(BUY, 1, 99) != NONE
    session.settle()
    assert session.desk["pending"] == 0
    assert_sound(session.world)


def test_no_more_orders_than_rows():
    session = Session(tape_template(delay_ms=(10, 10)))
    rows = [session.order(BUY, 1, price) for price in range(20)]
    assert rows == [*range(16), NONE, NONE, NONE, NONE]
    session.run(SECOND)
    session.cancel(3)
    session.run(19 * MS)
    assert session.order(BUY, 1, 50) == NONE  # the exchange cancelled it, the desk does not know
    session.run(MS)
    assert session.order(BUY, 1, 50) == 3


@SIDES
def test_a_fill_is_known_soon_however_many_follow(side):
    """Fills that share a report must not keep it, and the answers behind it, waiting for ever.

    A large order is hit every 10 ms while the desk goes on sending requests; reports take a second.
    """
    session = Session(tape_template())
    set_delays(session.worlds, report_link=(1000, 1000))
    account = Account(session)
    session.order(side, 5_000, 1000)
    other = session.order(side, 1, 900)
    session.run(2 * SECOND)
    booked = []
    for step in range(1_000):
        session.stranger(-side, 1, type=MARKET, tif=IOC)
        if step % 4 == 0:
            session.replace(other, 1, 900 - step % 8)
        session.run(10 * MS)
        account.read()
        booked.append(account.lots)
        known_by_now = booked[step - 300] if step >= 300 else 0
        assert session.desk["filled_lots"] >= known_by_now, "a fill is unknown after three delays"


@SIDES
def test_a_fill_after_a_replace_is_not_told_before_it(side):
    """On a crowded wire fills join older ones of their order, but not past anything else that happened to it."""
    session = Session(tape_template())
    set_delays(session.worlds, report_link=(1000, 1000))
    row, other = session.order(side, 50, 1000), session.order(side, 1, 1000 - 100 * side)
    session.run(2 * SECOND)
    for _ in range(2):
        session.stranger(-side, 1, type=MARKET, tif=IOC)
        session.run(MS)
    session.replace(row, 40, 1000)
    for step in range(30):
        session.replace(other, 1, 1000 - 100 * side - step % 2)
        session.run(MS)
    link = session.world["report_link"]
    assert link["pushed"] - link["popped"] > len(session.world["reports"]) // 8
    session.stranger(-side, 1, type=MARKET, tif=IOC)
    session.run(2 * SECOND)
    order = session.row(row)
    assert (order["lots"], order["filled"]) == (40, 3) and session.truth(row)["lots"] == 37


# Answers.


def prepared(side, **config):
    """A market of 5 at 100 on our side and 5 at 101 against us (seen by a buyer), that traded at 101."""
    session = Session(tape_template(delay_ms=(5, 5), **config))
    session.stranger(side, 5, mirrored(side, 100))
    session.stranger(-side, 6, mirrored(side, 101))
    session.stranger(side, 1, mirrored(side, 101), tif=IOC)
    session.run(SECOND)
    return session


def mirrored(side, price):
    return price if side == BUY else 201 - price


REFUSED = {
    codes.BAD_LOTS: {"lots": 0, "price": 100},
    codes.BAD_ORDER: {"price": 100, "tif": IOC, "flags": POST_ONLY},
    codes.BAD_PRICE: {"price": codes.MAX_PRICE_TICKS + 500},
    codes.STOP_PRICE: {"type": STOP, "trigger": 101},
    codes.WOULD_CROSS: {"price": 101, "flags": POST_ONLY},
    codes.FOK_UNFILLABLE: {"price": 101, "tif": FOK, "lots": 6},
}


@SIDES
@pytest.mark.parametrize("reason", REFUSED, ids=codes.REASON_NAMES.get)
def test_a_refused_order_comes_back_with_its_reason(side, reason):
    session = prepared(side)
    terms = {"lots": 2, **REFUSED[reason]}
    for name in ("price", "trigger"):
        if name in terms:
            terms[name] = mirrored(side, terms[name])
    row = session.order(side, **terms)
    session.run(10 * MS - 1)
    assert session.row(row)["state"] == SENT and session.desk["rejects"] == 0
    session.run(1)
    assert session.row(row)["state"] == FREE and session.desk["live"] == session.desk["pending"] == 0
    assert (session.desk["rejects"], session.desk["last_reason"]) == (1, reason)
    assert session.world["rejects"][reason] == 1 and session.desk["position"] == 0
    assert_sound(session.world)


@SIDES
def test_a_halted_market_refuses_orders_and_takes_cancels(side):
    session = prepared(side)
    row = session.order(side, 2, mirrored(side, 100))
    session.run(SECOND)
    session.tell(Message(kind=codes.HALT))
    session.order(side, 2, mirrored(side, 100))
    session.replace(row, 1, mirrored(side, 100))
    session.run(SECOND)
    assert session.world["rejects"][codes.HALTED] == 2 and session.row(row)["lots"] == 2
    session.cancel(row)
    session.run(SECOND)
    assert session.desk["live"] == 0
    session.tell(Message(kind=codes.RESUME))
    session.order(side, 2, mirrored(side, 101))
    session.run(SECOND)
    assert session.desk["position"] == 2 * side


@SIDES
def test_the_end_of_the_session_takes_day_orders(side):
    session = prepared(side)
    day = session.order(side, 2, mirrored(side, 99), tif=DAY)
    stop = session.order(side, 2, type=STOP, trigger=mirrored(side, 110), tif=DAY)
    kept = session.order(side, 2, mirrored(side, 99))
    session.run(SECOND)
    session.tell(Message(kind=codes.CLOSE))
    assert session.row(day)["state"] == LIVE  # not told yet
    session.run(SECOND)
    assert [int(session.row(row)["state"]) for row in (day, stop, kept)] == [FREE, FREE, LIVE]
    assert session.desk["pending"] == 0
    assert_sound(session.world)


@SIDES
@pytest.mark.parametrize("policy", [codes.CANCEL_RESTING, codes.CANCEL_INCOMING, codes.CANCEL_BOTH])
def test_self_match_prevention_is_reported_for_both_orders(side, policy):
    session = prepared(side, self_match=policy)
    resting = session.order(-side, 2, mirrored(side, 102))
    session.run(SECOND)
    incoming = session.order(side, 9, mirrored(side, 102))
    session.run(SECOND)
    assert session.desk["position"] == 5 * side
    assert (session.row(resting)["state"] == FREE) == (policy != codes.CANCEL_INCOMING)
    assert (session.row(incoming)["state"] == FREE) == (policy != codes.CANCEL_RESTING)
    assert session.desk["pending"] == 0
    assert_sound(session.world)


@SIDES
def test_an_elected_stop_is_filled_or_gone_for_the_desk_too(side):
    session = prepared(side, protection_ticks=0)
    filled = session.order(side, 2, type=STOP, trigger=mirrored(side, 102), tif=IOC)
    starved = session.order(side, 2, type=STOP, trigger=mirrored(side, 102), tif=FOK)
    session.run(SECOND)
    assert session.row(filled)["state"] == LIVE
    session.stranger(side, 5, mirrored(side, 101), tif=IOC)
    session.stranger(-side, 4, mirrored(side, 102))
    session.stranger(side, 1, mirrored(side, 102), tif=IOC)  # 3 are left: 2 for the first, too few for the second
    session.run(SECOND)
    assert session.desk["position"] == 2 * side
    assert session.row(filled)["state"] == session.row(starved)["state"] == FREE
    assert session.desk["live"] == session.desk["pending"] == 0
    assert_sound(session.world)


@SIDES
def test_a_reduced_order_is_seen_with_what_the_exchange_left_of_it(side):
    session = prepared(side)
    row = session.order(side, 5, mirrored(side, 99))
    session.run(SECOND)
    slot = int(session.world["desk_order_marks"][row]["order"])
    session.tell(Message(kind=codes.REDUCE, order=slot, owner=codes.DESK, lots=2))
    assert session.row(row)["lots"] == 5  # not told yet
    session.run(SECOND)
    assert session.row(row)["lots"] == session.committed_lots == session.truth(row)["lots"] == 3


@SIDES
def test_a_replaced_stop_limit_is_seen_with_its_limit(side):
    session = prepared(side)
    row = session.order(side, 2, mirrored(side, 105), type=codes.STOP_LIMIT, trigger=mirrored(side, 103))
    session.run(SECOND)
    assert session.row(row)["price"] == mirrored(side, 105)
    session.replace(row, 2, mirrored(side, 107), trigger=mirrored(side, 104))
    session.run(SECOND)
    assert session.row(row)["price"] == mirrored(side, 107)


@pytest.mark.parametrize("row", [0, 3, -9])
def test_a_tape_cannot_speak_for_the_desk(row):
    """``row`` names the desk's orders; in a tape it says nothing, though zero is what an empty row holds."""
    rows = random_tape(2, 300)
    rows["row"] = row
    silent, talking = (Session(tape_template(delay_ms=(1, 90)), to_tape(tape)) for tape in (random_tape(2, 300), rows))
    for session in (silent, talking):
        session.order(BUY, 3, 5)
        session.run(20 * SECOND)
    assert talking.worlds.tobytes() == silent.worlds.tobytes()


@pytest.mark.parametrize("change", ["cancel", "replace"])
def test_a_request_about_no_order_is_answered_and_does_no_harm(change):
    session = prepared(BUY)
    sent = session.cancel(7) if change == "cancel" else session.replace(7, 5, 100)
    row = session.order(BUY, 2, 100)
    session.run(SECOND)
    assert sent and session.desk["last_reason"] == codes.UNKNOWN_ORDER
    assert (session.desk["pending"], session.desk["live"], session.committed_lots) == (0, 1, 2)
    assert session.row(row)["state"] == LIVE
    assert_sound(session.world)


@SIDES
@pytest.mark.parametrize("mid", [0, 1, 7, 200, 201, -3, -200])
def test_an_unseen_touch_is_half_a_spread_from_the_mid_on_either_side(side, mid):
    """Where the mirror has nothing, both touches are the nearest whole ticks outside the last mid."""
    session = Session(tape_template())
    session.desk["mid"] = mid
    distance = side * mid - 2 * side * session.desk_touch(side)
    assert distance in (1, 2) and distance % 2 == mid % 2
