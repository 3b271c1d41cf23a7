"""Times of day, zones and dates in a sentence: "9:30 CT", "2pm London time", "March 10 2024"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ZONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ct": "America/Chicago", "cst": "America/Chicago", "cdt": "America/Chicago", "chicago": "America/Chicago",
        "central": "America/Chicago", "et": "America/New_York", "est": "America/New_York", "edt": "America/New_York",
        "eastern": "America/New_York", "new york": "America/New_York", "ny": "America/New_York",
        "pt": "America/Los_Angeles", "pacific": "America/Los_Angeles", "utc": "UTC", "gmt": "UTC", "zulu": "UTC",
        "london": "Europe/London", "uk": "Europe/London", "bst": "Europe/London", "frankfurt": "Europe/Berlin",
        "berlin": "Europe/Berlin", "paris": "Europe/Paris", "cet": "Europe/Berlin", "zurich": "Europe/Zurich",
        "tokyo": "Asia/Tokyo", "jst": "Asia/Tokyo", "hong kong": "Asia/Hong_Kong", "singapore": "Asia/Singapore",
        "shanghai": "Asia/Shanghai", "sydney": "Australia/Sydney", "brisbane": "Australia/Brisbane",
        "aest": "Australia/Brisbane", "mumbai": "Asia/Kolkata", "dubai": "Asia/Dubai",
    }
)  # fmt: skip
_CALENDAR: Final = "january february march april may june july august september october november december"
_MONTHS: Final = _CALENDAR.split()
_MONTH: Final = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)
_DATE: Final = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<m1>{_MONTH})\.? (?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y1>\d{{4}})"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m2>{_MONTH})\.?,? (?P<y2>\d{{4}}))\b"
)
_ZONE: Final = "|".join(sorted(ZONES, key=len, reverse=True))
_CLOCK: Final = re.compile(
    r"\b(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?: ?(?P<half>[ap])\.?m\b\.?)?"
    r"|(?P<hour12>\d{1,2}) ?(?P<half12>[ap])\.?m\b\.?|(?P<noon>noon|midday|midnight)\b)"
    rf"(?:(?: in)?,? (?P<zone>{_ZONE}|(?-i:[a-z]+/[a-z_]+(?:/[a-z_]+)?))(?: (?:standard |daylight |local )?time)?\b)?"
)
_LATE_ZONE: Final = re.compile(rf"<t(\d+)>((?: (?:on )?<d\d+>)?)(?: in)?,? (?P<zone>{_ZONE})(?: time)?\b")


@dataclass(frozen=True)
class ClockTime:
    """A time of day as a sentence has it: ``HH:MM:SS`` or what no clock shows, and its zone if it names one."""

    time: str
    zone: str | None
    words: str


class Clocks:
    """The times and dates of one sentence; in its text they are replaced by ``<t0>`` and ``<d0>``.

    Attributes:
        times: Times of day by number.
        days: ISO dates by number.
        notes: What was read into zones.
    """

    def __init__(self) -> None:
        self.times: list[ClockTime] = []
        self.days: list[str] = []
        self.notes: list[str] = []

    def mark(self, text: str) -> str:
        """Return a lower-case text with its dates and times replaced."""
        return _LATE_ZONE.sub(self._late_zone, _CLOCK.sub(self._time, _DATE.sub(self._day, text)))

    def _day(self, match: re.Match[str]) -> str:
        day = match["iso"]
        if day is None:
            month = next(n for n, name in enumerate(_MONTHS, 1) if name[:3] == (match["m1"] or match["m2"])[:3])
            day = f"{match['y1'] or match['y2']}-{month:02d}-{int(match['d1'] or match['d2']):02d}"
        self.days.append(day)
        return f"<d{len(self.days) - 1}>"

    def _time(self, match: re.Match[str]) -> str:
        zone = self._zone(match["zone"]) if match["zone"] else None
        self.times.append(ClockTime(_read_clock(match), zone, match[0].strip()))
        return f"<t{len(self.times) - 1}>"

    def _late_zone(self, match: re.Match[str]) -> str:
        index = int(match[1])
        found = self.times[index]
        if found.zone is not None:
            return match[0]
        self.times[index] = ClockTime(found.time, self._zone(match["zone"]), f"{found.words} {match['zone']}")
        return f"<t{index}>{match[2]}"

    def _zone(self, name: str) -> str:
        if "/" in name:
            return "/".join("_".join(part.capitalize() for part in piece.split("_")) for piece in name.split("/"))
        self.notes.append(f"'{name.upper() if len(name) <= 4 else name.title()}' read as {ZONES[name]}.")
        return ZONES[name]


def _read_clock(match: re.Match[str]) -> str:
    if match["noon"]:
        return "00:00" if match["noon"] == "midnight" else "12:00"
    hour = int(match["hour"] or match["hour12"])
    half = match["half"] or match["half12"]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99  # 13 pm is no time
    seconds = f":{match['second']}" if match["second"] else ""
    return f"{hour:02d}:{match['minute'] or '00'}{seconds}"
