"""The ledger: an exact identity at every step, and the same money from the exchange's events alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.session import Session
from tests.core.soundness import assert_sound
from tests.core.traders import BUY_INTENT, SELL_INTENT, Account, RandomTrader, assert_desk_knows, mirrored, random_tape
from tests.core.worlds import FLOW_START, MS, examples, flow_template, tape_template, to_tape
from twin_env.core import ledger
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL

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


def assert_intents(session, account):
    """Each intent counts its own fills, whatever happened to its orders."""
    for number, side in ((BUY_INTENT, BUY), (SELL_INTENT, SELL)):
        intent = session.world["ledger"]["intents"][number]
        assert intent["due"] - intent["open"] + intent["extra"] == account.filled[side]


@MARKETS
@settings(max_examples=examples(25), deadline=None)
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
            before = session.split().tolist()
            session.close_intent(BUY_INTENT if step == 40 else SELL_INTENT)
            closed = session.world["ledger"]["intents"][BUY_INTENT if step == 40 else SELL_INTENT]
            assert (closed["closed"], closed["open"], closed["extra"]) == (1, 0, 0)
            assert session.split().tolist() == before  # closed at the mid it was marked at
        assert_exact(session, account)
    assert account.lots > 0


@settings(max_examples=examples(25), deadline=None)
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
