"""Histories that lead a synthetic market: the efficient price follows trades, quotes or bars of other readers."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twin_env.market.data.led.source import BarHistory, TradesQuotes

NEEDS: Final = ("twin_env.market.data.columns", "twin_env.market.data.databento")


class _Led:
    def histories(self) -> "tuple[type[TradesQuotes], type[BarHistory]]":
        from twin_env.market.data.led.source import BarHistory, TradesQuotes

        return TradesQuotes, BarHistory


READER: Final = _Led()
