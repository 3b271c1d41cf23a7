"""Second stage: few parameters that only the market as a whole tells, by the simulated method of moments."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twin_env.config import ConfigError
from twin_env.market.flow import AnchoredFlow
from twin_env.market.instrument import Instrument
from twin_env.market.synthetic import MarketConfig, PoissonFlow
from twin_env.studies.calibration.distance import MetricDistance, Target
from twin_env.studies.calibration.observed import Floats, in_units
from twin_env.studies.calibration.search import minimise
from twin_env.studies.realism.distances import Distance, compare
from twin_env.studies.realism.recording import Recording, RecordingError, record_market

Progress = Callable[[str], None]
FAILED: Final = 1.5  # loss of a market that cannot be simulated: above that of any that can
_FRESH_SEEDS: Final = 3  # fresh seeds that decide between what was found and where it began
_FIRST_STEP: Final = 0.5
_SHARE_EDGE: Final = 0.005


@dataclass(frozen=True)
class Knob:
    """A parameter the second stage turns.

    Attributes:
        key: Where it stands.
        scale: How far its logarithm, or the log odds of a share, is expected to be off.
        share: Whether it is a share.
        most: Largest value.
    """

    key: str
    scale: float = 0.3
    share: bool = False
    most: float = math.inf

    def to_search(self, value: float) -> float:
        """Return where the search sees a value."""
        if not self.share:
            return math.log(max(value, 1e-6))
        inside = min(max(value, _SHARE_EDGE), 1.0 - _SHARE_EDGE)
        return math.log(inside / (1.0 - inside))

    def from_search(self, place: float) -> float:
        """Return the value at a place of the search."""
        value = 1.0 / (1.0 + math.exp(-place)) if self.share else math.exp(min(place, 50.0))
        return float(f"{min(value, self.most):.5g}")


KNOBS: Final = (
    Knob("limit_orders.rate_per_s", 0.15),
    Knob("limit_orders.margin_ticks"),
    Knob("limit_orders.opinion_sd_ticks"),
    Knob("limit_orders.near_share", 0.6, share=True),
    Knob("limit_orders.near_ticks", 0.5),
    Knob("limit_orders.snipe_share", 0.6, share=True),
    Knob("cancels.rate_per_s"),
    Knob("cancels.depth_exponent", 0.4, most=3.0),
    Knob("limit_orders.patient_share", 0.6, share=True),
    Knob("cancels.sensitivity", 0.5),
    Knob("cancels.capacity_per_s"),
    Knob("market_orders.rate_per_s", 0.2),
    Knob("market_orders.informed_share", 0.5, share=True),
    Knob("price.daily_volatility_ticks", 0.2),
    Knob("arrivals.branching", 0.4, share=True, most=0.95),
)
"""What the source does not tell by itself: these work on the same figures."""


@dataclass(frozen=True)
class Refined:
    """What the second stage did.

    Attributes:
        flow: The market found, or the one it began with if that was not worse.
        spreads: Standard deviation of the last population, by key, in the parameter's unit: how sharply the figures
            tell it, not a standard error. Empty if the beginning was kept.
        loss_before: Mean loss of the beginning on fresh seeds.
        loss_after: That of ``flow`` on them.
        tried: Simulations.
        seconds: Time spent.
    """

    flow: AnchoredFlow
    spreads: dict[str, float]
    loss_before: float
    loss_after: float
    tried: int
    seconds: float


def roomy(instrument: Instrument, flow: AnchoredFlow | PoissonFlow) -> MarketConfig:
    """Return the market of a flow, with room for any book."""
    return MarketConfig(instrument=instrument, source=flow, profile="history")


class Problem:
    """The loss of a flow as a function of the knobs."""

    def __init__(
        self,
        flow: AnchoredFlow,
        instrument: Instrument,
        lot_size: int,
        target: Target,
        hours: float,
        seeds: Sequence[int],
    ) -> None:
        self.base = flow.model_dump()
        self.instrument, self.lot_size, self.target = instrument, lot_size, target
        self.hours, self.seeds = hours, tuple(seeds)

    def flow_at(self, point: Floats) -> AnchoredFlow:
        """Return the flow at a place of the search.

        Raises:
            ValueError: There is no such flow.
        """
        document: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in self.base.items()}
        for knob, place in zip(KNOBS, point.tolist(), strict=True):
            group, name = knob.key.split(".")
            document[group][name] = knob.from_search(place)
        return AnchoredFlow.model_validate(document)

    def start(self) -> Floats:
        """Return where the search begins."""
        values = [self.base[group][name] for group, name in (knob.key.split(".") for knob in KNOBS)]
        return np.array([knob.to_search(value) for knob, value in zip(KNOBS, values, strict=True)])

    def cost(self, point: Floats) -> float:
        """Return the loss at a place, ``FAILED`` where no market can be simulated."""
        try:
            flow = self.flow_at(point)
        except (ValueError, ConfigError):
            return FAILED
        return self.loss(flow, self.seeds)

    def loss(self, flow: AnchoredFlow, seeds: Sequence[int]) -> float:
        """Return the mean loss of a flow over seeds."""
        try:
            market = roomy(self.instrument, flow)
            made = [in_units(record_market(market, seed, self.hours), self.lot_size) for seed in seeds]
        except RecordingError:
            return FAILED
        return float(np.mean([self.target.loss(one) for one in made]))


def refine(
    problem: Problem, flow: AnchoredFlow, *, rounds: int, budget_s: float, seed: int, progress: Progress | None = None
) -> Refined:
    """Turn the knobs until simulations look like the source.

    Args:
        problem: What to make small.
        flow: Where to begin.
        rounds: Most populations of the search.
        budget_s: Longest time.
        seed: Of the search.
        progress: Told after every population.
    """
    began = time.monotonic()

    def carry_on(number: int, best: float) -> bool:
        spent = time.monotonic() - began
        if progress is not None:
            progress(f"round {number}: loss {best:.4f} after {spent:.0f} s")
        return spent < budget_s

    scales = _FIRST_STEP * np.array([knob.scale for knob in KNOBS])
    found = minimise(problem.cost, problem.start(), scales, rounds=rounds, seed=seed, carry_on=carry_on)
    fresh_seeds = [1000 + seed * _FRESH_SEEDS + k for k in range(_FRESH_SEEDS)]
    candidates = [flow, *(problem.flow_at(point) for point in (found.point, found.best))]
    losses = [problem.loss(one, fresh_seeds) for one in candidates]
    chosen = int(np.argmin(losses))
    spreads = {} if chosen == 0 else _spreads(candidates[chosen], found.spread)
    seconds = time.monotonic() - began
    return Refined(candidates[chosen], spreads, losses[0], losses[chosen], found.tried + 3 * _FRESH_SEEDS, seconds)


def _spreads(flow: AnchoredFlow, spread: Floats) -> dict[str, float]:
    document = flow.model_dump()
    found = {}
    for knob, width in zip(KNOBS, spread.tolist(), strict=True):
        group, name = knob.key.split(".")
        value = float(document[group][name])
        found[knob.key] = width * value * (1.0 - value if knob.share else 1.0)
    return found


def measure(
    references: Mapping[str, Recording], market: MarketConfig, lot_size: int, seeds: Sequence[int], hours: float
) -> dict[str, list[MetricDistance]]:
    """Return the distances of simulations from recordings, the mean over seeds, per recording and metric."""
    made = [in_units(record_market(market, seed, hours), lot_size) for seed in seeds]
    found = {name: [compare(one, reference, resamples=0) for one in made] for name, reference in references.items()}
    return {name: [_mean(parts) for parts in zip(*every, strict=True)] for name, every in found.items()}


def _mean(parts: Sequence[Distance]) -> MetricDistance:
    l1, wasserstein = (float(np.mean([getattr(part, name).mean for part in parts])) for name in ("l1", "wasserstein"))
    return MetricDistance(parts[0].name, l1, wasserstein)
