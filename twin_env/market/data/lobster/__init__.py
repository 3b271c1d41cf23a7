"""LOBSTER days: a message file, and the order book file beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twin_env.market.data.inspection import Inspection, InspectOptions
    from twin_env.market.data.lobster.source import LobsterHistory

NEEDS: Final = ()


class _Lobster:
    name = "LOBSTER message files (.csv, .csv.gz, .parquet, or .zip with the orderbook)"

    def sniff(self, path: Path, options: "InspectOptions") -> bool:
        from twin_env.market.data.lobster.inspect import is_lobster

        return options.columns is None and is_lobster(path)

    def inspect(self, path: Path, options: "InspectOptions") -> "Inspection":
        from twin_env.market.data.lobster.inspect import inspect_lobster

        return inspect_lobster(path, options)

    def histories(self) -> "tuple[type[LobsterHistory]]":
        from twin_env.market.data.lobster.source import LobsterHistory

        return (LobsterHistory,)


READER: Final = _Lobster()
