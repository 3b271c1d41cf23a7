"""How far a simulated market is from its source: what the second stage makes small, and what a fit is judged by."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twin_env.studies.calibration.observed import Floats
from twin_env.studies.realism.distances import SAMPLES, common_edges, l1_distance
from twin_env.studies.realism.recording import Recording
from twin_env.studies.realism.series import Series
from twin_env.studies.realism.window import seen_through

_MINUTE_S: Final = 60
_SHARES: Final = (np.arange(400) + 0.5) / 400
_MOST: Final = 20_000  # values of one metric that are looked at, evenly spaced


@dataclass(frozen=True)
class MetricDistance:
    """One metric of a simulation against the source.

    Attributes:
        name: Of the metric, as in the realism package.
        l1: Half the sum of absolute differences of histograms: 0 equal, 1 apart.
        wasserstein: Wasserstein-1 distance over the standard deviation of the source's values.
    """

    name: str
    l1: float
    wasserstein: float

    @property
    def loss(self) -> float:
        """Both distances as one number between 0 and 1; 1 where a side has no values."""
        if math.isnan(self.l1) or math.isnan(self.wasserstein):
            return 1.0
        return 0.5 * (self.l1 + self.wasserstein / (1.0 + self.wasserstein))

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON; NaN becomes ``None``."""
        return {
            "name": self.name,
            "l1": self.l1 if math.isfinite(self.l1) else None,
            "wasserstein": self.wasserstein if math.isfinite(self.wasserstein) else None,
        }


class Target:
    """The source, measured once.

    Args:
        recording: The source, in its own units. Simulations are looked at through as many levels as it shows.
    """

    def __init__(self, recording: Recording) -> None:
        self.levels = recording.levels
        self.values = samples_of(recording, self.levels)
        self.volatility = _volatility(recording, _MINUTE_S)
        self.quick_volatility = _volatility(recording, 1)

    def distances(self, recording: Recording) -> list[MetricDistance]:
        """Return how far a simulation, in the units of the source, is from it, one metric after another."""
        made = samples_of(recording, self.levels)
        return [_distance(name, made[name], values) for name, values in self.values.items()]

    def loss(self, recording: Recording) -> float:
        """Return the mean loss of all metrics; volatility over 60 s and over 1 s count like metrics."""
        losses = [one.loss for one in self.distances(recording)]
        for aim, seconds in ((self.volatility, _MINUTE_S), (self.quick_volatility, 1)):
            found = _volatility(recording, seconds)
            losses.append(min(abs(math.log(found / aim)), 1.0) if found > 0 and aim > 0 else 1.0)
        return float(np.mean(losses))


def samples_of(recording: Recording, levels: int | None = None) -> dict[str, Floats]:
    """Return the values of every metric of a recording, as it looks through so many levels a side."""
    series = Series(seen_through(recording, levels))
    found = {name: sample(series)[1] for name, sample in SAMPLES.items()}
    return {name: values[:: max(len(values) // _MOST, 1)] for name, values in found.items()}


def _distance(name: str, made: Floats, aim: Floats) -> MetricDistance:
    if not len(made) or not len(aim):
        return MetricDistance(name, math.nan, math.nan)
    edges = common_edges(made, aim)
    places = [np.searchsorted(edges, values, side="right") for values in (made, aim)]
    left, right = (np.bincount(place, minlength=len(edges) + 1).astype(np.float64) for place in places)
    gap = np.abs(np.quantile(made, _SHARES) - np.quantile(aim, _SHARES)).mean()
    spread = float(aim.std())
    far = float(gap) / spread if spread > 0 else (0.0 if gap == 0 else math.nan)
    return MetricDistance(name, l1_distance(left, right), far)


def _volatility(recording: Recording, seconds: int) -> float:
    mid = (recording.touch[::seconds, 0] + recording.touch[::seconds, 1]) / 2.0
    return float(np.sqrt(np.mean(np.diff(mid) ** 2) / seconds)) if len(mid) > 1 else math.nan
