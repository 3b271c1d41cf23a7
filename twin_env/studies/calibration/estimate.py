"""What an estimator says: a value, how sure it is of it, and how it came to it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class CalibrationError(ValueError):
    """A source that cannot be fitted. One sentence: what, where, value, what was expected."""


@dataclass(frozen=True)
class Estimate:
    """One parameter.

    Attributes:
        key: Where it stands in the market's file, under ``source``; keys of groups joined by dots.
        value: What was found; a list for a parameter that is one.
        error: Standard error, of one number; NaN where it is not known.
        how: The method, and what it rests on; for a parameter that was not fitted, why.
        fitted: Whether the source says it. Otherwise it is the prior's.
    """

    key: str
    value: Any
    error: float = math.nan
    how: str = ""
    fitted: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON; NaN becomes ``None``."""
        return {
            "key": self.key,
            "value": list(self.value) if isinstance(self.value, tuple) else self.value,
            "error": self.error if math.isfinite(self.error) else None,
            "how": self.how,
            "fitted": self.fitted,
        }


@dataclass
class Estimates:
    """Estimates of one market, in the order in which they were made; a later one replaces an earlier one."""

    by_key: dict[str, Estimate] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.by_key.values())

    def __getitem__(self, key: str) -> Estimate:
        return self.by_key[key]

    def add(self, key: str, value: Any, error: float = math.nan, how: str = "") -> None:
        """Note what the source says."""
        self.by_key[key] = Estimate(key, value, error, how)

    def keep(self, key: str, value: Any, why: str) -> None:
        """Note that the prior stands in, and why."""
        self.by_key[key] = Estimate(key, value, math.nan, why, fitted=False)

    def apply_to(self, source: dict[str, Any]) -> dict[str, Any]:
        """Return a flow's configuration with every value put in its place."""
        merged: dict[str, Any] = {
            key: dict(value) if isinstance(value, dict) else value for key, value in source.items()
        }
        for estimate in self:
            _put(merged, estimate.key.split("."), estimate.value)
        return merged


def _put(place: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        place[name] = dict(place.get(name) or {})
        place = place[name]
    place[path[-1]] = value
