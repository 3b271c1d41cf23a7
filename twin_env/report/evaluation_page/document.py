"""The document of an evaluation as sections read it: by path, each number with the path it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from twin_env.alpha.derived.trading import zone_of
from twin_env.report.evaluation_page.formats import NOTHING, Units, decimals_of, write

MOST_TRIPS: Final = 100
"""Round trips of a policy that the page has; the document of the evaluation has all."""


@dataclass(frozen=True)
class Number:
    """A figure on the page.

    Attributes:
        path: Where it stands in the document: keys and places, with dots between.
        form: Name of its format.
        text: As it is printed.
        href: What of this page it leads to; empty for nothing.
    """

    path: str
    form: str
    text: str
    href: str = ""


Part = str | Number
"""A piece of a sentence or of a cell."""
Parts = tuple[Part, ...]


class Document:
    """Reads a document.

    Args:
        data: As ``alpha.derived.derive`` returns it.

    Attributes:
        data: The same.
        units: What its figures are in.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.units = units_of(data)

    def get(self, path: str) -> Any:
        """Return what stands at a path, ``None`` if nothing does."""
        found: Any = self.data
        for key in path.split("."):
            if isinstance(found, Mapping):
                found = found.get(key)
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                return None
        return found

    def number(self, path: str, form: str) -> Part:
        """Return the figure at a path in a format; a dash if there is none."""
        value = self.get(path)
        return NOTHING if value is None else Number(path, form, write(value, form, self.units))

    def interval(self, path: str, form: str) -> Parts:
        """Return both ends of an interval; a dash for one without ends."""
        low, high = self.number(f"{path}.low", form), self.number(f"{path}.high", form)
        return (NOTHING,) if low == high == NOTHING else (low, " to ", high)

    def mean_and_interval(self, path: str, form: str) -> tuple[Parts, Parts]:
        """Return two cells: the mean of an interval, and both ends."""
        return (self.number(f"{path}.mean", form),), self.interval(path, form)

    @property
    def policies(self) -> range:
        """The places of the policies."""
        return range(len(self.data["policies"]))

    def name(self, place: int) -> Part:
        """Return the name of a policy."""
        return self.number(f"policies.{place}.policy", "text")

    def plain_name(self, place: int) -> str:
        """Return the name of a policy as text."""
        return str(self.data["policies"][place]["policy"])


def known_interval(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return an interval of a document; one without mean and ends for one that is not there."""
    return {"mean": None, "low": None, "high": None} if value is None else value


def units_of(data: Mapping[str, Any]) -> Units:
    """Return what the figures of a document are in."""
    market: Any = (data.get("env_config") or {}).get("market") or {}
    step = (market.get("instrument") or {}).get("tick_size", 0.01)
    return Units(data["currency"], decimals_of(step), zone_of(data))


def bounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document whose lists of round trips have the largest gains and losses alone, in order of time.

    ``trips.recorded`` says how many there were. Everything else stays.
    """
    return {**data, "policies": [_bounded_policy(policy) for policy in data["policies"]]}


def _bounded_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    trips = policy.get("trips")
    if not trips:
        return dict(policy)
    largest = sorted(trips["list"], key=lambda trip: -abs(trip["net_ccy"]))[:MOST_TRIPS]
    kept = sorted(largest, key=lambda trip: (trip["seed"], trip["begin_ns"]))
    return {**policy, "trips": {**trips, "list": kept, "recorded": len(trips["list"])}}
