"""Faults of the market data's wire: the exchange goes on, the desk sees less of it, later, or something else."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import Effect, modify
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity, Side
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior
from twin_env.core.faults import modifiers
from twin_env.core.faults.fault_codes import FEED_CUT, FEED_HOLD, RECOVERY_NAMES

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_NS_PER_MS: Final = 1e6
_SLACK_S: Final = 1.0


class FeedDisconnect(Fault):
    """Market data stops reaching the desk and is lost.

    Attributes:
        duration_s: How long.
        recovery: ``snapshot`` is asked for as soon as the wire is back; ``gap`` when the next message shows that
            some are missing; with ``none`` nobody asks, and the desk's book is right again only where it changes.
    """

    kind: Literal["feed_disconnect"] = "feed_disconnect"
    duration_s: Duration = 7.0
    recovery: Literal["snapshot", "gap", "none"] = "snapshot"

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {
        "duration_s": LogUniform(0.5, 60.0),
        "recovery": Choice(("snapshot", "gap")),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 1},
        "mid": {"duration_s": 5},
        "high": {"duration_s": 20},
        "extreme": {"duration_s": 120, "recovery": "none"},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the cut."""
        return (Effect(FEED_CUT, self.duration_s, parameters={"recovery": RECOVERY_NAMES.index(self.recovery)}),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return for how long the desk's book did not change."""
        return (frozen_reading(self.duration_s, window),)

    def describe(self) -> str:
        """Return the cut in words."""
        how = {
            "snapshot": "recovers by a snapshot",
            "gap": "recovers once the gap is noticed",
            "none": "never recovers",
        }
        return f"market data is cut off for {self.duration_s:g} s and {how[self.recovery]}"


class FeedStale(Fault):
    """Market data stops without a word, and comes all at once afterwards; heartbeats go on.

    Attributes:
        duration_s: How long.
    """

    kind: Literal["feed_stale"] = "feed_stale"
    duration_s: Duration = 5.0

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {"duration_s": LogUniform(0.5, 30.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 1},
        "mid": {"duration_s": 3},
        "high": {"duration_s": 10},
        "extreme": {"duration_s": 60},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the hold."""
        return (Effect(FEED_HOLD, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return for how long the desk's book did not change."""
        return (frozen_reading(self.duration_s, window),)

    def describe(self) -> str:
        """Return the hold in words."""
        return f"market data goes stale for {self.duration_s:g} s"


class FeedLoss(Fault):
    """Messages are lost by chance.

    Attributes:
        probability: Of each message.
        duration_s: How long.
    """

    kind: Literal["feed_loss"] = "feed_loss"
    probability: float = Field(default=0.05, gt=0, le=1)
    duration_s: Duration = 30.0

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {
        "probability": LogUniform(0.001, 0.2),
        "duration_s": LogUniform(5.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"probability": 0.005},
        "mid": {"probability": 0.02},
        "high": {"probability": 0.1},
        "extreme": {"probability": 0.5},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the chance."""
        return (modify(modifiers.FEED_LOSS, self.probability, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share that was lost."""
        return (window.share("probability", self.probability, "lost", "messages"),)

    def describe(self) -> str:
        """Return the loss in words."""
        return f"{self.probability:.2%} of the market data is lost for {self.duration_s:g} s"


class FeedDuplication(Fault):
    """Messages come twice.

    Attributes:
        probability: Of each message.
        duration_s: How long.
    """

    kind: Literal["feed_duplication"] = "feed_duplication"
    probability: float = Field(default=0.1, gt=0, le=1)
    duration_s: Duration = 30.0

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {"probability": LogUniform(0.01, 0.5), "duration_s": LogUniform(5.0, 300.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"probability": 0.01},
        "mid": {"probability": 0.1},
        "high": {"probability": 0.3},
        "extreme": {"probability": 1.0},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the chance."""
        return (modify(modifiers.FEED_DUPLICATION, self.probability, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share that came twice."""
        return (window.share("probability", self.probability, "twice", "messages"),)

    def describe(self) -> str:
        """Return the duplication in words."""
        return f"{self.probability:.0%} of the market data comes twice for {self.duration_s:g} s"


class FeedReordering(Fault):
    """Messages change places with the one before.

    Attributes:
        probability: Of each message.
        duration_s: How long.
    """

    kind: Literal["feed_reordering"] = "feed_reordering"
    probability: float = Field(default=0.05, gt=0, le=1)
    duration_s: Duration = 30.0

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {
        "probability": LogUniform(0.005, 0.3),
        "duration_s": LogUniform(5.0, 300.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"probability": 0.01},
        "mid": {"probability": 0.05},
        "high": {"probability": 0.2},
        "extreme": {"probability": 0.5},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the chance."""
        return (modify(modifiers.FEED_REORDERING, self.probability, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the share that changed places, of those that had a neighbour on the wire."""
        return (window.share("probability", self.probability, "swapped", "neighbours"),)

    def describe(self) -> str:
        """Return the reordering in words."""
        return f"{self.probability:.0%} of the market data comes out of order for {self.duration_s:g} s"


class FeedDelay(Fault):
    """Market data takes longer.

    Attributes:
        delay_ms: On top of the wire's own delay.
        duration_s: How long.
    """

    kind: Literal["feed_delay"] = "feed_delay"
    delay_ms: float = Field(default=500.0, gt=0, le=600_000)
    duration_s: Duration = 20.0

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {"delay_ms": LogUniform(20.0, 3000.0), "duration_s": LogUniform(2.0, 120.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"delay_ms": 50},
        "mid": {"delay_ms": 200},
        "high": {"delay_ms": 1000},
        "extreme": {"delay_ms": 5000},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the delay."""
        return (modify(modifiers.FEED_DELAY, self.delay_ms * _NS_PER_MS, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the delay on top, beside the paired run."""
        asked = self.delay_ms
        return (Reading("delay_ms", asked, window.extra_feed_delay_ms(), 0.8 * asked, 1.2 * asked + 20.0),)

    def describe(self) -> str:
        """Return the delay in words."""
        return f"market data takes {self.delay_ms:g} ms longer for {self.duration_s:g} s"


class CrossedFeed(Fault):
    """Changes of one side are not published, so that the desk sees a locked or crossed book where there is none.

    Attributes:
        side: Which stays as it was.
        duration_s: How long.
    """

    kind: Literal["crossed_feed"] = "crossed_feed"
    side: Side = "buy"
    duration_s: Duration = 5.0

    plane = "feed"
    family = "feed"
    priors: ClassVar[Mapping[str, Prior]] = {"side": Choice(("buy", "sell")), "duration_s": LogUniform(1.0, 30.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 1},
        "mid": {"duration_s": 5},
        "high": {"duration_s": 20},
        "extreme": {"duration_s": 120},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the silence of a side."""
        return (modify(modifiers.BIDS_MUTED if self.side == "buy" else modifiers.ASKS_MUTED, 1.0, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return for how long the desk's best price of that side stood still."""
        still_s = window.side_still_s(1 if self.side == "buy" else -1)
        return (Reading("side_frozen_s", self.duration_s, still_s, 0.95 * self.duration_s - 0.1, float("inf")),)

    def describe(self) -> str:
        """Return the silence in words."""
        return f"changes of {'bids' if self.side == 'buy' else 'offers'} are not published for {self.duration_s:g} s"


def frozen_reading(asked_s: float, window: "Window") -> Reading:
    """Return for how long the desk's book did not change, up to a second more for the way back."""
    return Reading("desk_frozen_s", asked_s, window.desk_frozen_s(), asked_s - 1e-9, asked_s + _SLACK_S)
