"""The synthetic flow: what it draws does not depend on the agent, and the market it makes stays whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.core.session import Session
from tests.core.soundness import assert_mirrored, assert_sound
from tests.core.traders import RandomTrader
from tests.core.worlds import FLOW_START, MS, SECOND, flow_template
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL

ROOT = Path(__file__).resolve().parents[2]


def start(seed=7, **config):
    return Session(flow_template(**config), seed=seed, **FLOW_START)


def hash_after_a_minute(seed):
    session = start(seed, delay_ms=(1, 90))
    session.run(60 * SECOND)
    return int(session.world["event_hash"])


@pytest.mark.jit
def test_the_same_seed_gives_the_same_events_in_another_process():
    script = "from tests.core.test_flow import hash_after_a_minute as f; print(f(1), f(2))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(hash_after_a_minute(1)), str(hash_after_a_minute(2))]


@pytest.mark.jit
def test_seeds_give_different_markets():
    assert len({hash_after_a_minute(seed) for seed in range(12)}) == 12


def test_the_hash_does_not_depend_on_how_time_is_cut():
    whole, steps = start(delay_ms=(1, 90)), start(delay_ms=(1, 90))
    whole.run(60 * SECOND)
    rng = np.random.default_rng(1)
    while steps.now_ns < whole.now_ns:
        steps.run_until(min(whole.now_ns, steps.now_ns + int(rng.integers(1, 900 * MS))))
    assert steps.worlds.tobytes() == whole.worlds.tobytes()


def candidates(session):
    flow = session.world["flow"]
    return int(flow["candidates"]), int(flow["next_ns"]), int(flow["key"])


@pytest.mark.parametrize("seed", range(3))
def test_an_agent_does_not_shift_the_candidates(seed):
    alone, traded = start(seed, delay_ms=(1, 90)), start(seed, delay_ms=(1, 90))
    trader = RandomTrader(traded, seed)
    for _ in range(300):
        trader.act()
        alone.run(200 * MS)
        traded.run(200 * MS)
        assert candidates(alone) == candidates(traded)
    assert traded.world["ledger"]["fills"] > 20
    assert alone.world["event_hash"] != traded.world["event_hash"]


def background_events(session):
    """What the background did, without the slots its orders happened to get."""
    background = [event for event in session.events() if event.owner == codes.BACKGROUND]
    return [(event.ts_ns, event.kind, event.side, event.price, event.lots) for event in background]


@pytest.mark.jit
@pytest.mark.parametrize("seed", range(4))
def test_orders_that_never_matter_change_nothing_for_the_background(seed):
    """Far from the touch an own order trades with nobody, so nobody may behave differently."""
    alone, traded = start(seed), start(seed)
    row = traded.order(BUY, 1, 42_000)
    traded.order(SELL, 1, 44_000)
    for second in range(400):
        alone.run(SECOND)
        traded.run(SECOND)
        if second % 3 == 0:
            traded.replace(row, 1, 42_000 - second)
        assert background_events(alone) == background_events(traded), f"second {second}"


@pytest.mark.jit
@pytest.mark.parametrize("seed", range(3))
def test_an_hour_of_the_market_alone(seed):
    session = start(seed, delay_ms=(5, 200))
    for _ in range(360):
        session.run(10 * SECOND)
        assert_sound(session.world)
    world = session.world
    assert min(len(session.depth(BUY)), len(session.depth(SELL))) >= 3
    assert world["trade_count"] > 3_000 and world["event_count"] > 100_000
    assert not world["rejects"].any(), "the flow knows the book it sends to"
    assert world["desk"]["gaps"] == 0
    session.settle()
    assert_sound(session.world)
    assert_mirrored(session.world)


@pytest.mark.jit
@pytest.mark.parametrize("seed", range(3))
def test_an_hour_with_an_agent_that_does_everything(seed):
    policies = list(codes.SELF_MATCH_NAMES)
    session = start(seed, delay_ms=(5, 200), self_match=policies[seed % 4])
    trader = RandomTrader(session, seed)
    for step in range(3_600):
        trader.act()
        session.run(SECOND)
        if step % 10 == 0:
            assert_sound(session.world)
    assert session.world["ledger"]["fills"] > 300
    session.settle()
    assert_sound(session.world)
    assert_mirrored(session.world)
    assert session.desk["pending"] == 0


@pytest.mark.jit
def test_candidates_come_at_their_rate():
    session = start(delay_ms=(5, 200))
    before = session.world["flow"]["candidates"].item()
    session.run(2_000 * SECOND)
    drawn = session.world["flow"]["candidates"] - before
    expected = 2_000 * session.world["flow"]["total_rate"]
    assert abs(drawn - expected) < 5 * np.sqrt(expected)
