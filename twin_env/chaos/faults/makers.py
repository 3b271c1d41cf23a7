"""Liquidity drought, spread widening, maker withdrawal: those who make prices make fewer, or worse ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import Effect
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity, Share
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Uniform
from twin_env.core.faults.fault_codes import MAKERS

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

PERIOD_S: Final = 0.02
_SIDES: Final = {"both": 0, "buy": 1, "sell": -1}


class LiquidityDrought(Fault):
    """The book holds a share of its usual depth.

    Attributes:
        depth_multiple: Lots of the best five levels of each side, over what they usually are.
        refill_multiple: Share of the limit orders that still come.
        duration_s: How long.
    """

    kind: Literal["liquidity_drought"] = "liquidity_drought"
    depth_multiple: float = Field(default=0.2, gt=0, lt=1)
    refill_multiple: Share = 0.6
    duration_s: Duration = 60.0

    plane = "market"
    family = "liquidity"
    priors: ClassVar[Mapping[str, Prior]] = {
        "depth_multiple": Uniform(0.1, 0.6),
        "refill_multiple": Uniform(0.3, 1.0),
        "duration_s": LogUniform(10.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"depth_multiple": 0.6},
        "mid": {"depth_multiple": 0.4},
        "high": {"depth_multiple": 0.2},
        "extreme": {"depth_multiple": 0.1, "refill_multiple": 0.3},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return makers who keep the book thin, and those who do not come."""
        scene.need_flow(self.kind)
        lots = max(1.0, self.depth_multiple * scene.baseline.depth_lots)
        parameters = {"depth_lots": int(lots), "absent_share": 1.0 - self.refill_multiple}
        return (Effect(MAKERS, self.duration_s, period_s=PERIOD_S, parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the depth beside that of the paired run."""
        asked = self.depth_multiple
        return (Reading("depth_multiple", asked, window.depth_multiple(), 0.5 * asked, 1.5 * asked),)

    def describe(self) -> str:
        """Return the depth in words."""
        return f"the book thins to {self.depth_multiple:.0%} of its usual depth for {self.duration_s:g} s"


class SpreadWidening(Fault):
    """Makers quote wider and reprice what rests.

    Attributes:
        spread_multiple: Median spread over the usual one.
        duration_s: How long.
    """

    kind: Literal["spread_widening"] = "spread_widening"
    spread_multiple: float = Field(default=5.0, gt=1, le=50)
    duration_s: Duration = 60.0

    plane = "market"
    family = "liquidity"
    priors: ClassVar[Mapping[str, Prior]] = {
        "spread_multiple": LogUniform(2.0, 8.0),
        "duration_s": LogUniform(10.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"spread_multiple": 2},
        "mid": {"spread_multiple": 3},
        "high": {"spread_multiple": 5},
        "extreme": {"spread_multiple": 10},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the distance makers keep, and that they reprice what rests within it."""
        scene.need_flow(self.kind)
        return wide_makers(self.spread_multiple, self.duration_s, scene)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the median spread over that of the paired run."""
        return (spread_reading(self.spread_multiple, window),)

    def describe(self) -> str:
        """Return the spread in words."""
        return f"spreads widen to {self.spread_multiple:g} times their usual for {self.duration_s:g} s"


class MakerWithdrawal(Fault):
    """Makers cancel what rests and stop quoting.

    Attributes:
        fraction: Share of them.
        side: Of which side, or ``both``.
        lag_s: The slowest takes so long.
        duration_s: How long they stay away.
    """

    kind: Literal["maker_withdrawal"] = "maker_withdrawal"
    fraction: float = Field(default=0.8, gt=0, le=1)
    side: Literal["both", "buy", "sell"] = "both"
    lag_s: float = Field(default=0.2, ge=0, le=60)
    duration_s: Duration = 30.0

    plane = "market"
    family = "liquidity"
    priors: ClassVar[Mapping[str, Prior]] = {
        "fraction": Uniform(0.3, 0.95),
        "side": Choice(("both", "both", "buy", "sell")),
        "lag_s": LogUniform(0.02, 1.0),
        "duration_s": LogUniform(5.0, 120.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"fraction": 0.3},
        "mid": {"fraction": 0.6},
        "high": {"fraction": 0.8},
        "extreme": {"fraction": 1.0},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the withdrawal, and that the withdrawn send nothing new."""
        scene.need_flow(self.kind)
        parameters = {"leaving_share": self.fraction, "lag_s": self.lag_s, "absent_share": self.fraction}
        side = _SIDES[self.side]
        return (Effect(MAKERS, self.duration_s, side=side, period_s=PERIOD_S, parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share of resting lots that left within the lag."""
        left = window.withdrawn_share(_SIDES[self.side], self.lag_s)
        return (Reading("withdrawn_share", self.fraction, left, self.fraction - 0.25, min(1.0, self.fraction + 0.25)),)

    def describe(self) -> str:
        """Return who leaves in words."""
        whose = {"both": "", "buy": " of the bid side", "sell": " of the offer side"}[self.side]
        return f"{self.fraction:.0%} of the makers{whose} leave for {self.duration_s:g} s"


def wide_makers(spread_multiple: float, duration_s: float, scene: Scene) -> tuple[Effect, ...]:
    """Return the effects that keep the two sides of the book apart."""
    ticks = max(1.0, spread_multiple * scene.baseline.spread_ticks)
    parameters = {"spread_ticks": ticks, "quoted_spread_ticks": ticks}
    return (Effect(MAKERS, duration_s, period_s=PERIOD_S, parameters=parameters),)


def spread_reading(spread_multiple: float, window: "Window") -> Reading:
    """Return the median spread over that of the paired run; a tenth more or less counts as achieved."""
    return Reading(
        "spread_multiple", spread_multiple, window.spread_multiple(), 0.9 * spread_multiple, 1.1 * spread_multiple
    )
