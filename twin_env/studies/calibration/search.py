"""A small evolution strategy with covariance matrix adaptation, for costs that are rough and dear.

Hansen and Ostermeier (2001), with the weights and rates of Hansen (2016), "The CMA evolution strategy: a tutorial".
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twin_env.studies.calibration.observed import Floats


@dataclass(frozen=True)
class Found:
    """Where a search ended.

    Attributes:
        point: Centre of the last population.
        best: Best point that was tried.
        best_cost: Its cost.
        spread: Standard deviations of the last population.
        tried: Points tried.
    """

    point: Floats
    best: Floats
    best_cost: float
    spread: Floats
    tried: int


class Strategy:
    """The state of the search.

    Args:
        start: First centre.
        scales: First standard deviations.
        seed: Of its draws.
    """

    def __init__(self, start: Floats, scales: Floats, seed: int) -> None:
        count = len(start)
        self.random = np.random.default_rng(seed)
        self.centre, self.scales, self.step = start.copy(), scales, 1.0
        self.population = 4 + int(3 * math.log(count))
        parents = self.population // 2
        weights = math.log((self.population + 1) / 2) - np.log(np.arange(1, parents + 1))
        self.weights = weights / weights.sum()
        mass = 1.0 / float((self.weights**2).sum())
        self.mass = mass
        self.fade_path = (4 + mass / count) / (count + 4 + 2 * mass / count)
        self.fade_step = (mass + 2) / (count + mass + 5)
        self.rate_one = 2 / ((count + 1.3) ** 2 + mass)
        self.rate_many = min(1 - self.rate_one, 2 * (mass - 2 + 1 / mass) / ((count + 2) ** 2 + mass))
        self.damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (count + 1)) - 1) + self.fade_step
        self.length = math.sqrt(count) * (1 - 1 / (4 * count) + 1 / (21 * count**2))
        self.covariance = np.eye(count)
        self.path, self.step_path = np.zeros(count), np.zeros(count)
        self.rounds = 0

    def ask(self) -> Floats:
        """Draw a population, shape ``(population, parameters)``."""
        values, axes = np.linalg.eigh(self.covariance)
        roots = np.sqrt(np.maximum(values, 1e-14))
        draws = self.random.standard_normal((self.population, len(self.centre)))
        return np.asarray(self.centre + self.scales * self.step * (draws * roots) @ axes.T, np.float64)

    def tell(self, points: Floats, costs: Floats) -> None:
        """Move towards the better half and learn its shape."""
        count = len(self.centre)
        self.rounds += 1
        moves = ((points - self.centre) / (self.scales * self.step))[np.argsort(costs, kind="stable")]
        moves = moves[: len(self.weights)]
        mean = self.weights @ moves
        values, axes = np.linalg.eigh(self.covariance)
        white = axes @ ((axes.T @ mean) / np.sqrt(np.maximum(values, 1e-14)))
        self.step_path = (1 - self.fade_step) * self.step_path + math.sqrt(
            self.fade_step * (2 - self.fade_step) * self.mass
        ) * white
        norm = float(np.linalg.norm(self.step_path))
        expected = self.length * math.sqrt(1 - (1 - self.fade_step) ** (2 * self.rounds))
        steady = norm / expected < 1.4 + 2 / (count + 1)
        self.path = (1 - self.fade_path) * self.path
        if steady:
            self.path = self.path + math.sqrt(self.fade_path * (2 - self.fade_path) * self.mass) * mean
        lost = 0.0 if steady else self.fade_path * (2 - self.fade_path)
        self.covariance = (
            (1 - self.rate_one - self.rate_many + self.rate_one * lost) * self.covariance
            + self.rate_one * np.outer(self.path, self.path)
            + self.rate_many * (moves.T * self.weights) @ moves
        )
        self.centre = self.centre + self.scales * self.step * mean
        self.step *= math.exp(min((self.fade_step / self.damping) * (norm / self.length - 1), 1.0))

    @property
    def spread(self) -> Floats:
        """Standard deviations of the population."""
        return np.asarray(self.scales * self.step * np.sqrt(np.diag(self.covariance)), np.float64)


def minimise(
    cost: Callable[[Floats], float],
    start: Floats,
    scales: Floats,
    *,
    rounds: int,
    seed: int,
    carry_on: Callable[[int, float], bool],
) -> Found:
    """Search for a point of low cost.

    Args:
        cost: What to make small.
        start: Where to begin.
        scales: How far to look at first, per parameter.
        rounds: Most populations.
        seed: Of the draws.
        carry_on: Asked after every population, with their number and the best cost, whether to go on.
    """
    strategy = Strategy(start, scales, seed)
    best, best_cost, tried = start, cost(start), 1
    for number in range(1, rounds + 1):
        points = strategy.ask()
        costs = np.array([cost(point) for point in points])
        tried += len(points)
        strategy.tell(points, costs)
        if costs.min() < best_cost:
            best, best_cost = points[int(np.argmin(costs))], float(costs.min())
        if not carry_on(number, best_cost):
            break
    return Found(strategy.centre, best, best_cost, strategy.spread, tried)
