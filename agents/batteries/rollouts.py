"""Play episodes with a policy: one loop for the evaluation in training and the one after it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from agents.policies.policy import Policy, State
from twin_env.alpha.results import Episode


def play(env: gym.Env[Any, Any], policy: Policy, seed: int, options: Mapping[str, Any] | None = None) -> Episode:
    """Play one episode.

    Args:
        env: One of ours, wrapped or not.
        policy: Acts deterministically; it sees the observations and nothing else.
        seed: Names the market's random streams, and so the episode.
        options: Of the reset.
    """
    observation, info = env.reset(seed=seed, options=None if options is None else dict(options))
    first, state, total, steps = observation, None, 0.0, 0
    start, over = np.array([True]), False
    while not over:
        action, state = _act(policy, observation, state, start)
        observation, reward, terminated, truncated, info = env.step(action)
        start, over = np.array([False]), terminated or truncated
        total, steps = total + float(reward), steps + 1
    world: Any = env.unwrapped
    return Episode(
        seed=seed,
        info=info,
        parts_micro=tuple(int(part) for part in world.task.parts),
        wanted_lots=_wanted_lots(info),
        reward=total,
        steps=steps,
        first_observation=world.layout.flatten(first).tobytes(),
        event_hash=int(world.world.event_hash),
    )


def _wanted_lots(info: Mapping[str, float]) -> int:
    """Return the lots that were to be traded: of the parent order, or of everything that was decided."""
    if "exec/decided_lots" in info:
        return int(info["exec/decided_lots"])
    return int(info["exec/filled_lots"] + info["exec/remaining_lots"])


def _act(policy: Policy, observation: Any, state: State, start: Any) -> tuple[Any, State]:
    """Ask for one action the way a batch of one would be asked."""
    rows = (
        {name: part[None] for name, part in observation.items()} if isinstance(observation, dict) else observation[None]
    )
    actions, state = policy.predict(rows, state, start, deterministic=True)
    return actions[0], state


def play_all(
    env: gym.Env[Any, Any], policy: Policy, seeds: Sequence[int], tell: Callable[[], object] = lambda: None
) -> list[Episode]:
    """Play an episode per seed, and ``tell`` after each."""
    episodes = []
    for seed in seeds:
        episodes.append(play(env, policy, seed))
        tell()
    return episodes
