"""What an experiment costs a policy: the score of the search of ``twin stress``.

The policy plays every seed twice, with the experiment and without: damage is the difference, so what the market would
have cost anyway is taken out.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from agents.batteries.rollouts import run_episode
from agents.environments import make_env
from agents.policies.policy import Policy
from agents.policies.registry import make_policy
from agents.training.config import TrainConfig
from twin_env.alpha.objective import NET_RESULT, SHORTFALL, SHORTFALL_WITHOUT_DRIFT, Objective
from twin_env.alpha.results import Episode
from twin_env.chaos.experiment import Experiment
from twin_env.envs.registration import definition_of

Measure = Literal["without_drift", "shortfall", "net"]
OBJECTIVES: Final[dict[Measure, Objective]] = {
    cast(Measure, objective.name): objective for objective in (SHORTFALL_WITHOUT_DRIFT, SHORTFALL, NET_RESULT)
}
UNITS: Final[dict[Measure, str]] = {name: objective.unit for name, objective in OBJECTIVES.items()}


def cost_of(episode: Episode, measure: Measure) -> float:
    """Return what an episode cost.

    Args:
        episode: Its result.
        measure: ``without_drift`` is the shortfall less the efficient price's drift, as reports compare policies, bps;
            ``shortfall`` is all of it, bps; ``net`` is what was lost, account currency.
    """
    return OBJECTIVES[measure].cost(episode.info)


class Damage:
    """What an experiment costs a policy, by seed: the score of a search.

    Attributes:
        measure: What cost means.
        episodes: Played so far, those without the experiment included.
    """

    def __init__(self, env: Any, policy: Policy, measure: Measure, tell: Callable[[], object] = lambda: None) -> None:
        self.measure = measure
        self.episodes = 0
        self._env = env
        self._policy = policy
        self._tell = tell
        self._calm: dict[int, float] = {}

    def __call__(self, experiment: Experiment, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return the damage in the episode of each seed."""
        return np.array([self._cost(seed, experiment) - self._calm_cost(seed) for seed in seeds], np.float64)

    def _calm_cost(self, seed: int) -> float:
        """Return the cost without an experiment, played once."""
        if seed not in self._calm:
            self._calm[seed] = self._cost(seed, None)
        return self._calm[seed]

    def _cost(self, seed: int, experiment: Experiment | None) -> float:
        options = {"experiment": experiment} if experiment else None
        cost = cost_of(run_episode(self._env, self._policy, seed, options), self.measure)
        self.episodes += 1
        self._tell()
        return cost


def damage_of(
    config: TrainConfig,
    policy: str,
    *,
    measure: Measure | None = None,
    seed: int = 0,
    device: str = "cpu",
    tell: Callable[[], object] = lambda: None,
) -> Damage:
    """Return the score of experiments against a policy.

    Args:
        config: Names the environment, and says how it is made.
        policy: A rule's name, or the path of a trained model.
        measure: Of cost; by default the shortfall without drift of a parent order, the net result of a trader.
        seed: Of the policy's own random numbers.
        device: Where a trained model computes.
        tell: Is called after every episode.

    Raises:
        ConfigError: There is no such policy, or it does not fit the environment.
    """
    env = make_env(config.env, config.env_config)
    chosen = measure or default_measure(config)
    return Damage(env, make_policy(policy, env, seed, device), chosen, tell)


def default_measure(config: TrainConfig) -> Measure:
    """Return what cost means in an environment."""
    return cast(Measure, definition_of(config.env).objective.name)


def horizon_of(config: TrainConfig) -> float:
    """Return the length of an episode in seconds, as the environment itself has it."""
    return definition_of(config.env).horizon_s(config.env_config)
