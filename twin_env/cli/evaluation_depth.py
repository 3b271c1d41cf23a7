"""What ``twin evaluate --depth-maps`` adds to TensorBoard: the worst episode of each policy as a picture."""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twin_env.extras import missing

if TYPE_CHECKING:
    from agents.training.config import TrainConfig
    from twin_env.alpha.results import Result

_NEEDED: Final = ("tensorboard", "matplotlib", "polars")


def check_depth_maps(arguments: argparse.Namespace) -> None:
    """Refuse before anything is played what could not be drawn.

    Raises:
        ValueError: A package is not installed.
    """
    for package in _NEEDED if arguments.depth_maps else ():
        if find_spec(package) is None:
            raise ValueError(f"--depth-maps: {missing(package)}.")


def write_depth_maps(
    arguments: argparse.Namespace, config: "TrainConfig", names: Sequence[str], results: "Sequence[Result]", run: Path
) -> None:
    """Draw the worst episode of each policy into its folder of the run, at the step of its other figures.

    Args:
        arguments: Of the command.
        config: Of the environment.
        names: Of the policies, as they were typed.
        results: What they reached, in the same order.
        run: Folder of the evaluation.
    """
    if not arguments.depth_maps:
        return
    from agents.batteries.depth_maps import depth_map_of
    from twin_env.report.tensorboard import DEPTH_MAP, write_image

    for name, result in zip(names, results, strict=True):
        seed = result.worst.seed
        pixels = depth_map_of(config, name, seed, arguments.seed, arguments.device)
        write_image(run / result.policy, f"{DEPTH_MAP}/seed_{seed}", pixels, max(1, result.timesteps))
