"""What is traded: tick, point value, fees and the venue rules that belong to a contract."""

from fractions import Fraction
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from twin_env.config import Config
from twin_env.core.state.codes import SELF_MATCH_NAMES
from twin_env.market.day import Day
from twin_env.market.protections import Protections

MICRO: Final = 1_000_000
_TICK_TOLERANCE: Final = 1e-6  # of a tick, for floats of decimal prices
_RELATIVE_TOLERANCE: Final = 1e-15  # where floats themselves are coarser than that
_SELF_MATCH_CODES: Final = {name: code for code, name in SELF_MATCH_NAMES.items()}


class Instrument(Config):
    """A contract or a share.

    Attributes:
        symbol: Name in reports.
        tick_size: Smallest price step, in price units (MGC: 0.10 USD per ounce).
        point_value_ccy: Money of a price move of 1.0 for one lot (MGC: 10, for 10 ounces).
        currency: Currency of all money.
        protection_ticks: How far beyond the opposite touch a market order may trade.
        taker_fee_ccy_per_lot: All-in fee of a fill that took liquidity, positive when paid.
        maker_fee_ccy_per_lot: All-in fee of a fill that rested; negative for a rebate.
        self_match: What happens when two orders of one owner meet.
        day: Moments of its day that strategies and experiments are written around.
        protections: What the venue does against prices that run away; a market switches it on.
    """

    symbol: str = Field(min_length=1)
    tick_size: float = Field(gt=0)
    point_value_ccy: float = Field(gt=0)
    currency: str = "USD"
    protection_ticks: int = Field(ge=0)
    taker_fee_ccy_per_lot: float
    maker_fee_ccy_per_lot: float
    self_match: Literal["allow", "cancel_resting", "cancel_incoming", "cancel_both"] = "cancel_resting"
    day: Day = Day()
    protections: Protections | None = None

    @model_validator(mode="after")
    def _check_units(self) -> Self:
        half_tick = self._half_tick_micro
        if half_tick.denominator != 1:
            raise ValueError(
                f"tick_size {self.tick_size:g} times point_value_ccy {self.point_value_ccy:g} makes half a tick of "
                f"one lot {float(half_tick):g} millionths of a {self.currency}, expected a whole number of millionths"
            )
        return self

    @property
    def _half_tick_micro(self) -> Fraction:
        return Fraction(str(self.tick_size)) * Fraction(str(self.point_value_ccy)) * MICRO / 2

    @property
    def half_tick_micro(self) -> int:
        """Money of half a tick of one lot, in 1e-6 of the currency; exact."""
        return self._half_tick_micro.numerator

    @property
    def taker_fee_micro(self) -> int:
        """Taker fee of one lot in 1e-6 of the currency."""
        return round(self.taker_fee_ccy_per_lot * MICRO)

    @property
    def maker_fee_micro(self) -> int:
        """Maker fee of one lot in 1e-6 of the currency."""
        return round(self.maker_fee_ccy_per_lot * MICRO)

    @property
    def self_match_code(self) -> int:
        """``self_match`` as the integer the kernels compare."""
        return _SELF_MATCH_CODES[self.self_match]

    def to_ticks(self, price: float) -> int:
        """Return a price in ticks.

        Raises:
            ValueError: The price lies between two ticks.
        """
        if not self._is_on_tick(price):
            raise ValueError(f"{self.symbol} price is {price!r}, expected a multiple of tick_size {self.tick_size:g}.")
        return round(price / self.tick_size)

    def to_price(self, ticks: int) -> float:
        """Return a price in price units: the float nearest to the exact decimal."""
        return float(Fraction(str(self.tick_size)) * int(ticks))

    def _is_on_tick(self, price: float) -> bool:
        ticks = price / self.tick_size
        return abs(ticks - round(ticks)) <= _TICK_TOLERANCE + _RELATIVE_TOLERANCE * abs(ticks)
