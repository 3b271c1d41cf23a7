"""Sizes of moves with their unit, so that nobody has to guess whether 15 is points, ticks or percent."""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from pydantic import Field

from twin_env.config import Config

Unit = Literal["points", "ticks", "percent", "bps", "usd_per_contract", "sigma", "spreads"]
UNITS: Final = get_args(Unit)
_PERCENT: Final = 100.0
_BPS: Final = 10_000.0


class Quantity(Config):
    """A distance between two prices, without a sign: directions are words.

    Attributes:
        value: How many of the unit.
        unit: ``points`` are units of price (dollars per ounce), ``percent`` and ``bps`` are of the price when the
            experiment starts, ``usd_per_contract`` is what one lot gains or loses, ``sigma`` is the market's usual
            move over ten seconds, ``spreads`` its usual spread.
    """

    value: float = Field(gt=0, le=1e9)
    unit: Unit

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit.replace('_', ' ')}"

    def ticks(self, scale: "Scale") -> int:
        """Return the distance in whole ticks, at least one.

        Raises:
            ValueError: Points or ticks that are no whole number of ticks.
        """
        exact = self.value * scale.ticks_per(self.unit)
        whole = max(1, round(exact))
        if self.unit in ("points", "ticks") and not math.isclose(exact, whole, rel_tol=1e-9):
            raise ValueError(f"{self} is {exact:g} ticks of {scale.tick_size:g}, expected a whole number of ticks")
        return whole


@dataclass(frozen=True)
class Scale:
    """What the units mean in one market.

    Attributes:
        tick_size: Smallest price step, in price units.
        tick_value_ccy: What one tick of one lot is worth.
        price: When the experiment starts, in price units.
        sigma_ticks: Standard deviation of the mid's move over ten seconds, ticks.
        spread_ticks: Usual spread, ticks.
    """

    tick_size: float
    tick_value_ccy: float
    price: float
    sigma_ticks: float
    spread_ticks: float

    def ticks_per(self, unit: Unit) -> float:
        """Return how many ticks one of ``unit`` is."""
        price_ticks = self.price / self.tick_size
        return {
            "points": 1.0 / self.tick_size,
            "ticks": 1.0,
            "percent": price_ticks / _PERCENT,
            "bps": price_ticks / _BPS,
            "usd_per_contract": 1.0 / self.tick_value_ccy,
            "sigma": self.sigma_ticks,
            "spreads": self.spread_ticks,
        }[unit]
