"""What judges the episodes of a document."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from twin_env.alpha.objective import NET_RESULT, SHORTFALL, SHORTFALL_WITHOUT_DRIFT
from twin_env.statistics.interval import Floats

Row = Mapping[str, Any]

_COLUMNS: Final = {
    SHORTFALL.name: ("is_bps", None),
    SHORTFALL_WITHOUT_DRIFT.name: ("is_bps", "drift_bps"),
    NET_RESULT.name: ("net_ccy", None),
}
"""By name: the list of ``per_episode`` that holds it, and the one that is taken off."""


@dataclass(frozen=True)
class Judge:
    """An objective as a document names it.

    Attributes:
        name: One of ``alpha.objective``.
        title: In sentences.
        unit: ``bps``, or ``ccy`` for the account currency.
        lower_is_better: It is a cost.
    """

    name: str
    title: str
    unit: str
    lower_is_better: bool

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    def values(self, policy: Row) -> Floats:
        """Return its value in each episode of a policy of a document, float64 of shape ``(episodes,)``."""
        key, control = _COLUMNS[self.name]
        values = np.array(policy["per_episode"][key], np.float64)
        return values - np.array(policy["per_episode"][control], np.float64) if control else values

    def costs(self, policy: Row) -> Floats:
        """Return the values as costs: the lower the better."""
        values = self.values(policy)
        return values if self.lower_is_better else -values


def read_objective(document: Row) -> Judge:
    """Return what judges a document: what it names, else the net result of a trader or the shortfall of an order."""
    named = document.get("objective")
    if named is not None and named["name"] in _COLUMNS:
        return Judge(named["name"], named["title"], named["unit"], named["lower_is_better"])
    known = NET_RESULT if "Trading" in str(document.get("env", "")) else SHORTFALL
    return Judge(known.name, known.title, known.unit, known.lower_is_better)
