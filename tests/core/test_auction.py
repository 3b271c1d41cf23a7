"""The opening and the pauses of a whole world: its clock, its ledger, its market data, its flows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.session import Session
from tests.core.soundness import assert_mirrored, assert_sound
from tests.core.test_ledger import assert_exact, assert_intents, market_configs, seeds
from tests.core.traders import Account, RandomTrader, assert_desk_knows
from tests.core.worlds import FLOW_START, MS, SECOND, examples, flow_template, set_protections, tape_template
from twin_env.config import load_config
from twin_env.core import ledger
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.market import LinksConfig, MarketConfig
from twin_env.market.market import Market
from twin_env.reference import GuardTerms, Message

SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])
GUARD = GuardTerms(2, 5 * SECOND, SECOND)


def say(session, kind):
    return session.tell(Message(kind=kind))


def collected(side, **config):
    """A market in which the desk has a buy (sell) of 5 behind 2 older lots at its price, before an opening."""
    session = Session(tape_template(delay_ms=(1, 1), **config))
    say(session, codes.PRE_OPEN)
    session.stranger(side, 2, 100)
    session.open_intent(side, 5, mid=200)
    session.row_sent = session.order(side, 5, 100)
    session.run(10 * MS)
    return session


@SIDES
def test_the_desk_hears_of_an_opening_as_of_any_trade(side):
    session = collected(side)
    session.stranger(-side, 4, 100 - 4 * side)
    session.run(10 * MS)
    assert session.row(session.row_sent)["ahead"] == 2
    events = say(session, codes.OPEN)
    assert [(event.kind, event.side, event.lots) for event in events] == [(codes.TRADED, -side, 2)] * 2
    assert {event.price for event in events} == {100 - 2 * side}
    session.run(10 * MS)
    desk = session.desk
    assert (desk["last_trade"], desk["trades"]) == (100 - 2 * side, 2)
    assert (desk["bought_lots"], desk["sold_lots"]) == ((0, 4) if side == BUY else (4, 0))
    assert (desk["position"], desk["notional"]) == (2 * side, 2 * side * (100 - 2 * side))
    assert (session.row(session.row_sent)["ahead"], session.row(session.row_sent)["shown_lots"]) == (0, 3)
    assert_mirrored(session.world)
    assert_sound(session.world)


@SIDES
def test_an_order_that_fills_in_an_opening_rested(side):
    session = collected(side, taker_fee_micro=700_000, maker_fee_micro=300_000)
    session.stranger(-side, 7, 98 if side == BUY else 102)
    say(session, codes.OPEN)
    parts = session.split()
    assert session.world["ledger"]["taker_lots"] == 0
    assert parts[ledger.FEES] == -5 * 300_000
    assert parts[ledger.SPREAD] == parts[ledger.IMPACT] == 0
    assert parts[ledger.NET] == parts[ledger.STRATEGY] + parts[ledger.EXECUTION]


def test_a_desk_that_trades_with_itself_keeps_its_books():
    session = collected(BUY)
    session.open_intent(SELL, 7, mid=200, intent=1)
    session.order(SELL, 7, 97, intent=1)
    account = Account(session)
    session.run(10 * MS)
    say(session, codes.OPEN)
    assert session.world["ledger"]["filled_lots"] == 12
    assert_exact(session, account)


@settings(max_examples=examples(25), deadline=None)
@given(seed=seeds, config=market_configs, guarded=st.booleans())
def test_the_identity_holds_through_openings(seed, config, guarded):
    """With one fee for all: the account knows who was the aggressor, not that nobody was in an opening."""
    config["maker_fee_micro"] = config["taker_fee_micro"]
    template = flow_template(**config)
    set_protections(template, 12 if guarded else 0, [GUARD] if guarded else [])
    session = Session(template, seed=seed, **FLOW_START)
    account, trader = Account(session), RandomTrader(session, seed)
    for _ in range(80):
        draw = trader.rng.random()
        if draw < 0.2:
            say(session, codes.PRE_OPEN if draw < 0.08 else codes.OPEN)
        trader.act()
        session.run(int(trader.rng.integers(0, 300 * MS)))
        assert_exact(session, account)
        assert_sound(session.world)
    assert_intents(session, account)
    say(session, codes.OPEN)
    assert_desk_knows(session, account)
    assert_exact(session, account)


def test_the_runs_above_do_open():
    """What the property is checked on: fills of the desk in openings, and pauses."""
    filled = trips = 0
    for seed in range(4):
        template = flow_template()
        set_protections(template, 12, [GUARD])
        session = Session(template, seed=seed, **FLOW_START)
        trader = RandomTrader(session, seed)
        for _ in range(40):
            say(session, codes.PRE_OPEN)
            for _ in range(4):
                trader.act()
            session.run(300 * MS)
            before = int(session.world["ledger"]["fills"])
            say(session, codes.OPEN)
            filled += int(session.world["ledger"]["fills"]) - before
            session.run(300 * MS)
        trips += int(session.world["venue"]["guards"][0]["trips"])
    assert filled > 20 and trips > 4


def test_what_a_fault_drives_counts_its_lots_in_an_opening_too():
    session = Session(tape_template())
    say(session, codes.PRE_OPEN)
    session.stranger(BUY, 3, 100, owner=codes.ACTOR)
    session.stranger(SELL, 2, 100)
    say(session, codes.OPEN)
    assert session.world["effects"]["traded_lots"][0] == 2


def test_a_pause_ends_by_itself_to_the_nanosecond():
    template = tape_template()
    set_protections(template, 0, [GUARD])
    session = Session(template)
    for price in (100, 103):
        session.tell(Message(kind=codes.PRINT, side=BUY, price=price, lots=1))
    start_ns = session.now_ns
    assert session.world["venue"]["auction"] == 1
    session.stranger(BUY, 1, 104)
    session.stranger(SELL, 1, 102)
    session.run(GUARD.pause_ns - 1)
    assert session.events()[-1].kind == codes.ACCEPTED
    session.run(1)
    opened = session.events()[-1]
    assert (opened.kind, opened.ts_ns, opened.price) == (codes.TRADED, start_ns + GUARD.pause_ns, 103)
    assert session.world["venue"]["auction"] == 0


def test_pauses_end_before_the_desk_is_there():
    template = flow_template()
    set_protections(template, 0, [GUARD])
    session = Session(template, **{**FLOW_START, "warm_up_ns": 60 * SECOND})
    venue = session.world["venue"]
    assert venue["guards"][0]["trips"] >= 2, "the second pause needs the end of the first"
    assert venue["auction"] == 0 or venue["reopen_ns"] <= session.now_ns + GUARD.pause_ns


def test_an_opening_waits_for_the_end_of_a_fault():
    session = Session(tape_template())
    session.stranger(BUY, 1, 100)
    say(session, codes.PRE_OPEN)
    session.stranger(SELL, 1, 98)
    session.world["venue"]["halted"] |= codes.HALT_FAULT
    for kind in (codes.HALT, codes.RESUME, codes.OPEN):
        assert say(session, kind) == []
    session.run(SECOND)
    assert session.world["venue"]["halted"] == codes.HALT_FAULT
    assert (session.world["venue"]["auction"], session.world["traded"]) == (1, 0)
    session.world["venue"]["halted"] = 0
    session.run(1)
    assert (session.world["venue"]["auction"], session.world["traded"]) == (0, 1)


@pytest.mark.jit
@pytest.mark.parametrize("name", ["mgc_2025", "mgc_poisson"])
def test_a_flow_goes_on_without_trading_while_orders_are_collected(name):
    market = Market(
        load_config(MarketConfig, name, folder="markets"), load_config(LinksConfig, "instant", folder="links")
    )
    session = object.__new__(Session)
    session.worlds, session.tape, session._read = np.zeros_like(market.template), market.tape, 0
    market.start(session.worlds, 0, seed=1, start_ns=market.first_ns)
    say(session, codes.PRE_OPEN)
    before, events = int(session.world["trade_count"]), int(session.world["event_count"])
    session.run(10 * SECOND)
    assert session.world["trade_count"] == before
    assert session.world["event_count"] > events + 50
    assert session.world["rejects"][codes.NO_MATCHING] == 0
    assert_sound(session.world)
    say(session, codes.OPEN)
    assert_sound(session.world)
    session.run(10 * SECOND)
    assert session.world["trade_count"] > before


def test_an_opening_is_the_same_however_time_is_cut():
    template = flow_template(delay_ms=(1, 90))
    set_protections(template, 12, [GUARD._replace(move_ticks=1)])
    whole, steps = (Session(template, seed=3, **FLOW_START) for _ in range(2))
    whole.run(60 * SECOND)
    while steps.now_ns < whole.now_ns:
        steps.run(50 * MS)
    assert steps.worlds.tobytes() == whole.worlds.tobytes()
    assert whole.world["venue"]["guards"][0]["trips"] > 2
