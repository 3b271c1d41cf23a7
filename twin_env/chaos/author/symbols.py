"""Instruments a sentence names: tickers, "gold", "the S&P 500"."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from twin_env.chaos.author.clocks import ZONES
from twin_env.chaos.author.kinds import VOCABULARY

_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "gold": ("MGC", "GC"), "micro gold": ("MGC",), "silver": ("SI",), "oil": ("CL",), "crude": ("CL",),
        "apple": ("AAPL",), "amazon": ("AMZN",), "tesla": ("TSLA",), "nvidia": ("NVDA",), "microsoft": ("MSFT",),
        "bitcoin": ("BTC",), "ethereum": ("ETH",), "s&p 500": ("ES",), "s&p": ("ES",), "e-mini": ("ES",),
        "nasdaq": ("NQ",), "tsla": ("TSLA",), "aapl": ("AAPL",), "amzn": ("AMZN",), "btc": ("BTC",), "es": ("ES",),
        "nq": ("NQ",), "spy": ("SPY",), "mgc": ("MGC",), "gc": ("GC",), "cl": ("CL",), "eurusd": ("EURUSD",),
    }
)  # fmt: skip
_ABBREVIATIONS: Final = "orb rth cme cod atr ack acks pm am hft api vm gtc usd bps ms ok fix id gc ii"
_TICKER: Final = re.compile(r"(?<![\w/<])[A-Z][A-Z0-9]{1,5}(?![\w/])")


class Symbols:
    """The instruments of one sentence; in its text they are replaced by ``<sym>``.

    Attributes:
        found: Their symbols.
    """

    def __init__(self, symbol: str, words: frozenset[str]) -> None:
        self.symbol = symbol
        self.found: list[str] = []
        self._words = VOCABULARY | words | set(ZONES) | set(_ABBREVIATIONS.split())

    @property
    def named(self) -> str | None:
        """The instrument named, another one than the market's first."""
        others = [symbol for symbol in self.found if symbol != self.symbol]
        return next(iter(others or self.found), None)

    def mark(self, text: str) -> str:
        """Return a text with its instruments replaced; in shouted texts only known names are looked for."""
        names = "|".join(re.escape(name) for name in sorted({*_NAMES, self.symbol.lower()}, key=len, reverse=True))
        known = re.compile(rf"(?<![\w/])(?:{names})(?! pause| stall)(?: futures)?(?![\w/])", re.IGNORECASE)
        marked = known.sub(self._name, text)
        return marked if text.upper() == text else _TICKER.sub(self._ticker, marked)

    def _name(self, match: re.Match[str]) -> str:
        known = _NAMES.get(match[0].lower().removesuffix(" futures"), (self.symbol,))
        self.found.append(self.symbol if self.symbol in known else known[0])
        return "<sym>"

    def _ticker(self, match: re.Match[str]) -> str:
        if match[0].lower() in self._words:
            return match[0]
        self.found.append(match[0])
        return "<sym>"
