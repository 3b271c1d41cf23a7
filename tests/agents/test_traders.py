"""Rules of the trading environment: each does what it says, through every codec."""

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from agents.batteries.rollouts import run_episode, run_episodes
from agents.policies.breakout import RANGE
from agents.policies.cross import SLOW
from agents.policies.registry import make_policy, rules_for, rules_of
from twin_env.config import ConfigError

assert twin_env
NAME = "TwinTrading-v0"
CODECS = ["orders", "target", "positions"]
POSITION = pytest.mark.parametrize("name", [name for name in rules_of(NAME) if name != "random_trader"])

pytestmark = pytest.mark.jit


def make(codec="target", links="instant", **task):
    window = {"window_s": 300.0, "step_s": 1.0, "flat_at_close": False} | task
    return gym.make(NAME, links=links, action={"codec": codec}, task=window)


def positions(env, name, seed):
    """Play an episode; return the wanted mids in ticks since the start, and the positions held after each step."""
    policy, world = make_policy(name, env), env.unwrapped
    observation, _ = env.reset(seed=seed)
    state, start, mids, held, over = None, np.array([True]), [], [], False
    while not over:
        mids.append(world.layout.value(observation, "drift_ticks"))
        actions, state = policy.predict(observation[None], state, start)
        observation, _, over, _, info = env.step(actions[0])
        start = np.array([False])
        held.append(int(info["trade/position_lots"]))
    return np.array(mids), np.array(held)


@pytest.mark.parametrize("codec", CODECS)
def test_every_rule_plays_through_every_codec(codec):
    env = make(codec, "retail")
    assert rules_for(env) == rules_of(NAME)
    for name in rules_for(env):
        for episode in run_episodes(env, make_policy(name, env), range(2)):
            episode.check_sums()
            assert env.action_space.contains(make_policy(name, env).predict(env.reset(seed=1)[0])[0])


def test_rules_of_one_environment_are_refused_in_another():
    with pytest.raises(ConfigError, match=r"'breakout' plays in TwinTrading-v0, and this is TwinExecution-v0"):
        make_policy("breakout", gym.make("TwinExecution-v0"))


def test_flat_does_nothing():
    episode = run_episode(make(), make_policy("flat", make()), 3)
    assert set(episode.parts_micro) == {0} and episode.wanted_lots == 0


@pytest.mark.parametrize("codec", CODECS)
def test_breakout_holds_the_side_on_which_the_range_was_left(codec):
    env, traded = make(codec), 0
    for seed in range(6):
        mids, held = positions(env, "breakout", seed)
        opening = mids[: int(RANGE * 300) + 1]
        high, low, side = max(opening.max(), 0.0), min(opening.min(), 0.0), 0
        for step in range(len(opening), len(mids)):
            side = 1 if mids[step] > high + 1 else -1 if mids[step] < low - 1 else side
            closing = (300 - step) / 300 <= 0.02
            if codec != "orders":  # which goes from one side to the other in two orders
                assert held[step] == (0 if closing else side)
        assert not held[: len(opening)].any()
        traded += abs(held).max()
    assert traded >= 4


def test_cross_follows_the_faster_average():
    mids, held = positions(make(), "cross", 2)
    fast = slow = 0.0
    for step, mid in enumerate(mids):
        fast, slow = fast + (mid - fast) / 12.0, slow + (mid - slow) / 60.0
        expected = 0 if step + 1 < SLOW else 1 if fast > slow else -1
        assert held[step] == expected
    assert {1, -1} <= set(held)


@POSITION
def test_batches_decide_as_single_observations_do(name):
    env = make()
    policy = make_policy(name, env)
    rows = np.stack([env.reset(seed=seed)[0] for seed in range(3)])
    actions, _ = policy.predict(rows)
    assert np.array_equal(actions, np.stack([make_policy(name, env).predict(row)[0] for row in rows]))
