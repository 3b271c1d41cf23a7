"""Domain randomisation: an experiment per episode, drawn from a seed and from nothing else.

Structure first (calm or not, families, how many, which), then one score per number, then the moments. Every step takes
its numbers from one counter-based stream of the seed, so a draw depends neither on earlier draws nor on the process.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.experiment import Experiment, Provenance
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.sampling.fault_templates import FaultTemplate, unused_name
from twin_env.chaos.sampling.prior import Choice, share_below
from twin_env.chaos.sampling.randomisation import SamplerConfig
from twin_env.core.state.seed import EXPERIMENT, MAX_SEED, stream_seed

Bounds = Mapping[str, tuple[float, float]]
_DAY_S: Final = 86_400.0
_MARKET: Final = "market"


@dataclass(frozen=True)
class Drawn:
    """An experiment and what it was made of.

    Attributes:
        experiment: It; without a fault in a calm episode.
        seed: That drew it.
        kinds: Its faults.
        scores: By ``name.field``, the standard normal score of each number.
        stress: The latent stress of the market.
        pinned: Of a curriculum: the number that was put at one of its bounds, ``kind.field:low`` or ``:high``.
    """

    experiment: Experiment
    seed: int
    kinds: tuple[str, ...]
    scores: Mapping[str, float]
    stress: float = 0.0
    pinned: str = ""


class Sampler:
    """Draws experiments.

    Attributes:
        config: What it draws from.
        templates: Its faults.
    """

    def __init__(self, config: SamplerConfig) -> None:
        self.config = config
        self.templates = config.templates()
        families = [template.family for template in self.templates]
        self._families = sorted(set(families))
        self._family = np.array([self._families.index(family) for family in families], np.int64)
        self._log_weights = np.log([template.weight for template in self.templates])
        self._count_shares = _truncated_poisson(config.count.mean, config.count.most)

    def draw(self, seed: int, horizon_s: float, bounds: Bounds | None = None) -> Drawn:
        """Draw an experiment.

        Args:
            seed: 0 to ``MAX_SEED``. The same seed gives the same experiment, here and elsewhere.
            horizon_s: Length of the episode in seconds.
            bounds: By ``kind.field``, lowest and highest score of numbers that a curriculum has in hand. They are drawn
                evenly between both, whatever the severity is.

        Raises:
            ValueError: The seed or the horizon is out of range.
        """
        _check(seed, horizon_s)
        rng = np.random.Generator(np.random.Philox(key=stream_seed(seed, EXPERIMENT)))
        chosen = self._choose(rng)
        stress = float(rng.standard_normal())
        faults: list[Fault] = []
        scores: dict[str, float] = {}
        for template in chosen:
            own = self._scores(template, stress, rng, bounds or {})
            name = unused_name(template.kind, [fault.name for fault in faults])
            fault = template.build(own, rng.random(), horizon_s, name)
            faults.append(fault)
            scores |= {f"{fault.name}.{axis}": score for axis, score in zip(template.axes, own, strict=True)}
        return Drawn(_experiment(seed, faults), seed, tuple(fault.kind for fault in faults), scores, stress)

    def _choose(self, rng: np.random.Generator) -> list[FaultTemplate]:
        """Draw which faults there are, in the order of the terms."""
        if rng.random() < self.config.calm_share or not self.templates:
            return []
        kept = rng.random(len(self._families)) < self.config.keep_family
        if not kept.any():
            kept[rng.integers(len(kept))] = True
        count = 1 + int(np.searchsorted(self._count_shares, rng.random(), side="right"))
        # The greatest of log weight + Gumbel noise are a weighted draw without replacement.
        keys = np.where(kept[self._family], self._log_weights + rng.gumbel(size=len(self.templates)), -np.inf)
        best = np.argsort(-keys, kind="stable")[: min(count, int(kept[self._family].sum()))]
        return [self.templates[number] for number in sorted(best)]

    def _scores(self, template: FaultTemplate, stress: float, rng: np.random.Generator, bounds: Bounds) -> list[float]:
        """Draw a score per axis; those that say how bad a fault of the market is share the stress."""
        noise = rng.standard_normal(len(template.axes))
        rho = self.config.stress_correlation if template.plane == _MARKET else 0.0
        scores = []
        for axis, sign, own in zip(template.axes, template.signs, noise, strict=True):
            score = sign * math.sqrt(rho) * stress + math.sqrt(1.0 - rho * sign * sign) * float(own)
            between = bounds.get(f"{template.kind}.{axis}")
            scores.append(_place(score, *between) if between else score * self.config.severity)
        return scores

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of all numbers that have an order, as ``kind.field``: those a curriculum can bound."""
        names = [
            f"{template.kind}.{axis}"
            for template in self.templates
            for axis, prior in template.priors.items()
            if not isinstance(prior, Choice)
        ]
        return tuple(dict.fromkeys(names))


def _check(seed: int, horizon_s: float) -> None:
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed}, expected 0 to {MAX_SEED}.")
    if not 0.0 < horizon_s <= _DAY_S:
        raise ValueError(f"horizon_s is {horizon_s:g}, expected more than 0 and at most {_DAY_S:g}.")


def _place(score: float, low: float, high: float) -> float:
    """Return the score's own quantile of the even law between two scores."""
    return low + (high - low) * share_below(score)


def _truncated_poisson(mean: float, most: int) -> NDArray[np.float64]:
    """Return the shares at or below 1, 2, ... of a Poisson law that is cut off below 1 and above ``most``."""
    masses = np.array([mean**count / math.factorial(count) for count in range(1, most + 1)])
    shares: NDArray[np.float64] = np.cumsum(masses)[:-1] / masses.sum()
    return shares


def _experiment(seed: int, faults: Sequence[Fault]) -> Experiment:
    title = " + ".join(fault.kind for fault in faults) or "calm"
    parts: dict[str, Any] = {"title": f"Drawn: {title}"[:200], "method": tuple(faults)}
    return Experiment(**parts, provenance=Provenance(source="sampler", seed=seed))
