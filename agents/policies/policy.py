"""What a policy is, and what every rule-based policy shares.

A policy is anything with the ``predict`` of stable-baselines3, so that rules and trained models
run through the same code. A rule sees what a learner sees: the observation, read by name. Besides
it knows only the task it was given and the actions it may choose from.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from agents.policies.codecs import Codec, make_codec
from agents.policies.named_observation import NamedObservation
from agents.policies.trading_codecs import PositionCodec, make_position_codec
from twin_env.config import Config
from twin_env.core.state.seed import POLICY, stream_seed
from twin_env.envs.execution.config import ExecutionConfig, TaskConfig
from twin_env.envs.layout import Layout
from twin_env.envs.trading.config import TradingConfig

Floats = NDArray[np.float64]
State = tuple[NDArray[Any], ...] | None
Observation = NDArray[np.float32] | dict[str, NDArray[np.float32]]


class Policy(Protocol):
    """The signature of stable-baselines3's ``predict``."""

    def predict(
        self,
        observation: Observation,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], State]:
        """Choose an action.

        Args:
            observation: float32 of shape ``(n,)``, or ``(n_env, n)`` for a batch; or a dictionary of such.
            state: What the last call returned; ``None`` at first.
            episode_start: bool of shape ``(n_env,)``, true where the observation is an episode's first.
            deterministic: Do not sample.

        Returns:
            The action, or a batch of actions, and the state for the next call.
        """
        ...


class Rule(ABC):
    """A policy that follows a rule.

    Attributes:
        acts_on: Configuration of the environments it plays in.
        codecs: Action codecs it can act through.
        needs: Features of the observation it reads that not every preset shows.
        memory_size: Numbers it remembers from step to step. They travel through ``state``, so that
            one policy can serve a batch of environments.
    """

    acts_on: ClassVar[type[Config]]
    codecs: ClassVar[Sequence[str]]
    needs: ClassVar[Sequence[str]] = ()
    memory_size: ClassVar[int] = 0

    def __init__(self, layout: Layout, seed: int = 0) -> None:
        self.layout = layout
        self.begin_episode(seed)

    def begin_episode(self, seed: int) -> None:
        """Take the random numbers of the episode of a number, in a stream apart from the market's."""
        self.rng = np.random.default_rng(stream_seed(seed, POLICY))

    @classmethod
    @abstractmethod
    def make(cls, layout: Layout, config: Any, seed: int = 0) -> Self:
        """Make the rule for an environment's layout and configuration."""

    @abstractmethod
    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Return the action for one observation.

        Args:
            obs: The observation.
            memory: float64 of shape ``(memory_size,)``, zero at an episode's start; change it in place.
        """

    def predict(
        self,
        observation: Observation,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], State]:
        """See :class:`Policy`; rules ignore ``deterministic``."""
        flat = self.layout.flatten(observation)
        rows = np.atleast_2d(flat)
        memory = np.zeros((len(rows), self.memory_size)) if state is None else np.array(state[0])
        if episode_start is not None:
            memory[np.atleast_1d(episode_start)] = 0.0
        named = [NamedObservation(self.layout, row) for row in rows]
        actions = np.stack([self.decide(obs, recalled) for obs, recalled in zip(named, memory, strict=True)])
        return (actions if np.ndim(flat) > 1 else actions[0]), ((memory,) if self.memory_size else None)


class RulePolicy(Rule):
    """A rule that works a parent order."""

    acts_on = ExecutionConfig
    codecs: ClassVar[Sequence[str]] = ("orders", "table", "ladder", "schedule")

    def __init__(self, layout: Layout, codec: Codec, task: TaskConfig, seed: int = 0) -> None:
        super().__init__(layout, seed)
        self.codec = codec
        self.step = min(task.step_s / task.horizon_s, 1.0)  # as a fraction of the horizon

    @classmethod
    def make(cls, layout: Layout, config: Any, seed: int = 0) -> Self:
        """Make the rule for an ``ExecutionConfig``."""
        return cls(layout, make_codec(config.action), config.task, seed)


class PositionRule(Rule):
    """A rule that says which position to hold."""

    acts_on = TradingConfig
    codecs: ClassVar[Sequence[str]] = ("orders", "target", "positions")

    def __init__(self, layout: Layout, codec: PositionCodec, seed: int = 0) -> None:
        super().__init__(layout, seed)
        self.codec = codec

    @classmethod
    def make(cls, layout: Layout, config: Any, seed: int = 0) -> Self:
        """Make the rule for a ``TradingConfig``."""
        return cls(layout, make_position_codec(config), seed)

    @abstractmethod
    def position(self, obs: NamedObservation, memory: Floats) -> int:
        """Return the position to hold, in lots; the arguments are those of :meth:`decide`."""

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[Any]:
        """Go to that position."""
        return self.codec.go(obs, self.position(obs, memory))
