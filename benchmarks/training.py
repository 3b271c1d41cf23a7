"""Steps per second of PPO, and the share of its time that the environment takes."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnvWrapper

from benchmarks.worlds import events_per_simulated_s
from twin_env.envs.sb3 import TwinVecEnv

_ENVS = 64
_STEPS = 65_536


class _Clocked(VecEnvWrapper):
    """Adds up the time spent in the environments."""

    spent_s = 0.0

    def reset(self) -> Any:
        """Reset, with the clock on."""
        start = time.perf_counter()
        result = self.venv.reset()
        self.spent_s += time.perf_counter() - start
        return result

    def step_wait(self) -> Any:
        """Step, with the clock on."""
        start = time.perf_counter()
        result = self.venv.step_wait()
        self.spent_s += time.perf_counter() - start
        return result


def figures() -> Iterator[tuple[str, float]]:
    """Train for a short while on one thread: two threads were 20 to 40 times slower on a busy machine.

    Once with the default task, whose steps of five seconds hold hundreds of events, and once with 50 events a step.
    """
    torch.set_num_threads(1)
    step_s = 50 / events_per_simulated_s()
    for name, task in (("ppo", {}), ("ppo.e50", {"step_s": step_s, "horizon_s": 60 * step_s})):
        envs = _Clocked(TwinVecEnv(_ENVS, task=task) if task else TwinVecEnv(_ENVS))
        model = PPO("MlpPolicy", envs, n_steps=128, batch_size=4096, n_epochs=4, device="cpu", seed=1)
        model.learn(_ENVS * 128)  # warm-up
        envs.spent_s = 0.0
        start = time.perf_counter()
        model.learn(_STEPS)
        seconds = time.perf_counter() - start
        yield f"{name}.steps_per_s", _STEPS / seconds
        yield f"{name}.env_share", envs.spent_s / seconds
