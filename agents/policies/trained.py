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
from agents.training.runs import STATISTICS, find_model, read_run_config
from agents.training.training import ALGORITHMS, check_device
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
        note: What a reader should know of where it came from, one sentence; empty for nothing.
    """

    def __init__(self, model: BaseAlgorithm, statistics: VecNormalize | None = None, note: str = "") -> None:
        self.model = model
        self.statistics = statistics
        self.note = note

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
        path: A run's folder, which plays its ``model.zip``, or what :func:`agents.training.runs.find_model` finds in a
            run that has not finished; or any zip file that a model was saved to. ``config.yml`` beside it names the
            algorithm (PPO without it), and ``vecnormalize.pkl`` in it or beside it holds the statistics. Models
            and statistics can run code when they are loaded: load only what you trust.
        env: Where it will act.
        device: Where it computes.

    Raises:
        ConfigError: There is no model, it cannot be read, or it was trained for other spaces.
    """
    source = find_model(path)
    file = source.file
    if not zipfile.is_zipfile(file):
        raise ConfigError([f"{file}: is no zip file, expected a model saved by stable-baselines3."])
    config = read_run_config(path)
    algorithm = ALGORITHMS[config.algo if config else "ppo"]
    try:
        model = algorithm.load(file, device=check_device(device))
    except _DAMAGED as error:
        raise ConfigError([f"{file}: cannot be loaded ({error}), expected a {algorithm.__name__} model."]) from error
    for name in ("observation_space", "action_space"):
        trained, found = getattr(model, name), getattr(env, name)
        if trained != found:
            raise ConfigError(
                [f"{file}: was trained with {name} {_brief(trained)}, the environment has {_brief(found)}."]
            )
    return TrainedPolicy(model, _load_statistics(file, env), source.note)


def _load_statistics(model: Path, env: gym.Env[Any, Any]) -> VecNormalize | None:
    """Return the statistics in a model's zip file, else those beside it."""
    beside = model.parent / STATISTICS
    with zipfile.ZipFile(model) as archive:
        inside = STATISTICS in archive.namelist()
        if not inside and not beside.is_file():
            return None
        file = model / STATISTICS if inside else beside
        try:
            statistics: VecNormalize = pickle.loads(archive.read(STATISTICS) if inside else beside.read_bytes())
            statistics.set_venv(DummyVecEnv([lambda: env]))
        except _DAMAGED as error:
            raise ConfigError(
                [f"{file}: cannot be loaded ({error}), expected statistics saved by twin train."]
            ) from error
    statistics.training = False
    return statistics if statistics.norm_obs else None


def _brief(space: gym.Space[Any]) -> str:
    return f"Box{space.shape}" if isinstance(space, gym.spaces.Box) else str(space)
