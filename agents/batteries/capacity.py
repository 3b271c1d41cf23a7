"""How a policy's cost grows with its size: the same policy and the same episodes at several multiples of its lots."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from agents.batteries.rollouts import run_episodes
from agents.environments import make_env
from agents.policies.registry import make_policy
from agents.training.config import TrainConfig
from twin_env.alpha.results import Result
from twin_env.config import ConfigError
from twin_env.statistics import Interval

SIZES: Final = (1, 2, 4, 8)


@dataclass(frozen=True)
class Point:
    """One size.

    Attributes:
        size: Multiple of the configured lots.
        lots: The parent's, or the largest position's; of two bounds the upper.
        result: Its episodes.
    """

    size: int
    lots: int
    result: Result

    def to_json(self) -> dict[str, Any]:
        """Return what goes into JSON: the objective as a cost, with its interval over episodes."""
        objective = self.result.objective
        sign = 1.0 if objective.lower_is_better else -1.0
        cost = Interval.student(sign * self.result.values_of(objective))
        return {"size": self.size, "lots": self.lots, "cost": cost.to_json()}


def capacity(
    config: TrainConfig,
    policy: str,
    seeds: Sequence[int],
    sizes: Sequence[int] = SIZES,
    tell: Callable[[], object] = lambda: None,
) -> list[Point]:
    """Play a policy at several sizes.

    Args:
        config: Of the environment at size 1.
        policy: A rule, or a trained policy that does not see sizes.
        seeds: Of the episodes, the same at every size.
        sizes: Multiples of at least 1.
        tell: Called after each episode.

    Raises:
        ConfigError: The environment does not take the size.
    """
    points = []
    for size in sizes:
        with _environment(config, size) as (env, lots):
            episodes = run_episodes(env, make_policy(policy, env), seeds, tell)
            result = Result(policy, episodes, objective=env.unwrapped.definition.objective)
        points.append(Point(size, lots, result))
    return points


def check_sizes(config: TrainConfig, policy: str, sizes: Sequence[int] = SIZES) -> None:
    """Check that a policy can play at several sizes.

    Raises:
        ConfigError: It cannot; says at which.
    """
    for size in sizes:
        try:
            with _environment(config, size) as (env, _):
                make_policy(policy, env)
        except ConfigError as error:
            raise ConfigError([f"{policy} at {size} times its lots: {problem}" for problem in error.problems]) from None


@contextmanager
def _environment(config: TrainConfig, size: int) -> Iterator[tuple[Any, int]]:
    """Make the environment with all lots multiplied, and yield it with the largest of them."""
    lots, changes = _scaled(config.env_config.model_dump(mode="json"), size)
    env = make_env(config.env, type(config.env_config).model_validate(changes))
    try:
        yield env, lots
    finally:
        env.close()


def _scaled(data: dict[str, Any], size: int) -> tuple[int, dict[str, Any]]:
    """Return a configuration with all lots multiplied, and the largest of them."""
    if "lots" in data["task"]:
        lots = data["task"]["lots"]
        scaled = [size * bound for bound in lots] if isinstance(lots, list) else size * lots
        return max(scaled) if isinstance(scaled, list) else scaled, data | {"task": data["task"] | {"lots": scaled}}
    risk, action = data["risk"], data["action"]
    if "sizes_lots" not in action:
        raise ConfigError([f"action.codec is {action['codec']!r}, which has no sizes to multiply, expected 'orders'."])
    risk = risk | {"max_position_lots": size * risk["max_position_lots"]}
    action = action | {"sizes_lots": [size * lots for lots in action["sizes_lots"]]}
    return risk["max_position_lots"], data | {"risk": risk, "action": action}
