"""The parent order that an episode draws."""

import gymnasium as gym
import numpy as np
import pytest

from agents.batteries.rollouts import run_episodes
from agents.policies.registry import make_policy, rules_of
from twin_env.config import ConfigError
from twin_env.envs.execution.config import TaskConfig

NAME = "TwinExecution-v0"
SHORT = {"horizon_s": 20.0, "step_s": 2.0}

pytestmark = pytest.mark.jit


def test_sizes_and_sides_are_drawn_all_as_likely():
    env = gym.make(NAME, market="mgc_poisson", task={"lots": [3, 6]} | SHORT).unwrapped
    drawn = []
    for seed in range(400):
        observation, _ = env.reset(seed=seed)
        drawn.append((int(env.task.lots), int(env.task.side)))
        assert round(env.layout.value(observation, "parent_lots")) == drawn[-1][0]
    counts = np.array([[drawn.count((lots, side)) for side in (1, -1)] for lots in (3, 4, 5, 6)])
    assert counts.sum() == 400
    assert (abs(counts - 50) < 5 * np.sqrt(50 * 7 / 8)).all()


def test_one_number_is_what_it_says_and_draws_nothing_else_differently():
    fixed, drawn = (gym.make(NAME, task={"lots": lots} | SHORT).unwrapped for lots in (5, [5, 5]))
    for seed in range(3):
        assert np.array_equal(fixed.reset(seed=seed)[0], drawn.reset(seed=seed)[0])
        assert int(drawn.task.lots) == 5


@pytest.mark.parametrize("name", rules_of(NAME))
def test_rules_work_whatever_size_they_are_given(name):
    env = gym.make(NAME, task={"lots": [2, 40]} | SHORT)
    episodes = run_episodes(env, make_policy(name, env), range(12))
    assert len({episode.wanted_lots for episode in episodes}) > 6
    for episode in episodes:
        assert episode.info["exec/filled_lots"] == episode.wanted_lots


def test_sizes_of_an_action_are_fractions_of_the_size_drawn():
    env = gym.make(
        NAME, links="instant", task={"lots": [4, 9]} | SHORT, action={"codec": "orders", "sizes": [0.5]}
    ).unwrapped
    for seed in range(8):
        env.reset(seed=seed)
        _, _, _, _, info = env.step(np.array([3, 0, 0]))
        assert info["exec/filled_lots"] == round(0.5 * int(env.task.lots))


@pytest.mark.parametrize("lots", [[5, 2], [0, 3], [1, 2, 3], 0])
def test_sizes_that_make_no_range_are_refused(lots):
    with pytest.raises(ConfigError, match="lots"):
        gym.make(NAME, task={"lots": lots})
    assert TaskConfig(lots=(2, 5)).lots_range == (2, 5)
