"""A LOBSTER day as the source of a market."""

from datetime import date as date_
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from twin_env.market.data.registry import History

if TYPE_CHECKING:
    from twin_env.market.data.tape import Tape


class LobsterHistory(History):
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
