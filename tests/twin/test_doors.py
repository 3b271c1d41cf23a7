"""The same experiment, seed and market give the same events, whichever door they come in by.

Experiments of stated sizes: a chaos run takes sizes that are relative to the market (five times the spread) from its
paired run, an environment and a Twin from the market as it usually is.
"""

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from tests.chaos.worlds import ALL_KINDS
from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.studies.chaos_run.run import LEAD_S, run_experiment
from twin_env.twin import Twin
from twin_env.twin.replay import replay_run
from twin_env.twin.run_file import read_run

pytestmark = pytest.mark.jit

# A chaos run trades a little where a fault needs something of the desk's to act on; a policy that does nothing is
# compared on the others.
FEEDS = [kind for kind in ALL_KINDS if KINDS[kind].plane in ("feed", "clock")]
EXPERIMENTS = [f"{kind}.{severity}" for kind in (*FEEDS, "flash_crash", "flash_rally") for severity in ("mid", "high")]


def test_there_are_twenty():
    assert len(EXPERIMENTS) >= 20
    assert twin_env.Twin is Twin


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_door_gives_the_same_events(name, market, tmp_path):
    experiment = load_experiment(f"library:{name}")
    seed = EXPERIMENTS.index(name)
    run = run_experiment(experiment, market, seed=seed)
    end_ns = run.chaos.twin.now_ns
    expected = run.journal.event_hashes["chaos"]
    if name.startswith("flash"):  # the others are of what the desk sees, and it does nothing
        assert expected != run.journal.event_hashes["calm"]

    with Twin(market, seed=seed, run_file=tmp_path / "a.run") as twin:
        twin.advance(LEAD_S)
        twin.inject(experiment)
        twin.advance_until(end_ns)
    assert f"{twin.event_hash:016x}" == expected
    replayed = replay_run(read_run(tmp_path / "a.run"), planes=0)
    assert replayed.mismatch is None
    assert f"{replayed.twin.event_hash:016x}" == expected

    env = gym.make("TwinExecution-v0", market="mgc_2025", links="retail", task={"horizon_s": 3600, "step_s": 1})
    env.reset(seed=seed)
    nothing = np.zeros(env.action_space.shape, env.action_space.dtype)
    for _ in range(int(LEAD_S)):
        env.step(nothing)
    env.unwrapped.inject(experiment)
    for _ in range(round((end_ns - twin.start_ns) / 1e9 - LEAD_S)):
        env.step(nothing)
    assert int(env.unwrapped.world["now_ns"]) == end_ns
    assert f"{int(env.unwrapped.world['event_hash']):016x}" == expected
    seen = [bytes(world["desk"]) for world in (run.chaos.twin.world, twin.world, env.unwrapped.world)]
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("kind", ["flash_crash", "fat_finger", "feed_disconnect", "spread_widening"])
def test_an_experiment_of_a_reset_is_that_of_a_twin(kind, market):
    env = gym.make("TwinExecution-v0", market="mgc_2025", links="retail", task={"horizon_s": 3600, "step_s": 1})
    env.reset(seed=3, options={"experiment": f"library:{kind}.mid"})
    twin = Twin(market, chaos=f"library:{kind}.mid", seed=3, planes=0)
    nothing = np.zeros(env.action_space.shape, env.action_space.dtype)
    for _ in range(20):
        env.step(nothing)
        twin.advance(1)
        assert int(env.unwrapped.world["event_hash"]) == twin.event_hash
