"""Rewards that users write: the same function serves the rows of a batch and a single environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.envs.batch import Batch

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Transition:
    """One step of every row, as it was before the rows that ended are reset.

    Attributes:
        rewards: What the environment itself would give, float64 of shape ``(n_envs,)``.
        before: Info before the step: by its key, float64 of shape ``(n_envs,)``.
        after: Info after the step, likewise. Amounts (``alpha/...``, ``exec/...``) are cumulative over the episode; the
            terms ``reward/...`` are those of this step, unweighted.
        terminated: Whether the row's task is over, bool of shape ``(n_envs,)``.
        truncated: Whether data or steps ran out, likewise.
    """

    rewards: Floats
    before: Mapping[str, Floats]
    after: Mapping[str, Floats]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]

    def change(self, key: str) -> Floats:
        """Return by how much the info changed in this step, float64 of shape ``(n_envs,)``."""
        change: Floats = self.after[key] - self.before[key]
        return change


RewardFunction = Callable[[Transition], Any]
"""Takes a step of all rows and returns one float for each."""


def custom_rewards(
    function: RewardFunction,
    batch: Batch,
    before: Floats,
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> Floats:
    """Return a function's rewards for the step that a batch has just made.

    Args:
        function: The user's.
        batch: After the step, before any row is reset.
        before: Its infos before the step, float64 of shape ``(n_envs, keys)``.
        terminated: Bool of shape ``(n_envs,)``.
        truncated: Bool of shape ``(n_envs,)``.

    Returns:
        float64 of shape ``(n_envs,)``.

    Raises:
        ValueError: The function returned something else than one finite number for each row.
    """
    keys = batch.definition.info.keys
    step = Transition(
        batch.rewards.copy(),
        dict(zip(keys, before.T, strict=True)),
        dict(zip(keys, batch.infos.copy().T, strict=True)),
        terminated.copy(),
        truncated.copy(),
    )
    rewards = np.asarray(function(step), np.float64)
    if rewards.shape != (batch.count,):
        raise ValueError(f"reward() returned shape {rewards.shape}, expected ({batch.count},): a number for each row")
    bad = np.flatnonzero(~np.isfinite(rewards))
    if len(bad):
        raise ValueError(f"reward() returned {rewards[bad[0]]} for row {bad[0]}, expected finite numbers")
    return rewards


class CustomReward(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """A single environment with another reward: arrays of its function have one row.

    Args:
        env: One of twin_env's, wrapped or not.
        reward: As of :class:`twin_env.envs.sb3.TwinVecEnv`.
    """

    def __init__(self, env: gym.Env[Any, Any], reward: RewardFunction) -> None:
        gym.utils.RecordConstructorArgs.__init__(self, reward=reward)
        gym.Wrapper.__init__(self, env)
        self.reward = reward

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step the environment and replace its reward.

        Raises:
            ValueError: The function returned something else than one finite number.
        """
        world: Any = self.unwrapped
        before = world.batch.infos.copy()
        observation, _, terminated, truncated, info = self.env.step(action)
        ends = np.array([terminated]), np.array([truncated])
        reward = custom_rewards(self.reward, world.batch, before, *ends)[0]
        return observation, float(reward), terminated, truncated, info
