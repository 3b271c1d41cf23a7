"""Parameters of the anchored flow: the synthetic market that needs no file.

Each group is one mechanism; ``docs/flow.md`` tells what it does to the market and where it
comes from. Rates are per second of market time at pace 1, both sides together.
"""

import math
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from twin_env.config import Config
from twin_env.core.state.layout import CLOCK_SCALES, HALF_HOURS, MEMORY_SCALES, METAORDERS, REACH, VOLATILITY_SCALES

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
        flutter_ticks: Standard deviation of short-lived noise around the price that everybody sees: the mid moves
            more over a second than over minutes.
        flutter_s: Its relaxation time.
    """

    daily_volatility_ticks: NotNegative
    volatility_times_s: tuple[Positive, ...] = Field(default=(60.0, 1200.0, 20000.0), max_length=VOLATILITY_SCALES)
    volatility_sds: tuple[NotNegative, ...] = Field(default=(0.3, 0.3, 0.3), max_length=VOLATILITY_SCALES)
    jumps_per_hour: NotNegative = 4.0
    jump_sd: NotNegative = 5.0
    activity_gain: NotNegative = 0.8
    flutter_ticks: NotNegative = 0.0
    flutter_s: Positive = 0.5

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        times, sds = len(self.volatility_times_s), len(self.volatility_sds)
        if times != sds:
            raise ValueError(f"volatility_sds has {sds} entries and volatility_times_s {times}, expected equally many")
        return self

    def fill_in(self, news: np.void, step_s: float) -> None:
        """Write the walk into a ``layout.NEWS`` record; ``step_s`` is the time between two beats."""
        turn_s = 1.0
        news["beats_per_turn"] = max(round(turn_s / step_s), 1)
        news["step_sd"] = self.daily_volatility_ticks * math.sqrt(step_s / _S_PER_DAY)
        news["jump_chance"] = min(self.jumps_per_hour / 3600.0 * step_s, 1.0)
        news["jump_sd"] = self.jump_sd
        news["activity_gain"] = self.activity_gain
        news["flutter_keep"] = math.exp(-step_s / self.flutter_s)
        news["flutter_kick"] = self.flutter_ticks * math.sqrt(1.0 - math.exp(-2.0 * step_s / self.flutter_s))
        keep = np.exp(-turn_s / np.array(self.volatility_times_s, np.float64))
        sds = np.array(self.volatility_sds, np.float64)
        for name, values in (("log_keep", keep), ("log_sd", sds), ("log_kick", sds * np.sqrt(1.0 - keep**2))):
            news[name] = 0.0
            news[name][: len(values)] = values


class Clock(Config):
    """When participants act: a self-exciting (Hawkes) process over several time scales.

    Attributes:
        branching: How many candidates one candidate causes; the process is stable below one.
        fastest_s: Shortest time scale of the excitement.
        slowest_s: Longest.
        exponent: The kernel falls like time to the power of minus this.
        news_gain: Candidates per second that a move of the efficient price adds, per squared tick.
    """

    branching: float = Field(default=0.7, ge=0, lt=1)
    fastest_s: Positive = 0.02
    slowest_s: Positive = 100.0
    exponent: float = Field(default=1.15, gt=0.5, lt=3)
    news_gain: NotNegative = 0.0

    @model_validator(mode="after")
    def _check_scales(self) -> Self:
        if self.slowest_s <= self.fastest_s:
            raise ValueError(f"slowest_s is {self.slowest_s:g}, expected more than fastest_s {self.fastest_s:g}")
        return self

    def fill_in(self, clock: np.void, rate_per_s: float) -> None:
        """Write the process into a ``layout.CLOCK`` record, for candidates at a mean rate."""
        times = np.geomspace(self.fastest_s, self.slowest_s, CLOCK_SCALES)
        # Exponentials exp(-t/tau)/tau of weight tau^(1 - exponent) sum to about t^-exponent between their scales.
        weights = times ** (1.0 - self.exponent)
        clock["fade"] = 1.0 / times
        clock["gain"] = self.branching * weights / weights.sum() / times
        clock["base_rate"] = rate_per_s * (1.0 - self.branching)
        clock["news_gain"] = self.news_gain


class Memory(Config):
    """How the market shifts with somebody who keeps trading one way, and how it comes back.

    Attributes:
        reach_ticks: Shift at the end of ``scale_lots`` lots that one participant took evenly within ``scale_s``.
        scale_lots: See there.
        scale_s: See there.
        exponent: The shift grows like the pace to the power of this; 0.5 is the square root.
        decay_exponent: What was done fades like (1 + t / onset_s) to the power of minus this.
        onset_s: See there.
        pace_s: Time over which a pace is smoothed. Orders much rarer than that count one by one.
    """

    reach_ticks: NotNegative
    scale_lots: Positive = 100.0
    scale_s: Positive = 600.0
    exponent: float = Field(default=0.5, gt=0, le=1)
    decay_exponent: float = Field(default=0.49, gt=0, lt=2)
    onset_s: float = Field(default=2.0, gt=0, le=3600)
    pace_s: Positive = 15.0

    def fill_in(self, memory: np.void, step_s: float, metaorders: int = 0) -> None:
        """Write the kernel into a ``layout.MEMORY`` record; ``step_s`` is the time between two beats.

        (1 + t/tau)^-b is the gamma mixture of exponentials with weights s^-b exp(-tau/s) over the log of their
        times s; ten of them are used, from a third of the onset to a day.
        """
        times = np.geomspace(0.3 * self.onset_s, _S_PER_DAY, MEMORY_SCALES)
        weights = times**-self.decay_exponent * np.exp(-self.onset_s / times)
        keep = np.exp(-step_s / times)
        steps = round(self.scale_s / step_s)
        shift = (weights * (1.0 - keep**steps) / (1.0 - keep)).sum() * (self.scale_lots / self.scale_s) ** self.exponent
        memory["step_ns"] = round(step_s * 1e9)
        memory["places"] = 2 + metaorders
        memory["exponent"] = self.exponent
        memory["pace_keep"] = math.exp(-step_s / self.pace_s)
        memory["pace_gain"] = (1.0 - math.exp(-step_s / self.pace_s)) / step_s
        memory["weight"] = self.reach_ticks * weights / shift
        memory["keep"] = keep


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
        flow["patience"] = self.spread_aversion
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
        worry: Log of how much faster an order leaves per tick that it is on the wrong side of anchor and margin.
        calmest: Smallest factor that makes.
        most_worried: Largest.
        capacity_per_s: Most cancels per second and side that can happen.
    """

    rate_per_s: Positive = 0.3
    depth_exponent: NotNegative = 0.5
    patience: Annotated[float, Field(ge=1, le=1e6)] = 10.0
    worry: NotNegative = 1.1
    calmest: Positive = 0.55
    most_worried: Positive = 90.0
    capacity_per_s: Positive = 20.0

    @model_validator(mode="after")
    def _check_factors(self) -> Self:
        if self.most_worried < self.calmest:
            raise ValueError(f"most_worried is {self.most_worried:g}, expected at least calmest {self.calmest:g}")
        return self

    def fill_in(self, flow: np.void) -> None:
        """Write the leavers into a ``layout.ANCHORED`` record."""
        flow["patient_factor"] = 1.0 / self.patience
        flow["cancel_cap"] = self.capacity_per_s
        flow["cancel_rate"] = self.rate_per_s * np.arange(1, REACH + 1) ** -self.depth_exponent
        flow["worry"] = self.worry
        flow["worry_fade"] = math.exp(-self.worry)
        flow["calm"] = self.calmest
        flow["panic"] = self.most_worried


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

    def fill_in(self, news: np.void) -> None:
        """Write the curves into a ``layout.NEWS`` record; the offset from UTC depends on the day, and is not theirs."""
        news["activity_curve"] = self.activity
        news["volatility_curve"] = self.volatility
        news["closes"] = self.closes


class AnchoredFlow(Config):
    """Individual orders around an efficient price, with memory; see ``docs/flow.md``.

    Attributes:
        start_price: Mid of the first book, half a tick more or less.
        start_depth_lots: Lots of the first book at each level of either side, the touch first.
        warm_up_s: Simulated time before a world is handed out.
        step_ms: Time between two beats: the efficient price moves and the memory fades at each.
        price: The efficient price.
        clock: When something happens.
        market_orders: Who takes.
        limit_orders: Who makes.
        cancels: Who withdraws.
        memory: What trades leave behind.
        session: Time of day.
    """

    model: Literal["anchored"] = "anchored"
    start_price: float = Field(gt=0)
    start_depth_lots: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=64)
    warm_up_s: float = Field(default=30.0, ge=0, le=86_400)
    step_ms: float = Field(default=20.0, ge=1, le=1000)
    price: EfficientPrice
    clock: Clock
    market_orders: MarketOrders
    limit_orders: LimitOrders
    cancels: Cancels
    memory: Memory
    session: Session = Session()

    @property
    def candidate_rate_per_s(self) -> float:
        """Candidates per second at pace 1: what can happen at most, on average."""
        return self.market_orders.rate_per_s + self.limit_orders.rate_per_s + 2.0 * self.cancels.capacity_per_s

    def fill_in(self, world: np.void) -> None:
        """Write everything into a template world."""
        step_s = self.step_ms / 1000.0
        flow = world["anchored"]
        self.price.fill_in(world["news"], step_s)
        self.session.fill_in(world["news"])
        self.clock.fill_in(world["clock"], self.candidate_rate_per_s)
        self.memory.fill_in(world["memory"], step_s, self.market_orders.metaorders)
        self.market_orders.fill_in(flow)
        self.limit_orders.fill_in(flow)
        self.cancels.fill_in(flow)
        flow["market_share"] = self.market_orders.rate_per_s / self.candidate_rate_per_s
        flow["limit_share"] = flow["market_share"] + self.limit_orders.rate_per_s / self.candidate_rate_per_s
