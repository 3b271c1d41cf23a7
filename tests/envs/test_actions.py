"""What actions of all codecs promise, for either side."""

import gymnasium as gym
import numpy as np
import pytest

import twin_env

pytestmark = pytest.mark.jit
assert twin_env


def make(env, **overrides):
    return gym.make(env, **{"market": "mgc_poisson", "links": "instant"} | overrides).unwrapped


def requests(env, action):
    """Return how many requests an action sends."""
    before = int(env.world.order_link.pushed)
    env.step(action)
    return int(env.world.order_link.pushed) - before


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_schedule_at_rest_trades_nothing_whatever_was_cut_before(side):
    task = {"side": side, "lots": 500, "step_s": 2.0, "max_participation": 0.05}
    env = make("TwinExecution-v0", task=task, action={"codec": "schedule", "max_participation": 1.0})
    most, none = np.array([1.0], np.float32), np.array([-1.0], np.float32)
    env.reset(seed=1)
    assert sum(requests(env, most) for _ in range(10)) > 0  # of twenty times what the task lets pass
    assert 0 <= env.task.carry < 1
    assert sum(requests(env, none) for _ in range(10)) == 0
