"""What an environment is made of, as users write it."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from twin_env.config import Config, Preset
from twin_env.envs.actions import MAX_SLOTS
from twin_env.market.links import LinksConfig
from twin_env.market.synthetic import MarketConfig

CHOICES_MAX: Final = 32  # of a price, of a size


Lots = Annotated[int, Field(ge=1, le=2**31)]


class TaskConfig(Config):
    """The parent order to work.

    Attributes:
        side: ``random`` draws one per episode from the episode's seed.
        lots: Size of the parent order; of two numbers, a size between them is drawn per episode, all as likely.
        horizon_s: Time from the decision to the deadline.
        step_s: Time between two actions.
        leftover: At the deadline, ``sweep`` cancels what rests and sends a market order for the rest;
            ``mark`` leaves it unfilled, valued at the mid.
        grace_s: Longest wait for the sweep's answers.
    """

    side: Literal["buy", "sell", "random"] = "random"
    lots: Lots | tuple[Lots, Lots] = 20
    horizon_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    step_s: Annotated[float, Field(gt=0)] = 5.0
    leftover: Literal["sweep", "mark"] = "sweep"
    grace_s: Annotated[float, Field(ge=0, le=60)] = 5.0

    @property
    def lots_range(self) -> tuple[int, int]:
        """Smallest and largest size of the parent order."""
        return (self.lots, self.lots) if isinstance(self.lots, int) else self.lots

    @model_validator(mode="after")
    def _lots_rise(self) -> Self:
        low, high = self.lots_range
        if low > high:
            raise ValueError(f"lots is [{low}, {high}], expected the smaller one first")
        return self

    @model_validator(mode="after")
    def _step_fits(self) -> Self:
        if self.step_s > self.horizon_s:
            raise ValueError(f"step_s={self.step_s} must not exceed horizon_s={self.horizon_s}")
        return self


class OrdersAction(Config):
    """Work up to ``slots`` orders, each kept, cancelled, placed or sent to market at every step.

    Attributes:
        slots: Orders worked side by side.
        offsets_ticks: Choices of a limit price, in ticks behind the own touch; negative improves on it.
        sizes: Choices of a size, as fractions of the parent order.
    """

    codec: Literal["orders"] = "orders"
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)] = 1
    offsets_ticks: Annotated[tuple[int, ...], Field(min_length=1, max_length=CHOICES_MAX)] = (-1, 0, 1, 2, 4)
    sizes: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1, max_length=CHOICES_MAX)] = (
        0.05,
        0.1,
        0.25,
        0.5,
        1.0,
    )


class ScheduleAction(Config):
    """Trade a share of the market's volume with orders that take.

    Attributes:
        max_participation: Share of the volume printed since the last step that action +1 trades.
    """

    codec: Literal["schedule"]
    max_participation: Annotated[float, Field(gt=0, le=10)] = 0.5


class ObservationConfig(Config):
    """What the flat observation holds.

    Attributes:
        levels: Book levels per side.
    """

    levels: Annotated[int, Field(ge=1, le=20)] = 5


class RewardConfig(Config):
    """Weights of the named terms of the reward.

    Attributes:
        execution: Increment of execution alpha, in basis points of the parent's notional.
        drift: What the efficient price's move cost on the unfilled lots, in the same unit. It has mean zero whatever
            the policy does, so weight 1 takes most of the market's luck out of the reward and leaves the
            best policy what it was. Zero where no efficient price is known (Poisson flow, histories).
    """

    execution: float = 1.0
    drift: float = 0.0


class ExecutionConfig(Config):
    """Everything that defines ``TwinExecution-v0``; each nested part may be a preset's name."""

    market: Annotated[MarketConfig, Preset("markets")]
    links: Annotated[LinksConfig, Preset("links")]
    task: TaskConfig = TaskConfig()
    action: Annotated[OrdersAction | ScheduleAction, Field(discriminator="codec")] = OrdersAction()
    observation: ObservationConfig = ObservationConfig()
    reward: RewardConfig = RewardConfig()
