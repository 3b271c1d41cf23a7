"""What the impact laboratory found out about a market, as figures."""

from dataclasses import dataclass
from typing import Any, Final

from twin_env.statistics import Interval
from twin_env.studies.impact.experiment import Activity
from twin_env.studies.impact.fit import PowerLaw, Ratio

LAW_COEFFICIENT: Final = 0.7
"""Y of the square-root law a single order's cost is compared with; 0.5 to 1 are reported."""


@dataclass(frozen=True)
class Check:
    """One law, and whether the market obeys it.

    Attributes:
        name: Which.
        found: What was measured.
        expected: What was asked for, in words.
        passed: The verdict.
    """

    name: str
    found: Interval
    expected: str
    passed: bool

    def to_json(self) -> dict[str, Any]:
        """Return name, figures, expectation and verdict."""
        return {"name": self.name, **self.found.to_json(), "expected": self.expected, "passed": self.passed}


@dataclass(frozen=True)
class Cell:
    """What one metaorder did, in ticks.

    Attributes:
        lots: Q.
        duration_s: T.
        share: Q over a day's volume.
        participation: Share of all volume during the metaorder.
        filled_share: Share of Q that was filled.
        peak: Impact at the end.
        cost: Average price paid beyond the arrival mid.
        net_cost: The same without the half-spread.
        asymmetry: Impact of the buy minus that of the sell.
        pairs: How many.
    """

    lots: int
    duration_s: float
    share: float
    participation: float
    filled_share: float
    peak: Interval
    cost: Interval
    net_cost: Interval
    asymmetry: Interval
    pairs: int

    def to_json(self) -> dict[str, Any]:
        """Return the figures, units in the keys."""
        return {
            "lots": self.lots,
            "duration_s": self.duration_s,
            "share_of_day_volume": self.share,
            "participation": self.participation,
            "filled_share": self.filled_share,
            "peak_ticks": self.peak.to_json(),
            "cost_ticks": self.cost.to_json(),
            "net_cost_ticks": self.net_cost.to_json(),
            "asymmetry_ticks": self.asymmetry.to_json(),
            "pairs": self.pairs,
        }


@dataclass(frozen=True)
class Doubling:
    """Peak impact over a longer duration relative to the base duration, same size."""

    lots: int
    duration_s: float
    base_duration_s: float
    ratio: Interval

    def to_json(self) -> dict[str, Any]:
        """Return the figures, units in the keys."""
        durations = {"duration_s": self.duration_s, "base_duration_s": self.base_duration_s}
        return {"lots": self.lots, **durations, "ratio": self.ratio.to_json()}


@dataclass(frozen=True)
class Trip:
    """What a round trip made per lot, fees left out."""

    lots: int
    entry_s: float
    wait_s: float
    exit_s: float
    pnl: Interval

    def to_json(self) -> dict[str, Any]:
        """Return the figures, units in the keys."""
        times = {"entry_s": self.entry_s, "wait_s": self.wait_s, "exit_s": self.exit_s}
        return {"lots": self.lots, **times, "pnl_ticks_per_lot": self.pnl.to_json()}


@dataclass(frozen=True)
class OrderCost:
    """One order's impact and cost against Y sigma_D sqrt(Q / V), in ticks.

    Attributes:
        lots: Q.
        volume_name: Which V: ``V``, the market's own volume, or ``V_eff``, that of all venues that make its price.
        volume_lots: V.
        law_ticks: Y sigma_D sqrt(Q / V) with Y = 0.7.
        peak: Measured impact.
        net_cost: Measured cost without half-spread; the law says two thirds of ``law_ticks``.
    """

    lots: int
    volume_name: str
    volume_lots: float
    law_ticks: float
    peak: Interval
    net_cost: Interval

    def to_json(self) -> dict[str, Any]:
        """Return the figures, units in the keys."""
        return {
            "lots": self.lots,
            "volume": self.volume_name,
            "volume_lots_per_day": self.volume_lots,
            "law_coefficient": LAW_COEFFICIENT,
            "law_ticks": self.law_ticks,
            "peak_ticks": self.peak.to_json(),
            "net_cost_ticks": self.net_cost.to_json(),
        }


@dataclass(frozen=True)
class ImpactResult:
    """Everything the laboratory found out about one market.

    Attributes:
        activity: Daily volatility and volume.
        cells: One per metaorder; those of the base duration come first.
        impact: Fit of the peak over the sizes of the base duration.
        cost: Fit of the cost without half-spread.
        path: Impact in units of the peak, during and after the metaorder.
        cost_to_peak: Cost without half-spread over peak.
        participation: Exponent of participation; ``None`` with a single duration.
        doublings: Peaks over longer durations.
        trips: Round trips.
        order_costs: The order of the size asked for, against the law.
        one_lot: Impact of a single lot, in ticks; ``None`` if not measured.
        checks: Verdicts.
    """

    activity: Activity
    cells: tuple[Cell, ...]
    impact: PowerLaw
    cost: PowerLaw
    path: tuple[Ratio, ...]
    cost_to_peak: Interval
    participation: Interval | None
    doublings: tuple[Doubling, ...]
    trips: tuple[Trip, ...]
    order_costs: tuple[OrderCost, ...]
    one_lot: Interval | None
    checks: tuple[Check, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return all figures, units in the keys."""
        lists = {name: getattr(self, name) for name in ("cells", "path", "doublings", "trips", "order_costs", "checks")}
        single = {name: getattr(self, name) for name in ("activity", "impact", "cost", "cost_to_peak")}
        optional = {"participation_exponent": self.participation, "one_lot_ticks": self.one_lot}
        return {
            "passed": self.passed,
            **{name: value.to_json() for name, value in single.items()},
            **{name: [item.to_json() for item in items] for name, items in lists.items()},
            **{name: value.to_json() if value else None for name, value in optional.items()},
        }
