"""The learners of stable-baselines3 and sb3-contrib train on the environments as they are, without a warning."""

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.env_checker import check_env

from twin_env.envs.sb3 import TwinVecEnv

pytestmark = [pytest.mark.slow, pytest.mark.jit, pytest.mark.filterwarnings("error")]

NAME, TRADING = "TwinExecution-v0", "TwinTrading-v0"
STEPS = 2000
ROWS = 4
TASKS = {NAME: {"lots": 8, "horizon_s": 30.0, "step_s": 2.0}, TRADING: {"window_s": 30.0, "step_s": 2.0}}
ROLLOUT = {"n_steps": 64, "batch_size": 64}
NET = {"net_arch": [16]}


class Learner(NamedTuple):
    """An algorithm, what it is made with, and the codec of actions it can choose."""

    algorithm: Any
    policy: str = "MlpPolicy"
    arguments: dict[str, Any] = {}
    net: dict[str, Any] = {}
    codec: str = "orders"
    env: str = NAME


LEARNERS = {
    "dqn": Learner(DQN, arguments={"learning_starts": 100}, codec="table"),
    "sac_ladder": Learner(SAC, arguments={"learning_starts": 100}, codec="ladder"),
    "dqn_trading": Learner(DQN, arguments={"learning_starts": 100}, codec="positions", env=TRADING),
    "sac_trading": Learner(SAC, arguments={"learning_starts": 100}, codec="target", env=TRADING),
    "maskable_ppo_trading": Learner(MaskablePPO, arguments=ROLLOUT, env=TRADING),
    "maskable_ppo_table": Learner(MaskablePPO, arguments=ROLLOUT, codec="table"),
    "maskable_ppo": Learner(MaskablePPO, arguments=ROLLOUT),
    "recurrent_ppo": Learner(RecurrentPPO, "MlpLstmPolicy", ROLLOUT, net={"lstm_hidden_size": 16}),
    "sac": Learner(SAC, arguments={"learning_starts": 100}, codec="schedule"),
}
ENVS = {
    "rows": lambda name, codec: TwinVecEnv(ROWS, env=name, task=TASKS[name], action={"codec": codec}),
    "made": lambda name, codec: gym.make(name, task=TASKS[name], action={"codec": codec}),
}


@pytest.fixture(autouse=True)
def one_thread():
    """Nets this small are slower on more, on busy cores by far."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(learner, kind):
    env = ENVS[kind](learner.env, learner.codec)
    net = NET | learner.net
    model = learner.algorithm(learner.policy, env, policy_kwargs=net, device="cpu", seed=1, **learner.arguments)
    return model.learn(STEPS)


@pytest.mark.parametrize("kind", ENVS)
@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_a_learner_trains_and_what_it_learned_is_finite(learner, kind):
    model = train(learner, kind)
    assert model.num_timesteps >= STEPS
    assert all(torch.isfinite(value).all() for value in model.policy.parameters())
    envs = model.get_env()
    actions, _ = model.predict(envs.reset(), deterministic=True)
    assert actions.shape == (envs.num_envs, *envs.action_space.shape)


@pytest.mark.parametrize(("name", "codec"), sorted({(learner.env, learner.codec) for learner in LEARNERS.values()}))
def test_the_checker_of_stable_baselines_finds_nothing(name, codec):
    env = ENVS["made"](name, codec)
    check_env(env)
    check_env(env.unwrapped)


@pytest.mark.parametrize("kind", ENVS)
def test_masks_of_the_environment_keep_a_learner_from_choices_that_do_nothing(kind):
    model = train(LEARNERS["maskable_ppo"], kind)
    masks = model.rollout_buffer.action_masks.astype(bool)  # of the last rollout: a row per step
    actions = model.rollout_buffer.actions.astype(int)
    starts = np.concatenate([[0], np.cumsum(model.action_space.nvec)[:-1]])
    masks, actions = masks.reshape(-1, masks.shape[-1]), actions.reshape(-1, actions.shape[-1])
    assert not masks.all()
    assert masks[np.arange(len(masks))[:, None], starts + actions].all()


@pytest.mark.parametrize("kind", ENVS)
def test_a_trained_policy_plays_on_under_masks(kind):
    model = train(LEARNERS["maskable_ppo"], kind)
    envs = model.get_env()
    observations = envs.reset()
    for _ in range(40):
        masks = get_action_masks(envs)
        actions, _ = model.predict(observations, action_masks=masks)
        assert masks[np.arange(len(masks)), actions[:, 0]].all()
        observations, *_ = envs.step(actions)
