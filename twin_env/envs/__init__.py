"""Gymnasium environments on the world of ``twin_env.core``.

``EnvDefinition`` and ``definition_of`` are loaded when they are first asked for: ``import twin_env`` stays light.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin_env.envs.definition import EnvDefinition
    from twin_env.envs.registration import definition_of

__all__ = ["EnvDefinition", "definition_of"]


def __getattr__(name: str) -> Any:
    if name == "EnvDefinition":
        from twin_env.envs.definition import EnvDefinition

        return EnvDefinition
    if name == "definition_of":
        from twin_env.envs.registration import definition_of

        return definition_of
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
