"""Episodes that are played again to be looked at, and what went wrong in each episode."""

from collections.abc import Sequence
from typing import Any, Final

import gymnasium as gym

from agents.batteries.rollouts import run_episode
from agents.policies.policy import Policy
from twin_env.alpha.results import Result
from twin_env.config import ConfigError
from twin_env.envs.recording.explored import ExploreEpisodes

MOST_EPISODES: Final = 3
"""Of a policy that are sampled."""


def check_explored(asked: Sequence[int], seeds: Sequence[int]) -> None:
    """Refuse episodes that the evaluation does not have, or more than are sampled beside the worst one.

    Raises:
        ConfigError: They are.
    """
    for seed in asked:
        if seed not in seeds:
            raise ConfigError(
                [f"--explore {seed} is no episode of this evaluation, expected {seeds[0]} to {seeds[-1]}."]
            )
    if len(set(asked)) > MOST_EPISODES - 1:
        raise ConfigError(
            [f"--explore names {len(set(asked))} episodes, expected at most {MOST_EPISODES - 1} beside the worst."]
        )


def explore(env: gym.Env[Any, Any], policy: Policy, result: Result, asked: Sequence[int]) -> list[dict[str, Any]]:
    """Play the worst episode of a policy and those that were asked for again, and sample their moments.

    Args:
        env: The one the policy played in.
        policy: The same.
        result: What it did.
        asked: Seeds of episodes.
    """
    watched = ExploreEpisodes(env)
    first = {episode.seed: episode.event_hash for episode in result.episodes}
    sampled = []
    for seed in dict.fromkeys((result.worst.seed, *asked)):
        again = run_episode(watched, policy, seed)
        is_same = again.event_hash == first[seed]
        sampled.append({"policy": result.policy, "seed": seed, "is_same": is_same} | watched.episode())
    return sampled


def describe_experiments(env: Any, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return what goes wrong in each episode: title, kinds and families of its faults.

    Args:
        env: Where they are played; it is reset.
        seeds: Of the episodes.
    """
    described = []
    for seed in seeds:
        env.reset(seed=seed)
        experiment = env.unwrapped.experiment
        described.append(
            {
                "seed": seed,
                "title": experiment.title,
                "kinds": [fault.kind for fault in experiment.method],
                "families": sorted({fault.family for fault in experiment.method}),
            }
        )
    return described
