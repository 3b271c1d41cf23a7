"""When a fault begins: by the clock, by an offset, by an anchor of the day, by an event, by chance, again and again."""

from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twin_env.config import Config
from twin_env.market.moments import find_zone, moment_ns, read_time

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Event = Literal["order_in_flight", "order_resting", "stop_resting", "first_fill", "position_open", "drawdown", "move"]

FIRST_DAY: Final = date(1971, 1, 1)
LAST_DAY: Final = date(2261, 12, 31)
"""Days whose moments fit into ns since the epoch, in every zone."""


class Offset(Config):
    """``seconds`` after the episode's start."""

    at: Literal["offset"] = "offset"
    seconds: Seconds = 0.0


class Clock(Config):
    """A time of day in a zone, on the day of the episode.

    Attributes:
        time: ``HH:MM`` or ``HH:MM:SS``.
        zone: IANA name.
        day: ISO date, for times that exist on some days only; by default the day the episode starts on.
    """

    at: Literal["clock"] = "clock"
    time: str = Field(examples=["10:00"])
    zone: str = Field(examples=["America/New_York"])
    day: str | None = Field(default=None, examples=["2025-06-02"])

    @field_validator("time")
    @classmethod
    def _check_time(cls, value: str) -> str:
        return read_time(value).isoformat()

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        find_zone(value)
        return value

    @model_validator(mode="after")
    def _check_day(self) -> Self:
        if self.day is not None:
            day = date.fromisoformat(self.day)
            if not FIRST_DAY <= day <= LAST_DAY:
                raise ValueError(f"day is {self.day}, expected {FIRST_DAY} to {LAST_DAY}")
            self.ns(day)
        return self

    def ns(self, day: date) -> int:
        """Return the moment in ns since the epoch.

        Raises:
            ValueError: The clocks of the zone skip that time on that day, or show it twice.
        """
        return moment_ns(day, read_time(self.time), self.zone)


class Anchor(Config):
    """A named moment of the instrument's day, such as ``orb_start``; ``offset_s`` later.

    Attributes:
        name: One of the instrument's anchors.
        start: For anchors of the opening range: when that range starts, ``HH:MM``; by default the instrument's own.
        zone: Whose clock shows ``start``, an IANA name; by default the instrument's own.
        offset_s: Seconds after it.
    """

    at: Literal["anchor"] = "anchor"
    name: str = Field(min_length=1, max_length=40, examples=["orb_start"])
    start: str | None = Field(default=None, examples=["10:00"])
    zone: str | None = Field(default=None, examples=["Australia/Brisbane"])
    offset_s: Annotated[float, Field(ge=-86_400, le=86_400)] = 0.0

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str | None) -> str | None:
        if value is not None:
            find_zone(value)
        return value

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if self.zone is not None and self.start is None:
            raise ValueError("start is missing, expected the time that the clock of 'zone' shows")
        return self


class OnEvent(Config):
    """When something happens to the desk, so that a fault finds what it is meant to break.

    Attributes:
        event: What.
        nth: The how manieth time.
        delay_s: After it.
        threshold: Of ``drawdown``: account currency below the best net result so far. Of ``move``: ticks the mid
            went from where it was when the episode started.
    """

    at: Literal["on_event"] = "on_event"
    event: Event
    nth: int = Field(default=1, ge=1, le=1000)
    delay_s: Seconds = 0.0
    threshold: float = Field(default=0.0, ge=0, le=1e9)


class WithFault(Config):
    """``delay_s`` after another fault begins."""

    at: Literal["with"] = "with"
    fault: str = Field(min_length=1, max_length=40, examples=["crash"])
    delay_s: Seconds = 0.0


class AfterFault(Config):
    """``delay_s`` after another fault is over."""

    at: Literal["after"] = "after"
    fault: str = Field(min_length=1, max_length=40, examples=["crash"])
    delay_s: Seconds = 0.0


class Random(Config):
    """At a time drawn evenly between two offsets, from the fault's own random stream."""

    at: Literal["random"] = "random"
    from_s: Seconds = 0.0
    to_s: Seconds

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.to_s < self.from_s:
            raise ValueError(f"to_s is {self.to_s:g}, expected at least from_s {self.from_s:g}")
        return self


class Periodic(Config):
    """Again and again: first at ``first_s``, then ``period_s`` after each beginning, give or take ``jitter_s``."""

    at: Literal["periodic"] = "periodic"
    period_s: float = Field(gt=0, le=86_400)
    first_s: Seconds = 0.0
    jitter_s: Seconds = 0.0
    times: int = Field(default=1000, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _check_jitter(self) -> Self:
        if self.jitter_s > self.period_s / 2:
            raise ValueError(f"jitter_s is {self.jitter_s:g}, expected at most half of period_s {self.period_s:g}")
        return self


When = Annotated[
    Offset | Clock | Anchor | OnEvent | WithFault | AfterFault | Random | Periodic, Field(discriminator="at")
]
