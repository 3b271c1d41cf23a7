"""Trades, quotes and bars as the source of a market whose orders a synthetic flow makes."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from twin_env.market.data.cache import cached_tape
from twin_env.market.data.led.reader import FEWEST_STEPS, AnchorSource, anchor_bars, anchor_trades_quotes
from twin_env.market.data.led.tables import AnyTable, choose_table, read_bars, read_quotes, read_trades
from twin_env.market.data.registry import History
from twin_env.market.data.tape import Tape
from twin_env.market.data.tape_file import write_tape


class TradesQuotes(History):
    """Trades, quotes or both, around which a synthetic flow plays.

    Attributes:
        trades: Where trades are: a table, or a DBN file (``path`` ends in .dbn or .dbn.zst).
        quotes: Where best bids and asks are.
        anchor: What moves the efficient price: mids of ``quotes``, prices of ``trades``, or ``both``: quotes, and
            trades beyond the latest quote. Without the other table, the one there is.
        spread_ticks: Spread the market is taken to have while no quote tells.
        max_spread_ticks: A quote wider than that is not believed, and counted; by default all are.
        market_orders: Trades also become market orders of their size.
    """

    leads_flow: ClassVar[bool] = True
    model: Literal["trades_quotes"] = "trades_quotes"
    trades: AnyTable | None = None
    quotes: AnyTable | None = None
    anchor: AnchorSource = "both"
    spread_ticks: int = Field(default=1, ge=0, le=10_000)
    max_spread_ticks: int | None = Field(default=None, ge=1)
    market_orders: bool = True

    _choose = field_validator("trades", "quotes", mode="before")(choose_table)

    @model_validator(mode="after")
    def _has_a_table(self) -> Self:
        if self.trades is None and self.quotes is None:
            raise ValueError("trades and quotes are missing, expected at least one of them")
        if self.anchor != "both" and getattr(self, self.anchor) is None:
            raise ValueError(f"anchor is {self.anchor} and {self.anchor} are missing, expected them")
        return self

    def read(self, tick_size: float) -> Tape:
        """Read the files, or open the tape an earlier call left in the cache.

        Raises:
            TapeError: A file is missing, damaged, or holds what cannot be.
        """

        def write(target: Path) -> None:
            tape = anchor_trades_quotes(
                None if self.trades is None else read_trades(self.trades, tick_size),
                None if self.quotes is None else read_quotes(self.quotes, tick_size),
                tick_size=tick_size,
                anchor=self.anchor,
                spread_ticks=self.spread_ticks,
                max_spread_ticks=self.max_spread_ticks,
                market_orders=self.market_orders,
            )
            write_tape(tape, target)

        files = [path for file in (self.trades, self.quotes) if file is not None for path in file.paths]
        return cached_tape(files, (tick_size, self), __package__, write)


class BarHistory(History):
    """Bars, around whose drawn price path a synthetic flow plays.

    Attributes:
        bars: Where they are: a table, or a DBN file.
        bar_s: Their length.
        step_s: Time between two points of the path.
        seed: Of the path.
        volume: ``none``, or ``market_orders``: the volume of a bar becomes market orders, spread over its steps at
            random, each in the direction of the path's latest move.
    """

    leads_flow: ClassVar[bool] = True
    model: Literal["bars"] = "bars"
    bars: AnyTable
    bar_s: float = Field(default=60.0, gt=0, le=86_400)
    step_s: float = Field(default=1.0, gt=0, le=86_400)
    seed: int = Field(default=0, ge=0, lt=2**63)
    volume: Literal["none", "market_orders"] = "none"

    _choose = field_validator("bars", mode="before")(choose_table)

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        if self.bar_s / self.step_s < FEWEST_STEPS:
            raise ValueError(f"step_s is {self.step_s:g}, expected at most a quarter of bar_s, {self.bar_s:g}")
        return self

    def read(self, tick_size: float) -> Tape:
        """Read the files and draw the path, or open the tape an earlier call left in the cache.

        Raises:
            TapeError: A file is missing, damaged, or holds what cannot be.
        """

        def write(target: Path) -> None:
            bars = read_bars(self.bars, tick_size, self.bar_s)
            orders = self.volume == "market_orders"
            tape = anchor_bars(bars, tick_size=tick_size, step_s=self.step_s, seed=self.seed, market_orders=orders)
            write_tape(tape, target)

        return cached_tape(self.bars.paths, (tick_size, self), __package__, write)
