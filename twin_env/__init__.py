"""A digital twin of a live market for training and testing the execution of trading strategies.

Importing this package registers its environments with Gymnasium; the compiled core is
imported when the first one, or the first :class:`Twin`, is made.
"""

from typing import TYPE_CHECKING, Any

from twin_env.envs.registration import register_envs
from twin_env.version import __version__

if TYPE_CHECKING:
    from twin_env.twin.twin import Twin

__all__ = ["Twin", "__version__", "register_envs"]

register_envs()


def __getattr__(name: str) -> Any:
    """Import the running market when it is first asked for: it brings the compiler with it."""
    if name != "Twin":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from twin_env.twin.twin import Twin

    return Twin
