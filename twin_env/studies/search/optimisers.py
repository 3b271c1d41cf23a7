"""CMA-ES, one point at a time: the library ``cma`` where it is installed, our own otherwise.

Both follow N. Hansen, *The CMA Evolution Strategy: A Tutorial* (arXiv 1604.00772, 2016), and take their random numbers
from a generator that is handed to them, so the same seed gives the same search.
"""

import importlib.util
import math
import warnings
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np

from twin_env.studies.search.space import Floats

LIBRARY: Final = "cma"


class Optimiser(Protocol):
    """Proposes points and learns from their costs."""

    def ask(self) -> Floats:
        """Return a point to look at."""
        ...

    def tell(self, point: Floats, cost: float) -> None:
        """Take in what a point costs; less is better. It may have been moved a little since it was asked for."""
        ...


Make = Callable[[Floats, float, np.random.Generator], Optimiser]


def make_optimiser(start: Floats, spread: float, rng: np.random.Generator) -> Optimiser:
    """Return CMA-ES around a point: the library's where it is installed and can (it needs two dimensions)."""
    return (LibraryCma if has_library() and len(start) > 1 else OwnCma)(start, spread, rng)


def has_library() -> bool:
    """Tell whether ``cma`` is installed."""
    return importlib.util.find_spec(LIBRARY) is not None


def method_name() -> str:
    """Name the optimiser for reports."""
    if not has_library():
        return "built-in CMA-ES"
    return f"cma {_library().__version__}"


class OwnCma:
    """CMA-ES with the tutorial's default parameters (Hansen 2016, table 1), positive weights only.

    Attributes:
        mean: Centre of the distribution.
        spread: Its step size, sigma in the tutorial.
    """

    def __init__(self, start: Floats, spread: float, rng: np.random.Generator) -> None:
        self.mean = np.array(start, np.float64)
        self.spread = spread
        self._rng = rng
        size = len(self.mean)
        self._size = 4 + math.floor(3 * math.log(size))  # points of a generation
        raw = np.log((self._size + 1) / 2) - np.log(np.arange(1, self._size // 2 + 1))
        self._weights = raw / raw.sum()
        self._mass = 1.0 / float((self._weights**2).sum())
        self._set_rates(size)
        self._path_spread = np.zeros(size)
        self._path = np.zeros(size)
        self._covariance = np.eye(size)
        self._axes, self._lengths = np.eye(size), np.ones(size)
        self._told: list[tuple[float, int, Floats]] = []
        self._generation = 0

    def _set_rates(self, size: int) -> None:
        mass = self._mass
        self._rate_spread = (mass + 2) / (size + mass + 5)
        self._damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (size + 1)) - 1) + self._rate_spread
        self._rate_path = (4 + mass / size) / (size + 4 + 2 * mass / size)
        self._rate_one = 2 / ((size + 1.3) ** 2 + mass)
        self._rate_many = min(1 - self._rate_one, 2 * (mass - 2 + 1 / mass) / ((size + 2) ** 2 + mass))
        self._usual_length = math.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))

    def ask(self) -> Floats:
        """Return a draw of the distribution."""
        noise = self._rng.standard_normal(len(self.mean))
        point: Floats = self.mean + self.spread * (self._axes @ (self._lengths * noise))
        return point

    def tell(self, point: Floats, cost: float) -> None:
        """Remember a cost, and move on once a generation is complete."""
        self._told.append((cost, len(self._told), np.array(point)))
        if len(self._told) == self._size:
            self._update(np.array([best for _, _, best in sorted(self._told)[: len(self._weights)]]))
            self._told.clear()

    def _update(self, parents: Floats) -> None:
        """Move mean, step size and covariance (Hansen 2016, equations 38 to 47)."""
        steps = (parents - self.mean) / self.spread
        step = self._weights @ steps
        self.mean = self.mean + self.spread * step
        self._generation += 1
        white = self._axes @ ((self._axes.T @ step) / self._lengths)
        self._path_spread = self._follow(self._path_spread, white, self._rate_spread)
        length = float(np.linalg.norm(self._path_spread))
        usual = math.sqrt(1 - (1 - self._rate_spread) ** (2 * self._generation)) * self._usual_length
        moving = length < (1.4 + 2 / (len(step) + 1)) * usual
        self._path = self._follow(self._path, step * moving, self._rate_path)
        self._adapt(steps, moving)
        self.spread *= math.exp(min(1.0, self._rate_spread / self._damping * (length / self._usual_length - 1)))

    def _follow(self, path: Floats, step: Floats, rate: float) -> Floats:
        followed: Floats = (1 - rate) * path + math.sqrt(rate * (2 - rate) * self._mass) * step
        return followed

    def _adapt(self, steps: Floats, moving: bool) -> None:
        """Adapt the covariance, and take it apart again."""
        lost = 0.0 if moving else self._rate_path * (2 - self._rate_path)
        one = np.outer(self._path, self._path) + lost * self._covariance
        many = (steps.T * self._weights) @ steps
        kept = 1 - self._rate_one - self._rate_many
        self._covariance = kept * self._covariance + self._rate_one * one + self._rate_many * many
        squares, self._axes = np.linalg.eigh((self._covariance + self._covariance.T) / 2)
        self._lengths = np.sqrt(np.maximum(squares, 1e-20))


class LibraryCma:
    """The library's CMA-ES behind the same two methods."""

    def __init__(self, start: Floats, spread: float, rng: np.random.Generator) -> None:
        options = {
            "verbose": -9,
            "seed": math.nan,  # it would seed numpy's global generator otherwise
            "randn": lambda *size: rng.standard_normal(size),
        }
        self._strategy = _library().CMAEvolutionStrategy(list(start), spread, options)
        self._asked: list[Floats] = []
        self._told: list[tuple[Floats, float]] = []

    def ask(self) -> Floats:
        """Return the next point of the generation."""
        if not self._asked:
            self._asked = [np.asarray(point, np.float64) for point in self._strategy.ask()]
        return self._asked.pop(0)

    def tell(self, point: Floats, cost: float) -> None:
        """Remember a cost, and tell the library once a generation is complete."""
        self._told.append((np.array(point), cost))
        if len(self._told) == self._strategy.popsize:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._strategy.tell([point for point, _ in self._told], [cost for _, cost in self._told])
            self._told.clear()


def _library() -> Any:
    """Import the library, which warns of a plotting library it does not need here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cma
    return cma
