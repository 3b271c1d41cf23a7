"""CMA-ES of the library ``cma`` (extra ``search``), one point at a time.

The library implements N. Hansen, *The CMA Evolution Strategy: A Tutorial* (arXiv 1604.00772, 2016). It takes its random
numbers from a generator that is handed to it, so the same seed gives the same search.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from twin_env.config import ConfigError
from twin_env.studies.search.space import Floats


class Optimiser(Protocol):
    """Proposes points and learns from their costs."""

    def ask(self) -> Floats:
        """Return a point to look at."""
        ...

    def tell(self, point: Floats, cost: float) -> None:
        """Take in what a point costs; less is better. It may have been moved a little since it was asked for."""
        ...


Make = Callable[[Floats, float, np.random.Generator], Optimiser]


class CmaOptimiser:
    """CMA-ES around a point, its generations taken apart into single points.

    Args:
        start: Centre of the first generation, float64 of shape ``(dimensions,)``.
        spread: Standard deviation of the first generation in each dimension.
        rng: All random numbers come from it.

    Raises:
        ConfigError: ``cma`` is not installed.
    """

    def __init__(self, start: Floats, spread: float, rng: np.random.Generator) -> None:
        options = {
            "verbose": -9,
            "seed": math.nan,  # it would seed numpy's global generator otherwise
            "randn": lambda *size: rng.standard_normal(size),
        }
        self._strategy = import_cma().CMAEvolutionStrategy(list(start), spread, options)
        self._asked: list[Floats] = []
        self._evaluated: list[tuple[Floats, float]] = []

    def ask(self) -> Floats:
        """Return the next point of the generation."""
        if not self._asked:
            self._asked = [np.asarray(point, np.float64) for point in self._strategy.ask()]
        return self._asked.pop(0)

    def tell(self, point: Floats, cost: float) -> None:
        """Remember a cost, and tell the library once a generation is complete."""
        self._evaluated.append((np.array(point), cost))
        if len(self._evaluated) == self._strategy.popsize:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._strategy.tell([point for point, _ in self._evaluated], [cost for _, cost in self._evaluated])
            self._evaluated.clear()


def method_name() -> str:
    """Name the optimiser and its version for reports.

    Raises:
        ConfigError: ``cma`` is not installed.
    """
    return f"cma {import_cma().__version__}"


def import_cma() -> Any:
    """Import the library, which warns of a plotting library it does not need here.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import cma
    except ImportError:
        raise ConfigError(
            ["The search needs the package cma, expected the extra: pip install 'twin-env[search]'."]
        ) from None
    return cma
