"""A DBN file of orders or levels as the source of a market."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime

from twin_env.market.data.levels.reader import QueueModel
from twin_env.market.data.registry import History
from twin_env.market.data.tape import TapeError

if TYPE_CHECKING:
    from twin_env.market.data.tape import Tape


class DatabentoHistory(History):
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
        """Make the tape, or open the one an earlier call left in the cache.

        Raises:
            TapeError: The file cannot be used; the error names file, record, field and value.
        """
        from twin_env.market.data.databento.files import read_header
        from twin_env.market.data.databento.reader import load_mbo

        schema = read_header(self.path).schema
        if schema == "mbo":
            start_ns = 0 if self.start is None else _to_ns(self.start)
            return load_mbo(self.path, tick_size=tick_size, symbol=self.symbol, start_ns=start_ns)
        if schema != "mbp-10":
            raise TapeError(
                f"{self.path}: schema is {schema}, expected mbo or mbp-10: others do not make an order book"
            )
        if self.start is not None:
            raise TapeError(f"{self.path}: start is {self.start}, expected none with schema mbp-10")
        return _load_depth(self, tick_size)


def _load_depth(config: DatabentoHistory, tick_size: float) -> "Tape":
    from twin_env.market.data.cache import cached_tape
    from twin_env.market.data.databento.tables import read_depth
    from twin_env.market.data.levels.reader import make_tape, read_snapshots
    from twin_env.market.data.tape_file import write_tape

    def write(target: Path) -> None:
        depth = read_depth(config.path, tick_size=tick_size, symbol=config.symbol)
        write_tape(make_tape(read_snapshots(depth), config.queue, tick_size=tick_size), target)

    return cached_tape([config.path], (tick_size, config.symbol, config.queue), __package__, write)


def _to_ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
