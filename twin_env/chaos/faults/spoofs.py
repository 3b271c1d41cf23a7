"""Spoofing and quote stuffing: orders that are not meant to trade."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import NS_PER_S, Effect, side_of
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity, Side
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Whole
from twin_env.core.faults.fault_codes import LAYERS, STUFFING

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_PERIOD_S: Final = 0.02
_OFFSET_TICKS: Final = 1


class Spoofing(Fault):
    """Large orders on one side that vanish when the price comes near, and a small real one on the other.

    Attributes:
        side: Of the large orders.
        depth_multiple: Lots of all of them, over what the best five levels of a side usually hold.
        levels: Prices they stand at, the nearest one tick behind the touch.
        hold_s: How long they stand before they are taken away and put up anew.
        duration_s: How long this goes on.
    """

    kind: Literal["spoofing"] = "spoofing"
    side: Side = "sell"
    depth_multiple: float = Field(default=3.0, gt=0, le=100)
    levels: int = Field(default=4, ge=1, le=8)
    hold_s: float = Field(default=1.0, gt=0, le=600)
    duration_s: Duration = 20.0

    plane = "market"
    family = "manipulation"
    priors: ClassVar[Mapping[str, Prior]] = {
        "side": Choice(("buy", "sell")),
        "depth_multiple": LogUniform(1.0, 5.0),
        "levels": Whole(LogUniform(2, 6)),
        "hold_s": LogUniform(0.05, 3.0),
        "duration_s": LogUniform(2.0, 60.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"depth_multiple": 1},
        "mid": {"depth_multiple": 2},
        "high": {"depth_multiple": 4},
        "extreme": {"depth_multiple": 10},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the layers."""
        lots = max(1, round(self.depth_multiple * scene.baseline.depth_lots / self.levels))
        parameters = {
            "layer_lots": lots,
            "layers": self.levels,
            "hold_ns": int(self.hold_s * NS_PER_S),
            "offset_ticks": _OFFSET_TICKS,
        }
        return (Effect(LAYERS, self.duration_s, side=side_of(self.side), period_s=_PERIOD_S, parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the most lots shown at a time, over the usual depth."""
        asked = self.depth_multiple
        shown = window.shown_lots / scene.baseline.depth_lots
        return (Reading("shown_multiple", asked, shown, 0.75 * asked, 1.25 * asked),)

    def describe(self) -> str:
        """Return the layers in words."""
        where = "bids" if self.side == "buy" else "offers"
        return f"{self.levels} layers of {where} worth {self.depth_multiple:g} times the usual depth come and go"


class QuoteStuffing(Fault):
    """Orders far from the touch, placed and cancelled as fast as they come.

    Attributes:
        messages_per_s: Placed and cancelled, together.
        offset_ticks: How far behind the touch.
        side: Of the orders.
        duration_s: How long.
    """

    kind: Literal["quote_stuffing"] = "quote_stuffing"
    messages_per_s: float = Field(default=1000.0, gt=0, le=20_000)
    offset_ticks: int = Field(default=5, ge=1, le=1000)
    side: Side = "buy"
    duration_s: Duration = 5.0

    plane = "market"
    family = "manipulation"
    priors: ClassVar[Mapping[str, Prior]] = {
        "messages_per_s": LogUniform(200.0, 5000.0),
        "offset_ticks": Whole(LogUniform(2, 10)),
        "side": Choice(("buy", "sell")),
        "duration_s": LogUniform(0.2, 20.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"messages_per_s": 200},
        "mid": {"messages_per_s": 1000},
        "high": {"messages_per_s": 3000},
        "extreme": {"messages_per_s": 10_000},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the stuffing."""
        period_s = 1.0 / self.messages_per_s
        parameters = {"offset_ticks": self.offset_ticks, "order_lots": 1}
        side = side_of(self.side)
        return (Effect(STUFFING, self.duration_s, side=side, period_s=period_s, parameters=parameters),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return its messages per second."""
        asked = self.messages_per_s
        return (Reading("messages_per_s", asked, window.sent_messages / self.duration_s, 0.95 * asked, 1.05 * asked),)

    def describe(self) -> str:
        """Return the rate in words."""
        return f"somebody places and cancels {self.messages_per_s:g} orders a second for {self.duration_s:g} s"
