"""The ledger: an exact identity at every step, and the same money from the exchange's events alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.soundness import assert_sound
from tests.core.traders import BUY_INTENT, SELL_INTENT, Account, RandomTrader, mirrored, random_tape
from tests.core.worlds import FLOW_START, MS, SECOND, Session, flow_template, set_delays, tape_template, to_tape
from twin_env.core import codes, ledger
from twin_env.core.codes import BUY, IOC, MARKET, SELL
from twin_env.core.layout import NONE

PARTS = range(ledger.TIMING, ledger.SPLIT)
SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])

market_configs = st.fixed_dictionaries(
    {
        "delay_ms": st.sampled_from([(0, 0), (3, 3), (1, 90), (0, 700)]),
        "self_match": st.sampled_from(list(codes.SELF_MATCH_NAMES)),
        "taker_fee_micro": st.sampled_from([0, 700_000]),
        "maker_fee_micro": st.sampled_from([0, -200_000, 350_001]),
        "protection_ticks": st.sampled_from([0, 2, 50]),
    }
)
seeds = st.integers(0, 10**6)


def flow_session(seed, config):
    return Session(flow_template(**config), seed=seed, **FLOW_START)


def tape_session(seed, config):
    return Session(tape_template(**config), to_tape(random_tape(seed)), seed=seed)


MARKETS = pytest.mark.parametrize("make", [flow_session, tape_session], ids=["flow", "tape"])


def assert_exact(session, account):
    """The identities, in integers, and net from the exchange's events."""
    account.read()
    parts = session.split()
    assert parts[ledger.NET] == parts[ledger.STRATEGY] + parts[ledger.EXECUTION]
    assert parts[ledger.EXECUTION] == sum(parts[part] for part in PARTS)
    assert parts[ledger.NET] == account.net_micro()
    assert parts[ledger.FEES] == -account.fees_micro
    world = session.world["ledger"]
    booked = {name: int(world[name]) for name in ("position", "fills", "filled_lots")}
    assert booked == {"position": account.position, "fills": account.fills, "filled_lots": account.lots}


def assert_desk_knows(session, account):
    """Once everything arrived, the desk's own books say what the exchange did."""
    session.settle()
    account.read()
    desk = session.desk
    assert desk["pending"] == desk["orders"]["pending"].sum() == 0
    assert (desk["position"], desk["notional"]) == (account.position, account.notional)
    assert desk["filled_lots"] == account.lots
    assert session.world["report_link"]["lost"] == 0
    live = 0
    for row in range(len(desk["orders"])):
        order, truth = session.row(row), session.truth(row)
        assert (order["state"] != 0) == (truth is not None)
        if truth is not None:
            live += int(truth["lots"])
            assert order["lots"] - order["filled"] == truth["lots"]
    assert session.committed_lots == live


def assert_intents(session, account):
    """Each intent counts its own fills, whatever happened to its orders."""
    intents = session.world["ledger"]["intents"]
    assert intents[BUY_INTENT]["filled"] == account.filled[BUY]
    assert intents[SELL_INTENT]["filled"] == account.filled[SELL]


@MARKETS
@settings(max_examples=25, deadline=None)
@given(seed=seeds, config=market_configs)
def test_the_identity_holds_at_every_step(make, seed, config):
    session = make(seed, config)
    account, trader = Account(session), RandomTrader(session, seed)
    for _ in range(80):
        trader.act()
        session.run(int(trader.rng.integers(0, 300 * MS)))
        assert_exact(session, account)
    assert_intents(session, account)
    assert_sound(session.world)
    assert_desk_knows(session, account)
    assert_exact(session, account)


@pytest.mark.slow
@MARKETS
@settings(max_examples=1_000, deadline=None)
@given(seed=seeds, config=market_configs)
def test_the_identity_holds_at_every_step_of_many_runs(make, seed, config):
    session = make(seed, config)
    account, trader = Account(session), RandomTrader(session, seed)
    for _ in range(150):
        trader.act()
        session.run(int(trader.rng.integers(0, 300 * MS)))
        assert_exact(session, account)
    assert_intents(session, account)
    assert_sound(session.world)
    assert_desk_knows(session, account)


@MARKETS
def test_the_runs_above_do_trade(make):
    """What the properties are checked on: fills of both kinds on both sides, and every part of the split."""
    parts, filled, taken = np.zeros(ledger.SPLIT, np.int64), {BUY: 0, SELL: 0}, 0
    for seed in range(4):
        config = {"delay_ms": (1, 90), "taker_fee_micro": 700_000, "maker_fee_micro": 1}
        session = make(seed, config)
        account, trader = Account(session), RandomTrader(session, seed)
        for _ in range(120):
            trader.act()
            session.run(100 * MS)
        account.read()
        parts += np.abs(session.split())
        taken += int(session.world["ledger"]["taker_lots"])
        filled = {side: filled[side] + account.filled[side] for side in filled}
    assert (parts > 0).all(), "a part of the split was never anything but zero"
    assert min(filled.values()) > 10 and 0 < taken < sum(filled.values())


@MARKETS
def test_closed_intents_stay_exact(make):
    session = make(5, {"delay_ms": (1, 90), "taker_fee_micro": 700_000})
    account, trader = Account(session), RandomTrader(session, 5)
    for step in range(120):
        trader.act()
        session.run(100 * MS)
        if step in (40, 80):
            mid = session.mid_half_ticks
            session.close_intent(BUY_INTENT if step == 40 else SELL_INTENT)
            closed = session.world["ledger"]["intents"][BUY_INTENT if step == 40 else SELL_INTENT]
            assert (closed["closed"], closed["closed_mid"]) == (1, mid)
        assert_exact(session, account)
    assert account.lots > 0


@settings(max_examples=25, deadline=None)
@given(seed=seeds, config=market_configs)
def test_a_market_upside_down_splits_the_same(seed, config):
    """Negated prices and swapped sides: every part of the split is the same at every step."""
    rows = random_tape(seed)
    upright = Session(tape_template(**config), to_tape(rows), seed=seed, price_ticks=5)
    turned = Session(tape_template(**config), to_tape(mirrored(rows)), seed=seed, price_ticks=-6)
    traders = RandomTrader(upright, seed), RandomTrader(turned, seed, mirror=-1)
    for _ in range(80):
        for trader in traders:
            trader.act()
            trader.session.run(int(trader.rng.integers(0, 300 * MS)))
        assert upright.split().tolist() == turned.split().tolist()
        assert upright.desk["position"] == -turned.desk["position"]
        assert upright.desk["notional"] == turned.desk["notional"]
        assert upright.mid_half_ticks == -turned.mid_half_ticks


@MARKETS
@settings(max_examples=15, deadline=None)
@given(seed=seeds, delay_ms=st.sampled_from([(1, 90), (0, 700), (300, 2000)]))
def test_what_the_desk_counts_as_committed_is_never_too_little(make, seed, delay_ms):
    """Filled plus committed, as the desk knows them, bounds what the exchange has filled and may still fill."""
    session = make(seed, {"delay_ms": delay_ms})
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


# Known answers, worked out by hand. Prices are those a buyer sees; a seller's are mirrored around 100.5.


def price_for(side, price):
    return price if side == BUY else 201 - price


def make_market(side, **config):
    """Bids of 10 at 100 and 99, offers of 3 at 101, 102, 103 and 104 (for a buyer)."""
    session = Session(tape_template(**config))
    ids = {price: session.stranger(side, 10, price_for(side, price)) for price in (99, 100)}
    offers = {price: session.stranger(-side, 3, price_for(side, price)) for price in (101, 102, 103, 104)}
    session.run(SECOND)
    assert session.desk["mid"] == 201
    return session, ids | offers


def parts_of(session, *names):
    split = session.split() // 500_000  # back to half-ticks x lots
    return [int(split[getattr(ledger, name)]) for name in names]


@SIDES
def test_the_parts_of_an_order_that_takes(side):
    session, ids = make_market(side, delay_ms=(10, 10))
    session.open_intent(side, 8)
    session.stranger_cancels(ids[101])  # 100 / 102: the mid moved a half tick before the order is sent
    session.order(side, 5, type=MARKET, tif=IOC)
    session.run(5 * MS)
    session.stranger_cancels(ids[102])  # 100 / 103: another half tick before it arrives
    session.run(5 * MS)
    # 3 lots at 103 and 2 at 104 = 1034 half-ticks x lots paid above zero; then 100 / 104.
    assert session.world["ledger"]["filled_lots"] == 5
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [-5, -5, -15, -4]
    assert parts_of(session, "QUEUE_WAIT", "SPREAD_EARNED", "FEES") == [0, 0, 0]
    assert parts_of(session, "OPPORTUNITY", "STRATEGY") == [-9, 24]
    assert parts_of(session, "NET", "EXECUTION") == [5 * 204 - 1034, -38]


@SIDES
def test_the_parts_of_an_order_that_rests(side):
    session, ids = make_market(side, delay_ms=(10, 10), maker_fee_micro=500_000)
    session.open_intent(side, 4)
    session.order(side, 4, price_for(side, 100))
    session.run(SECOND)
    session.stranger_cancels(ids[101])  # 100 / 102
    session.stranger_cancels(ids[100])  # the order is alone at the touch
    session.stranger(-side, 3, price_for(side, 100), tif=IOC)
    # 3 of 4 filled at 100 with the mid at 101: the market came half a tick against nobody, it rose by 1 half-tick.
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [0, 0, 0, 0]
    assert parts_of(session, "QUEUE_WAIT", "SPREAD_EARNED", "FEES") == [-3 * (202 - 201), 3 * (202 - 200), -3]
    assert parts_of(session, "STRATEGY", "OPPORTUNITY") == [3 * 1 + 1 * 1, -1]
    assert parts_of(session, "NET") == [3 * (202 - 200) - 3]


@SIDES
def test_an_order_that_takes_and_then_rests_is_booked_as_both(side):
    session, _ = make_market(side)
    session.open_intent(side, 5)
    session.order(side, 5, price_for(side, 101))
    session.run(MS)  # 3 taken at 101; 2 rest there: 101 / 102
    assert parts_of(session, "SPREAD", "IMPACT", "SPREAD_EARNED") == [-3, 0, 0]
    session.stranger(-side, 2, price_for(side, 101), tif=IOC)
    assert session.world["ledger"]["taker_lots"] == 3
    assert parts_of(session, "SPREAD", "QUEUE_WAIT", "SPREAD_EARNED") == [-3, -2 * (203 - 201), 2 * (203 - 202)]


@SIDES
def test_a_replace_starts_the_marks_again(side):
    session, ids = make_market(side, delay_ms=(10, 10))
    session.open_intent(side, 3)
    row = session.order(side, 3, price_for(side, 99))
    session.run(SECOND)
    session.stranger_cancels(ids[101])  # 100 / 102
    session.replace(row, 3, price_for(side, 102))
    session.run(5 * MS)
    session.stranger(side, 1, price_for(side, 101))  # 101 / 102 when it arrives
    session.run(5 * MS)
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [-3, -3, -3, 0]


@SIDES
def test_the_wait_of_a_stop_is_timing(side):
    session, ids = make_market(side)
    session.open_intent(side, 2)
    session.order(side, 2, type=codes.STOP, trigger=price_for(side, 102), tif=IOC)
    session.run(MS)
    session.stranger(side, 3, price_for(side, 101), tif=IOC)  # 100 / 102
    session.stranger(side, 1, price_for(side, 102), tif=IOC)  # reaches the trigger; 2 are left at 102
    assert session.world["ledger"]["filled_lots"] == 2
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [-2, 0, -4, 0]


@SIDES
def test_an_unfilled_intent_costs_what_the_market_moved(side):
    session, ids = make_market(side)
    session.open_intent(side, 7)
    session.stranger_cancels(ids[101])
    session.stranger_cancels(ids[102])
    assert parts_of(session, "STRATEGY", "OPPORTUNITY", "NET") == [14, -14, 0]
    session.close_intent()
    session.stranger_cancels(ids[103])
    assert parts_of(session, "STRATEGY", "OPPORTUNITY", "NET") == [14, -14, 0]


@SIDES
def test_an_empty_side_is_marked_at_its_last_touch_and_counted(side):
    session, _ = make_market(side)
    session.open_intent(side, 12)
    session.order(side, 12, price_for(side, 104))
    session.run(MS)
    assert session.depth(-side) == []
    before = int(session.world["ledger"]["substituted"])
    session.close_intent()
    assert session.world["ledger"]["substituted"] == before + 1
    closed = int(session.world["ledger"]["intents"][0]["closed_mid"])
    assert closed == price_for(side, 100) + price_for(side, 104)


def test_rejects_are_remembered_until_the_next_answer():
    session, _ = make_market(BUY)
    session.open_intent(BUY, 5)
    intent = session.world["ledger"]["intents"][0]
    session.order(BUY, 5, 101, flags=codes.POST_ONLY)
    session.run(MS)
    assert intent["rejected"] == 1 and session.desk["last_reason"] == codes.WOULD_CROSS
    session.order(BUY, 5, 99)
    session.run(MS)
    assert intent["rejected"] == 0


# Reports under load.


@SIDES
def test_no_report_is_lost_when_fills_come_faster_than_they_travel(side):
    """16 orders, one-lot fills round robin, a report wire of 5 seconds: reports merge and all lots arrive."""
    session = Session(tape_template(delay_ms=(1, 1)))
    set_delays_of(session, report_link=(5000, 5000))
    session.open_intent(side, 800)
    account = Account(session)
    rows = [session.order(side, 50, 1000 + side * place) for place in range(16)]
    session.run(10 * MS)
    for step in range(800):
        session.stranger(-side, 1, 1000 + side * (step % 2 * 15), tif=IOC, type=MARKET)
        session.run(MS)
        account.read()
        assert_exact(session, account)
    assert account.lots == 800 and NONE not in rows
    assert_desk_knows(session, account)


@pytest.mark.parametrize("seed", range(6))
def test_no_report_is_lost_however_busy_the_desk_is(seed):
    """Fast orders, slow reports, hundreds of requests and fills before the first answer arrives."""
    session = Session(flow_template(), seed=seed, **FLOW_START)
    set_delays_of(session, order_link=(0, 1), report_link=(3000, 20_000))
    account, trader = Account(session), RandomTrader(session, seed)
    for _ in range(1_500):
        trader.act()
        session.run(20 * MS)
    assert_exact(session, account)
    assert_sound(session.world)
    assert session.world["report_link"]["lost"] == 0
    session.settle(60 * SECOND)
    assert_desk_knows(session, account)


def set_delays_of(session, **delays):
    set_delays(session.worlds, **delays)


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
