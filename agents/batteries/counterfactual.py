"""Play episodes beside their counterfactuals: the same worlds in which the policy sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from agents.batteries.rollouts import run_episode
from agents.policies.policy import Policy
from twin_env.alpha.counterfactual import SelfImpact, self_impact
from twin_env.alpha.results import Episode
from twin_env.alpha.touches import TouchRecorder
from twin_env.envs.episode_alpha import EpisodeAlpha
from twin_env.statistics import Interval

_MICRO: Final = 1e-6


class _BesideSilence(EpisodeAlpha):
    """Records an episode, and keeps a copy of its world from before the first message."""

    def begin(self) -> None:
        super().begin()
        self.silent = self._batch.twin(self._row)

    def end(self) -> Any:
        record = super().end()
        self.impact = self._impact(record)
        self.silent_hash = self.silent.event_hash
        return record

    def _impact(self, record: Any) -> SelfImpact:
        recorder = TouchRecorder(self.silent.exchange.copy_book(), self.silent.now_ns)
        cursor = self.silent.cursor
        self.silent.advance_until(record.end_ns)
        recorder.follow(self.silent.events(cursor).book)
        parents = [int(one["price"]) for one in record.decisions if one["order"] == 0]
        return self_impact(record, recorder.touches(record.end_ns), parents[0] if parents else None)


@dataclass(frozen=True)
class Replica:
    """One episode and its counterfactual.

    Attributes:
        episode: As the policy played it.
        impact: What it did to itself.
        silent_hash: Event hash of the counterfactual at the end.
    """

    episode: Episode
    impact: SelfImpact
    silent_hash: int


def play_replicas(env: Any, policy: Policy, seeds: Sequence[int]) -> list[Replica]:
    """Play episodes and their counterfactuals.

    Args:
        env: One of ours, wrapped or not.
        policy: Acts in the first of each pair; nobody acts in the second.
        seeds: Of the episodes.
    """
    replicas = []
    for seed in seeds:
        beside = _BesideSilence(env.unwrapped.batch)
        episode = run_episode(env, policy, seed, alpha=beside)
        replicas.append(Replica(episode, beside.impact, beside.silent_hash))
    return replicas


def summarize_replicas(replicas: Sequence[Replica]) -> dict[str, Any]:
    """Return the mean of each part over replicas with its interval, account currency, ready for JSON."""
    return {
        f"{part.name}_ccy": Interval.student([getattr(one.impact, part.name) * _MICRO for one in replicas]).to_json()
        for part in fields(SelfImpact)
    }
