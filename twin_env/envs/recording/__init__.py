"""An episode as a run file that can be played again, and as a folder of Parquet tables: docs/recording.md.

Tables need polars (``pip install 'twin-env[data]'``), pictures matplotlib besides; both are imported where they are
used.
"""

from twin_env.envs.recording.depth_map import draw_depth_map
from twin_env.envs.recording.episode import EpisodeError
from twin_env.envs.recording.folder import Replay, replay
from twin_env.envs.recording.wrapper import RecordEpisodes, RecordRuns

__all__ = ["EpisodeError", "RecordEpisodes", "RecordRuns", "Replay", "draw_depth_map", "replay"]
