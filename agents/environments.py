"""The environments that policies train and play in."""

from typing import Any

import gymnasium as gym

import twin_env  # noqa: F401 - registers them
from twin_env.config import Config


def make_env(name: str, config: Config) -> gym.Env[Any, Any]:
    """Make one environment; its arguments are plain data, so that its spec can be written to JSON."""
    # The checker looks at every step and costs a third of one; the tests run it instead.
    return gym.make(name, config=config.model_dump(mode="json"), disable_env_checker=True)
