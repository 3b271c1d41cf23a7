"""The extras of this distribution: which optional package comes with which."""

from typing import Final

EXTRAS: Final = {
    "cma": "search",
    "databento_dbn": "data",
    "matplotlib": "plot",
    "moviepy": "video",
    "polars": "data",
    "pydantic_ai": "llm",
    "ray": "ray",
    "sb3_contrib": "contrib",
    "stable_baselines3": "train",
    "tensorboard": "train",
    "torch": "train",
    "tqdm": "train",
    "zstandard": "data",
}
"""By the name it is imported by."""


def missing(package: str) -> str:
    """Return a sentence without its full stop: a package is missing, and how to install it."""
    return f'{package} is not installed, expected it: pip install "twin-env[{EXTRAS[package]}]"'
