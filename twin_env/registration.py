"""The environments' names in Gymnasium's registry."""

import gymnasium as gym

ENVS = {"TwinExecution-v0": ("twin_env.envs.execution:TwinExecutionEnv", "twin_env.envs.vector:TwinVectorEnv")}


def register_envs() -> None:
    """Register every environment that is not registered yet; calling it again changes nothing."""
    for name, (entry_point, vector_entry_point) in ENVS.items():
        if name not in gym.registry:
            gym.register(name, entry_point, vector_entry_point=vector_entry_point)
