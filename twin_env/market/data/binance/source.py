"""A recording of Binance's streams as the source of a market."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from twin_env.market.data.binance.reader import RecvUnit
from twin_env.market.data.binance.sequence import GapRule
from twin_env.market.data.levels.reader import QueueModel
from twin_env.market.data.registry import History

if TYPE_CHECKING:
    from twin_env.market.data.tape import Tape


class BinanceRecording(History):
    """A recording of Binance's streams for one symbol, spot or futures.

    Attributes:
        path: The recording: text or .gz, each line a local receive time, a blank, and one JSON message.
        lot_size: Size of one lot (BTCUSDT futures: 0.001). Sizes between two lots are rounded and counted.
        symbol: Which one, where the recording holds several.
        queue: Who leaves a queue that gets shorter without a trade.
        tickers: Use the best bid and ask of ``bookTicker`` between two depth messages.
        gaps: What to do where update ids are missing: wait for the next ``snapshot``, ``refuse`` the file, or
            ``ignore`` it.
        recv_unit: Unit of the receive times.
    """

    model: Literal["binance"] = "binance"
    path: Path
    lot_size: float = Field(gt=0)
    symbol: str | None = None
    queue: QueueModel = QueueModel()
    tickers: bool = True
    gaps: GapRule = "snapshot"
    recv_unit: RecvUnit = "ns"

    def read(self, tick_size: float) -> "Tape":
        """Read the recording, or open the tape an earlier call left in the cache.

        Raises:
            TapeError: The file is missing, damaged, or holds what cannot be.
        """
        from twin_env.market.data.binance.reader import read_binance
        from twin_env.market.data.cache import cached_tape
        from twin_env.market.data.tape_file import write_tape

        def write(target: Path) -> None:
            tape = read_binance(
                self.path,
                tick_size=tick_size,
                lot_size=self.lot_size,
                symbol=self.symbol,
                queue=self.queue,
                tickers=self.tickers,
                gaps=self.gaps,
                recv_unit=self.recv_unit,
            )
            write_tape(tape, target)

        return cached_tape([self.path], (tick_size, self), __package__, write)
