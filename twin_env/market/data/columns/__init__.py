"""Trades, quotes and bars in csv or parquet files, read by the meaning of their columns."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twin_env.market.data.inspection import Inspection, InspectOptions

NEEDS: Final = ()


class _Columns:
    name = (
        "tables of trades, quotes or bars "
        "(.csv, .csv.gz, .zip, .parquet; --columns if the header does not explain them)"
    )

    def sniff(self, path: Path, options: "InspectOptions") -> bool:
        from twin_env.market.data.columns.inspect import is_table

        return options.columns is not None or is_table(path, options)

    def inspect(self, path: Path, options: "InspectOptions") -> "Inspection":
        from twin_env.market.data.columns.inspect import inspect_table

        return inspect_table(path, options)

    def histories(self) -> tuple[()]:
        return ()  # tables make no order book; they lead a synthetic flow, see the folder `led`


READER: Final = _Columns()
