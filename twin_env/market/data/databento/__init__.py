"""Databento's DBN files: single orders, ten levels, trades, quotes or bars."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twin_env.market.data.databento.source import DatabentoHistory
    from twin_env.market.data.inspection import Inspection, InspectOptions

NEEDS: Final = ("twin_env.market.data.levels",)


class _Databento:
    name = "Databento DBN (.dbn, .dbn.zst)"

    def sniff(self, path: Path, options: "InspectOptions") -> bool:
        from twin_env.market.data.databento.files import is_dbn

        return options.columns is None and is_dbn(path)

    def inspect(self, path: Path, options: "InspectOptions") -> "Inspection":
        from twin_env.market.data.databento.inspect import inspect_databento

        return inspect_databento(path, options)

    def histories(self) -> "tuple[type[DatabentoHistory]]":
        from twin_env.market.data.databento.source import DatabentoHistory

        return (DatabentoHistory,)


READER: Final = _Databento()
