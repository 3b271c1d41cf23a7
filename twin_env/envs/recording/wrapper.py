"""``RecordEpisodes``: write episodes to disk while they are played, in the manner of ``RecordVideo``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.envs.recording.episode import Episode, EpisodeError
from twin_env.envs.recording.folder import record
from twin_env.envs.single import TwinEnv
from twin_env.market.data.columns.files import polars

TERMINATED: Final = "terminated"
TRUNCATED: Final = "truncated"
UNFINISHED: Final = "unfinished"


class RecordEpisodes(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Write each episode as a folder of tables that can be played again (docs/recording.md).

    While an episode is played, only its actions, rewards and event hashes are kept. When it ends, is left
    by ``reset()``, or by ``close()``, it is played once more from these in a world that keeps every
    event, compared step by step, and written as ``<folder>/<name_prefix>_000000/``. The first recording after an
    installation compiles the simulator for such worlds.

    Wrappers inside may change observations, rewards and actions, and may end episodes: recorded is what the simulator
    was given and gave. They may not step or reset it more often than they are stepped and reset.

    Args:
        env: Any single environment of twin_env, wrapped or not.
        folder: Where to; made if it is not there.
        episode_trigger: Says for the number of an episode, from 0, whether it is recorded; all are by default.
        name_prefix: Of the episodes' folders.

    Raises:
        TypeError: The environment is none of twin_env.
        EpisodeError: The folder holds episodes of this prefix already; or, from ``reset``, ``step`` and ``close``, an
            episode cannot be recorded.
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
        polars()  # rather now than after the first episode
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for found in self.folder.glob(f"{name_prefix}_*"):
            raise EpisodeError(f"{found}: is there already, expected another folder or name_prefix")
        self.name_prefix = name_prefix
        self.episode_trigger = episode_trigger
        self.episode_id = -1
        self._core = core
        self._recording = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Write the episode that is left, if one is, and start the next."""
        self._finish(UNFINISHED)
        result = super().reset(seed=seed, options=options)
        self.episode_id += 1
        self._recording = self.episode_trigger is None or self.episode_trigger(self.episode_id)
        if self._recording:
            self._options = {key: _plain(value) for key, value in (options or {}).items()}
            self._seed = int(self._core.batch.worlds["seed"][0])
            self._hashes = [self._event_hash()]
            self._actions: list[NDArray[Any]] = []
            self._rewards: list[float] = []
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and write the episode if that ended it."""
        result = super().step(action)
        if self._recording:
            self._note()
            if result[2] or result[3]:
                self._finish(TERMINATED if result[2] else TRUNCATED)
        return result

    def close(self) -> None:
        """Write the episode that is left, if one is, and close the environment."""
        self._finish(UNFINISHED)
        super().close()

    def _note(self) -> None:
        batch = self._core.batch
        self._actions.append(batch.given[0].copy())
        self._rewards.append(float(batch.rewards[0]))
        self._hashes.append(self._event_hash())
        played, noted = int(batch.tasks["steps"][0]), len(self._actions)
        if played != noted:
            self._recording = False
            raise EpisodeError(
                f"episode {self.episode_id}: the simulator is at step {played} and the wrapper at {noted}, expected no "
                "wrapper inside RecordEpisodes that steps or resets by itself"
            )

    def _finish(self, end: str) -> None:
        recording, self._recording = self._recording, False
        if not recording or not self._actions:
            return
        core, numbers = self._core, self._core.batch.given
        episode = Episode(
            env=core.definition.name,
            config=core.config,
            seed=self._seed,
            options=self._options,
            actions=np.array(self._actions, numbers.dtype).reshape(-1, numbers.shape[1]),
            rewards=np.array(self._rewards),
            hashes=tuple(self._hashes),
            end=end,
        )
        record(episode, self.folder / f"{self.name_prefix}_{self.episode_id:06d}")

    def _event_hash(self) -> int:
        return int(self._core.batch.worlds["event_hash"][0])


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
