"""A digital twin of a live market for training and testing the execution of trading strategies.

Importing this package registers its environments with Gymnasium; the compiled core is
imported when the first one is made.
"""

from twin_env.envs.registration import register_envs
from twin_env.version import __version__

__all__ = ["__version__", "register_envs"]

register_envs()
