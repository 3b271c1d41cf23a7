"""Play episodes with a policy: one loop for the evaluation in training and the one after it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from agents.policies.policy import Policy, Rule, State
from twin_env.alpha.results import Episode
from twin_env.envs.episode_alpha import EpisodeAlpha


def run_episode(
    env: gym.Env[Any, Any],
    policy: Policy,
    seed: int,
    options: Mapping[str, Any] | None = None,
    alpha: EpisodeAlpha | None = None,
) -> Episode:
    """Play one episode.

    Args:
        env: One of ours, wrapped or not.
        policy: Acts deterministically; it sees the observations and nothing else.
        seed: Number of the episode; a rule that draws does so from the stream of this number.
        options: Of the reset.
        alpha: Records what its decisions and orders came to; it was made for this environment.
    """
    if isinstance(policy, Rule):
        policy.begin_episode(seed)
    observation, info = env.reset(seed=seed, options=None if options is None else dict(options))
    if alpha is not None:
        alpha.begin()
    first, state, total, steps = observation, None, 0.0, 0
    start, over = np.array([True]), False
    while not over:
        action, state = _act(policy, observation, state, start)
        observation, reward, terminated, truncated, info = env.step(action)
        start, over = np.array([False]), terminated or truncated
        total, steps = total + float(reward), steps + 1
    twin: Any = env.unwrapped
    return Episode(
        seed=seed,
        info=info,
        parts_micro=twin.alpha_micro,
        wanted_lots=twin.definition.wanted_lots(info),
        reward=total,
        steps=steps,
        first_observation=twin.layout.flatten(first).tobytes(),
        event_hash=twin.event_hash,
        alpha=None if alpha is None else alpha.end().result(),
    )


def _act(policy: Policy, observation: Any, state: State, start: Any) -> tuple[Any, State]:
    """Ask for one action the way a batch of one would be asked."""
    rows = (
        {name: part[None] for name, part in observation.items()} if isinstance(observation, dict) else observation[None]
    )
    actions, state = policy.predict(rows, state, start, deterministic=True)
    return actions[0], state


def run_episodes(
    env: gym.Env[Any, Any],
    policy: Policy,
    seeds: Sequence[int],
    tell: Callable[[], object] = lambda: None,
    record: bool = False,
) -> list[Episode]:
    """Play an episode per seed, and ``tell`` after each; ``record`` what decisions and orders came to."""
    alpha = EpisodeAlpha(env.unwrapped.batch) if record else None  # type: ignore[attr-defined]
    episodes = []
    for seed in seeds:
        episodes.append(run_episode(env, policy, seed, alpha=alpha))
        tell()
    return episodes
