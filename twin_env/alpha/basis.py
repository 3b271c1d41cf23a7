"""Which lots a result is told of, and from which price: the choices that standards of transaction cost analysis make.

The ledger keeps one split: of all lots that were decided (Perold 1988), market decisions from the mid. The others
follow from it, and net is the same in each:

* ``executed``: lots that never filled count neither as the strategy's nor as the execution's (Kissell 2013, executed
  basis). Opportunity moves into Strategy Alpha.
* ``touch``: a decision to trade at once wishes for the price at which it could have, the other side's best price that
  the desk saw. Half the spread it saw moves from the execution to the strategy.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from twin_env.alpha.record import AlphaResult
from twin_env.alpha.split import Split
from twin_env.core.conditions import AT_ONCE

Quantity = Literal["ordered", "executed"]
DesiredPrice = Literal["mid", "touch"]
QUANTITIES: Final[tuple[Quantity, ...]] = ("ordered", "executed")
DESIRED_PRICES: Final[tuple[DesiredPrice, ...]] = ("mid", "touch")


@dataclass(frozen=True)
class Basis:
    """What a split is told of.

    Attributes:
        quantity: ``ordered`` for all lots that were decided, ``executed`` for those that filled.
        desired_price: Of decisions to trade at once: the ``mid`` the desk saw, or the ``touch`` of the other side.
    """

    quantity: Quantity = "ordered"
    desired_price: DesiredPrice = "mid"

    def to_json(self) -> dict[str, str]:
        """Return the names that reports show."""
        names = {"ordered": "ordered lots (Perold 1988)", "executed": "executed lots (Kissell 2013)"}
        prices = {"mid": "mid at the decision", "touch": "other side's touch at the decision"}
        return {"quantity": names[self.quantity], "desired_price": prices[self.desired_price]}

    def restate(self, result: AlphaResult) -> Split:
        """Return the split of a record on this basis; parts still sum to execution, and both to net."""
        split = result.split
        if self.desired_price == "touch":
            split = _from_touch(result, split)
        if self.quantity == "executed":
            missed = split.opportunity
            split = replace(split, strategy=split.strategy + missed, execution=split.execution - missed, opportunity=0)
        return split


def _from_touch(result: AlphaResult, split: Split) -> Split:
    money, met, missed = result.instrument.half_tick_micro, 0, 0
    for one in result.decisions:
        if one["condition"] == AT_ONCE:
            half_spread = _half_spread(one)
            met += int(one["met_lots"]) * half_spread * money
            missed += int(one["due_lots"] - one["met_lots"]) * half_spread * money
    return replace(
        split,
        strategy=split.strategy - met - missed,
        execution=split.execution + met + missed,
        spread=split.spread + met,
        opportunity=split.opportunity + missed,
    )


def _half_spread(decision: Any) -> int:
    """Return what lies between the mid and the touch that the desk saw, half-ticks."""
    return int(decision["side"]) * int(decision["touch"] - decision["price"])
