"""What a trading environment is made of, as users write it."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.sampling.randomisation import SamplerConfig
from twin_env.chaos.source import ChaosSource
from twin_env.config import Config, Preset
from twin_env.envs.actions.parent import MAX_SLOTS
from twin_env.envs.execution.config import CHOICES_MAX, Lots, Offsets, Seconds
from twin_env.envs.observation import ObservationConfig
from twin_env.market.links import LinksConfig
from twin_env.market.synthetic import MarketConfig

_SIZES: Final = (1, 2, 5)
Start = Annotated[float, Field(ge=0, le=86_400)]
Position = Annotated[int, Field(ge=-(2**31), le=2**31)]


class WindowConfig(Config):
    """When to trade, and how it ends.

    Attributes:
        window_s: Length of an episode; ``session`` is until the session closes.
        step_s: Time between two actions.
        start_s: Start of a synthetic market's episodes, after 08:00 in New York; of two numbers, one between them
            is drawn per episode. A history's start is drawn over all of it, or given to ``reset``.
        flat_at_close: At the end cancel what rests and close the position at market; otherwise it is marked
            at the mid.
        grace_s: Longest wait for the answers to that.
    """

    window_s: Seconds | Literal["session"] = 1800.0
    step_s: Seconds = 5.0
    start_s: Start | tuple[Start, Start] = 0.0
    flat_at_close: bool = True
    grace_s: Annotated[float, Field(ge=0, le=60)] = 5.0

    @property
    def start_range_s(self) -> tuple[float, float]:
        """Earliest and latest start."""
        return (self.start_s, self.start_s) if isinstance(self.start_s, int | float) else self.start_s

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        low, high = self.start_range_s
        if low > high:
            raise ValueError(f"start_s is [{low}, {high}], expected the smaller one first")
        if self.window_s != "session" and self.step_s > self.window_s:
            raise ValueError(f"step_s={self.step_s} must not exceed window_s={self.window_s}")
        return self


class RiskConfig(Config):
    """What the desk's risk control lets pass. It looks at what the desk knows, as a real one does.

    Attributes:
        max_position_lots: An order that could bring the position beyond it is rejected.
        max_loss_ccy: A loss of so much, at the desk's mid and before fees, ends the episode: everything is
            cancelled and closed at market. Looked at after every step.
        max_messages_per_s: Requests beyond this rate are rejected; a second's worth may be saved up. Not those
            that close the position at the end.
    """

    max_position_lots: Lots = 10
    max_loss_ccy: Annotated[float, Field(ge=1e-6, le=1e9)] | None = None
    max_messages_per_s: Annotated[float, Field(gt=0, le=1e6)] | None = None


class TradingOrders(Config):
    """Work up to ``slots`` orders of either side: kept, cancelled, placed, sent to market, or waiting as stops.

    Attributes:
        slots: Orders worked side by side.
        offsets_ticks: Choices of a limit price, in ticks behind the touch of its side; a negative one improves on the
            best price of others.
        stops_ticks: Choices of a stop's trigger, in ticks beyond the opposite touch; as many as ``offsets_ticks``.
        sizes_lots: Choices of a size.
    """

    codec: Literal["orders"] = "orders"
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)] = 2
    offsets_ticks: Offsets = (-1, 0, 1, 2, 4)
    stops_ticks: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(min_length=1, max_length=CHOICES_MAX)
    ] = (
        5,
        10,
        20,
        30,
        50,
    )
    sizes_lots: Annotated[tuple[Lots, ...], Field(min_length=1, max_length=CHOICES_MAX)] = _SIZES

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.stops_ticks) != len(self.offsets_ticks):
            raise ValueError(
                f"stops_ticks has {len(self.stops_ticks)} entries, expected as many as "
                f"offsets_ticks, {len(self.offsets_ticks)}"
            )
        return self


class PricedOrders(Config):
    """Work up to ``slots`` orders of either side at any price and of any size, each with a target and a stop if wanted.

    Attributes:
        slots: Orders, or brackets, worked side by side.
        quote: How prices are told: ``start``, in ticks from the mid at the start of the episode (as ``drift_ticks`` in
            the observation), or ``price``, in the quote currency.
    """

    codec: Literal["prices"]
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)] = 2
    quote: Literal["start", "price"] = "start"


class TargetAction(Config):
    """Say which position to hold, as a share of ``risk.max_position_lots``; market orders go there."""

    codec: Literal["target"]

    @property
    def slots(self) -> int:
        """Orders worked side by side: none that stays."""
        return 0


class PositionsAction(Config):
    """Choose the position to hold from a list; market orders go there. For algorithms that choose (DQN).

    Attributes:
        positions_lots: Choices, signed.
    """

    codec: Literal["positions"]
    positions_lots: Annotated[tuple[Position, ...], Field(min_length=2, max_length=CHOICES_MAX)] = (-1, 0, 1)

    @property
    def slots(self) -> int:
        """Orders worked side by side: none that stays."""
        return 0


TradingAction = TradingOrders | PricedOrders | TargetAction | PositionsAction


class TradingRewards(Config):
    """Weights of the named terms of the reward; docs/environment.md says what each is.

    Attributes:
        net: Increment of the net result, in account currency.
        strategy: Increment of strategy alpha.
        execution: Increment of execution alpha.
        inventory: Minus the square of the position as a share of ``risk.max_position_lots``, times the step in
            seconds.
        messages: Minus the requests sent in this step.
        stopped: Minus one when the risk control closed the episode.
    """

    net: float = 1.0
    strategy: float = 0.0
    execution: float = 0.0
    inventory: float = 0.0
    messages: float = 0.0
    stopped: float = 0.0


class TradingConfig(Config):
    """Everything that defines ``TwinTrading-v0``; each nested part may be a preset's name.

    ``chaos`` is what goes wrong: a sampler (a preset of ``configs/chaos``, or its keys) that draws an experiment per
    episode, or one experiment (its keys, a file, ``library:NAME``, a sentence). Nothing by default.
    """

    market: Annotated[MarketConfig, Preset("markets")] = Field("mgc_2025", validate_default=True)
    links: Annotated[LinksConfig, Preset("links")] = Field("retail", validate_default=True)
    task: WindowConfig = WindowConfig()
    risk: RiskConfig = RiskConfig()
    action: Annotated[TradingAction, Field(discriminator="codec")] = TradingOrders()
    observation: ObservationConfig = ObservationConfig()
    reward: TradingRewards = TradingRewards()
    chaos: Annotated[SamplerConfig | Experiment | None, ChaosSource()] = None

    @model_validator(mode="after")
    def _positions_fit(self) -> Self:
        most = self.risk.max_position_lots
        if isinstance(self.action, PositionsAction) and max(map(abs, self.action.positions_lots)) > most:
            raise ValueError(
                f"action.positions_lots is {list(self.action.positions_lots)}, "
                f"expected none beyond risk.max_position_lots={most}"
            )
        return self
