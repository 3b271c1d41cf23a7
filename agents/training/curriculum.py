"""Curricula as a training configuration names them, and what return of an episode is a failure or a success."""

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin_env.chaos.sampling import curriculum
from twin_env.chaos.sampling import prioritised_replay as replay
from twin_env.chaos.sampling.curriculum import Curriculum
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import Config


class LessonsConfig(Config):
    """What every curriculum is told.

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


class UniformLessons(LessonsConfig):
    """Of :class:`twin_env.chaos.sampling.curriculum.Uniform`."""

    kind: Literal["uniform"]

    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""
        return curriculum.Uniform(sampler, horizon_s)


class AutomaticLessons(LessonsConfig):
    """Of :class:`twin_env.chaos.sampling.curriculum.AutomaticRandomisation`.

    Attributes:
        settings: Its own.
    """

    kind: Literal["automatic"]
    settings: curriculum.RandomisationConfig = curriculum.RandomisationConfig()

    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""
        return curriculum.AutomaticRandomisation(sampler, horizon_s, self.settings)


class ReplayLessons(LessonsConfig):
    """Of :class:`twin_env.chaos.sampling.prioritised_replay.PrioritisedReplay`.

    Attributes:
        settings: Its own.
    """

    kind: Literal["replay"]
    settings: replay.ReplayConfig = replay.ReplayConfig()

    def make(self, sampler: Sampler, horizon_s: float) -> Curriculum:
        """Make the curriculum."""
        return replay.PrioritisedReplay(sampler, horizon_s, self.settings)


Lessons = Annotated[UniformLessons | AutomaticLessons | ReplayLessons, Field(discriminator="kind")]
