"""How figures are written for people: money, prices, shares and times, each by the name of a format."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

MINUS: Final = "\u2212"
NOTHING: Final = "\u2013"
"""Stands for a figure that there is not."""
NARROW: Final = "\u202f"
"""A space at which no line breaks, between a figure and its unit."""

_SYMBOLS: Final = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3", "JPY": "\u00a5"}
_WITHOUT_CENTS: Final = ("JPY", "KRW")
_NS_PER_S: Final = 1_000_000_000
_CENTS: Final = 2
NAME_ROOM: Final = 17
"""Characters of a name beside a figure."""


@dataclass(frozen=True)
class Units:
    """What the figures of a document are in.

    Attributes:
        currency: ISO code of the account currency.
        price_decimals: Of a price of the instrument.
        zone: In which times of the day are written.
    """

    currency: str = "USD"
    price_decimals: int = 2
    zone: tzinfo = UTC

    def money(self, value: float, sign: str = "") -> str:
        """Write an amount: sign, symbol or code, thousands, as many decimals as the currency has."""
        figure = decimal(abs(value), 0 if self.currency in _WITHOUT_CENTS else _CENTS)
        symbol = _SYMBOLS.get(self.currency, f"{self.currency}{NARROW}")
        is_zero = not any(digit in "123456789" for digit in figure)
        before = "" if is_zero else MINUS if value < 0 else sign
        return f"{before}{symbol}{figure}"


def decimal(value: float, decimals: int, sign: str = "") -> str:
    """Write a number with thousands, a minus that is one, and no sign before zero."""
    text = f"{value:,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        return text.lstrip("-")
    return text.replace("-", MINUS) if value < 0 else sign + text


def short(text: str, room: int = NAME_ROOM) -> str:
    """Return a text that fits; one that does not loses its middle, for the ends of names differ."""
    if len(text) <= room:
        return text
    head = (room - 1) // 2
    return f"{text[:head]}\u2026{text[len(text) - (room - 1 - head) :]}"


Format = Callable[[Any, Units], str]

FORMATS: Final[dict[str, Format]] = {
    "text": lambda value, units: str(value),
    "name": lambda value, units: short(str(value)),
    "count": lambda value, units: decimal(value, 0),
    "one": lambda value, units: decimal(value, 1),
    "two": lambda value, units: decimal(value, 2),
    "bps": lambda value, units: decimal(value, 3),
    "bps+": lambda value, units: decimal(value, 3, "+"),
    "ccy": lambda value, units: units.money(value),
    "ccy+": lambda value, units: units.money(value, "+"),
    "price": lambda value, units: decimal(value, units.price_decimals),
    "share": lambda value, units: f"{decimal(100.0 * value, 1)}{NARROW}%",
    "percent": lambda value, units: f"{decimal(100.0 * value, 0)}{NARROW}%",
    "r+": lambda value, units: f"{decimal(value, 2, '+')}{NARROW}R",
    "ms": lambda value, units: f"{decimal(value, 1)}{NARROW}ms",
    "s": lambda value, units: f"{decimal(value, 2)}{NARROW}s",
    "horizon": lambda value, units: f"{value:g}{NARROW}s",
    "times": lambda value, units: f"\u00d7{decimal(value, 2).rstrip('0').rstrip('.')}",
    "hour": lambda value, units: f"{value:02d}:00",
    "time": lambda value, units: f"{_moment(value, units):%Y-%m-%d %H:%M:%S}",
    "clock": lambda value, units: f"{_moment(value, units):%H:%M:%S}",
    "identifier": lambda value, units: str(value),
}
"""By name, as ``data-format`` states it. ``+`` writes the sign of gains too: there it is the message."""


def write(value: Any, form: str, units: Units) -> str:
    """Write a figure in a format; a dash for one that there is not."""
    return NOTHING if value is None else FORMATS[form](value, units)


def decimals_of(step: float) -> int:
    """Return how many decimals a price has whose smallest step is given: 1 for 0.1, 2 for 0.25."""
    text = f"{step:.9f}".rstrip("0")
    return len(text.partition(".")[2])


def _moment(ts_ns: int, units: Units) -> datetime:
    return datetime.fromtimestamp(ts_ns // _NS_PER_S, units.zone)
