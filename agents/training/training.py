"""From a training configuration to environments and a model."""

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from agents.training.config import TrainConfig
from agents.training.curriculum_callback import CurriculumCallback
from twin_env.chaos.sampling.randomisation import SamplerConfig
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import ConfigError
from twin_env.envs.registration import definition_of
from twin_env.envs.sb3 import TwinVecEnv
from twin_env.files import whole_file

ALGORITHMS: Final[dict[str, type[BaseAlgorithm]]] = {"ppo": PPO, "a2c": A2C, "sac": SAC, "dqn": DQN}
_OURS: Final = {"self", "policy", "env", "seed", "verbose", "device", "tensorboard_log", "_init_setup_model"}
_SCHEDULES: Final = ("learning_rate", "clip_range")
_LINEAR: Final = re.compile(r"lin_\d*\.?\d+([eE][-+]?\d+)?")
_RANGES: Final = (  # what stable-baselines3 does not check itself
    (("n_steps", "n_epochs", "batch_size", "buffer_size", "target_update_interval"), 1, math.inf, "at least 1"),
    (("gamma", "gae_lambda", "tau"), 0, 1, "a number from 0 to 1"),
)
_KINDS: Final = (  # of the default, of what may replace it
    (bool, (bool,), "true or false"),
    (int, (int,), "an integer"),
    (float, (int, float), "a number"),
)


def make_training_envs(
    config: TrainConfig, curriculum_callback: CurriculumCallback | None = None
) -> VecMonitor | VecNormalize:
    """Make the environments to train in: rows of one batch, with the experiments that a curriculum chooses.

    Observations come scaled from the environment, and named: they are left alone. Rewards are basis
    points of the parent's notional, mostly far below 1, and their size depends on the market and the
    task. Dividing them by a running deviation of the return lets one set of hyperparameters serve all.
    """
    rows = TwinVecEnv(config.n_envs, config.env_config, env=config.env)
    if curriculum_callback is not None:
        curriculum_callback.attach(rows)
    venv = VecMonitor(rows)
    if not (config.normalize_observations or config.normalize_rewards):
        return venv
    gamma = config.hyperparams.get("gamma", 0.99)
    return VecNormalize(venv, norm_obs=config.normalize_observations, norm_reward=config.normalize_rewards, gamma=gamma)


def make_curriculum_callback(config: TrainConfig) -> CurriculumCallback | None:
    """Return the callback that chooses experiments while the policy learns; ``None`` without a curriculum."""
    chaos = config.env_config.chaos
    if config.curriculum is None or not isinstance(chaos, SamplerConfig):
        return None
    horizon_s = definition_of(config.env).horizon_s(config.env_config)
    seed = episode_seeds(config.seed, "curriculum", 1)[0]
    return CurriculumCallback(config.curriculum, Sampler(chaos), horizon_s, seed, config.n_envs)


def check_device(device: str) -> str:
    """Return a device that PyTorch can compute on; ``auto`` becomes ``cuda`` where there is one, else ``cpu``.

    stable-baselines3 takes the CPU where there is no CUDA, and says nothing: who asks for it by name wants to know.

    Raises:
        ConfigError: There is no such device here.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(
            [f"--device is {device!r}, and PyTorch {torch.__version__} finds no CUDA here, expected cpu or auto."]
        )
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ConfigError([f"--device is {device!r}, expected cpu, cuda or auto ({reason})."]) from None
    return device


def make_model(config: TrainConfig, venv: VecMonitor | VecNormalize, device: str, verbose: int) -> BaseAlgorithm:
    """Make the model, its weights drawn from the run's seed.

    Raises:
        ConfigError: A hyperparameter is unknown or refused.
    """
    algorithm = ALGORITHMS[config.algo]
    arguments = {name: _argument(config.algo, name, value) for name, value in config.hyperparams.items()}
    try:
        model = algorithm(config.policy_class, venv, seed=config.seed, device=device, verbose=verbose, **arguments)
    except (AssertionError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            [f"{config.algo}: {str(error).splitlines()[0]} (hyperparams {config.hyperparams})."]
        ) from error
    # Not seed, seed + 1, ...: those name the episodes that evaluations play.
    venv.seed(episode_seeds(config.seed, "training", 1)[0])
    return model


def episode_seeds(seed: int, purpose: str, count: int) -> list[int]:
    """Derive seeds of episodes from the seed of a run; purposes do not share any (but by chance, 1 in 2^32)."""
    sequence = np.random.SeedSequence([seed, *purpose.encode()])
    return [int(state) for state in sequence.generate_state(count)]


def save_whole(save: Callable[[Path], None], path: Path) -> None:
    """Call a library's own function that saves to a path, so that whoever reads ``path`` finds it whole."""
    with whole_file(path) as draft:
        save(draft)


def _argument(algo: str, name: str, value: Any) -> Any:
    """Check one hyperparameter against the algorithm's signature, and return what the algorithm takes."""
    known = {key: spec for key, spec in inspect.signature(ALGORITHMS[algo]).parameters.items() if key not in _OURS}
    if name not in known:
        raise ConfigError([f"hyperparams: {name} is an unknown key for {algo}, expected one of {', '.join(known)}."])
    if name in _SCHEDULES and isinstance(value, str) and _LINEAR.fullmatch(value):
        return LinearSchedule(float(value.removeprefix("lin_")), 0.0, 1.0)
    for names, low, high, expected in _RANGES:
        if name in names and isinstance(value, int | float) and not low <= value <= high:
            raise ConfigError([f"hyperparams: {name} is {value!r}, expected {expected}."])
    for kind, types, expected in _KINDS:
        if type(known[name].default) is kind and type(value) not in types:
            raise ConfigError([f"hyperparams: {name} is {value!r}, expected {expected}."])
    return value
