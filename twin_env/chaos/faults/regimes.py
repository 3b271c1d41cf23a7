"""Chop, volatility regime, gap: the price itself behaves differently for a while."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import FOREVER, Effect, modify, side_of
from twin_env.chaos.faults.base import Direction, Duration, Fault, Reading, Scene, Severity
from twin_env.chaos.faults.makers import spread_reading, wide_makers
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Sized
from twin_env.core.faults import modifiers
from twin_env.core.faults.fault_codes import AUCTION

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_SAMPLE_S: Final = 1.0


class Chop(Fault):
    """The price goes to and fro around where it is, with wide spreads.

    Attributes:
        spread_multiple: Median spread over the usual one.
        amplitude: Standard deviation of what everybody believes for a moment; by default half the asked spread, as
            more would make the spread wider than asked all by itself.
        duration_s: How long.
    """

    kind: Literal["chop"] = "chop"
    spread_multiple: float = Field(default=3.0, gt=1, le=50)
    amplitude: Quantity | None = None
    duration_s: Duration = 120.0

    plane = "market"
    family = "regime"
    settle_s = 60.0
    priors: ClassVar[Mapping[str, Prior]] = {
        "spread_multiple": LogUniform(2.0, 6.0),
        "amplitude": Sized(LogUniform(1.0, 4.0), "spreads"),
        "duration_s": LogUniform(30.0, 600.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"spread_multiple": 2, "amplitude": {"value": 0.75, "unit": "spreads"}},
        "mid": {"spread_multiple": 3, "amplitude": {"value": 1.5, "unit": "spreads"}},
        "high": {"spread_multiple": 4, "amplitude": {"value": 2, "unit": "spreads"}},
        "extreme": {"spread_multiple": 5, "amplitude": {"value": 4, "unit": "spreads"}},
    }

    @property
    def most_effects(self) -> int:
        """Wide makers, and beliefs that waver."""
        return 2

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return wide makers, and beliefs that waver."""
        scene.need_flow(self.kind)
        amplitude = self.amplitude or Quantity(value=0.5 * self.spread_multiple, unit="spreads")
        return (
            *wide_makers(self.spread_multiple, self.duration_s, scene),
            modify(modifiers.PRICE_NOISE, amplitude.value * scene.scale.ticks_per(amplitude.unit), self.duration_s),
        )

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the spread, and the first autocorrelation of the mid's moves over a second."""
        correlation = window.return_autocorrelation(_SAMPLE_S)
        return (
            spread_reading(self.spread_multiple, window),
            Reading("autocorrelation", -0.5, correlation, -1.0, -1e-9),
        )

    def describe(self) -> str:
        """Return chop in words."""
        return f"the market chops for {self.duration_s:g} s with spreads {self.spread_multiple:g} times their usual"


class VolatilityRegime(Fault):
    """The efficient price moves more, and the market is busier.

    Attributes:
        volatility_multiple: Of the usual volatility.
        activity_multiple: Of the usual pace; by default the square root of the other.
        duration_s: How long.
    """

    kind: Literal["volatility_regime"] = "volatility_regime"
    volatility_multiple: float = Field(default=3.0, gt=0, le=20)
    activity_multiple: float | None = Field(default=None, gt=0, le=20)
    duration_s: Duration = 300.0

    plane = "market"
    family = "regime"
    settle_s = 60.0
    priors: ClassVar[Mapping[str, Prior]] = {
        "volatility_multiple": LogUniform(1.5, 5.0),
        "duration_s": LogUniform(60.0, 1800.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"volatility_multiple": 1.5},
        "mid": {"volatility_multiple": 2.5},
        "high": {"volatility_multiple": 4},
        "extreme": {"volatility_multiple": 8},
    }

    @property
    def most_effects(self) -> int:
        """Both factors."""
        return 2

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return both factors."""
        scene.need_flow(self.kind)
        pace = self.activity_multiple or self.volatility_multiple**0.5
        return (
            modify(modifiers.VOLATILITY, self.volatility_multiple, self.duration_s),
            modify(modifiers.PACE, pace, self.duration_s),
        )

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the volatility beside that of the paired run."""
        asked = self.volatility_multiple
        return (Reading("volatility_multiple", asked, window.volatility_multiple(_SAMPLE_S), 0.6 * asked, 1.5 * asked),)

    def describe(self) -> str:
        """Return the regime in words."""
        return f"volatility is {self.volatility_multiple:g} times its usual for {self.duration_s:g} s"


class Gap(Fault):
    """Trading pauses, everybody changes their mind, and the market reopens elsewhere by an auction.

    Attributes:
        direction: Where the price goes.
        move: How far what everybody believes moves.
        duration_s: Length of the pause, in which orders are collected.
    """

    kind: Literal["gap"] = "gap"
    direction: Direction = "down"
    move: Quantity
    duration_s: Duration = 10.0

    plane = "market"
    family = "price"
    settle_s = 60.0
    priors: ClassVar[Mapping[str, Prior]] = {
        "direction": Choice(("up", "down")),
        "move": Sized(LogUniform(3.0, 20.0), "sigma"),
        "duration_s": LogUniform(2.0, 60.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"move": {"value": 3, "unit": "sigma"}},
        "mid": {"move": {"value": 8, "unit": "sigma"}},
        "high": {"move": {"value": 20, "unit": "sigma"}},
        "extreme": {"move": {"value": 50, "unit": "sigma"}},
    }

    @property
    def most_effects(self) -> int:
        """The pause, and the change of mind."""
        return 2

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the pause that ends in an auction, and the change of mind."""
        scene.need_flow(self.kind)
        ticks = side_of(self.direction) * self.move.ticks(scene.scale)
        return (Effect(AUCTION, self.duration_s), modify(modifiers.BELIEF, ticks, FOREVER))

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return how far the first trade is from the last one before, beside what the paired run did."""
        asked = self.move.ticks(scene.scale) * scene.scale.tick_size
        gap = side_of(self.direction) * window.gap_ticks() * scene.scale.tick_size
        slack = max(5.0 * scene.baseline.spread_ticks * scene.scale.tick_size, 0.2 * asked)
        return (Reading("gap_points", asked, gap, asked - slack, asked + slack),)

    def describe(self) -> str:
        """Return the gap in words."""
        return f"trading pauses for {self.duration_s:g} s and reopens {self.move} {self.direction}"
