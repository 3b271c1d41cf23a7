"""Playing an episode again, in worlds that keep every event of a step."""

from dataclasses import replace
from typing import Final

import numpy as np

from twin_env.core.state.layout import Profile
from twin_env.envs.batch import Batch
from twin_env.envs.episode_status import RUNNING
from twin_env.envs.options import read_options
from twin_env.envs.recording.episode import Episode, EpisodeError
from twin_env.envs.recording.tables import Notes, Tables
from twin_env.envs.registration import definition_of
from twin_env.market.synthetic import MarketConfig

EVENTS_KEPT: Final = 1 << 18  # of one step
_THIS: Final = np.ones(1, np.bool_)


class _RoomyMarket(MarketConfig):
    """A market whose worlds have the capacities they always have, but for the events they keep.

    Nothing else may differ: slots of orders, candidates and what is rejected depend on capacities.
    """

    @property
    def capacities(self) -> Profile:
        return replace(super().capacities, name="recording", events=EVENTS_KEPT)


def play_again(episode: Episode, name: str) -> tuple[Batch, Tables]:
    """Play an episode again and note everything.

    Args:
        episode: Which.
        name: Of it, for errors.

    Returns:
        The batch of one, where the episode left it, and the tables by name.

    Raises:
        EpisodeError: It does not go as it went, or a step made more events than a recording keeps.
        ValueError: An option of its reset or an action is impossible.
    """
    batch = _roomy_batch(episode)
    batch.start(_THIS, np.array([episode.seed], np.uint64), read_options(episode.options, batch))
    notes = Notes(batch, name)
    for step in range(len(episode.hashes)):
        action = episode.actions[step - 1] if step else None
        if action is not None:
            _play(batch, episode, name, step)
        event_hash = int(batch.worlds["event_hash"][0])
        episode.check(name, step, event_hash, float(batch.rewards[0]))
        notes.note(action, episode.actions.shape[1])
    return batch, notes.tables()


def _play(batch: Batch, episode: Episode, name: str, step: int) -> None:
    if batch.status[0] != RUNNING:
        raise EpisodeError(f"{name}: the episode is over before step {step}, expected {len(episode.actions)} steps")
    space = batch.action_space
    action = episode.actions[step - 1].reshape((1, *(space.shape or ())))
    batch.step(_THIS, batch.check(action, _THIS))


def _roomy_batch(episode: Episode) -> Batch:
    market = episode.config.market  # type: ignore[attr-defined]
    roomy = _RoomyMarket.model_construct(**{key: getattr(market, key) for key in MarketConfig.model_fields})
    return Batch(definition_of(episode.env), episode.config.model_copy(update={"market": roomy}))
