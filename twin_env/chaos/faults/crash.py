"""Flash crash and flash rally: somebody trades the price along a path while makers step back."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import FOREVER, Effect, modify
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity, Share
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.sampling.prior import LogUniform, Prior, Sized, Uniform
from twin_env.config import Config
from twin_env.core.faults import modifiers
from twin_env.core.faults.fault_codes import MAKERS, PATH, RAMP_NAMES

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_LOOK_S: Final = 0.01
_PERIOD_S: Final = 0.02
_LEFT: Final = 1.0 / 20.0  # of the way back, when the actor lets go
_SLACK: Final = 0.1


class Recovery(Config):
    """How the price comes back.

    Attributes:
        fraction: Share of the move that is given back; the rest is what everybody believes afterwards.
        half_life_s: Time for half of that; 0 lets the market find back as fast as it does by itself.
    """

    fraction: Share = 1.0
    half_life_s: float = Field(default=0.0, ge=0, le=86_400)


class _Move(Fault):
    """A move of a stated size in a stated time.

    Attributes:
        move: How far the mid goes from where it is when the fault begins.
        fall_s: In which time.
        ramp: ``linear``, ``convex`` (slow, then fast), ``smooth`` (slow at both ends) or ``step`` (at once).
        hold_s: How long the price is kept there.
        recovery: What happens then.
        herding: How far the crowd comes to believe the price it sees, within some ten seconds: a share of the move.
        makers_left: Share of the limit orders on the side in the way that still come.
        pace_multiple: How much busier everybody is on the way.
        wall_lots: Lots kept in the way of whoever would take the price back.
    """

    move: Quantity
    fall_s: Duration
    ramp: Literal["linear", "convex", "smooth", "step"] = "linear"
    hold_s: float = Field(default=0.0, ge=0, le=86_400)
    recovery: Recovery = Recovery()
    herding: Share = 0.8
    makers_left: Share = 0.5
    pace_multiple: float = Field(default=4.0, gt=0, le=20)
    wall_lots: int = Field(default=20, ge=1, le=1_000_000)

    plane = "market"
    family = "price"
    settle_s = 60.0
    sign: ClassVar[int]
    priors: ClassVar[Mapping[str, Prior]] = {
        "move": Sized(LogUniform(4.0, 20.0), "sigma"),
        "fall_s": LogUniform(0.5, 30.0),
        "makers_left": Uniform(0.1, 0.6),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"move": {"value": 4, "unit": "sigma"}, "fall_s": 10},
        "mid": {"move": {"value": 8, "unit": "sigma"}, "fall_s": 5},
        "high": {"move": {"value": 16, "unit": "sigma"}, "fall_s": 2},
        "extreme": {"move": {"value": 30, "unit": "sigma"}, "fall_s": 2, "makers_left": 0.1},
    }

    @property
    def lasts_s(self) -> float:
        """Fall, hold and the slow part of the way back."""
        back_s = self.recovery.half_life_s * math.log2(1.0 / _LEFT) if self.recovery.fraction > 0 else 0.0
        return self.fall_s + self.hold_s + back_s

    @property
    def most_effects(self) -> int:
        """The path, the makers who step back, and what stays of the move."""
        return 2 if self.recovery.fraction == 1.0 else 3

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the actor, the makers who step back, and what stays of the move."""
        ticks = self.move.ticks(scene.scale)
        back = self.recovery
        actor = Effect(
            PATH,
            self.lasts_s,
            side=self.sign,
            period_s=min(_LOOK_S, self.fall_s / 4),
            parameters={
                "move_ticks": ticks,
                "fall_s": self.fall_s,
                "hold_s": self.hold_s,
                "recovery_fraction": back.fraction,
                "half_life_s": back.half_life_s,
                "wall_lots": self.wall_lots,
                "herding_share": self.herding,
                "makers_left": self.makers_left,
                "pace_multiple": self.pace_multiple,
                "ramp": RAMP_NAMES.index(self.ramp),
            },
        )
        if not scene.synthetic:
            return (actor,)
        away = Effect(
            MAKERS,
            self.fall_s + self.hold_s,
            side=-self.sign,
            period_s=_PERIOD_S,
            parameters={"leaving_share": 1.0 - self.makers_left},
        )
        stays = self.sign * ticks * (1.0 - back.fraction)
        return (actor, away) + ((modify(modifiers.BELIEF, stays, FOREVER, ramp_s=self.fall_s),) if stays else ())

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the move and how long it took."""
        ticks = self.move.ticks(scene.scale)
        asked = ticks * scene.scale.tick_size
        slack = max(scene.scale.tick_size, _SLACK * asked)
        reached, took_s = window.farthest(self.sign, self.fall_s)
        return (
            Reading("move_points", asked, reached * scene.scale.tick_size, asked - 1e-9, asked + slack),
            Reading("fall_s", self.fall_s, took_s, 0.0, self.fall_s),
        )

    def describe(self) -> str:
        """Return the move in words."""
        verb = "falls" if self.sign < 0 else "rises"
        back = f", and gives back {self.recovery.fraction:.0%} of it" if self.recovery.fraction < 1 else ""
        return f"the price {verb} {self.move} in {self.fall_s:g} s{back}"


class FlashCrash(_Move):
    """Somebody sells the price down a path while buyers step back."""

    kind: Literal["flash_crash"] = "flash_crash"
    sign = -1


class FlashRally(_Move):
    """Somebody buys the price up a path while sellers step back."""

    kind: Literal["flash_rally"] = "flash_rally"
    sign = 1
