"""A market compiled down to what ``core`` runs: one template world, and a tape if it is a history."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.kernel import SYNTHETIC_FLOW, TAPE_FLOW
from twin_env.core.world import NO_TAPE, Worlds, create_template, start_world
from twin_env.market.links import LinkConfig, LinksConfig
from twin_env.market.synthetic import LobsterHistory, MarketConfig, PoissonFlow

if TYPE_CHECKING:
    from twin_env.market.tape import Tape

_NS_PER_S: Final = 1_000_000_000
SYNTHETIC_START_NS: Final = int(datetime(2025, 6, 2, 14, 30, tzinfo=UTC).timestamp()) * _NS_PER_S
"""When the desk of a synthetic market starts: Monday 2025-06-02 10:30 in New York."""


class Market:
    """A market ready to be played.

    Attributes:
        config: Where it comes from.
        links: Its wires.
        instrument: What is traded.
        template: The world every episode is a copy of.
        tape: Rows of ``layout.MESSAGE``; empty for a synthetic market.
        first_ns: Earliest time an episode can start.
        last_ns: Latest time an episode can end; ``None`` for a market without an end.
    """

    def __init__(self, config: MarketConfig, links: LinksConfig) -> None:
        self.config = config
        self.links = links
        self.instrument = config.instrument
        self.tape: NDArray[np.void] = NO_TAPE
        self.first_ns = SYNTHETIC_START_NS
        self.last_ns: int | None = None
        if isinstance(config.source, PoissonFlow):
            self.template = create_template(config.capacities)
            self._compile_flow(config.source)
        else:
            tape = _read_history(config.source, config.instrument.tick_size)
            self.template = create_template(config.capacities, tape.orders)
            self.template[0].flow_kind = TAPE_FLOW
            self.tape = tape.rows
            self.first_ns = tape.start_ns
            self.last_ns = tape.end_ns
        self._compile_venue()
        self._compile_links()

    def start(self, worlds: Worlds, index: int, *, seed: int, start_ns: int) -> None:
        """Reset one world of this market and bring it to ``start_ns``."""
        source = self.config.source
        if isinstance(source, PoissonFlow):
            start_world(
                worlds,
                index,
                self.template,
                seed=seed,
                start_ns=start_ns,
                warm_up_ns=round(source.warm_up_s * _NS_PER_S),
                price_ticks=self._start_ticks,
                depth_lots=self._start_depth_lots,
            )
        else:
            start_world(worlds, index, self.template, seed=seed, start_ns=start_ns, tape=self.tape)

    def _compile_flow(self, source: PoissonFlow) -> None:
        world = self.template[0]
        world.flow_kind = SYNTHETIC_FLOW
        source.fill_in(world.flow, self.config.capacities.orders)
        self._start_ticks = self.instrument.to_ticks(source.start_price)
        self._start_depth_lots = np.array(source.start_depth_lots, np.int64)

    def _compile_venue(self) -> None:
        venue = self.template[0].venue
        venue.protection_ticks = self.instrument.protection_ticks
        venue.self_match = self.instrument.self_match_code
        venue.taker_fee_micro = self.instrument.taker_fee_micro
        venue.maker_fee_micro = self.instrument.maker_fee_micro
        venue.half_tick_micro = self.instrument.half_tick_micro

    def _compile_links(self) -> None:
        world, links = self.template[0], self.links
        wires: dict[str, LinkConfig] = {
            "order_link": links.orders,
            "report_link": links.reports,
            "tick_link": links.market_data,
            "beat_out": links.heartbeats,
            "beat_in": links.heartbeats,
        }
        for name, config in wires.items():
            world[name].delay_ns[:] = config.delay.quantiles_ns()
            world[name].loss = config.loss_probability
        world.desk.decision_ns = links.decision_ns
        world.desk.recovery_ns = links.feed_recovery_ns
        world.desk.heartbeat_ns = links.heartbeat_interval_ns


@lru_cache(maxsize=4)
def _read_history(source: LobsterHistory, tick_size: float) -> "Tape":
    """Read a history once per process: tapes are read-only and shared."""
    from twin_env.market.lobster import read_lobster  # its parser is not everybody's to pay for

    return read_lobster(source.messages, source.orderbook, date=source.date, tick_size=tick_size, window=source.window)
