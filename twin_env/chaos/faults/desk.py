"""Faults on the desk's own side: its clock, its books, and the machine it runs on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from twin_env.chaos.effects import Effect, modify
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity
from twin_env.chaos.faults.feeds import frozen_reading
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior
from twin_env.core.faults import modifiers
from twin_env.core.faults.fault_codes import HOST_HOLD, POSITION

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_NS_PER_MS: Final = 1e6


class ClockSkew(Fault):
    """The desk's clock is wrong: ages of market data and times of day are.

    Attributes:
        offset_ms: How far it is ahead; negative: behind.
        duration_s: How long, until it is set right.
    """

    kind: Literal["clock_skew"] = "clock_skew"
    offset_ms: float = Field(default=500.0, ge=-600_000, le=600_000)
    duration_s: Duration = 60.0

    plane = "clock"
    family = "host"
    priors: ClassVar[Mapping[str, Prior]] = {
        "offset_ms": Choice((-2000.0, -500.0, -100.0, 100.0, 500.0, 2000.0)),
        "duration_s": LogUniform(10.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"offset_ms": 50},
        "mid": {"offset_ms": 500},
        "high": {"offset_ms": 5000},
        "extreme": {"offset_ms": 60_000},
    }

    @field_validator("offset_ms")
    @classmethod
    def _check_offset(cls, value: float) -> float:
        if value == 0:
            raise ValueError("offset_ms is 0, expected a clock that is wrong")
        return value

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the offset."""
        return (modify(modifiers.CLOCK_SKEW, self.offset_ms * _NS_PER_MS, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the offset in force."""
        return (
            Reading(
                "offset_ms",
                self.offset_ms,
                window.modifier(modifiers.CLOCK_SKEW) / _NS_PER_MS,
                *_exactly(self.offset_ms),
            ),
        )

    def describe(self) -> str:
        """Return the offset in words."""
        way = "ahead" if self.offset_ms > 0 else "behind"
        return f"your clock is {abs(self.offset_ms):g} ms {way} for {self.duration_s:g} s"


class PositionMismatch(Fault):
    """The broker reports another position than the one there is.

    Attributes:
        lots: How much more, or less.
        duration_s: How long, until it is corrected.
    """

    kind: Literal["position_mismatch"] = "position_mismatch"
    lots: int = Field(default=1, ge=-1_000_000, le=1_000_000)
    duration_s: Duration = 30.0

    plane = "account"
    family = "account"
    priors: ClassVar[Mapping[str, Prior]] = {
        "lots": Choice((-3, -2, -1, 1, 2, 3)),
        "duration_s": LogUniform(5.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"lots": 1, "duration_s": 5},
        "mid": {"lots": 1},
        "high": {"lots": 3},
        "extreme": {"lots": 10, "duration_s": 600},
    }

    @field_validator("lots")
    @classmethod
    def _check_lots(cls, value: int) -> int:
        if value == 0:
            raise ValueError("lots is 0, expected a difference")
        return value

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the difference."""
        return (Effect(POSITION, self.duration_s, parameters={"difference_lots": self.lots}),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the difference between the desk's position and the exchange's."""
        return (Reading("mismatch_lots", self.lots, window.mismatch_lots(), self.lots, self.lots),)

    def describe(self) -> str:
        """Return the difference in words."""
        return f"the position you are told is {self.lots:+d} lots off for {self.duration_s:g} s"


class SlowStrategy(Fault):
    """The strategy needs longer to decide.

    Attributes:
        delay_ms: On top of its own decision time.
        duration_s: How long.
    """

    kind: Literal["slow_strategy"] = "slow_strategy"
    delay_ms: float = Field(default=500.0, gt=0, le=600_000)
    duration_s: Duration = 30.0

    plane = "host"
    family = "host"
    priors: ClassVar[Mapping[str, Prior]] = {"delay_ms": LogUniform(20.0, 3000.0), "duration_s": LogUniform(5.0, 120.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"delay_ms": 50},
        "mid": {"delay_ms": 200},
        "high": {"delay_ms": 1000},
        "extreme": {"delay_ms": 5000},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the delay."""
        return (modify(modifiers.DECISION_DELAY, self.delay_ms * _NS_PER_MS, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the delay in force."""
        achieved = window.modifier(modifiers.DECISION_DELAY) / _NS_PER_MS
        return (Reading("delay_ms", self.delay_ms, achieved, *_exactly(self.delay_ms)),)

    def describe(self) -> str:
        """Return the delay in words."""
        return f"your strategy takes {self.delay_ms:g} ms longer to decide for {self.duration_s:g} s"


class FrozenStrategy(Fault):
    """The strategy's machine stands still: nothing is heard, and what was decided leaves afterwards.

    Attributes:
        duration_s: How long.
    """

    kind: Literal["frozen_strategy"] = "frozen_strategy"
    duration_s: Duration = 3.0

    plane = "host"
    family = "host"
    priors: ClassVar[Mapping[str, Prior]] = {"duration_s": LogUniform(0.2, 20.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 0.2},
        "mid": {"duration_s": 2},
        "high": {"duration_s": 10},
        "extreme": {"duration_s": 60},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the freeze."""
        return (Effect(HOST_HOLD, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return for how long the desk's book did not change."""
        return (frozen_reading(self.duration_s, window),)

    def describe(self) -> str:
        """Return the freeze in words."""
        return f"your strategy's machine freezes for {self.duration_s:g} s"


def _exactly(value: float) -> tuple[float, float]:
    """Return the bounds of a value that must be met but for rounding."""
    return value - 1e-6, value + 1e-6
