"""What every fault has in common: its name, its time, its chance, and how it is compiled, measured and described."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from twin_env.chaos.effects import Effect
from twin_env.chaos.quantity import Scale
from twin_env.chaos.reading import Reading as Reading
from twin_env.chaos.sampling.prior import Prior
from twin_env.chaos.when import Offset, When
from twin_env.config import Config

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

Plane = Literal["market", "venue", "feed", "orders", "clock", "account", "host"]
Severity = Literal["low", "mid", "high", "extreme"]
Direction = Literal["up", "down"]
Side = Literal["buy", "sell"]
Duration = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(ge=0, le=1)]
Multiple = Annotated[float, Field(gt=0, le=1000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", examples=["crash"])]


@dataclass(frozen=True)
class Baseline:
    """What one market is like when nothing happens, measured on it.

    Attributes:
        spread_ticks: Median spread.
        depth_lots: Median lots of the best five levels of a side.
        sigma_ticks: Standard deviation of the mid's move over ten seconds.
        messages_per_s: Market data messages.
        trades_per_s: Prints.
        volume_per_s: Lots that trade.
    """

    spread_ticks: float
    depth_lots: float
    sigma_ticks: float
    messages_per_s: float
    trades_per_s: float
    volume_per_s: float


@dataclass(frozen=True)
class Scene:
    """The market an experiment is compiled for.

    Attributes:
        scale: What units mean there.
        baseline: What it is like when nothing happens.
        synthetic: Whether the anchored flow makes its orders, so that there is a crowd to frighten.
        band_ticks: How far through the opposite touch its market orders reach.
    """

    scale: Scale
    baseline: Baseline
    synthetic: bool
    band_ticks: int

    def need_flow(self, kind: str) -> None:
        """Refuse a fault of a crowd where there is none.

        Raises:
            ValueError: The market plays a history, or a flow without an efficient price.
        """
        if not self.synthetic:
            raise ValueError(f"{kind} changes how others quote, expected a market whose source.model is 'anchored'")


class Fault(Config, ABC):
    """One thing that goes wrong.

    Attributes:
        id: Names it in the experiment; its kind by default.
        when: When it begins.
        toxicity: Chance that it happens when its time comes.
    """

    kind: str
    id: Name | None = None
    when: When = Offset()
    toxicity: Share = 1.0

    plane: ClassVar[Plane]
    family: ClassVar[str]
    priors: ClassVar[Mapping[str, Prior]]
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]]
    settle_s: ClassVar[float] = 30.0
    """Time after its end in which the world is back in its steady state."""

    @property
    def name(self) -> str:
        """Its id, or its kind."""
        return self.id or self.kind

    @property
    def lasts_s(self) -> float:
        """How long it is on, in seconds; the market's way back afterwards does not count."""
        return float(getattr(self, "duration_s", 0.0))

    @property
    def most_effects(self) -> int:
        """Number of effects that :meth:`effects` returns, in the market where they are most."""
        return 1

    @abstractmethod
    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return what it does; the first effect is on as long as the fault is.

        Raises:
            ValueError: It cannot be done in this market.
        """

    @abstractmethod
    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return what was asked for beside what was measured while it was on."""

    @abstractmethod
    def describe(self) -> str:
        """Return what it does in plain words, a phrase without a full stop."""

    @classmethod
    def at(cls, severity: Severity, **fields: Any) -> Self:
        """Return the fault at a severity; ``fields`` replace single values."""
        return cls(**{"kind": cls.model_fields["kind"].default, **cls.severity_levels[severity], **fields})
