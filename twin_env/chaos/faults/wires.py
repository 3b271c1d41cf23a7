"""Faults of the wires for orders and reports: what is sent gets lost, comes late, or comes twice."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import Effect, modify
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Uniform
from twin_env.core.faults import modifiers
from twin_env.core.faults.fault_codes import ORDER_CUT

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_NS_PER_MS: Final = 1e6


class OrderDisconnect(Fault):
    """The order session is down: requests and reports are lost until it is back and the desk is told where it stands.

    Attributes:
        duration_s: How long.
        cancel_on_disconnect: Whether the venue cancels the desk's orders when it notices.
    """

    kind: Literal["order_disconnect"] = "order_disconnect"
    duration_s: Duration = 10.0
    cancel_on_disconnect: bool = False

    plane = "orders"
    family = "orders"
    priors: ClassVar[Mapping[str, Prior]] = {
        "duration_s": LogUniform(1.0, 60.0),
        "cancel_on_disconnect": Choice((True, False)),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 1, "cancel_on_disconnect": True},
        "mid": {"duration_s": 5, "cancel_on_disconnect": True},
        "high": {"duration_s": 20},
        "extreme": {"duration_s": 120},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the cut."""
        return (Effect(ORDER_CUT, self.duration_s, parameters={"cancel_orders": self.cancel_on_disconnect}),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return for how long no report reached the desk."""
        asked = self.duration_s
        return (Reading("cut_s", asked, window.reports_still_s(), asked - 1e-9, float("inf")),)

    def describe(self) -> str:
        """Return the cut in words."""
        orders = "cancels your orders" if self.cancel_on_disconnect else "keeps your orders"
        return f"the order session is down for {self.duration_s:g} s and the venue {orders}"


class OrderDelay(Fault):
    """Requests, reports or both take longer.

    Attributes:
        delay_ms: On top of the wire's own delay, each way.
        direction: Which way.
        duration_s: How long.
    """

    kind: Literal["order_delay"] = "order_delay"
    delay_ms: float = Field(default=1000.0, gt=0, le=600_000)
    direction: Literal["requests", "reports", "both"] = "both"
    duration_s: Duration = 20.0

    plane = "orders"
    family = "orders"
    priors: ClassVar[Mapping[str, Prior]] = {
        "delay_ms": LogUniform(20.0, 3000.0),
        "direction": Choice(("requests", "reports", "both")),
        "duration_s": LogUniform(2.0, 120.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"delay_ms": 50},
        "mid": {"delay_ms": 200},
        "high": {"delay_ms": 1000},
        "extreme": {"delay_ms": 5000},
    }

    @property
    def most_effects(self) -> int:
        """One for each way."""
        return 2 if self.direction == "both" else 1

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the delay of each way."""
        ways = {
            "requests": (modifiers.ORDER_DELAY,),
            "reports": (modifiers.REPORT_DELAY,),
            "both": (modifiers.ORDER_DELAY, modifiers.REPORT_DELAY),
        }
        return tuple(modify(modifier, self.delay_ms * _NS_PER_MS, self.duration_s) for modifier in ways[self.direction])

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the delay in force."""
        asked = self.delay_ms
        modifier = modifiers.REPORT_DELAY if self.direction == "reports" else modifiers.ORDER_DELAY
        return (Reading("delay_ms", asked, window.modifier(modifier) / _NS_PER_MS, asked - 1e-6, asked + 1e-6),)

    def describe(self) -> str:
        """Return the delay in words."""
        what = {"requests": "orders take", "reports": "reports take", "both": "orders and reports take"}
        return f"{what[self.direction]} {self.delay_ms:g} ms longer for {self.duration_s:g} s"


class AckLoss(Fault):
    """Reports are lost; the orders live on. The desk learns the truth when it asks for it, some seconds later.

    Attributes:
        probability: Of each report.
        duration_s: How long.
    """

    kind: Literal["ack_loss"] = "ack_loss"
    probability: float = Field(default=0.3, gt=0, le=1)
    duration_s: Duration = 20.0

    plane = "orders"
    family = "orders"
    priors: ClassVar[Mapping[str, Prior]] = {"probability": Uniform(0.05, 0.8), "duration_s": LogUniform(2.0, 120.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"probability": 0.05},
        "mid": {"probability": 0.2},
        "high": {"probability": 0.5},
        "extreme": {"probability": 1.0},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the chance."""
        return (modify(modifiers.REPORT_LOSS, self.probability, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share of reports that was lost."""
        return (window.share("probability", self.probability, "reports_lost", "reports"),)

    def describe(self) -> str:
        """Return the loss in words."""
        return f"{self.probability:.0%} of the reports about your orders are lost for {self.duration_s:g} s"


class AckDuplication(Fault):
    """Reports come twice, or requests reach the exchange twice.

    Attributes:
        probability: Of each message.
        direction: Which way.
        duration_s: How long.
    """

    kind: Literal["ack_duplication"] = "ack_duplication"
    probability: float = Field(default=0.5, gt=0, le=1)
    direction: Literal["requests", "reports"] = "reports"
    duration_s: Duration = 20.0

    plane = "orders"
    family = "orders"
    priors: ClassVar[Mapping[str, Prior]] = {
        "probability": Uniform(0.05, 1.0),
        "direction": Choice(("requests", "reports")),
        "duration_s": LogUniform(2.0, 120.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"probability": 0.1},
        "mid": {"probability": 0.3},
        "high": {"probability": 0.7},
        "extreme": {"probability": 1.0, "direction": "requests"},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the chance."""
        modifier = modifiers.REPORT_DUPLICATION if self.direction == "reports" else modifiers.REQUEST_DUPLICATION
        return (modify(modifier, self.probability, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share that came twice."""
        return (window.share("probability", self.probability, f"{self.direction}_twice", self.direction),)

    def describe(self) -> str:
        """Return the duplication in words."""
        return f"{self.probability:.0%} of the {self.direction} arrive twice for {self.duration_s:g} s"
