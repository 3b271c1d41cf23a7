"""The depth map of one episode of a policy: it is played once more, recorded, and drawn."""

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agents.batteries.rollouts import run_episode
from agents.environments import make_env
from agents.policies.registry import make_policy
from agents.training.config import TrainConfig
from twin_env.envs.recording import RecordEpisodes
from twin_env.envs.recording.depth_map import draw_depth_map

_SIZE_PX: Final = (1200, 675)


def depth_map_of(config: TrainConfig, policy: str, seed: int, policy_seed: int, device: str) -> NDArray[np.uint8]:
    """Return the picture of an episode: uint8 of shape ``(height, width, 3)``.

    Args:
        config: Names the environment, and says how it is made.
        policy: As it was typed.
        seed: Of the episode.
        policy_seed: Of the policy's own random numbers.
        device: Where a trained policy computes.

    Raises:
        ModuleNotFoundError: polars is not installed.
        ValueError: matplotlib is not installed.
    """
    with tempfile.TemporaryDirectory() as place:
        env: Any = RecordEpisodes(make_env(config.env, config.env_config), Path(place) / "episodes")
        run_episode(env, make_policy(policy, env, policy_seed, device), seed)
        env.close()
        (folder,) = (Path(place) / "episodes").glob("episode_*")
        draw_depth_map(folder, Path(place) / "map.png", size_px=_SIZE_PX)
        with Image.open(Path(place) / "map.png") as picture:
            return np.asarray(picture.convert("RGB"))
