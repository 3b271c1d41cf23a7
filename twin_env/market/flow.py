"""Parameters of the anchored flow: the synthetic market that needs no file.

Each group is one mechanism; ``docs/flow.md`` tells what it does to the market and where it
comes from. Rates are per second of market time at pace 1, both sides together.
"""

import math
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from twin_env.config import Config
from twin_env.core.state.layout import ARRIVAL_SCALES, HALF_HOURS, IMPACT_SCALES, METAORDERS, REACH, VOLATILITY_SCALES

Positive = Annotated[float, Field(gt=0, le=1e9)]
NotNegative = Annotated[float, Field(ge=0, le=1e9)]
Share = Annotated[float, Field(ge=0, le=1)]
Curve = Annotated[tuple[NotNegative, ...], Field(min_length=HALF_HOURS, max_length=HALF_HOURS)]
_FLAT: Final = (1.0,) * HALF_HOURS
_S_PER_DAY: Final = 86_400.0


class SizeLaw(Config):
    """Sizes of orders: one lot with a chance, else a Pareto law rounded down.

    Attributes:
        one_lot_share: Chance of one lot.
        scale_lots: Where the Pareto law begins.
        tail_exponent: Of the chance that a size exceeds x: x to the power of minus this.
        largest_lots: Where the law is cut off.
    """

    one_lot_share: Share = 0.5
    scale_lots: Annotated[float, Field(ge=1, le=1e6)] = 1.0
    tail_exponent: Positive = 1.6
    largest_lots: int = Field(default=200, ge=1, le=1_000_000)

    def fill_in(self, sizes: np.void) -> None:
        """Write the law into a ``layout.SIZES`` record."""
        sizes["one_share"] = self.one_lot_share
        sizes["scale"] = self.scale_lots
        sizes["tail"] = self.tail_exponent
        sizes["largest"] = self.largest_lots


class EfficientPrice(Config):
    """The price that moves without anybody trading.

    Attributes:
        daily_volatility_ticks: Standard deviation over 24 hours of average volatility, jumps not counted.
        volatility_times_s: Relaxation times of the processes whose sum is the log of volatility.
        volatility_sds: Their stationary standard deviations.
        jumps_per_hour: How often the price jumps.
        jump_sd: Mean size of a jump (of a Laplace law), in standard deviations of one second at that moment.
        activity_gain: Power of volatility that the pace of the market follows.
        noise_ticks: Standard deviation of short-lived noise around the price that all participants see: the mid moves
            more over a second than over minutes.
        noise_s: Its relaxation time.
    """

    daily_volatility_ticks: NotNegative
    volatility_times_s: tuple[Positive, ...] = Field(default=(60.0, 1200.0, 20000.0), max_length=VOLATILITY_SCALES)
    volatility_sds: tuple[NotNegative, ...] = Field(default=(0.3, 0.3, 0.3), max_length=VOLATILITY_SCALES)
    jumps_per_hour: NotNegative = 4.0
    jump_sd: NotNegative = 5.0
    activity_gain: NotNegative = 0.8
    noise_ticks: NotNegative = 0.0
    noise_s: Positive = 0.5

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        times, sds = len(self.volatility_times_s), len(self.volatility_sds)
        if times != sds:
            raise ValueError(f"volatility_sds has {sds} entries and volatility_times_s {times}, expected equally many")
        return self

    def fill_in(self, price_record: np.void, step_s: float) -> None:
        """Write the walk into a ``layout.EFFICIENT_PRICE`` record; ``step_s`` is the time between two steps."""
        turn_s = 1.0
        price_record["steps_per_update"] = max(round(turn_s / step_s), 1)
        price_record["step_sd"] = self.daily_volatility_ticks * math.sqrt(step_s / _S_PER_DAY)
        price_record["jump_chance"] = min(self.jumps_per_hour / 3600.0 * step_s, 1.0)
        price_record["jump_sd"] = self.jump_sd
        price_record["activity_gain"] = self.activity_gain
        price_record["noise_decay"] = math.exp(-step_s / self.noise_s)
        price_record["noise_innovation_sd"] = self.noise_ticks * math.sqrt(1.0 - math.exp(-2.0 * step_s / self.noise_s))
        keep = np.exp(-turn_s / np.array(self.volatility_times_s, np.float64))
        sds = np.array(self.volatility_sds, np.float64)
        for name, values in (("log_decay", keep), ("log_sd", sds), ("log_innovation_sd", sds * np.sqrt(1.0 - keep**2))):
            price_record[name] = 0.0
            price_record[name][: len(values)] = values


class Arrivals(Config):
    """When participants act: a self-exciting (Hawkes) process over several time scales.

    Attributes:
        branching: How many candidates one candidate causes; the process is stable below one.
        fastest_s: Shortest time scale of the excitement.
        slowest_s: Longest.
        exponent: The kernel falls like time to the power of minus this.
        price_move_gain: Candidates per second that a move of the efficient price adds, per squared tick.
    """

    branching: float = Field(default=0.7, ge=0, lt=1)
    fastest_s: Positive = 0.02
    slowest_s: Positive = 100.0
    exponent: float = Field(default=1.15, gt=0.5, lt=3)
    price_move_gain: NotNegative = 0.0

    @model_validator(mode="after")
    def _check_scales(self) -> Self:
        if self.slowest_s <= self.fastest_s:
            raise ValueError(f"slowest_s is {self.slowest_s:g}, expected more than fastest_s {self.fastest_s:g}")
        return self

    def fill_in(self, arrivals: np.void, rate_per_s: float) -> None:
        """Write the process into a ``layout.ARRIVALS`` record, for candidates at a mean rate."""
        times = np.geomspace(self.fastest_s, self.slowest_s, ARRIVAL_SCALES)
        # Exponentials exp(-t/tau)/tau of weight tau^(1 - exponent) sum to about t^-exponent between their scales.
        weights = times ** (1.0 - self.exponent)
        arrivals["decay_rate"] = 1.0 / times
        arrivals["gain"] = self.branching * weights / weights.sum() / times
        arrivals["base_rate"] = rate_per_s * (1.0 - self.branching)
        arrivals["price_move_gain"] = self.price_move_gain


class PriceImpact(Config):
    """Price impact: how the market shifts with a participant who keeps trading one way, and how it reverts.

    Attributes:
        reach_ticks: Shift at the end of ``scale_lots`` lots that one participant took evenly within ``scale_s``.
        scale_lots: Size of the order that ``reach_ticks`` is stated for.
        scale_s: Its duration.
        exponent: The shift grows like the pace to the power of this; 0.5 is the square root.
        decay_exponent: The shift decays like (1 + t / onset_s) to the power of minus this.
        onset_s: Time scale of that decay.
        pace_s: Time over which a pace is smoothed. Orders much rarer than that count one by one.
    """

    reach_ticks: NotNegative
    scale_lots: Positive = 100.0
    scale_s: Positive = 600.0
    exponent: float = Field(default=0.5, gt=0, le=1)
    decay_exponent: float = Field(default=0.49, gt=0, lt=2)
    onset_s: float = Field(default=2.0, gt=0, le=3600)
    pace_s: Positive = 15.0

    def fill_in(self, price_impact: np.void, step_s: float, metaorders: int = 0) -> None:
        """Write the propagator into a ``layout.PRICE_IMPACT`` record; ``step_s`` is the time between two steps.

        (1 + t/tau)^-b is the gamma mixture of exponentials with weights s^-b exp(-tau/s) over the log of their
        times s; ten of them are used, from a third of the onset to a day.
        """
        times = np.geomspace(0.3 * self.onset_s, _S_PER_DAY, IMPACT_SCALES)
        weights = times**-self.decay_exponent * np.exp(-self.onset_s / times)
        keep = np.exp(-step_s / times)
        steps = round(self.scale_s / step_s)
        shift = (weights * (1.0 - keep**steps) / (1.0 - keep)).sum() * (self.scale_lots / self.scale_s) ** self.exponent
        price_impact["step_ns"] = round(step_s * 1e9)
        price_impact["participants"] = 2 + metaorders
        price_impact["exponent"] = self.exponent
        price_impact["pace_decay"] = math.exp(-step_s / self.pace_s)
        price_impact["pace_gain"] = (1.0 - math.exp(-step_s / self.pace_s)) / step_s
        price_impact["weight"] = self.reach_ticks * weights / shift
        price_impact["decay"] = keep


class MarketOrders(Config):
    """Who takes.

    Attributes:
        rate_per_s: Candidates for market orders.
        informed_share: Of them: buy or sell as the anchor is above or below the mid.
        information: Log odds of that per tick.
        noise_share: Of them: a coin decides. The rest are children of metaorders.
        metaorders: Metaorders that run at a time.
        length_tail: A metaorder has more than x children with chance x to the power of minus this.
        longest: Most children of one.
        spread_aversion: Market orders are rarer by exp(minus this) for each tick of spread beyond one.
        touch_share: Of them: take no more than the best price offers.
        sizes: Lots.
    """

    rate_per_s: Positive
    informed_share: Share = 0.25
    information: NotNegative = 2.0
    noise_share: Share = 0.05
    metaorders: int = Field(default=4, ge=1, le=METAORDERS)
    length_tail: Positive = 1.5
    longest: int = Field(default=20_000, ge=1)
    spread_aversion: NotNegative = 0.0
    touch_share: Share = 0.9
    sizes: SizeLaw = SizeLaw()

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.informed_share + self.noise_share > 1.0:
            raise ValueError(
                f"informed_share {self.informed_share:g} and noise_share {self.noise_share:g} make more than 1, "
                "expected at most 1 together"
            )
        return self

    def fill_in(self, flow: np.void) -> None:
        """Write the takers into a ``layout.ANCHORED`` record."""
        flow["informed_share"] = self.informed_share
        flow["information"] = self.information
        flow["noise_share"] = self.noise_share
        flow["metaorders"] = self.metaorders
        flow["meta_tail"] = self.length_tail
        flow["meta_largest"] = self.longest
        flow["spread_aversion"] = self.spread_aversion
        flow["touch_share"] = self.touch_share
        self.sizes.fill_in(flow["market_sizes"])


class LimitOrders(Config):
    """Who makes.

    Attributes:
        rate_per_s: Limit orders.
        opinion_sd_ticks: How much their placers disagree about the anchor.
        margin_ticks: How far from the anchor they stay at least.
        near_share: Of them: an exponential distance beyond that; the rest a Lomax (shifted Pareto) distance.
        near_ticks: Mean of the exponential.
        far_exponent: Tail exponent of the Lomax law.
        far_ticks: Its scale.
        farthest_ticks: Where it is cut off.
        patient_share: Of them: stay, see ``Cancels.patience``, also when the session closes.
        snipe_share: Of those whose price reaches the other side: take it; the rest stop one tick before it.
        sizes: Lots.
    """

    rate_per_s: Positive
    opinion_sd_ticks: NotNegative = 0.35
    margin_ticks: NotNegative = 0.75
    near_share: Share = 0.7
    near_ticks: NotNegative = 1.2
    far_exponent: Positive = 0.8
    far_ticks: NotNegative = 2.0
    farthest_ticks: Positive = 20.0
    patient_share: Share = 0.2
    snipe_share: Share = 0.5
    sizes: SizeLaw = SizeLaw()

    def fill_in(self, flow: np.void) -> None:
        """Write the makers into a ``layout.ANCHORED`` record."""
        flow["opinion_sd"] = self.opinion_sd_ticks
        flow["margin"] = self.margin_ticks
        flow["near_share"] = self.near_share
        flow["near_scale"] = self.near_ticks
        flow["far_tail"] = self.far_exponent
        flow["far_scale"] = self.far_ticks
        flow["far_largest"] = self.farthest_ticks
        flow["patient_share"] = self.patient_share
        flow["snipe_share"] = self.snipe_share
        self.sizes.fill_in(flow["limit_sizes"])


class Cancels(Config):
    """Who withdraws.

    Attributes:
        rate_per_s: Of each order at the touch, at peace.
        depth_exponent: An order j ticks behind the touch leaves (1 + j) to the power of this more slowly.
        patience: A patient order leaves this many times more slowly.
        sensitivity: Log of how much faster an order leaves per tick that it is on the wrong side of anchor and margin.
        min_factor: Lower bound of the factor by which that changes the rate.
        max_factor: Upper bound.
        capacity_per_s: Most cancels per second and side that can happen.
    """

    rate_per_s: Positive = 0.3
    depth_exponent: NotNegative = 0.5
    patience: Annotated[float, Field(ge=1, le=1e6)] = 10.0
    sensitivity: NotNegative = 1.1
    min_factor: Positive = 0.55
    max_factor: Positive = 90.0
    capacity_per_s: Positive = 20.0

    @model_validator(mode="after")
    def _check_factors(self) -> Self:
        if self.max_factor < self.min_factor:
            raise ValueError(f"max_factor is {self.max_factor:g}, expected at least min_factor {self.min_factor:g}")
        return self

    def fill_in(self, flow: np.void) -> None:
        """Write the leavers into a ``layout.ANCHORED`` record."""
        flow["patient_factor"] = 1.0 / self.patience
        flow["cancel_cap"] = self.capacity_per_s
        flow["cancel_rate"] = self.rate_per_s * np.arange(1, REACH + 1) ** -self.depth_exponent
        flow["sensitivity"] = self.sensitivity
        flow["sensitivity_factor"] = math.exp(-self.sensitivity)
        flow["min_cancel_factor"] = self.min_factor
        flow["max_cancel_factor"] = self.max_factor


class Session(Config):
    """Time of day.

    Attributes:
        zone: IANA name of the zone whose day the curves describe.
        activity: Pace of the market in each half hour from midnight, 1 on average; 0 closes it where ``closes``.
        volatility: Volatility of the efficient price likewise.
        closes: Whether half hours without activity close the session (day orders expire, nobody trades).
    """

    zone: str = "America/New_York"
    activity: Curve = _FLAT
    volatility: Curve = _FLAT
    closes: bool = False

    def fill_in(self, price_record: np.void) -> None:
        """Write the curves into a ``layout.EFFICIENT_PRICE`` record; the offset from UTC is the day's."""
        price_record["activity_curve"] = self.activity
        price_record["volatility_curve"] = self.volatility
        price_record["closes"] = self.closes


class AnchoredFlow(Config):
    """Individual orders around an efficient price, with price impact; see ``docs/flow.md``.

    Attributes:
        start_price: Mid of the first book, half a tick more or less.
        start_depth_lots: Lots of the first book at each level of either side, the touch first.
        warm_up_s: Simulated time before a world is handed out.
        step_ms: Time between two steps: the efficient price moves and price impact decays at each.
        price: The efficient price.
        arrivals: When participants act.
        market_orders: Who takes.
        limit_orders: Who makes.
        cancels: Who withdraws.
        price_impact: How trades shift the market.
        session: Time of day.
    """

    model: Literal["anchored"] = "anchored"
    start_price: float = Field(gt=0)
    start_depth_lots: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=64)
    warm_up_s: float = Field(default=30.0, ge=0, le=86_400)
    step_ms: float = Field(default=20.0, ge=1, le=1000)
    price: EfficientPrice
    arrivals: Arrivals
    market_orders: MarketOrders
    limit_orders: LimitOrders
    cancels: Cancels
    price_impact: PriceImpact
    session: Session = Session()

    @property
    def candidate_rate_per_s(self) -> float:
        """Candidates per second at pace 1: what can happen at most, on average."""
        return self.market_orders.rate_per_s + self.limit_orders.rate_per_s + 2.0 * self.cancels.capacity_per_s

    def fill_in(self, world: np.void) -> None:
        """Write everything into a template world."""
        step_s = self.step_ms / 1000.0
        flow = world["anchored"]
        self.price.fill_in(world["efficient_price"], step_s)
        self.session.fill_in(world["efficient_price"])
        self.arrivals.fill_in(world["arrivals"], self.candidate_rate_per_s)
        self.price_impact.fill_in(world["price_impact"], step_s, self.market_orders.metaorders)
        self.market_orders.fill_in(flow)
        self.limit_orders.fill_in(flow)
        self.cancels.fill_in(flow)
        flow["market_share"] = self.market_orders.rate_per_s / self.candidate_rate_per_s
        flow["limit_share"] = flow["market_share"] + self.limit_orders.rate_per_s / self.candidate_rate_per_s
