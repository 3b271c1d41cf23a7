"""Histories of orders as the source of a market: LOBSTER and Databento."""

from datetime import UTC, datetime
from datetime import date as date_
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import AwareDatetime

from twin_env.config import Config
from twin_env.market.data.levels.reader import QueueModel

if TYPE_CHECKING:
    from twin_env.market.data.tape import Tape

_DEPTH_READERS: Final = ("databento/*.py", "levels/*.py", "tables.py")


class LobsterHistory(Config):
    """One day of one share as two LOBSTER files; prices become ticks of the market's instrument.

    Attributes:
        messages: The message file (.csv, .csv.gz, .parquet), or a .zip with both files. A relative path starts at
            the working folder.
        orderbook: The order book file: row k is the book after message k, so the first row tells the book at the
            start. By default the one in the zip; without any the book starts empty.
        date: Trading day, by default that of the file's name; times are seconds after midnight in New York.
        window: Take depth that enters the file's view from the order book file, which then needs a row for
            every message; false uses its first row alone.
    """

    model: Literal["lobster"] = "lobster"
    messages: Path
    orderbook: Path | None = None
    date: date_ | None = None
    window: bool = True

    def read(self, tick_size: float) -> "Tape":
        """Make the tape, or open the one an earlier call left in the cache."""
        from twin_env.market.data.lobster.reader import load_lobster  # its parser is not everybody's to pay for

        return load_lobster(self.messages, self.orderbook, date=self.date, tick_size=tick_size, window=self.window)


class DatabentoHistory(Config):
    """A DBN file of single orders (schema mbo) or of ten levels (mbp-10); prices become ticks of the instrument.

    Attributes:
        path: The file (.dbn or .dbn.zst). A relative path starts at the working folder.
        symbol: Which instrument, if the file has several: symbol or instrument id.
        start: The history begins no earlier, with the book of that moment; schema mbo. By default, and at the
            earliest, it begins where continuous trading does.
        queue: Place in the queue of what leaves a level; schema mbp-10, which does not tell.
    """

    model: Literal["databento"] = "databento"
    path: Path
    symbol: str | int | None = None
    start: AwareDatetime | None = None
    queue: QueueModel = QueueModel()

    def read(self, tick_size: float) -> "Tape":
        """Do :func:`read_source`."""
        return read_source(self, tick_size)


def read_source(config: DatabentoHistory, tick_size: float) -> "Tape":
    """Make the tape of a source, or open the one an earlier call left in the cache.

    Args:
        config: The source.
        tick_size: Of the instrument.

    Raises:
        TapeError: The file cannot be used; the error names file, record, field and value.
    """
    from twin_env.market.data.databento.files import read_header
    from twin_env.market.data.databento.reader import load_mbo
    from twin_env.market.data.tape import TapeError

    schema = read_header(config.path).schema
    if schema == "mbo":
        start_ns = 0 if config.start is None else _to_ns(config.start)
        return load_mbo(config.path, tick_size=tick_size, symbol=config.symbol, start_ns=start_ns)
    if schema != "mbp-10":
        raise TapeError(f"{config.path}: schema is {schema}, expected mbo or mbp-10: others do not make an order book")
    if config.start is not None:
        raise TapeError(f"{config.path}: start is {config.start}, expected none with schema mbp-10")
    return _load_depth(config, tick_size)


def _load_depth(config: DatabentoHistory, tick_size: float) -> "Tape":
    from twin_env.market.data.cache import cached_tape
    from twin_env.market.data.databento.tables import read_depth
    from twin_env.market.data.levels.reader import make_tape, read_snapshots
    from twin_env.market.data.tape_file import write_tape

    def write(target: Path) -> None:
        depth = read_depth(config.path, tick_size=tick_size, symbol=config.symbol)
        write_tape(make_tape(read_snapshots(depth), config.queue, tick_size=tick_size), target)

    arguments = (tick_size, config.symbol, config.queue)
    return cached_tape([config.path], arguments, _DEPTH_READERS, write)


def _to_ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
