"""Halts, auctions and outages: times in which nothing trades."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from twin_env.chaos.effects import Effect
from twin_env.chaos.faults.base import Duration, Fault, Reading, Scene, Severity
from twin_env.chaos.sampling.prior import Choice, LogUniform, Prior, Uniform
from twin_env.core.faults.fault_codes import AUCTION, HALT, OUTAGE

if TYPE_CHECKING:
    from twin_env.chaos.journal.measurements import Window

_SLACK_S: Final = 0.05


class TradingHalt(Fault):
    """The venue stops trading: new orders are refused, cancels go through.

    Attributes:
        duration_s: How long.
        auction_s: How long orders are collected before the market reopens by an auction; 0 reopens at once.
    """

    kind: Literal["trading_halt"] = "trading_halt"
    duration_s: Duration = 10.0
    auction_s: float = Field(default=0.0, ge=0, le=3600)

    plane = "venue"
    family = "halt"
    priors: ClassVar[Mapping[str, Prior]] = {
        "duration_s": LogUniform(2.0, 120.0),
        "auction_s": Uniform(0.0, 10.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 2},
        "mid": {"duration_s": 5},
        "high": {"duration_s": 20},
        "extreme": {"duration_s": 300},
    }

    @property
    def lasts_s(self) -> float:
        """Halt and collecting."""
        return self.duration_s + self.auction_s

    @property
    def most_effects(self) -> int:
        """The halt, and the auction after it."""
        return 2 if self.auction_s else 1

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the halt, and the auction after it."""
        halt = Effect(HALT, self.duration_s)
        return (halt, Effect(AUCTION, self.auction_s, delay_s=self.duration_s)) if self.auction_s else (halt,)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the time without a trade from the beginning on."""
        return (still_reading("without_trades_s", self.lasts_s, window),)

    def describe(self) -> str:
        """Return the halt in words."""
        auction = f", then collects orders for {self.auction_s:g} s and reopens by an auction" if self.auction_s else ""
        return f"the venue halts trading for {self.duration_s:g} s{auction}"


class AuctionReopen(Fault):
    """The venue collects orders without matching, and reopens by an auction.

    Attributes:
        duration_s: How long orders are collected.
    """

    kind: Literal["auction_reopen"] = "auction_reopen"
    duration_s: Duration = 5.0

    plane = "venue"
    family = "halt"
    priors: ClassVar[Mapping[str, Prior]] = {"duration_s": LogUniform(2.0, 60.0)}
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 2},
        "mid": {"duration_s": 5},
        "high": {"duration_s": 20},
        "extreme": {"duration_s": 120},
    }

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the collecting."""
        return (Effect(AUCTION, self.duration_s),)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the time without a trade from the beginning on."""
        return (still_reading("without_trades_s", self.duration_s, window),)

    def describe(self) -> str:
        """Return the auction in words."""
        return f"the venue collects orders for {self.duration_s:g} s and reopens by an auction"


class ExchangeOutage(Fault):
    """The exchange is gone: no matching, no market data, no answers; requests on the way are lost.

    Attributes:
        duration_s: How long.
        cancel_on_disconnect: Whether it cancels the desk's orders when it goes.
        auction_s: How long orders are collected when it is back, before it opens by an auction.
    """

    kind: Literal["exchange_outage"] = "exchange_outage"
    duration_s: Duration = 30.0
    cancel_on_disconnect: bool = True
    auction_s: float = Field(default=5.0, ge=0, le=3600)

    plane = "venue"
    family = "halt"
    settle_s = 60.0
    priors: ClassVar[Mapping[str, Prior]] = {
        "duration_s": LogUniform(5.0, 300.0),
        "cancel_on_disconnect": Choice((True, False)),
        "auction_s": Uniform(0.0, 10.0),
    }
    severity_levels: ClassVar[Mapping[Severity, Mapping[str, Any]]] = {
        "low": {"duration_s": 5},
        "mid": {"duration_s": 30},
        "high": {"duration_s": 120, "cancel_on_disconnect": False},
        "extreme": {"duration_s": 3600, "cancel_on_disconnect": False},
    }

    @property
    def lasts_s(self) -> float:
        """Outage and collecting."""
        return self.duration_s + self.auction_s

    @property
    def most_effects(self) -> int:
        """The outage, and the auction after it."""
        return 2 if self.auction_s else 1

    def effects(self, scene: Scene) -> tuple[Effect, ...]:
        """Return the outage, and the auction after it."""
        outage = Effect(OUTAGE, self.duration_s, parameters={"cancel_orders": self.cancel_on_disconnect})
        return (outage, Effect(AUCTION, self.auction_s, delay_s=self.duration_s)) if self.auction_s else (outage,)

    def measure(self, window: "Window", scene: Scene) -> tuple[Reading, ...]:
        """Return the time without any event at the exchange from the beginning on."""
        return (still_reading("without_messages_s", self.duration_s, window),)

    def describe(self) -> str:
        """Return the outage in words."""
        orders = "cancels your orders" if self.cancel_on_disconnect else "keeps your orders"
        return f"the exchange is gone for {self.duration_s:g} s and {orders}"


def still_reading(name: str, asked_s: float, window: "Window") -> Reading:
    """Return for how long nothing traded, or nothing was published, from the window's beginning on.

    The market may by chance be still for longer; that counts, up to the time of the next few messages.
    """
    still_s = window.still_s("volume" if name == "without_trades_s" else "messages")
    return Reading(name, asked_s, still_s, asked_s - _SLACK_S, float("inf"))
