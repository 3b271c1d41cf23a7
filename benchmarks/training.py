"""Steps per second of PPO, and the share of its time that the environment takes."""

import time
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import twin_env

assert twin_env  # registers the environments

_ENVS = 16
_STEPS = 16_384


class _Clocked(gym.Wrapper[Any, Any, Any, Any]):
    """Adds up the time spent in the environment."""

    spent_s = 0.0

    def step(self, action: Any) -> Any:
        """Step, with the clock on."""
        start = time.perf_counter()
        result = self.env.step(action)
        _Clocked.spent_s += time.perf_counter() - start
        return result

    def reset(self, **options: Any) -> Any:
        """Reset, with the clock on."""
        start = time.perf_counter()
        result = self.env.reset(**options)
        _Clocked.spent_s += time.perf_counter() - start
        return result


def figures() -> Iterator[tuple[str, float]]:
    """Train for a short while on one thread: two threads were 20 to 40 times slower on a busy machine."""
    torch.set_num_threads(1)
    envs = DummyVecEnv([lambda: _Clocked(gym.make("TwinExecution-v0")) for _ in range(_ENVS)])
    model = PPO("MlpPolicy", envs, n_steps=256, batch_size=1024, n_epochs=4, device="cpu", seed=1)
    model.learn(_ENVS * 256)  # warm-up
    _Clocked.spent_s = 0.0
    start = time.perf_counter()
    model.learn(_STEPS)
    seconds = time.perf_counter() - start
    yield "ppo.steps_per_s", _STEPS / seconds
    yield "ppo.env_share", _Clocked.spent_s / seconds
