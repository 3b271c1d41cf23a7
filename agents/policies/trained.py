"""Trained models as policies."""

import pickle
import zipfile
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from agents.policies.policy import Observation, State
from agents.training.runs import MODEL, STATISTICS, read_run_config
from agents.training.training import ALGORITHMS
from twin_env.config import ConfigError

_DAMAGED: Final = (  # what loading something else, or half of it, ends in
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


class TrainedPolicy:
    """A model with the statistics its observations are normalised by.

    Attributes:
        model: The stable-baselines3 model.
        statistics: ``None`` when observations are taken as they are.
    """

    def __init__(self, model: BaseAlgorithm, statistics: VecNormalize | None = None) -> None:
        self.model = model
        self.statistics = statistics

    @property
    def timesteps(self) -> int:
        """Steps it was trained for."""
        return int(self.model.num_timesteps)

    def predict(
        self,
        observation: Observation,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], State]:
        """See :class:`agents.policies.policy.Policy`."""
        if self.statistics is not None:
            observation = self.statistics.normalize_obs(observation)
        return self.model.predict(observation, state, episode_start, deterministic)


def load_policy(path: Path, env: gym.Env[Any, Any], device: str = "cpu") -> TrainedPolicy:
    """Load a trained model.

    Args:
        path: A run's folder, which plays its ``model.zip``, or any zip file that a model was saved to.
            Beside it, ``config.yml`` names the algorithm (PPO without it) and ``vecnormalize.pkl`` holds
            the statistics. Both files can run code when they are loaded: load only what you trust.
        env: Where it will act.
        device: Where it computes.

    Raises:
        ConfigError: There is no model, it cannot be read, or it was trained for other spaces.
    """
    file = path / MODEL if path.is_dir() else path
    if not file.is_file():
        raise ConfigError([f"{file}: there is no such file, expected a trained model."])
    if not zipfile.is_zipfile(file):
        raise ConfigError([f"{file}: is no zip file, expected a model saved by stable-baselines3."])
    config = read_run_config(path)
    algorithm = ALGORITHMS[config.algo if config else "ppo"]
    try:
        model = algorithm.load(file, device=device)
    except _DAMAGED as error:
        raise ConfigError([f"{file}: cannot be loaded ({error}), expected a {algorithm.__name__} model."]) from error
    for name in ("observation_space", "action_space"):
        trained, found = getattr(model, name), getattr(env, name)
        if trained != found:
            raise ConfigError(
                [f"{file}: was trained with {name} {_brief(trained)}, the environment has {_brief(found)}."]
            )
    return TrainedPolicy(model, _load_statistics(file.parent / STATISTICS, env))


def _load_statistics(file: Path, env: gym.Env[Any, Any]) -> VecNormalize | None:
    if not file.is_file():
        return None
    try:
        statistics = VecNormalize.load(str(file), DummyVecEnv([lambda: env]))
    except _DAMAGED as error:
        raise ConfigError([f"{file}: cannot be loaded ({error}), expected statistics saved by train.py."]) from error
    statistics.training = False
    return statistics if statistics.norm_obs else None


def _brief(space: gym.Space[Any]) -> str:
    return f"Box{space.shape}" if isinstance(space, gym.spaces.Box) else str(space)
