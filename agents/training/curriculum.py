"""Curricula as a training configuration names them, and what return of an episode is a failure or a success."""

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin_env.chaos.sampling import curriculum
from twin_env.chaos.sampling.curriculum import Curriculum
from twin_env.chaos.sampling.prioritised_replay import PrioritisedReplay, ReplayConfig
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import Config


class CurriculumConfig(Config):
    """What every curriculum is configured with: the returns that count as failed and solved.

    Attributes:
        failed: Return of an episode, before any normalisation, that counts as 0, as do all below.
        solved: Return that counts as 1, as do all above; between both outcomes grow evenly.
    """

    failed: float
    solved: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.failed >= self.solved:
            raise ValueError(f"failed is {self.failed:g}, expected less than solved {self.solved:g}")
        return self

    @abstractmethod
    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""

    def outcome(self, episode_return: float) -> float:
        """Return how well an episode went, 0 to 1."""
        return min(max((episode_return - self.failed) / (self.solved - self.failed), 0.0), 1.0)


class UniformCurriculum(CurriculumConfig):
    """Configuration of :class:`twin_env.chaos.sampling.curriculum.Uniform`."""

    kind: Literal["uniform"]

    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""
        return curriculum.Uniform(sampler, horizon_s)


class AutomaticCurriculum(CurriculumConfig):
    """Configuration of :class:`twin_env.chaos.sampling.curriculum.AutomaticRandomisation`.

    Attributes:
        settings: Parameters of the algorithm.
    """

    kind: Literal["automatic"]
    settings: curriculum.RandomisationConfig = curriculum.RandomisationConfig()

    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""
        return curriculum.AutomaticRandomisation(sampler, horizon_s, self.settings)


class ReplayCurriculum(CurriculumConfig):
    """Configuration of :class:`twin_env.chaos.sampling.prioritised_replay.PrioritisedReplay`.

    Attributes:
        settings: Parameters of the algorithm.
    """

    kind: Literal["replay"]
    settings: ReplayConfig = ReplayConfig()

    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""
        return PrioritisedReplay(sampler, horizon_s, self.settings)


CurriculumChoice = Annotated[UniformCurriculum | AutomaticCurriculum | ReplayCurriculum, Field(discriminator="kind")]
