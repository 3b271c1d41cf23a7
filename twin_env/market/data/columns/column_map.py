"""What the columns of somebody's table mean; maps of known layouts are in configs/columns."""

from typing import Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from twin_env.config import Config

Column = str | int
TimeUnit = Literal["ns", "us", "ms", "s", "text"]


class Columns(Config):
    """Which column of a table means what.

    A column is a name of the file's header, or its number counted from 0. A csv whose columns are all given by
    number has no header.

    Attributes:
        time: Column of the time; or two, date and time of day, joined by a blank.
        time_unit: Of a number; ``text`` for a written date and time. Columns of dates in a parquet file know theirs.
        time_since: What a number counts from: 1970 in UTC, or midnight of the day in ``time_zone``.
        time_format: How a text is written, as for ``strptime``; by default ISO 8601.
        time_zone: Of midnight, and of texts that name none. A text in the hour a clock is set back is its first.
        time_shift_s: Added to every time: 60 turns the start of a minute into its end.
        price: Of a trade.
        size: Of a trade.
        side: The aggressor's; by default nobody knows it.
        buy: Texts in ``side`` that mean a buyer was the aggressor, in small letters.
        sell: Texts that mean a seller was. An empty cell, ``n``, ``0``, ``none`` and ``unknown`` mean nobody knows.
        bid: Best bid; an empty cell: nobody bids.
        ask: Best ask.
        bid_size: Its size; by default one lot.
        ask_size: Its size.
        open: First price of a bar.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Traded size; by default 0.
        symbol: Column that names what was traded.
        id: Column that numbers trades; one met before is a duplicate.
        keep: Rows to read, by column and the texts it may have there; others are counted as ``filtered``.
        price_unit: What 1 means in price columns.
        lot_size: Size of one lot, in units of the size columns.
    """

    time: Column | tuple[Column, Column]
    time_unit: TimeUnit = "text"
    time_since: Literal["epoch", "midnight"] = "epoch"
    time_format: str | None = None
    time_zone: str = "UTC"
    time_shift_s: float = Field(default=0.0, ge=-1e6, le=1e6)
    price: Column | None = None
    size: Column | None = None
    side: Column | None = None
    buy: tuple[str, ...] = ("buy", "b", "1", "+1")
    sell: tuple[str, ...] = ("sell", "s", "-1")
    bid: Column | None = None
    ask: Column | None = None
    bid_size: Column | None = None
    ask_size: Column | None = None
    open: Column | None = None
    high: Column | None = None
    low: Column | None = None
    close: Column | None = None
    volume: Column | None = None
    symbol: Column | None = None
    id: Column | None = None
    keep: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    price_unit: float = Field(default=1.0, gt=0)
    lot_size: float = Field(default=1.0, gt=0)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError):  # unknown; no name at all
            raise ValueError("a time zone such as UTC or America/New_York") from None

    @model_validator(mode="after")
    def _time_makes_sense(self) -> Self:
        if self.time_unit == "text" and self.time_since == "midnight":
            raise ValueError("time_unit is text, expected ns, us, ms or s where time_since is midnight")
        if isinstance(self.time, tuple) and self.time_unit != "text":
            raise ValueError(f"time is two columns and time_unit {self.time_unit}, expected text")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """``time_zone`` as an object."""
        return ZoneInfo(self.time_zone)

    @property
    def has_header(self) -> bool:
        """Whether any column is given by name."""
        named = (value for name, value in self if name not in _NO_COLUMNS)
        return any(
            isinstance(part, str) for value in named for part in (value if isinstance(value, tuple) else [value])
        )


_NO_COLUMNS: Final = {
    *("time_unit", "time_since", "time_format", "time_zone", "time_shift_s", "buy", "sell", "keep"),
    *("price_unit", "lot_size"),
}
