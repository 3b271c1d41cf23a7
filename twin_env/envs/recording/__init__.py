"""An episode as a folder of Parquet tables that can be played again: docs/recording.md.

Needs polars (``pip install 'twin-env[data]'``), pictures matplotlib besides; both are imported where they are used.
"""

from twin_env.envs.recording.depth_map import draw_depth_map
from twin_env.envs.recording.episode import EpisodeError
from twin_env.envs.recording.folder import Replay, replay
from twin_env.envs.recording.wrapper import RecordEpisodes

__all__ = ["EpisodeError", "RecordEpisodes", "Replay", "draw_depth_map", "replay"]
