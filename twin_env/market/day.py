"""The moments of an instrument's day that strategies are written around: openings, fixings, opening ranges."""

from datetime import date
from typing import Annotated, Final

from pydantic import Field, field_validator

from twin_env.config import Config
from twin_env.market.moments import find_zone, moment_ns, read_time

ORB_START: Final = "orb_start"
ORB_END: Final = "orb_end"
_NS_PER_MINUTE: Final = 60_000_000_000


class Day(Config):
    """Anchors of an instrument's day, in one zone.

    Attributes:
        zone: IANA name of the zone whose clock they are read from.
        anchors: Times of day by name, ``HH:MM``. ``orb_start`` is where the opening range begins unless an experiment
            names another time; ``orb_end`` follows from it.
        orb_minutes: Length of an opening range.
    """

    zone: str = "America/New_York"
    anchors: dict[str, str] = {ORB_START: "09:30"}
    orb_minutes: Annotated[int, Field(ge=1, le=240)] = 5

    def __hash__(self) -> int:
        """Return a hash: models are hashable, mappings are not."""
        return hash((self.zone, *self.anchors.items(), self.orb_minutes))

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        find_zone(value)
        return value

    @field_validator("anchors")
    @classmethod
    def _check_anchors(cls, value: dict[str, str]) -> dict[str, str]:
        if ORB_END in value:
            raise ValueError(f"anchors has {ORB_END!r}, expected none: it follows from {ORB_START!r} and orb_minutes")
        return {name: read_time(clock).isoformat("minutes") for name, clock in value.items()}

    @property
    def names(self) -> list[str]:
        """Names of all anchors."""
        return sorted({*self.anchors, ORB_START, ORB_END})

    def anchor_ns(self, name: str, day: date, start: str | None = None, zone: str | None = None) -> int:
        """Return when an anchor is on a day, in ns since the epoch.

        Args:
            name: Of the anchor.
            day: Local date of the zone.
            start: Where the opening range starts, ``HH:MM``, instead of the instrument's own.
            zone: Whose clock shows ``start``; the instrument's own by default.

        Raises:
            ValueError: There is no such anchor, or no such time on that day.
        """
        if name not in self.names or (name in (ORB_START, ORB_END) and start is None and ORB_START not in self.anchors):
            raise ValueError(f"anchor is {name!r}, expected one of {', '.join(self.names)}")
        if name not in (ORB_START, ORB_END):
            return moment_ns(day, read_time(self.anchors[name]), self.zone)
        begins_ns = moment_ns(day, read_time(start or self.anchors[ORB_START]), zone or self.zone)
        return begins_ns + (self.orb_minutes * _NS_PER_MINUTE if name == ORB_END else 0)
