"""Rewards of users: one function for the rows of a batch and for the single environment."""

import re

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.conftest import ROOT
from twin_env.envs.custom_reward import CustomReward
from twin_env.envs.sb3 import TwinVecEnv

pytestmark = pytest.mark.jit

NAME = "TwinExecution-v0"
SHORT = {"task": {"lots": 8, "horizon_s": 20.0, "step_s": 2.0}}
ROWS = 3


def net_change(step):
    return step.change("alpha/net")


def play_rows(steps=25, **arguments):
    """Step a batch with random actions: everything it returns, and the environment."""
    env = TwinVecEnv(ROWS, info_level="step", **SHORT, **arguments)
    env.seed(3)
    env.reset()
    rng = np.random.default_rng(4)
    return [env.step(rng.integers(0, env.action_space.nvec, (ROWS, 3))) for _ in range(steps)], env


def test_a_reward_is_made_of_changes_of_the_info_and_sums_to_the_episode():
    played, _ = play_rows(reward=net_change)
    sums, finished = np.zeros(ROWS), 0
    for _, rewards, dones, infos in played:
        assert rewards.dtype == np.float32
        sums += rewards
        for row in np.flatnonzero(dones):
            assert sums[row] == pytest.approx(infos[row]["alpha/net"], rel=1e-5)  # the last info, before the reset
            sums[row], finished = 0.0, finished + 1
    assert finished > ROWS


@pytest.mark.parametrize("env", [NAME, "TwinTrading-v0"])
def test_a_function_that_returns_the_environments_own_rewards_changes_nothing(env):
    task = SHORT if env == NAME else {"task": {"window_s": 20.0, "step_s": 2.0}}
    one, other = (TwinVecEnv(ROWS, env=env, **task, **extra) for extra in ({}, {"reward": lambda step: step.rewards}))
    for rows in (one, other):
        rows.seed(3)
        rows.reset()
    rng = np.random.default_rng(4)
    for _ in range(25):
        actions = rng.integers(0, one.action_space.nvec, (ROWS, len(one.action_space.nvec)))
        left, right = one.step(actions), other.step(actions)
        assert all(np.array_equal(left[part], right[part]) for part in range(3))
        assert [info.keys() for info in left[3]] == [info.keys() for info in right[3]]


def test_a_function_sees_terms_of_the_step_and_which_rows_end():
    seen = []
    played, _ = play_rows(reward=lambda step: seen.append(step) or np.zeros(ROWS))
    for step, (_, rewards, dones, infos) in zip(seen, played, strict=True):
        assert not rewards.any()
        assert np.array_equal(step.terminated | step.truncated, dones)
        for key, values in step.after.items():
            assert values.tolist() == [info[key] for info in infos]
        # The default reward is the first term alone.
        assert step.rewards == pytest.approx(step.after["reward/execution"])
        assert step.change("exec/is_bps") == pytest.approx(-step.after["reward/execution"], abs=1e-9)
    assert any(step.terminated.any() for step in seen)


def test_the_single_environment_gives_what_its_row_gives():
    def reward(step):
        return step.change("alpha/net") - 0.1 * step.terminated

    played, rows = play_rows(steps=10, reward=reward)
    single = CustomReward(gym.make(NAME, **SHORT), reward)
    single.reset(seed=3)
    rng = np.random.default_rng(4)
    for _, rewards, dones, _ in played:
        action = rng.integers(0, rows.action_space.nvec, (ROWS, 3))[0]
        _, given, terminated, truncated, _ = single.step(action)
        assert np.float32(given) == rewards[0]
        assert (terminated or truncated) == dones[0]
        if dones[0]:
            break
    assert dones[0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda step: 1.0, r"returned shape \(\), expected \(3,\)"),
        (lambda step: np.zeros(4), r"returned shape \(4,\), expected \(3,\)"),
        (lambda step: np.array([0.0, np.nan, 0.0]), "returned nan for row 1, expected finite"),
    ],
)
def test_what_is_no_reward_is_refused(function, message):
    with pytest.raises(ValueError, match=message):
        play_rows(steps=1, reward=function)
    with pytest.raises(KeyError, match="alpha/nett"):
        play_rows(steps=1, reward=lambda step: step.change("alpha/nett"))


def test_rows_come_back_to_their_states():
    """Worlds, generators and counted steps: everything after is the same, episodes that begin later too."""
    env = TwinVecEnv(ROWS, max_episode_steps=7, info_level="step", chaos="default", **SHORT)
    env.seed(3)
    env.reset()
    rng = np.random.default_rng(4)
    actions = [rng.integers(0, env.action_space.nvec, (ROWS, 3)) for _ in range(29)]
    for action in actions[:4]:
        env.step(action)
    states = env.get_state()

    def go_on(rows):
        return [[np.asarray(part).tolist() for part in rows.step(action)[:3]] for action in actions[4:]]

    expected = go_on(env)
    other = TwinVecEnv(ROWS, max_episode_steps=7, info_level="step", chaos="default", **SHORT)
    for rows in (env, other):
        rows.set_state(states)
        assert go_on(rows) == expected
    with pytest.raises(ValueError, match="2 entries, expected one for each of the 3 rows"):
        env.set_state(states[:2])


def test_the_example_of_the_page_trains_and_plays(capsys):
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "CustomReward" in block)
    threads = torch.get_num_threads()
    names = {}
    try:
        exec(compile(code, "docs/training.md", "exec"), names)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert names["model"].num_timesteps == 1024
    earned = names["info"]["alpha/net"] - names["info"]["exec/remaining_lots"]
    assert names["total"] <= earned + 1e-9  # messages cost
    assert names["total"] > earned - 1.0
    assert " of reward, net result " in capsys.readouterr().out


def test_every_example_that_trains_sets_the_threads_of_pytorch():
    blocks = [
        (page.name, block)
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        if ".learn(" in block or ".train()" in block
    ]
    assert len(blocks) >= 3
    assert [name for name, block in blocks if "torch.set_num_threads(1)" not in block] == []
