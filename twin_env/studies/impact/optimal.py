"""Optimal schedules in closed form: the known answers that a schedule or a market is held against.

Prices, lots and times have any units, as long as all numbers of one model share them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_env.studies.impact.schedule import CHILD, Records

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AlmgrenChriss:
    """Linear impact and a trader averse to risk.

    Almgren and Chriss, "Optimal execution of portfolio transactions", 2000.

    Attributes:
        volatility: Standard deviation of the price over one unit of time, sigma.
        temporary: What a lot per unit of time costs every lot of the same step, eta.
        permanent: How far a lot moves the price for good, gamma.
        risk_aversion: Price of variance, lambda; 0 for a trader who minds the mean alone.
        fixed: Cost of a lot whatever the pace, epsilon: half the spread and fees.
    """

    volatility: float
    temporary: float
    permanent: float = 0.0
    risk_aversion: float = 0.0
    fixed: float = 0.0

    def holdings(self, lots: float, duration: float, steps: int) -> Floats:
        """Return what is left at t = 0, tau, .. T: X sinh(kappa (T - t)) / sinh(kappa T), shape ``(steps + 1,)``.

        Raises:
            ValueError: The permanent impact of a step exceeds the temporary one, so that no schedule is best.
        """
        passed = np.linspace(0.0, 1.0, steps + 1)
        urgency = self.kappa(duration / steps) * duration
        if urgency == 0.0:
            return lots * (1.0 - passed)
        # sinh(k (1 - z)) / sinh(k), written so that nothing overflows for a hasty trader.
        left: Floats = np.exp(-urgency * passed) * np.expm1(-2.0 * urgency * (1.0 - passed)) / np.expm1(-2.0 * urgency)
        return lots * left

    def kappa(self, step: float) -> float:
        """Return kappa, for steps of length tau: (2 / tau^2) (cosh(kappa tau) - 1) = lambda sigma^2 / eta~.

        Raises:
            ValueError: See :meth:`holdings`.
        """
        ratio = self.risk_aversion * self.volatility**2 / self._net_temporary(step)
        return 2.0 * math.asinh(math.sqrt(ratio) * step / 2.0) / step

    def cost(self, holdings: Floats, duration: float) -> float:
        """Return the expected shortfall of a schedule: gamma X^2 / 2 + epsilon X + eta~ / tau sum n^2."""
        step, lots = duration / (len(holdings) - 1), float(holdings[0])
        pace = float((np.diff(holdings) ** 2).sum()) / step
        return self.permanent * lots**2 / 2.0 + self.fixed * lots + self._net_temporary(step) * pace

    def variance(self, holdings: Floats, duration: float) -> float:
        """Return the variance of the shortfall of a schedule: sigma^2 tau sum x^2."""
        return self.volatility**2 * duration / (len(holdings) - 1) * float((holdings[1:] ** 2).sum())

    def _net_temporary(self, step: float) -> float:
        """Return eta~ = eta - gamma tau / 2."""
        net = self.temporary - self.permanent * step / 2.0
        if net <= 0.0:
            raise ValueError(
                f"temporary is {self.temporary:g}, expected more than permanent x step / 2 = "
                f"{self.permanent * step / 2.0:g}"
            )
        return net


@dataclass(frozen=True)
class ObizhaevaWang:
    """A book of constant depth that refills.

    Obizhaeva and Wang, "Optimal trading strategy and supply/demand dynamics", 2013.

    A trade of x walks x / q up the book; of that lambda x stays for good and the rest fades like exp(-rho t).
    Costs are in price x lots, beyond the touch at the beginning.

    Attributes:
        depth: Lots per unit of price on either side, q.
        resilience: Rate at which the book refills, rho.
        permanent: How far a lot moves the price for good, lambda; less than 1 / q.
    """

    depth: float
    resilience: float
    permanent: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.permanent < 1.0 / self.depth:
            raise ValueError(f"permanent is {self.permanent:g}, expected 0 to less than 1 / depth = {1 / self.depth:g}")

    @property
    def transient(self) -> float:
        """Move per lot that fades: kappa = 1 / q - lambda."""
        return 1.0 / self.depth - self.permanent

    def block(self, lots: float, duration: float) -> float:
        """Return the optimal block at t = 0 and at t = T, X / (rho T + 2); the rest goes evenly between them."""
        return lots / (self.resilience * duration + 2.0)

    def cost(self, lots: float, duration: float) -> float:
        """Return the cost of the optimal schedule: lambda X^2 / 2 + kappa X^2 / (rho T + 2)."""
        return self._permanent_cost(lots) + self.transient * lots * self.block(lots, duration)

    def twap_cost(self, lots: float, duration: float) -> float:
        """Return the cost of an even pace: lambda X^2 / 2 + kappa X^2 (a - 1 + exp(-a)) / a^2 with a = rho T."""
        faded = self.resilience * duration
        return self._permanent_cost(lots) + self.transient * lots**2 * (faded + math.expm1(-faded)) / faded**2

    def immediate_cost(self, lots: float) -> float:
        """Return the cost of one block: X^2 / 2 q."""
        return lots**2 / (2.0 * self.depth)

    def trades(self, lots: float, duration: float, steps: int) -> Floats:
        """Return the optimal schedule at t = 0, tau, .. T, with the even part in the steps; shape ``(steps + 1,)``."""
        block = self.block(lots, duration)
        trades = np.full(steps + 1, (lots - 2.0 * block) / steps)
        trades[[0, -1]] = block + trades[0] / 2.0  # each trade stands for the pace of half a step to either side
        return trades

    def _permanent_cost(self, lots: float) -> float:
        return self.permanent * lots**2 / 2.0


def to_children(trades: Floats, duration_s: float, side: int) -> Records:
    """Return trades at even times from 0 to ``duration_s`` as children of :mod:`schedule`, in whole lots.

    Sizes are rounded so that what is sent never differs by more than half a lot from the schedule; those that round to
    nothing are left out.

    Args:
        trades: Lots at each time.
        duration_s: From the first to the last.
        side: +1 or -1.
    """
    children = np.zeros(len(trades), CHILD)
    children["offset_ns"] = np.rint(np.linspace(0.0, duration_s, len(trades)) * 1e9)
    children["lots"] = np.diff(np.rint(np.cumsum(trades)), prepend=0.0)
    children["side"] = side
    return children[children["lots"] > 0]
