"""Where the trades, quotes and bars of an anchored world are: in a table of any layout, or in a DBN file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twin_env.config import Config, load_config
from twin_env.market.data.columns import reader as generic
from twin_env.market.data.columns.reader import TableFile
from twin_env.market.data.tables import Bars, Quotes, Trades
from twin_env.market.data.tape import TapeError

_DBN_SUFFIXES: Final = (".dbn", ".dbn.zst")
_NS_PER_S: Final = 1_000_000_000


class DatabentoTable(Config):
    """Trades, quotes or bars in a DBN file; its schema says which of them it holds.

    Attributes:
        path: The file (.dbn or .dbn.zst). A relative path starts at the working folder.
        symbol: Which instrument, if the file has several: symbol or instrument id.
    """

    path: Path
    symbol: str | int | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)


AnyTable = TableFile | DatabentoTable


def choose_table(value: object) -> object:
    """Make a table of the keys of a config: the suffix of ``path`` tells which kind.

    Raises:
        ConfigError: A key is wrong; the error speaks of the chosen kind alone.
    """
    if not isinstance(value, Mapping):
        return value
    paths = value.get("path")
    first = paths[0] if isinstance(paths, list | tuple) and paths else paths
    is_dbn = isinstance(first, str | Path) and str(first).endswith(_DBN_SUFFIXES)
    return load_config(DatabentoTable, value) if is_dbn else load_config(TableFile, value)


def read_trades(table: AnyTable, tick_size: float) -> Trades:
    """Read the trades of a table, or of a DBN file whose schema has them.

    Raises:
        TapeError: A file is missing, damaged, of another schema, or holds what cannot be.
    """
    if isinstance(table, TableFile):
        return generic.read_trades(table, tick_size)
    from twin_env.market.data.databento import tables as databento_tables  # its parser is not everybody's to pay for

    return databento_tables.read_trades(table.path, tick_size=tick_size, symbol=table.symbol)


def read_quotes(table: AnyTable, tick_size: float) -> Quotes:
    """Read the best bids and asks of a table or a DBN file; errors as of :func:`read_trades`."""
    if isinstance(table, TableFile):
        return generic.read_quotes(table, tick_size)
    from twin_env.market.data.databento import tables as databento_tables

    return databento_tables.read_quotes(table.path, tick_size=tick_size, symbol=table.symbol)


def read_bars(table: AnyTable, tick_size: float, bar_s: float) -> Bars:
    """Read the bars of a table or a DBN file; errors as of :func:`read_trades`.

    Args:
        table: Where they are.
        tick_size: Price of one tick, in the quote currency.
        bar_s: Their length, which the schema of a DBN file has to confirm.
    """
    if isinstance(table, TableFile):
        return generic.read_bars(table, tick_size, bar_s=bar_s)
    from twin_env.market.data.databento import tables as databento_tables

    bars = databento_tables.read_bars(table.path, tick_size=tick_size, symbol=table.symbol)
    if (bars.duration_ns != round(bar_s * _NS_PER_S)).any():
        true_s = int(bars.duration_ns[0]) / _NS_PER_S
        raise TapeError(f"{table.path}: bar_s is {bar_s:g}, expected {true_s:g}, the length its schema tells")
    return bars
