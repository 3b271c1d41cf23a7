"""A world is its bytes: copies, resets and pickles."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.core.session import Session
from tests.core.soundness import assert_sound
from tests.core.traders import RandomTrader, random_tape
from tests.core.worlds import (
    DRIVEN,
    FLOW_START,
    LINKS,
    MS,
    SECOND,
    START_NS,
    book_template,
    flow_template,
    tape_template,
    to_tape,
)
from twin_env.core.state import world as world_module
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import HISTORY, SYNTHETIC, Profile, world_dtype


def flow_session(seed=3):
    return Session(flow_template(delay_ms=(1, 90), taker_fee_micro=700_000), seed=seed, **FLOW_START)


def tape_session(seed=3):
    return Session(tape_template(delay_ms=(1, 90)), to_tape(random_tape(1)), seed=seed)


ROOT = Path(__file__).resolve().parents[2]

KINDS = pytest.mark.parametrize("make", [flow_session, tape_session])


def trade(session, trader, steps):
    for _ in range(steps):
        trader.act()
        session.run(100 * MS)


@KINDS
def test_a_copy_goes_on_byte_for_byte(make):
    session = make()
    trader = RandomTrader(session, 5)
    trade(session, trader, 60)
    twin = session.fork()
    assert twin.worlds.tobytes() == session.worlds.tobytes()
    twin_trader = RandomTrader.__new__(RandomTrader)
    vars(twin_trader).update(vars(trader), session=twin, rng=pickle.loads(pickle.dumps(trader.rng)))
    trade(session, trader, 60)
    trade(twin, twin_trader, 60)
    assert session.world["ledger"]["fills"] > 3
    assert twin.worlds.tobytes() == session.worlds.tobytes()


@KINDS
def test_a_copy_and_its_source_do_not_touch_each_other(make):
    session = make()
    twin = session.fork()
    before = world_module.digest(session.worlds)
    twin.run(10 * SECOND)
    assert world_module.digest(session.worlds) == before
    assert world_module.digest(twin.worlds) != before


@KINDS
def test_starting_a_used_world_leaves_nothing_of_its_past(make):
    fresh, used = make(3), make(4)
    trade(used, RandomTrader(used, 1), 100)
    used.world["free_order"] = (-7, -7, -7)  # even what no rule would leave behind
    template = flow_template(delay_ms=(1, 90), taker_fee_micro=700_000)
    arguments = FLOW_START
    if make is tape_session:
        template, arguments = tape_template(delay_ms=(1, 90)), {"tape": used.tape}
    world_module.start_world(used.worlds, 0, template, seed=3, start_ns=START_NS, **arguments)
    assert (world_module.raw(used.worlds) == world_module.raw(fresh.worlds)).all()


def test_worlds_of_one_array_are_worlds_of_their_own():
    template = flow_template(delay_ms=(1, 90))
    several = world_module.create_worlds(DRIVEN, 3)
    for index in (2, 0, 1):
        world_module.start_world(several, index, template, seed=index, start_ns=START_NS, **FLOW_START)
    for index in range(3):
        alone = Session(template, seed=index, **FLOW_START)
        assert world_module.digest(several, index) == world_module.digest(alone.worlds)
        assert_sound(several[index])


@KINDS
def test_a_pickled_world_goes_on_byte_for_byte(make):
    session = make()
    trade(session, RandomTrader(session, 2), 20)
    twin = session.fork()
    twin.worlds = pickle.loads(pickle.dumps(session.worlds))
    assert type(twin.worlds) is type(session.worlds)
    assert twin.worlds.tobytes() == session.worlds.tobytes()
    session.run(5 * SECOND)
    twin.run(5 * SECOND)
    assert twin.worlds.tobytes() == session.worlds.tobytes()


def busy_digest():
    """A few seconds of a market with a desk that does everything, as a hash of every byte."""
    start = {**FLOW_START, "warm_up_ns": 3 * SECOND}
    session = Session(flow_template(delay_ms=(1, 90), taker_fee_micro=700_000), seed=3, **start)
    trade(session, RandomTrader(session, 3), 60)
    assert session.world["ledger"]["fills"] > 3
    return world_module.digest(session.worlds)


@pytest.mark.jit
def test_uncompiled_kernels_make_the_same_world_byte_for_byte():
    script = "from tests.core.test_world import busy_digest; print(busy_digest())"
    command = [sys.executable, "-W", "ignore:overflow encountered", "-c", script]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == busy_digest()


def test_the_digest_sees_every_byte():
    session = flow_session()
    digest, raw = world_module.digest(session.worlds), world_module.raw(session.worlds)
    for place in np.random.default_rng(1).integers(0, raw.shape[1], 20):
        raw[0, place] ^= 1
        assert world_module.digest(session.worlds) != digest
        raw[0, place] ^= 1
    assert world_module.digest(session.worlds) == digest


def test_a_template_is_an_empty_world():
    for template in (book_template(), flow_template(), tape_template()):
        assert_sound(template[0])
        assert template[0]["live_orders"] == 0


def test_a_started_world_mirrors_its_book():
    session = flow_session()
    assert session.mirror(1) == [(price, lots) for price, lots, _ in session.depth(1)]
    assert session.desk["mid"] == session.mid_half_ticks
    assert session.desk["feed_ns"] == session.desk["received_ns"] == START_NS


def test_a_started_world_has_nothing_on_its_wires():
    """Nor anything that the first message would have to wait for."""
    session = flow_session()
    for name in LINKS:
        link = session.world[name]
        assert (link["pushed"], link["departed"], link["popped"]) == (0, 0, 0)
        assert (link["next_ns"], link["last_ns"]) == (NEVER_NS, 0)
        assert (link["lost"], link["conflated"]) == (0, 0)


@pytest.mark.parametrize("tape_orders", [-1, SYNTHETIC.orders + 1])
def test_a_template_with_more_tape_orders_than_room_is_refused(tape_orders):
    with pytest.raises(ValueError, match=f"tape_orders={tape_orders}"):
        world_module.create_template(SYNTHETIC, tape_orders)


def test_a_ring_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="market_data=100"):
        Profile("odd", orders=1, levels=1, stops=1, market_data=100)


def test_records_have_no_hidden_size():
    """A synthetic world fits the processor's cache; a profile that grows past that should be noticed."""
    assert world_dtype(SYNTHETIC).itemsize <= 64 * 1024
    assert world_dtype(HISTORY).itemsize < 32 * 1024**2
