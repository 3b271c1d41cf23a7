"""Where a market comes from: parameters of the synthetic flow, or the files of a history."""

import math
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, Union

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from twin_env.config import Config, Preset, load_config
from twin_env.core.state.layout import FLOW_GUIDE, FLOW_LEVELS, PROFILES, Profile
from twin_env.market.data.registry import History, histories
from twin_env.market.flow import AnchoredFlow, PriceImpact
from twin_env.market.instrument import Instrument

Rate = Annotated[float, Field(gt=0, le=1e6)]
RatesByLevel = Annotated[tuple[Rate, ...], Field(min_length=1, max_length=FLOW_LEVELS)]
_NEVER_GROWS: Final = -1e300  # log of the chance that a one-lot order grows by another lot


class PoissonFlow(Config):
    """A zero-intelligence flow in the style of Cont, Stoikov and Talreja (2010).

    Limit orders, cancels and market orders of both sides arrive as independent Poisson
    processes. Rates depend on the distance from the *opposite* best quote alone: entry
    i (from 0) of a list is i + 1 ticks away from it. Sizes are geometric.

    Cancels are candidates for a queue of ``depth_cap_orders`` orders; a candidate
    counts with the share of those orders that is there. The rate of a queue thus grows
    with its orders up to the cap and no further.

    Attributes:
        limit_rates_per_s: Limit orders per second and side, by distance.
        cancel_rates_per_s: Cancels per second of each order, by distance.
        market_rate_per_s: Market orders per second and side.
        far_cancel_rate_per_s: Cancels per second of each order further away than the lists reach.
        depth_cap_orders: Orders of one queue that cancel independently.
        mean_limit_lots: Mean size of a limit order.
        mean_market_lots: Mean size of a market order.
        start_price: Best bid of the first book; the best ask is one tick above.
        start_depth_lots: Lots of the first book at each level of either side, the touch first.
        warm_up_s: Simulated time before a world is handed out.
    """

    model: Literal["poisson"] = "poisson"
    limit_rates_per_s: RatesByLevel
    cancel_rates_per_s: RatesByLevel
    market_rate_per_s: Rate
    far_cancel_rate_per_s: Rate
    depth_cap_orders: int = Field(ge=1, le=1000)
    mean_limit_lots: float = Field(ge=1, le=1e6)
    mean_market_lots: float = Field(ge=1, le=1e6)
    start_price: float = Field(gt=0)
    start_depth_lots: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=FLOW_LEVELS)
    warm_up_s: float = Field(ge=0, le=86_400)

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        limits, cancels = len(self.limit_rates_per_s), len(self.cancel_rates_per_s)
        if limits != cancels:
            raise ValueError(
                f"cancel_rates_per_s has {cancels} entries and limit_rates_per_s {limits}, expected equally many"
            )
        return self

    def fill_in(self, flow: np.void, orders: int) -> None:
        """Write the scalars and tables of the flow into a ``layout.FLOW`` record.

        ``cumulative`` holds the candidate rates of one side, summed in the order limit levels
        (from entry 0), cancel levels (from ``FLOW_LEVELS``), market, far cancels; entries
        without a rate repeat the one before. A uniform number below its last entry chooses a class.

        Args:
            flow: The record; its key, counter and clock are left alone.
            orders: Orders a world has room for: far cancels are candidates for each of them.
        """
        limit_rates = _padded(self.limit_rates_per_s)
        cancel_rates = _padded(self.cancel_rates_per_s) * self.depth_cap_orders
        far_rate = self.far_cancel_rate_per_s * orders / 2.0
        cumulative = np.cumsum(np.concatenate([limit_rates, cancel_rates, [self.market_rate_per_s, far_rate]]))
        flow["levels"] = len(self.limit_rates_per_s)
        flow["depth_cap"] = self.depth_cap_orders
        flow["limit_log_growth"] = _log_growth(self.mean_limit_lots)
        flow["market_log_growth"] = _log_growth(self.mean_market_lots)
        flow["cumulative"] = cumulative
        starts = np.arange(FLOW_GUIDE) / FLOW_GUIDE * cumulative[-1]
        flow["guide"] = np.searchsorted(cumulative, starts, side="right")
        flow["total_rate"] = 2.0 * cumulative[-1]


if TYPE_CHECKING:
    Source = AnchoredFlow | PoissonFlow | History
else:
    Source = Union[(AnchoredFlow, PoissonFlow, *histories())]


class MarketConfig(Config):
    """One market.

    Attributes:
        instrument: What is traded: a preset of ``configs/instruments``, or the keys of one.
        source: Where the orders of everybody else come from; its ``model`` says which kind.
        flow: Of trades, quotes and bars: the synthetic flow they lead, or the name of a market that has it.
        profile: Capacities of a world; by default those that suit the source.
        impact: Of a history: ``frozen`` plays it as it was, ``reactive`` moves it by the price impact of trades that
            history did not have.
        price_impact: Of a reactive history: how far, and how that fades.
        protections: Whether the instrument's venue protections are on.
    """

    instrument: Annotated[Instrument, Preset("instruments")]
    source: Annotated[Source, Field(discriminator="model")]
    flow: AnchoredFlow | None = None
    profile: Literal["synthetic", "wide", "history"] | None = None
    impact: Literal["frozen", "reactive"] = "frozen"
    price_impact: PriceImpact | None = None
    protections: bool = False

    @field_validator("flow", mode="before")
    @classmethod
    def _find_flow(cls, value: object) -> object:
        return load_config(cls, value, folder="markets").source if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_flow(self) -> Self:
        if self._is_led != (self.flow is not None):
            expected = (
                "with 'flow', the market they lead"
                if self.flow is None
                else "no 'flow': that is for trades, quotes and bars"
            )
            raise ValueError(f"source.model is {self.source.model!r}, expected {expected}")
        return self

    @model_validator(mode="after")
    def _check_impact(self) -> Self:
        if self.impact == "reactive" and (self.is_synthetic or self.flow is not None or self.price_impact is None):
            raise ValueError(
                "impact is 'reactive', expected that of a history and with 'price_impact' "
                "(a synthetic flow always reacts)"
            )
        return self

    @model_validator(mode="after")
    def _check_protections(self) -> Self:
        if self.protections and self.instrument.protections is None:
            raise ValueError(
                f"protections is true, expected an instrument that has some ({self.instrument.symbol} has none)"
            )
        return self

    @model_validator(mode="after")
    def _check_start_price(self) -> Self:
        if isinstance(self.source, PoissonFlow | AnchoredFlow):
            try:
                self.instrument.to_ticks(self.source.start_price)
            except ValueError:
                raise ValueError(
                    f"source.start_price is {self.source.start_price:g}, "
                    f"expected a multiple of the instrument's tick_size {self.instrument.tick_size:g}"
                ) from None
        return self

    @property
    def is_synthetic(self) -> bool:
        """Whether the market needs no file."""
        return isinstance(self.source, PoissonFlow | AnchoredFlow)

    @property
    def _is_led(self) -> bool:
        return isinstance(self.source, History) and self.source.leads_flow

    @property
    def capacities(self) -> Profile:
        """Capacities of a world of this market."""
        suitable = "synthetic" if self.is_synthetic or self.flow is not None else "history"
        return PROFILES[self.profile or suitable]


def _padded(rates: tuple[float, ...]) -> NDArray[np.float64]:
    """Return rates by level as float64, shape ``(FLOW_LEVELS,)``, zero where there is none."""
    return np.pad(np.array(rates, dtype=np.float64), (0, FLOW_LEVELS - len(rates)))


def _log_growth(mean_lots: float) -> float:
    """Return the log of the chance that a geometric size of this mean grows by one more lot."""
    return math.log(1.0 - 1.0 / mean_lots) if mean_lots > 1.0 else _NEVER_GROWS
