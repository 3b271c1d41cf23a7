"""The environments' names in Gymnasium's registry."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

import gymnasium as gym

if TYPE_CHECKING:
    from twin_env.envs.definition import Face

ENVS: Final = {
    "TwinExecution-v0": ("twin_env.envs.execution.env", "TwinExecutionEnv", "TwinExecutionVectorEnv"),
    "TwinTrading-v0": ("twin_env.envs.trading.env", "TwinTradingEnv", "TwinTradingVectorEnv"),
}


def register_envs() -> None:
    """Register every environment that is not registered yet; calling it again changes nothing."""
    for name, (module, single, vector) in ENVS.items():
        if name not in gym.registry:
            gym.register(name, f"{module}:{single}", vector_entry_point=f"{module}:{vector}")


def face_of(name: str) -> "Face":
    """Return what a batch of an environment is made of.

    Raises:
        ValueError: There is no environment of this name.
    """
    if name not in ENVS:
        raise ValueError(f"env={name!r} is not one of {', '.join(ENVS)}")
    module, single, _ = ENVS[name]
    face: Face = getattr(import_module(module), single).face
    return face
