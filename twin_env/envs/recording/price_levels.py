"""Lots by price of one book, at the exchange or as the desk pictures it, as entries of the stream change them."""

from collections.abc import Mapping
from typing import Self

from twin_env.core.state.codes import BUY, SELL
from twin_env.twin.exchange import Depth

Level = tuple[int, int]
"""Price in ticks, lots."""


class PriceLevels:
    """Price levels of both sides.

    Args:
        lots: By side (+1 bids, -1 offers) and price in ticks.
    """

    def __init__(self, lots: Mapping[int, Mapping[int, int]]) -> None:
        self._lots = {side: dict(lots[side]) for side in (BUY, SELL)}

    @classmethod
    def of(cls, book: Depth) -> Self:
        """Return the levels of a book."""
        return cls({BUY: dict(book.bids.tolist()), SELL: dict(book.asks.tolist())})

    def set(self, side: int, price: int, lots: int) -> None:
        """Give a level its new total."""
        if lots > 0:
            self._lots[side][price] = lots
        else:
            self._lots[side].pop(price, None)

    def touch(self, side: int) -> int | None:
        """Return the best price of a side in ticks, ``None`` where it is empty."""
        prices = self._lots[side]
        return side * max(side * price for price in prices) if prices else None

    def best(self, side: int, levels: int) -> list[Level]:
        """Return the best levels of a side, the touch first."""
        prices = sorted(self._lots[side], reverse=side == BUY)[:levels]
        return [(price, self._lots[side][price]) for price in prices]

    def copy(self) -> Self:
        """Return the same levels, which go their own way from here."""
        return type(self)(self._lots)
