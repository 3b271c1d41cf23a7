"""The luck in a shortfall: named, free of the policy, and most of its noise."""

import itertools

import gymnasium as gym
import numpy as np
import pytest

from agents.batteries.rollouts import run_episodes
from agents.policies.registry import make_policy
from twin_env.alpha.results import Result

NAME = "TwinExecution-v0"
TASK = {"lots": 20, "horizon_s": 60, "step_s": 2}


def episode(env, seed, action, options=None):
    """Play one action; return what each step showed: reward, info and the efficient price."""
    _, info = env.reset(seed=seed, options=options)
    shown, over = [(0.0, info, env.world.efficient_price.efficient_ticks)], False
    while not over:
        _, reward, terminated, truncated, info = env.step(action)
        shown.append((reward, info, env.world.efficient_price.efficient_ticks))
        over = terminated or truncated
    return shown


@pytest.mark.jit
@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_drift_is_the_efficient_price_on_lots_that_wait(side, sign):
    env = gym.make(NAME, task=TASK | {"leftover": "mark"}, reward={"drift": 0.5}).unwrapped
    shown = episode(env, 3, [0, 0, 0], {"side": side})
    decision = env.task.start_mid / 2
    for (_, before, _), (reward, after, price) in itertools.pairwise(shown):
        luck_bps = sign * (price - shown[0][2]) / decision * 1e4
        assert after["exec/drift_bps"] == pytest.approx(luck_bps, abs=1e-9)
        assert after["reward/drift"] == pytest.approx(after["exec/drift_bps"] - before["exec/drift_bps"], abs=1e-9)
        assert reward == pytest.approx(after["reward/execution"] + 0.5 * after["reward/drift"], abs=1e-9)
    assert shown[0][1]["exec/drift_bps"] == 0.0
    assert len({price for _, _, price in shown}) == len(shown)


@pytest.mark.jit
def test_lots_that_are_filled_have_no_more_drift():
    env = gym.make(NAME, task=TASK | {"lots": 2}, links="instant").unwrapped
    env.reset(seed=3)
    info = env.step([3, 0, 4])[-1]
    assert info["exec/remaining_lots"] == 0
    assert info["exec/drift_bps"] == 0.0


@pytest.mark.jit
@pytest.mark.parametrize("policy", ["pov", "twap", "twap_passive"])
def test_drift_has_mean_zero_and_takes_the_noise_out_of_the_shortfall(policy):
    env = gym.make(NAME, task=TASK)
    result = Result(policy, run_episodes(env, make_policy(policy, env, 0), range(200)))
    drift = result.values("exec/drift_bps")
    assert abs(drift.mean()) < 4.0 * drift.std() / np.sqrt(len(drift))
    assert result.without_drift_bps.var() < 0.25 * result.values("exec/is_bps").var()


@pytest.mark.jit
def test_a_market_without_an_efficient_price_has_no_drift():
    env = gym.make(NAME, market="mgc_poisson", task=TASK).unwrapped
    assert all(info["exec/drift_bps"] == info["reward/drift"] == 0.0 for _, info, _ in episode(env, 3, [0, 0, 0]))
