"""Recordings of Binance's streams: depth differences, best quotes and trades."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twin_env.market.data.binance.source import BinanceRecording
    from twin_env.market.data.inspection import Inspection, InspectOptions

NEEDS: Final = ("twin_env.market.data.levels",)


class _Binance:
    name = "Binance recordings (text or .gz, a receive time and a JSON message per line)"

    def sniff(self, path: Path, options: "InspectOptions") -> bool:
        from twin_env.market.data.binance.inspect import is_binance

        return options.columns is None and is_binance(path)

    def inspect(self, path: Path, options: "InspectOptions") -> "Inspection":
        from twin_env.market.data.binance.inspect import inspect_binance

        return inspect_binance(path, options)

    def histories(self) -> "tuple[type[BinanceRecording]]":
        from twin_env.market.data.binance.source import BinanceRecording

        return (BinanceRecording,)


READER: Final = _Binance()
