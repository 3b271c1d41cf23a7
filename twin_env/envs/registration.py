"""The environments' names in Gymnasium's registry."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

import gymnasium as gym

if TYPE_CHECKING:
    from twin_env.envs.definition import EnvDefinition

ENVS: Final = {
    "TwinExecution-v0": ("twin_env.envs.execution.env", "TwinExecutionEnv", "TwinExecutionVectorEnv"),
    "TwinTrading-v0": ("twin_env.envs.trading.env", "TwinTradingEnv", "TwinTradingVectorEnv"),
}
DEFAULT_ENV: Final = next(iter(ENVS))


def register_envs() -> None:
    """Register every environment that is not registered yet; calling it again changes nothing."""
    for name, (module, single, vector) in ENVS.items():
        if name not in gym.registry:
            gym.register(name, f"{module}:{single}", vector_entry_point=f"{module}:{vector}")


def definition_of(env_id: str) -> "EnvDefinition":
    """Return what an environment states about itself.

    Raises:
        ValueError: There is no environment of this name.
    """
    if env_id not in ENVS:
        raise ValueError(f"env={env_id!r} is not one of {', '.join(ENVS)}")
    module, single, _ = ENVS[env_id]
    definition: EnvDefinition = getattr(import_module(module), single).definition
    return definition
