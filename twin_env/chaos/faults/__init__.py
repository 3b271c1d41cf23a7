"""Every kind of fault. A new one is a class of its own and a line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Union

from pydantic import Field

from twin_env.chaos.faults.base import Fault
from twin_env.chaos.faults.crash import FlashCrash, FlashRally
from twin_env.chaos.faults.desk import ClockSkew, FrozenStrategy, PositionMismatch, SlowStrategy
from twin_env.chaos.faults.feeds import (
    CrossedFeed,
    FeedDelay,
    FeedDisconnect,
    FeedDuplication,
    FeedLoss,
    FeedReordering,
    FeedStale,
)
from twin_env.chaos.faults.halts import AuctionReopen, ExchangeOutage, TradingHalt
from twin_env.chaos.faults.makers import LiquidityDrought, MakerWithdrawal, SpreadWidening
from twin_env.chaos.faults.regimes import Chop, Gap, VolatilityRegime
from twin_env.chaos.faults.rules import FeeChange, MarginChange, PriceBand, RejectStorm, Throttle, VelocityLogic
from twin_env.chaos.faults.spoofs import QuoteStuffing, Spoofing
from twin_env.chaos.faults.takers import FatFinger, MomentumIgnition
from twin_env.chaos.faults.wires import AckDuplication, AckLoss, OrderDelay, OrderDisconnect

FAULTS: Final[tuple[type[Fault], ...]] = (
    FlashCrash,
    FlashRally,
    FatFinger,
    LiquidityDrought,
    SpreadWidening,
    Chop,
    MakerWithdrawal,
    VolatilityRegime,
    Gap,
    MomentumIgnition,
    Spoofing,
    QuoteStuffing,
    TradingHalt,
    VelocityLogic,
    PriceBand,
    ExchangeOutage,
    RejectStorm,
    Throttle,
    AuctionReopen,
    FeeChange,
    MarginChange,
    FeedDisconnect,
    FeedLoss,
    FeedDuplication,
    FeedReordering,
    FeedStale,
    FeedDelay,
    CrossedFeed,
    OrderDisconnect,
    OrderDelay,
    AckLoss,
    AckDuplication,
    ClockSkew,
    PositionMismatch,
    SlowStrategy,
    FrozenStrategy,
)

KINDS: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {fault.model_fields["kind"].default: fault for fault in FAULTS}
)

if TYPE_CHECKING:
    AnyFault = Fault
else:
    AnyFault = Annotated[Union[FAULTS], Field(discriminator="kind")]  # noqa: UP007  (a union made of a tuple)
