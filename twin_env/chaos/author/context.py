"""What an author must know of the market: the instrument, its day, its price, how much it usually moves."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

from twin_env.chaos.quantity import Scale
from twin_env.config import load_config
from twin_env.market.day import Day
from twin_env.market.flow import AnchoredFlow
from twin_env.market.instrument import Instrument
from twin_env.market.synthetic import MarketConfig

DEFAULT_MARKET: Final = "mgc_2025"
_DAY_S: Final = 86_400.0
_SIGMA_S: Final = 10.0
_GUESSED_SIGMA: Final = 1e-4  # of the price, where the market does not say
_GUESSED_SPREAD_TICKS: Final = 2.0


@dataclass(frozen=True)
class Context:
    """The market a sentence is about.

    Attributes:
        symbol: Of the instrument.
        tick_size: Smallest price step, in price units.
        point_value_ccy: What a move of 1.0 is worth for one lot.
        currency: Of that.
        price: Where the market starts; ``None`` for a history, which is not read for a sentence.
        sigma_ticks: Usual move over ten seconds, about; the run measures it.
        spread_ticks: Usual spread, about.
        day: Moments of the instrument's day.
        zone: Of times of day whose zone the sentence does not name; the instrument's own if empty.
    """

    symbol: str = "MGC"
    tick_size: float = 0.1
    point_value_ccy: float = 10.0
    currency: str = "USD"
    price: float | None = 4300.0
    sigma_ticks: float = 4.6
    spread_ticks: float = _GUESSED_SPREAD_TICKS
    day: Day = field(default_factory=lambda: load_config(Instrument, "mgc", folder="instruments").day)
    zone: str = ""

    @classmethod
    def of(cls, market: MarketConfig | str = DEFAULT_MARKET, zone: str = "") -> Self:
        """Return the context of a market, by its model or its preset's name.

        Raises:
            ConfigError: There is no such market.
        """
        market = load_config(MarketConfig, market, folder="markets")
        instrument, source = market.instrument, market.flow or market.source
        price = getattr(source, "start_price", None)
        if isinstance(source, AnchoredFlow):
            sigma = source.price.daily_volatility_ticks * math.sqrt(_SIGMA_S / _DAY_S)
        else:
            sigma = max(1.0, _GUESSED_SIGMA * (price or 0.0) / instrument.tick_size)
        return cls(
            instrument.symbol, instrument.tick_size, instrument.point_value_ccy, instrument.currency, price,
            round(sigma, 1), _GUESSED_SPREAD_TICKS, instrument.day, zone,
        )  # fmt: skip

    @property
    def clock_zone(self) -> str:
        """Zone of times of day that come without one."""
        return self.zone or self.day.zone

    @cached_property
    def scale(self) -> Scale:
        """What units of moves mean here; a history's percents are of an unknown price, here 0."""
        tick_value = self.tick_size * self.point_value_ccy
        return Scale(self.tick_size, tick_value, self.price or 0.0, self.sigma_ticks, self.spread_ticks)

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "symbol": self.symbol,
            "tick_size": self.tick_size,
            "money_per_point_and_lot": self.point_value_ccy,
            "currency": self.currency,
            "price": self.price,
            "zone": self.clock_zone,
            "anchors": dict(self.day.anchors),
            "opening_range_minutes": self.day.orb_minutes,
        }
