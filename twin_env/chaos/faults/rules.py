"""What the venue or the broker demands and refuses: velocity logic, bands, throttles, rejects, fees, margin."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from twin_env.chaos.effects import NS_PER_S, Effect, modify
from twin_env.chaos.faults.base import Duration, Fault, Multiple, Reading, Scene, Severity
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.sampling.prior import LogUniform, Prior, Sized, Uniform, Whole
from twin_env.core.faults import modifiers
from twin_env.core.faults.fault_codes import GUARD

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window


class VelocityLogic(Fault):
    """The venue pauses when trades move too far in too short a time, and reopens by an auction.

    Attributes:
        move: How far.
        window_s: In which time.
        pause_s: How long the pause is.
        duration_s: How long the rule is in force.
    """

    kind: Literal["velocity_logic"] = "velocity_logic"
    move: Quantity
    window_s: float = Field(default=2.0, gt=0, le=3600)
    pause_s: float = Field(default=5.0, gt=0, le=3600)
    duration_s: Duration = 300.0

    plane = "venue"
    family = "protection"
    priors: ClassVar[Mapping[str, Prior]] = {
        "move": Sized(LogUniform(2.0, 12.0), "sigma"),
        "window_s": LogUniform(1.0, 10.0),
        "pause_s": LogUniform(2.0, 20.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"move": {"value": 12, "unit": "sigma"}},
        "mid": {"move": {"value": 6, "unit": "sigma"}},
        "high": {"move": {"value": 3, "unit": "sigma"}},
        "extreme": {"move": {"value": 1, "unit": "sigma"}},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the guard."""
        parameters = {
            "move_ticks": self.move.ticks(scene.scale),
            "window_ns": int(self.window_s * NS_PER_S),
            "pause_ns": int(self.pause_s * NS_PER_S),
        }
        return (Effect(GUARD, self.duration_s, parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the farthest a trade went within the window's time before the venue paused."""
        limit = self.move.ticks(scene.scale)
        return (Reading("in_force_s", self.duration_s, window.guarded_s(limit), self.duration_s - 0.05, float("inf")),)

    def describe(self) -> str:
        """Return the rule in words."""
        return f"the venue pauses {self.pause_s:g} s whenever trades move {self.move} in {self.window_s:g} s"


class PriceBand(Fault):
    """The venue refuses limit prices too far through the last trade.

    Attributes:
        band: How far is too far.
        duration_s: How long the rule is in force.
    """

    kind: Literal["price_band"] = "price_band"
    band: Quantity
    duration_s: Duration = 300.0

    plane = "venue"
    family = "protection"
    priors: ClassVar[Mapping[str, Prior]] = {"band": Sized(LogUniform(1.0, 10.0), "sigma")}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"band": {"value": 10, "unit": "sigma"}},
        "mid": {"band": {"value": 3, "unit": "sigma"}},
        "high": {"band": {"value": 1, "unit": "sigma"}},
        "extreme": {"band": {"value": 1, "unit": "ticks"}},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the band."""
        return (modify(modifiers.PRICE_BAND, self.band.ticks(scene.scale), self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the band in force."""
        asked = self.band.ticks(scene.scale)
        return (Reading("band_ticks", asked, window.modifier(modifiers.PRICE_BAND), asked, asked),)

    def describe(self) -> str:
        """Return the band in words."""
        return f"the venue refuses limits more than {self.band} through the last trade for {self.duration_s:g} s"


class RejectStorm(Fault):
    """The gateway refuses what the desk asks for.

    Attributes:
        probability: Of each request.
        duration_s: How long.
    """

    kind: Literal["reject_storm"] = "reject_storm"
    probability: float = Field(default=0.8, gt=0, le=1)
    duration_s: Duration = 20.0

    plane = "venue"
    family = "orders"
    priors: ClassVar[Mapping[str, Prior]] = {"probability": Uniform(0.2, 1.0), "duration_s": LogUniform(2.0, 120.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"probability": 0.2},
        "mid": {"probability": 0.5},
        "high": {"probability": 0.9},
        "extreme": {"probability": 1.0, "duration_s": 120},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the refusal."""
        return (modify(modifiers.REFUSAL, self.probability, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share of the desk's requests that were refused."""
        return (window.share("probability", self.probability, "refused", "requests"),)

    def describe(self) -> str:
        """Return the storm in words."""
        return f"the gateway refuses {self.probability:.0%} of all requests for {self.duration_s:g} s"


class Throttle(Fault):
    """The gateway lets a number of requests through in any second and refuses the rest.

    Attributes:
        messages_per_s: So many.
        duration_s: How long.
    """

    kind: Literal["throttle"] = "throttle"
    messages_per_s: int = Field(default=2, ge=1, le=100_000)
    duration_s: Duration = 60.0

    plane = "venue"
    family = "orders"
    priors: ClassVar[Mapping[str, Prior]] = {
        "messages_per_s": Whole(LogUniform(1, 20)),
        "duration_s": LogUniform(10.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"messages_per_s": 20},
        "mid": {"messages_per_s": 5},
        "high": {"messages_per_s": 2},
        "extreme": {"messages_per_s": 1},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the rate."""
        return (modify(modifiers.REQUEST_RATE, self.messages_per_s, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the rate in force."""
        asked = self.messages_per_s
        return (Reading("messages_per_s", asked, window.modifier(modifiers.REQUEST_RATE), asked, asked),)

    def describe(self) -> str:
        """Return the throttle in words."""
        return f"the gateway lets {self.messages_per_s} requests a second through for {self.duration_s:g} s"


class FeeChange(Fault):
    """Fees are another multiple of what they were.

    Attributes:
        multiple: So much.
        duration_s: How long.
    """

    kind: Literal["fee_change"] = "fee_change"
    multiple: Multiple = 3.0
    duration_s: Duration = 3600.0

    plane = "account"
    family = "account"
    priors: ClassVar[Mapping[str, Prior]] = {"multiple": LogUniform(0.5, 5.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"multiple": 1.5},
        "mid": {"multiple": 2},
        "high": {"multiple": 4},
        "extreme": {"multiple": 10},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the factor."""
        return (modify(modifiers.FEE, self.multiple, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the factor in force."""
        return (Reading("fee_multiple", self.multiple, window.modifier(modifiers.FEE), self.multiple, self.multiple),)

    def describe(self) -> str:
        """Return the fees in words."""
        return f"fees are {self.multiple:g} times what they were"


class MarginChange(Fault):
    """The broker lets the account hold fewer lots: what would go beyond is refused.

    Attributes:
        limit_lots: So many, long or short, working orders of that side included.
        duration_s: How long.
    """

    kind: Literal["margin_change"] = "margin_change"
    limit_lots: int = Field(default=1, ge=0, le=10_000_000)
    duration_s: Duration = 600.0

    plane = "account"
    family = "account"
    priors: ClassVar[Mapping[str, Prior]] = {"limit_lots": Whole(LogUniform(1, 20))}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"limit_lots": 10},
        "mid": {"limit_lots": 5},
        "high": {"limit_lots": 1},
        "extreme": {"limit_lots": 0},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the cap."""
        return (modify(modifiers.POSITION_CAP, self.limit_lots, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the cap in force."""
        asked = self.limit_lots
        return (Reading("limit_lots", asked, window.modifier(modifiers.POSITION_CAP), asked, asked),)

    def describe(self) -> str:
        """Return the cap in words."""
        return f"the broker raises margin: at most {self.limit_lots} lots may be held"
