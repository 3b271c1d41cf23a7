"""Fat finger and momentum ignition: somebody takes more than the book has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import DOWN, NS_PER_S, Effect, side_of
from twin_env.chaos.faults.base import Direction, Fault, Reading, Scene, Severity
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Whole
from twin_env.core.faults.fault_codes import TAKER

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_A_MOMENT_S: Final = 0.001
_SHORT: Final = 0.5  # of the lots asked for: a market order ends at its protection


class FatFinger(Fault):
    """One market order with a digit too many.

    Attributes:
        direction: Where it pushes the price.
        depth_multiple: Its size, in lots of the best five levels of a side as they usually are.
        lots: Its size in lots, instead.
    """

    kind: Literal["fat_finger"] = "fat_finger"
    direction: Direction = "down"
    depth_multiple: float = Field(default=5.0, gt=0, le=1000)
    lots: int | None = Field(default=None, ge=1, le=10_000_000)

    plane = "market"
    family = "price"
    settle_s = 60.0
    priors: ClassVar[Mapping[str, Prior]] = {
        "depth_multiple": LogUniform(1.0, 20.0),
        "direction": Choice(("up", "down")),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"depth_multiple": 1},
        "mid": {"depth_multiple": 3},
        "high": {"depth_multiple": 8},
        "extreme": {"depth_multiple": 20},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return one order."""
        parameters = {"burst_lots": self._lots(scene), "bursts": 1}
        return (Effect(TAKER, _A_MOMENT_S, side=side_of(self.direction), parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the lots sent."""
        lots = self._lots(scene)
        return (Reading("sent_lots", lots, window.sent_lots, lots, lots),)

    def describe(self) -> str:
        """Return size and side in words."""
        size = f"{self.lots} lots" if self.lots else f"{self.depth_multiple:g} times the usual depth"
        return f"somebody {'sells' if self.direction == DOWN else 'buys'} {size} at market by mistake"

    def _lots(self, scene: Scene) -> int:
        return self.lots or max(1, round(self.depth_multiple * scene.baseline.depth_lots))


class MomentumIgnition(Fault):
    """Bursts of market orders one way, to set others off, then back.

    Attributes:
        direction: Where the bursts push the price.
        bursts: How many.
        depth_multiple: Lots of each, in lots of the best five levels as they usually are.
        gap_s: Between two of them.
        reverse: Whether what was traded is traded back afterwards, in as many bursts.
    """

    kind: Literal["momentum_ignition"] = "momentum_ignition"
    direction: Direction = "up"
    bursts: int = Field(default=5, ge=1, le=1000)
    depth_multiple: float = Field(default=0.5, gt=0, le=100)
    gap_s: float = Field(default=0.2, gt=0, le=600)
    reverse: bool = True

    plane = "market"
    family = "manipulation"
    settle_s = 60.0
    priors: ClassVar[Mapping[str, Prior]] = {
        "direction": Choice(("up", "down")),
        "bursts": Whole(LogUniform(3, 20)),
        "depth_multiple": LogUniform(0.2, 2.0),
        "gap_s": LogUniform(0.02, 1.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"bursts": 3, "depth_multiple": 0.3},
        "mid": {"bursts": 5, "depth_multiple": 0.5},
        "high": {"bursts": 10, "depth_multiple": 1},
        "extreme": {"bursts": 20, "depth_multiple": 2},
    }

    @property
    def lasts_s(self) -> float:
        """All bursts, there and back."""
        return self.gap_s * self.bursts * (2 if self.reverse else 1)

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the bursts."""
        parameters = {
            "burst_lots": self._lots(scene),
            "bursts": self.bursts,
            "gap_ns": int(self.gap_s * NS_PER_S),
            "reverse": self.reverse,
        }
        return (Effect(TAKER, self.lasts_s, side=side_of(self.direction), parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the lots sent."""
        lots = self._lots(scene) * self.bursts * (2 if self.reverse else 1)
        return (Reading("sent_lots", lots, window.sent_lots, lots * _SHORT, lots),)

    def describe(self) -> str:
        """Return the bursts in words."""
        back = ", and then back" if self.reverse else ""
        return f"{self.bursts} bursts of market orders push the price {self.direction}{back}"

    def _lots(self, scene: Scene) -> int:
        return max(1, round(self.depth_multiple * scene.baseline.depth_lots))
