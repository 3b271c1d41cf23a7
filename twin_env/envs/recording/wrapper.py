"""``RecordRuns`` and ``RecordEpisodes``: write episodes to disk while they are played, as ``RecordVideo`` does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym

from twin_env.envs.options import split_experiment
from twin_env.envs.recording.episode import TERMINATED, TRUNCATED, UNFINISHED, EpisodeError, EpisodeWriter
from twin_env.envs.recording.folder import record
from twin_env.envs.single import TwinEnv
from twin_env.market.data.columns.files import polars


class RecordRuns(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Write each episode as a run file, ``<folder>/<name_prefix>_000000.run``, that ``twin replay`` plays again.

    The file is written step by step while the episode is played (docs/recording.md); it costs some lines of text a
    step, and needs nothing that is not installed.

    Wrappers inside may change observations, rewards and actions, and may end episodes: recorded is what the simulator
    was given and gave. They may not step or reset it more often than they are stepped and reset.

    Args:
        env: Any single environment of twin_env, wrapped or not.
        folder: Where to; made if it is not there.
        episode_trigger: Says for the number of an episode, from 0, whether it is recorded; all are by default.
        name_prefix: Of the episodes' files.

    Raises:
        TypeError: The environment is none of twin_env.
        EpisodeError: The folder holds episodes of this prefix already; or, from ``reset``, ``step`` and ``close``, an
            episode cannot be recorded.
        RunFileError: From ``step``: a file cannot be written.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        folder: str | Path,
        episode_trigger: Callable[[int], bool] | None = None,
        name_prefix: str = "episode",
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self, folder=folder, episode_trigger=episode_trigger, name_prefix=name_prefix
        )
        gym.Wrapper.__init__(self, env)
        core = env.unwrapped
        if not isinstance(core, TwinEnv):
            raise TypeError(f"env is a {type(core).__name__}, expected an environment of twin_env")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for found in self.folder.glob(f"{name_prefix}_*"):
            raise EpisodeError(f"{found}: is there already, expected another folder or name_prefix")
        self.name_prefix = name_prefix
        self.episode_trigger = episode_trigger
        self.episode_id = -1
        self._core = core
        self._writer: EpisodeWriter | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Finish the episode that is left, if one is, and start the next."""
        self._finish(UNFINISHED)
        result = super().reset(seed=seed, options=options)
        self.episode_id += 1
        if self.episode_trigger is None or self.episode_trigger(self.episode_id):
            path = self.folder / f"{self.name_prefix}_{self.episode_id:06d}.run"
            self._writer = EpisodeWriter(path, self._core, split_experiment(options)[0] or {})
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, write it down, and finish the episode if that ended it."""
        result = super().step(action)
        if self._writer is not None:
            self._write(self._writer)
            if result[2] or result[3]:
                self._finish(TERMINATED if result[2] else TRUNCATED)
        return result

    def close(self) -> None:
        """Finish the episode that is left, if one is, and close the environment."""
        self._finish(UNFINISHED)
        super().close()

    def _write(self, writer: EpisodeWriter) -> None:
        try:
            writer.step()
        except EpisodeError:
            self._writer = None
            writer.discard()
            raise

    def _finish(self, end: str) -> None:
        writer, self._writer = self._writer, None
        if writer is not None and writer.end(end):
            self._keep(writer)

    def _keep(self, writer: EpisodeWriter) -> None:
        """Do what there is to do with the run file of an episode that ended."""


class RecordEpisodes(RecordRuns):
    """Write each episode as a folder, ``<folder>/<name_prefix>_000000/``: its run file, and tables made from it.

    While an episode is played its run file is written, as :class:`RecordRuns` does. When it ends, is left by
    ``reset()``, or by ``close()``, the file is played once more with everything watched, compared step by step, and
    becomes the folder's ``episode.run`` beside a Parquet file per table (docs/recording.md). Needs polars.

    Args and errors are those of :class:`RecordRuns`.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        folder: str | Path,
        episode_trigger: Callable[[int], bool] | None = None,
        name_prefix: str = "episode",
    ) -> None:
        polars()  # rather now than after the first episode
        super().__init__(env, folder, episode_trigger, name_prefix)

    def _keep(self, writer: EpisodeWriter) -> None:
        try:
            record(writer.path, writer.path.with_suffix(""))
        except EpisodeError:
            writer.discard()
            raise
        writer.discard()  # not where the disk is full, or somebody interrupts: the run file has everything
