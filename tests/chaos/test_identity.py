"""What a fault does not touch stays as it is: before it begins, beside it, and where it never happens."""

from itertools import permutations

import numpy as np
import pytest

from tests.chaos.worlds import ALL_KINDS, experiment, fault, market
from twin_env.chaos.compile import compile_experiment
from twin_env.chaos.journal.trace import STEP_NS
from twin_env.studies.chaos_run.simulate import simulate
from twin_env.twin.baseline import stage_of

pytestmark = pytest.mark.jit

SECOND = 10**9


def played(what, seed=3, seconds=40, busy=True, name="mgc_2025"):
    place = market(name)
    program = None if what is None else compile_experiment(what, stage_of(place))
    return simulate(place, seed, place.first_ns, place.first_ns + seconds * SECOND, program, busy=busy)


def same_bytes(first, second):
    return first.trace.samples.tobytes() == second.trace.samples.tobytes() and np.array_equal(
        first.trace.lots, second.trace.lots
    )


def test_an_experiment_without_a_fault_is_the_plain_market():
    plain, empty = played(None), played(experiment())
    assert same_bytes(plain, empty)
    assert plain.twin.world["event_hash"] == empty.twin.world["event_hash"]
    assert plain.twin.digest == empty.twin.digest


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_at_toxicity_zero_nothing_happens(kind):
    plain, harmless = played(None), played(experiment(fault(kind, toxicity=0.0, when={"at": "offset", "seconds": 5})))
    assert same_bytes(plain, harmless)
    assert plain.twin.world["event_hash"] == harmless.twin.world["event_hash"]
    assert plain.twin.world["event_count"] == harmless.twin.world["event_count"] > 1000


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_nothing_moves_before_a_fault_begins(kind):
    onset = 20
    plain = played(None)
    broken = played(experiment(fault(kind, when={"at": "offset", "seconds": onset})))
    before = onset * SECOND // STEP_NS - 1
    assert plain.trace.samples[:before].tobytes() == broken.trace.samples[:before].tobytes()
    assert int(broken.twin.world["effects"][0]["begun"]) == 1


@pytest.mark.parametrize("kind", ["feed_disconnect", "feed_loss", "feed_delay", "clock_skew", "feed_reordering"])
def test_a_fault_of_the_desks_eyes_leaves_the_exchange_alone(kind):
    plain, blind = (
        played(None, busy=False),
        played(experiment(fault(kind, when={"at": "offset", "seconds": 5})), busy=False),
    )
    for name in ("bid", "ask", "volume", "events", "trades"):
        assert np.array_equal(plain.trace[name], blind.trace[name])


@pytest.mark.parametrize(
    "kinds",
    [
        ("flash_crash", "feed_disconnect"),
        ("spread_widening", "order_delay"),
        ("liquidity_drought", "feed_loss"),
        ("fat_finger", "clock_skew", "reject_storm"),
        ("quote_stuffing", "ack_loss", "feed_delay"),
    ],
)
def test_faults_of_different_planes_commute(kinds):
    faults = [fault(kind, when={"at": "offset", "seconds": 10}) for kind in kinds]
    runs = [played(experiment(*order)) for order in permutations(faults)]
    assert all(same_bytes(runs[0], run) for run in runs[1:])
    assert len({run.twin.digest for run in runs}) == 1


def test_a_fault_of_the_wires_beside_one_of_the_market_changes_nothing_at_the_exchange():
    crash = fault("flash_crash", when={"at": "offset", "seconds": 10})
    cut = fault("feed_disconnect", when={"at": "offset", "seconds": 11})
    alone, both = played(experiment(crash), busy=False), played(experiment(crash, cut), busy=False)
    for name in ("bid", "ask", "volume", "events"):
        assert np.array_equal(alone.trace[name], both.trace[name])


def test_the_same_seed_gives_the_same_bytes():
    what = experiment(fault("chop", duration_s=20), fault("feed_loss", when={"at": "random", "to_s": 10}))
    assert same_bytes(played(what), played(what))
    assert not same_bytes(played(what), played(what, seed=4))


@pytest.mark.parametrize("name", ["mgc_poisson", "thin", "large_tick"])
def test_other_markets_stay_as_they_are_too(name):
    plain = played(None, name=name, busy=False)
    harmless = played(experiment(fault("fat_finger", toxicity=0.0)), name=name, busy=False)
    assert same_bytes(plain, harmless)
