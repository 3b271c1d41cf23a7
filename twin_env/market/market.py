"""A market compiled down to what ``core`` runs: one template world, and a tape if it is a history."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin_env.core.flow.flow import ANCHORED_FLOW, POISSON_FLOW, TAPE_FLOW
from twin_env.core.state.codes import ANCHOR
from twin_env.core.state.layout import OPENING
from twin_env.core.state.world import NO_ANCHORS, NO_TAPE, Worlds, create_template, raw, start
from twin_env.market.data.registry import History
from twin_env.market.flow import AnchoredFlow
from twin_env.market.links import LinkConfig, LinksConfig
from twin_env.market.synthetic import MarketConfig, PoissonFlow

if TYPE_CHECKING:
    from twin_env.market.data.tape import Tape

_NS_PER_S: Final = 1_000_000_000
_IMPACT_STEP_S: Final = 0.02
SYNTHETIC_START_NS: Final = int(datetime(2025, 6, 2, 14, 30, tzinfo=UTC).timestamp()) * _NS_PER_S  # 10:30 in New York
SYNTHETIC_MORNING_NS: Final = SYNTHETIC_START_NS - 9_000 * _NS_PER_S  # 08:00
"""When the desk of a synthetic market starts: Monday 2025-06-02 10:30 in New York."""


class Market:
    """A market ready to be played.

    Attributes:
        config: Where it comes from.
        links: Its wires.
        instrument: What is traded.
        template: The world every episode is a copy of.
        tape: Rows of ``layout.MESSAGE``; empty for a synthetic market.
        opening: ``layout.OPENING`` array of one: how a synthetic market begins.
        anchors: Int64, rows of the tape that lead a synthetic market.
        first_ns: Earliest time an episode can start.
        last_ns: Latest time an episode can end; ``None`` for a market without an end.
        levels: Best prices a side that a history's source shows; ``None`` where it shows all, or does not say.
    """

    def __init__(self, config: MarketConfig, links: LinksConfig) -> None:
        self.config = config
        self.links = links
        self.instrument = config.instrument
        self.tape: NDArray[np.void] = NO_TAPE
        self.first_ns = SYNTHETIC_START_NS
        self.last_ns: int | None = None
        self.levels: int | None = None
        self.opening: NDArray[np.void] = np.zeros(1, OPENING)
        self.anchors = NO_ANCHORS
        if isinstance(config.source, PoissonFlow | AnchoredFlow):
            self.template = create_template(config.capacities)
            self._compile_flow(config.source, SYNTHETIC_START_NS)
        else:
            self._read(config.source)
        self._compile_venue()
        self._compile_links()

    def start(self, worlds: Worlds, index: int, *, seed: int, start_ns: int) -> None:
        """Reset one world of this market and bring it to ``start_ns``."""
        start(
            worlds,
            index,
            raw(worlds),
            raw(self.template),
            self.opening,
            self.tape,
            self.anchors,
            np.uint64(seed),
            start_ns,
        )

    @cached_property
    def digest(self) -> bytes:
        """A hash of everything a world of this market is made from, its history included."""
        hashed = hashlib.blake2b(digest_size=16)
        for part in (raw(self.template), self.opening, self.tape, self.anchors):
            hashed.update(np.ascontiguousarray(part).tobytes())
        return hashed.digest()

    @cached_property
    def history_hash(self) -> str:
        """A hash of the history, 32 hexadecimal digits: with the configuration it says which market this is."""
        hashed = hashlib.blake2b(digest_size=16)
        for part in (self.tape, self.anchors):
            hashed.update(np.ascontiguousarray(part).tobytes())
        return hashed.hexdigest()

    @cached_property
    def layout_hash(self) -> str:
        """A hash of how a world's bytes are laid out, 32 hexadecimal digits: it changes with versions."""
        return hashlib.blake2b(str(self.template.dtype).encode(), digest_size=16).hexdigest()

    def __deepcopy__(self, memo: dict[int, object]) -> "Market":
        return self  # nothing of it changes, so copies share it

    def _read(self, source: History) -> None:
        """Take a history's tape; trades, quotes and bars lead a synthetic flow, orders are the market itself."""
        tape = _read_history(
            type(source), source.model_dump_json(), self.instrument.tick_size, _stamps(source.model_dump())
        )
        self.template = create_template(self.config.capacities, tape.orders)
        self.tape = tape.rows
        self.first_ns = tape.start_ns
        self.last_ns = tape.end_ns
        self.levels = tape.levels
        if self.config.flow is None:
            self.template[0].flow_kind = TAPE_FLOW
        else:
            self._compile_flow(self.config.flow, tape.start_ns)
            self.anchors = np.flatnonzero(tape.rows["kind"] == ANCHOR).astype(np.int64)
        self._compile_impact()

    def _compile_flow(self, source: PoissonFlow | AnchoredFlow, start_ns: int) -> None:
        world = self.template[0]
        if isinstance(source, PoissonFlow):
            world.flow_kind = POISSON_FLOW
            source.fill_in(world.flow, self.config.capacities.orders)
        else:
            world.flow_kind = ANCHORED_FLOW
            source.fill_in(world)
            at = datetime.fromtimestamp(start_ns / _NS_PER_S, ZoneInfo(source.session.zone))
            offset = at.utcoffset()
            world.efficient_price.utc_offset_ns = round(offset.total_seconds() * _NS_PER_S) if offset else 0
        levels = len(source.start_depth_lots)
        self.opening["warm_up_ns"] = round(source.warm_up_s * _NS_PER_S)
        self.opening["price"] = self.instrument.to_ticks(source.start_price)
        self.opening["levels"] = levels
        self.opening["lots"][0, :levels] = source.start_depth_lots

    def _compile_impact(self) -> None:
        """Give a history the impact of the desk and of external orders; it already contains that of its own trades."""
        if self.config.impact == "reactive" and self.config.price_impact is not None:
            self.config.price_impact.fill_in(self.template[0].price_impact, _IMPACT_STEP_S)

    def _compile_venue(self) -> None:
        venue = self.template[0].venue
        venue.protection_ticks = self.instrument.protection_ticks
        venue.self_match = self.instrument.self_match_code
        venue.taker_fee_micro = self.instrument.taker_fee_micro
        venue.maker_fee_micro = self.instrument.maker_fee_micro
        venue.half_tick_micro = self.instrument.half_tick_micro
        if self.config.protections and self.instrument.protections is not None:
            self.instrument.protections.fill_in(venue)

    def _compile_links(self) -> None:
        world, links = self.template[0], self.links
        wires: dict[str, LinkConfig] = {
            "order_link": links.orders,
            "report_link": links.reports,
            "market_data_link": links.market_data,
        }
        for name, config in wires.items():
            world[name].delay_ns[:] = config.delay.quantiles_ns()
        world.heartbeat_delay_ns[:] = links.heartbeats.delay.quantiles_ns()
        world.market_data_link.loss = links.market_data.loss_probability
        world.desk.decision_ns = links.decision_ns
        world.desk.recovery_ns = links.feed_recovery_ns
        world.desk.heartbeat_ns = links.heartbeat_interval_ns


def _stamps(source: Any) -> tuple[tuple[str, int, int], ...]:
    """Return place, size and time of change of every file that a history's configuration names."""
    if isinstance(source, Mapping):
        return tuple(stamp for value in source.values() for stamp in _stamps(value))
    if isinstance(source, list | tuple):
        return tuple(stamp for value in source for stamp in _stamps(value))
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return ()
    path = Path(source).resolve()
    return ((str(path), path.stat().st_size, path.stat().st_mtime_ns),)


@lru_cache(maxsize=4)
def _read_history(
    model: type[History], source: str, tick_size: float, stamps: tuple[tuple[str, int, int], ...]
) -> "Tape":
    """Read a history once per process, by its configuration as JSON and its files: tapes are read-only and shared."""
    return model.model_validate_json(source).read(tick_size)
