"""Every format of market data that is read: how to recognise it, how to look into it."""

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twin_env.market.data.inspection import Inspection, InspectOptions
from twin_env.market.data.tape import TapeError

_LOBSTER_LINE: Final = re.compile(rb"\d+(\.\d+)?,[1-7],\d+,\d+,-?\d+,-?1\s*")
_LINE_BYTES: Final = 200


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: What it is called.
        sniff: Tells from name and first bytes whether a file is of this format; must not raise.
        inspect: Looks into such a file; raises TapeError.
    """

    name: str
    sniff: Callable[[Path, InspectOptions], bool]
    inspect: Callable[[Path, InspectOptions], Inspection]


def find_format(path: Path, options: InspectOptions | None = None) -> Format:
    """Return the format of a file; one whose columns the user explained is a table.

    Raises:
        TapeError: There is no such file, or it is of no format that is read.
    """
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected market data")
    options = options or InspectOptions()
    if options.columns is not None:
        return _TABLE
    for candidate in FORMATS:
        if candidate.sniff(path, options):
            return candidate
    raise TapeError(f"{path}: format is not known, expected one of: {', '.join(known.name for known in FORMATS)}")


def inspect_file(path: Path, options: InspectOptions | None = None) -> Inspection:
    """Look into a file of any format that is read.

    Raises:
        TapeError: The file is missing, unknown or broken.
    """
    options = options or InspectOptions()
    return find_format(path, options).inspect(path, options)


def _is_databento(path: Path, _: InspectOptions) -> bool:
    from twin_env.market.data.databento.files import is_dbn

    return is_dbn(path)


def _inspect_databento(path: Path, options: InspectOptions) -> Inspection:
    from twin_env.market.data.databento.inspect import inspect_databento

    return inspect_databento(path, options)


def _is_lobster(path: Path, _: InspectOptions) -> bool:
    """Tell a message file by its first line, a zip and a parquet file by their names."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return any("_message_" in name for name in archive.namelist())
        if path.suffix == ".parquet":
            return "_message_" in path.name
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _LOBSTER_LINE.fullmatch(file.readline(_LINE_BYTES)) is not None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return False


def _inspect_lobster(path: Path, options: InspectOptions) -> Inspection:
    from twin_env.market.data.lobster.inspect import inspect_lobster

    return inspect_lobster(path, options)


def _is_binance(path: Path, _: InspectOptions) -> bool:
    from twin_env.market.data.binance.inspect import is_binance

    return is_binance(path)


def _inspect_binance(path: Path, options: InspectOptions) -> Inspection:
    from twin_env.market.data.binance.inspect import inspect_binance

    return inspect_binance(path, options)


def _is_table(path: Path, options: InspectOptions) -> bool:
    from twin_env.market.data.columns.inspect import is_table

    return is_table(path, options)


def _inspect_table(path: Path, options: InspectOptions) -> Inspection:
    from twin_env.market.data.columns.inspect import inspect_table

    return inspect_table(path, options)


_TABLE: Final = Format(
    "tables of trades, quotes or bars (.csv, .csv.gz, .zip, .parquet; --columns if the header does not explain them)",
    _is_table,
    _inspect_table,
)
FORMATS: Final = (
    Format("Databento DBN (.dbn, .dbn.zst)", _is_databento, _inspect_databento),
    Format(
        "LOBSTER message files (.csv, .csv.gz, .parquet, or .zip with the orderbook)", _is_lobster, _inspect_lobster
    ),
    Format(
        "Binance recordings (text or .gz, a receive time and a JSON message per line)", _is_binance, _inspect_binance
    ),
    _TABLE,
)
"""Asked in this order: formats with a signature of their own come before tables of text."""
