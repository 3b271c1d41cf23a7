"""How the results of episodes are spread, and which lie far out.

Outliers are told by the modified z-score of Iglewicz and Hoaglin (How to detect and handle outliers, 1993): the
distance from the median over the median absolute deviation, scaled to a standard deviation of a normal distribution.
Mean and standard deviation would be moved by the outliers that they are to find.
"""

from typing import Any, Final

import numpy as np

from twin_env.alpha.derived.objective import Judge, Row
from twin_env.statistics.interval import Floats

NORMAL_SHARE: Final = 0.6745
"""The median absolute deviation of a normal distribution over its standard deviation."""
OUTLYING: Final = 3.5
"""Modified z-score beyond which an episode is an outlier, as its authors propose."""
BINS: Final = 24
MOST_OUTLIERS: Final = 10
_TAILS: Final = (0.05, 0.95)
_ROUNDING: Final = 1e-12
"""Of the largest value: less than that tells no two values apart."""
_LEAST: Final = 1e-9
"""A thousandth of the smallest amount there is."""


def distribute(document: Row, objective: Judge) -> list[dict[str, Any]]:
    """Return for each policy how the objective is spread over its episodes, on bins that all policies share."""
    values = [objective.values(policy) for policy in document["policies"]]
    edges = bin_edges(np.concatenate(values))
    seeds = document["seeds"]
    return [
        {"policy": policy["policy"]} | describe(each) | histogram(each, edges) | find_outliers(each, seeds)
        for policy, each in zip(document["policies"], values, strict=True)
    ]


def describe(values: Floats) -> dict[str, float | int]:
    """Return mean, median, spread and tails of at least one value."""
    low, high = np.quantile(values, _TAILS)
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "mad": float(deviation(values)),
        "p05": float(low),
        "p95": float(high),
        "least": float(values.min()),
        "most": float(values.max()),
    }


def bin_edges(values: Floats, bins: int = BINS) -> Floats:
    """Return the edges of even bins over all values; values that are all the same get a bin around them."""
    low, high = float(values.min()), float(values.max())
    if high - low <= _resolution(values):
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def histogram(values: Floats, edges: Floats) -> dict[str, list[float] | list[int]]:
    """Return how many values lie in each bin."""
    counts, _ = np.histogram(values, edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def deviation(values: Floats) -> float:
    """Return the median absolute deviation from the median."""
    return float(np.median(np.abs(values - np.median(values))))


def scores(values: Floats) -> Floats:
    """Return the modified z-score of each value; zero for all where more than half of them are the same."""
    spread = deviation(values)
    return (
        np.zeros_like(values) if spread <= _resolution(values) else NORMAL_SHARE * (values - np.median(values)) / spread
    )


def _resolution(values: Floats) -> float:
    return max(_LEAST, _ROUNDING * float(np.abs(values).max()))


def find_outliers(values: Floats, seeds: list[int]) -> dict[str, Any]:
    """Return the episodes that lie far out, farthest first, and how many there are."""
    scored = scores(values)
    order = np.argsort(-np.abs(scored), kind="stable")
    far = [int(place) for place in order if abs(scored[place]) > OUTLYING]
    rows = [{"seed": seeds[place], "value": float(values[place]), "score": float(scored[place])} for place in far]
    return {"outliers": rows[:MOST_OUTLIERS], "outlier_count": len(far)}
