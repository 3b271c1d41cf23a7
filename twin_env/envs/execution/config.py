"""What an execution environment is made of, as users write it."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.sampling.randomisation import SamplerConfig
from twin_env.chaos.source import ChaosSource
from twin_env.config import Config, Preset
from twin_env.envs.actions.ladder import MAX_RUNGS
from twin_env.envs.actions.parent import MAX_SLOTS
from twin_env.envs.execution.sizes import SIZES, choose_sizes
from twin_env.envs.observation import ObservationConfig
from twin_env.market.links import LinksConfig
from twin_env.market.synthetic import MarketConfig

CHOICES_MAX: Final = 32  # of a price, of a size


Lots = Annotated[int, Field(ge=1, le=1_000_000)]  # money of a parent order has to fit into 64 bits
Seconds = Annotated[float, Field(ge=1e-6, le=86_400)]
Ticks = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Offsets = Annotated[tuple[Ticks, ...], Field(min_length=1, max_length=CHOICES_MAX)]
Fractions = Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1, max_length=CHOICES_MAX)]
Share = Annotated[float, Field(gt=0, le=1)]

_OFFSETS: Final = (-1, 0, 1, 2, 4)


class TaskConfig(Config):
    """The parent order to work.

    Attributes:
        side: ``random`` draws one per episode from the episode's seed.
        lots: Size of the parent order; of two numbers, a size between them is drawn per episode, all as likely.
        horizon_s: Time from the decision to the deadline.
        step_s: Time between two actions.
        min_participation: What is filled stays at or above this share of the volume printed since the decision: at
            every step the environment sends to market what an action left below it.
        max_participation: What is filled or in the book stays at or below this share of it: an action's orders are
            cut. The sweep at the deadline is not.
        leftover: At the deadline, ``sweep`` cancels what rests and sends a market order for the rest;
            ``mark`` leaves it unfilled, valued at the mid.
        grace_s: Longest wait for the sweep's answers.
    """

    side: Literal["buy", "sell", "random"] = "random"
    lots: Lots | tuple[Lots, Lots] = 20
    horizon_s: Seconds = 300.0
    step_s: Seconds = 5.0
    min_participation: Share | None = None
    max_participation: Share | None = None
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

    @model_validator(mode="after")
    def _shares_rise(self) -> Self:
        least, most = self.min_participation, self.max_participation
        if least is not None and most is not None and least > most:
            raise ValueError(f"min_participation={least} must not exceed max_participation={most}")
        return self


class OrdersAction(Config):
    """Work up to ``slots`` orders, each kept, cancelled, placed or sent to market at every step.

    Attributes:
        slots: Orders worked side by side.
        offsets_ticks: Choices of a limit price, in ticks behind the own touch; a negative one improves on the best
            price of others.
        sizes: Choices of a size, as fractions of the parent order. ``auto`` is 0.05, 0.1, 0.25, 0.5 and 1, and where a
            step's share of the parent is less than the smallest of them, that share too, rounded down and up to whole
            lots (of the largest parent, if its size is drawn); an environment's configuration says which it is.
    """

    codec: Literal["orders"] = "orders"
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)] = 1
    offsets_ticks: Offsets = _OFFSETS
    sizes: Fractions | Literal["auto"] = "auto"

    @property
    def fractions(self) -> tuple[float, ...]:
        """Choices of a size; of ``auto`` those that are always there."""
        return SIZES if self.sizes == "auto" else self.sizes


class TableAction(Config):
    """One order, and one number: every pair of what to do and how, for algorithms that choose from a list (DQN).

    Attributes:
        offsets_ticks: As of ``orders``.
        sizes: As of ``orders``, but few by default.
    """

    codec: Literal["table"]
    offsets_ticks: Offsets = _OFFSETS
    sizes: Fractions | Literal["auto"] = (0.25, 1.0)

    @property
    def fractions(self) -> tuple[float, ...]:
        """Choices of a size; of ``auto`` those that are always there."""
        return SIZES if self.sizes == "auto" else self.sizes

    @property
    def slots(self) -> int:
        """Orders worked side by side."""
        return 1


class LadderAction(Config):
    """Say where the lots that are left should be; only the difference is sent, so that queue places are kept.

    Attributes:
        offsets_ticks: Rungs, in ticks behind the own touch, nearest first.
    """

    codec: Literal["ladder"]
    offsets_ticks: Annotated[
        tuple[Annotated[int, Field(ge=0, le=1_000_000)], ...], Field(min_length=1, max_length=MAX_RUNGS)
    ] = (
        0,
        1,
        2,
        4,
    )

    @property
    def slots(self) -> int:
        """Rungs."""
        return len(self.offsets_ticks)

    @model_validator(mode="after")
    def _rungs_rise(self) -> Self:
        if any(near >= far for near, far in zip(self.offsets_ticks, self.offsets_ticks[1:], strict=False)):
            raise ValueError(f"offsets_ticks is {list(self.offsets_ticks)}, expected each larger than the one before")
        return self


class ScheduleAction(Config):
    """Trade a share of the market's volume with orders that take.

    Attributes:
        max_participation: Share of the volume printed since the last step that action +1 trades.
    """

    codec: Literal["schedule"]
    max_participation: Annotated[float, Field(gt=0, le=10)] = 0.5

    @property
    def slots(self) -> int:
        """Orders worked side by side: none that stays."""
        return 0


Action = OrdersAction | TableAction | LadderAction | ScheduleAction


class RewardConfig(Config):
    """Weights of the named terms of the reward; docs/environment.md says what each is.

    Attributes:
        execution: Increment of execution alpha, in basis points of the parent's notional.
        drift: What the efficient price's move cost on the unfilled lots, in the same unit. It has mean zero whatever
            the policy does, so weight 1 takes most of the market's luck out of the reward and leaves the
            best policy what it was. Zero where no efficient price is known (Poisson flow, histories).
        vwap: Increment of what the fills are worth against the market's VWAP since the decision, in basis points of
            the parent's notional. For VWAP as the benchmark: ``execution: 0, vwap: 1``.
        messages: Minus the requests sent in this step.
        lag: Minus the square of how far the filled share is from the elapsed share of the horizon.
        unfilled: At the end, minus the share of the parent that is not filled.
    """

    execution: float = 1.0
    drift: float = 0.0
    vwap: float = 0.0
    messages: float = 0.0
    lag: float = 0.0
    unfilled: float = 0.0


class ExecutionConfig(Config):
    """Everything that defines ``TwinExecution-v0``; each nested part may be a preset's name.

    ``chaos`` is what goes wrong: a sampler (a preset of ``configs/chaos``, or its keys) that draws an experiment per
    episode, or one experiment (its keys, a file, ``library:NAME``, a sentence). Nothing by default.
    """

    market: Annotated[MarketConfig, Preset("markets")] = Field("mgc_2025", validate_default=True)
    links: Annotated[LinksConfig, Preset("links")] = Field("retail", validate_default=True)
    task: TaskConfig = TaskConfig()
    action: Annotated[Action, Field(discriminator="codec", validate_default=True)] = OrdersAction()
    observation: ObservationConfig = ObservationConfig()
    reward: RewardConfig = RewardConfig()
    chaos: Annotated[SamplerConfig | Experiment | None, ChaosSource()] = None

    @field_validator("action")
    @classmethod
    def _choose_sizes(cls, action: Action, info: ValidationInfo) -> Action:
        """Put the sizes in the place of ``auto``, so that whoever reads the configuration sees the action space."""
        task = info.data.get("task")
        if not isinstance(action, OrdersAction | TableAction) or action.sizes != "auto" or task is None:
            return action
        sizes = choose_sizes(task.lots_range[1], min(task.step_s / task.horizon_s, 1.0))
        return action.model_copy(update={"sizes": sizes})
