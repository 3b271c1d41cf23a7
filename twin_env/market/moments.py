"""Times of day in a zone as moments, and the two hours a year that are not there once."""

from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

NS_PER_S: Final = 1_000_000_000


def read_time(text: str) -> time:
    """Return a time of day.

    Raises:
        ValueError: It is not ``HH:MM`` or ``HH:MM:SS``.
    """
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"time is {text!r}, expected HH:MM or HH:MM:SS") from None


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        ValueError: There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"zone is {name!r}, expected an IANA name such as 'America/New_York'") from None


def moment_ns(day: date, clock: time, zone: str) -> int:
    """Return when a clock of a zone shows a time on a day, in ns since the epoch.

    Raises:
        ValueError: It does not on that day, or does twice.
    """
    first = datetime.combine(day, clock, find_zone(zone))
    second = first.replace(fold=1)
    if first.utcoffset() != second.utcoffset():
        back = datetime.fromtimestamp(first.timestamp(), first.tzinfo)
        word = "twice" if back.time() == clock else "not at all"
        raise ValueError(f"{clock:%H:%M:%S} happens {word} on {day} in {zone}, expected a time that is there once")
    return round(first.timestamp()) * NS_PER_S
