"""Curricula: which experiment a learner meets next, by how it did with those before.

Every curriculum hands out draws of one sampler and is told an outcome between 0 (failed) and 1 (did as well as it can).
What it has learnt is plain JSON, so that training resumes where it stopped.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Self

import numpy as np
from pydantic import Field, model_validator

from twin_env.chaos.faults.base import Share
from twin_env.chaos.sampling.prior import share_below
from twin_env.chaos.sampling.sampler import Drawn, Sampler
from twin_env.config import Config
from twin_env.core.state.seed import MAX_SEED

LOW: Final = "low"
HIGH: Final = "high"


class Curriculum(ABC):
    """Chooses experiments.

    Attributes:
        sampler: Draws them.
        horizon_s: Length of an episode in seconds.
    """

    def __init__(self, sampler: Sampler, horizon_s: float) -> None:
        self.sampler = sampler
        self.horizon_s = horizon_s

    @abstractmethod
    def next(self, rng: np.random.Generator) -> Drawn:
        """Return the next episode's experiment."""

    def report(self, drawn: Drawn, outcome: float) -> None:
        """Take in how an episode went.

        Args:
            drawn: What :meth:`next` returned.
            outcome: 0 to 1: a share of successes, or a return scaled to that range.

        Raises:
            ValueError: The outcome is no such number.
        """
        if not 0.0 <= outcome <= 1.0:
            raise ValueError(f"outcome is {outcome!r}, expected 0 to 1.")
        self._learn(drawn, outcome)

    @abstractmethod
    def _learn(self, drawn: Drawn, outcome: float) -> None:
        """Take in an outcome that is in range."""

    @property
    def figures(self) -> dict[str, float]:
        """How far it is, for logs."""
        return {}

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what it has learnt, ready for JSON."""

    @abstractmethod
    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""


def new_seed(rng: np.random.Generator) -> int:
    """Draw a seed for a sampler."""
    return int(rng.integers(MAX_SEED, endpoint=True))


class Uniform(Curriculum):
    """A new draw each time, whatever happened before."""

    def next(self, rng: np.random.Generator) -> Drawn:
        """Return a new draw."""
        return self.sampler.draw(new_seed(rng), self.horizon_s)

    def _learn(self, drawn: Drawn, outcome: float) -> None:
        pass

    def state(self) -> dict[str, Any]:
        """Return nothing: there is nothing to learn."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from nothing."""


class RandomisationConfig(Config):
    """Of :class:`AutomaticRandomisation`.

    Attributes:
        boundary_share: Share of episodes with one number at one of its bounds.
        buffer: Outcomes at a bound before it moves.
        widen_above: Mean outcome from which on a bound moves outwards.
        narrow_below: Mean outcome below which it moves inwards.
        step: How far, in standard deviations.
        start: Bounds at first, standard deviations either side of the median.
        most: Farthest bounds.
    """

    boundary_share: Share = 0.4
    buffer: int = Field(default=16, ge=1, le=100_000)
    widen_above: Share = 0.7
    narrow_below: Share = 0.4
    step: float = Field(default=0.1, gt=0, le=3)
    start: float = Field(default=0.1, ge=0, le=5)
    most: float = Field(default=3.0, gt=0, le=5)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.narrow_below > self.widen_above:
            raise ValueError(
                f"narrow_below is {self.narrow_below:g}, expected at most widen_above {self.widen_above:g}"
            )
        if self.start > self.most:
            raise ValueError(f"start is {self.start:g}, expected at most {self.most:g}, as most is")
        return self


class AutomaticRandomisation(Curriculum):
    """Ranges that grow with what the learner can do.

    Automatic domain randomisation (OpenAI et al. 2019, *Solving Rubik's Cube with a Robot Hand*, algorithm 1), on the
    scores of numbers instead of the numbers: one step is as unlikely for every number. A share of the episodes has one
    number at one of its bounds; the mean of their outcomes moves that bound.

    Attributes:
        config: Its settings.
        bounds: By ``kind.field``: lowest and highest score.
    """

    def __init__(self, sampler: Sampler, horizon_s: float, config: RandomisationConfig | None = None) -> None:
        super().__init__(sampler, horizon_s)
        self.config = config or RandomisationConfig()
        self.bounds = dict.fromkeys(sampler.numbers, (-self.config.start, self.config.start))
        self._outcomes: dict[str, list[float]] = {}

    def next(self, rng: np.random.Generator) -> Drawn:
        """Return a draw within the bounds; sometimes with one number at a bound."""
        seed = new_seed(rng)
        at_bound, which, side = rng.random() < self.config.boundary_share, rng.random(), rng.random() < 0.5
        drawn = self.sampler.draw(seed, self.horizon_s, self.bounds)
        held = [name for name in self.bounds if name.split(".")[0] in drawn.kinds]
        if not at_bound or not held:
            return drawn
        name = held[int(which * len(held))]
        bound = self.bounds[name][int(side)]
        pinned = self.sampler.draw(seed, self.horizon_s, {**self.bounds, name: (bound, bound)})
        return replace(pinned, pinned=f"{name}:{HIGH if side else LOW}")

    def _learn(self, drawn: Drawn, outcome: float) -> None:
        if not drawn.pinned:
            return
        outcomes = self._outcomes.setdefault(drawn.pinned, [])
        outcomes.append(outcome)
        if len(outcomes) >= self.config.buffer:
            self._move(drawn.pinned, math.fsum(outcomes) / len(outcomes))
            outcomes.clear()

    def _move(self, pinned: str, mean: float) -> None:
        """Move a bound outwards or inwards; bounds never pass the median, so that ranges never close up."""
        name, side = pinned.split(":")
        step = self.config.step * ((mean >= self.config.widen_above) - (mean < self.config.narrow_below))
        low, high = self.bounds[name]
        if side == LOW:
            low = min(max(low - step, -self.config.most), 0.0)
        else:
            high = max(min(high + step, self.config.most), 0.0)
        self.bounds[name] = (low, high)

    @property
    def entropy(self) -> float:
        """Mean logarithm of the ranges' widths, nats per number; ``-inf`` if one is closed (OpenAI et al. 2019)."""
        widths = [high - low for low, high in self.bounds.values()]
        return float(np.mean([math.log(width) if width > 0 else -math.inf for width in widths])) if widths else 0.0

    @property
    def covered(self) -> float:
        """Mean share of the priors between the bounds: how much of what may happen is trained on."""
        shares = [share_below(high) - share_below(low) for low, high in self.bounds.values()]
        return float(np.mean(shares)) if shares else 0.0

    @property
    def figures(self) -> dict[str, float]:
        """``covered`` and ``entropy``."""
        return {"covered": self.covered, "entropy": self.entropy}

    def state(self) -> dict[str, Any]:
        """Return bounds and the outcomes that wait for more."""
        return {"bounds": {name: list(pair) for name, pair in self.bounds.items()}, "outcomes": self._outcomes}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from bounds and outcomes.

        Raises:
            ValueError: They are of another sampler.
        """
        if set(state["bounds"]) != set(self.bounds):
            raise ValueError("the state has bounds of other numbers, expected those of this sampler's faults.")
        self.bounds = {name: (float(low), float(high)) for name, (low, high) in state["bounds"].items()}
        self._outcomes = {name: [float(value) for value in values] for name, values in state["outcomes"].items()}
