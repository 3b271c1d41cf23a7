"""The tables of what is played beside a comparison: cost ladder, capacity, counterfactual."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from twin_env.report.tables import INTERVAL, Column, Table

_IMPACTS: Final = {
    "strategy_alone_ccy": "strategy in a market left alone",
    "strategy_moved_ccy": "what its own orders moved of it",
    "timing_drift_ccy": "timing: the market's drift",
    "timing_self_ccy": "timing: its own earlier orders",
}


def study_tables(studies: Mapping[str, Any], currency: str) -> Iterator[Table]:
    """Yield the tables of the studies that were played.

    Args:
        studies: ``ladder``, ``capacity`` and ``counterfactual`` of the document of an evaluation.
        currency: Of the amounts.
    """
    name = Column("", left=True)
    if ladder := studies["ladder"]:
        rows = [[rung["name"], *_cells(rung["value"]), *_cells(rung["change"])] for rung in ladder["rungs"]]
        title = f"{ladder['policy']}: from a perfect fill to the real market, {currency} an episode"
        yield Table(title, [name, "result", INTERVAL, "change", INTERVAL], rows)
        if friction := ladder["friction"]:
            assumed = friction["assumed_ccy"]
            rows = [["measured", *_cells(friction["measured_ccy"])]]
            rows += [["assumed", f"{assumed:.2f}", ""]] if assumed is not None else []
            yield Table(f"Execution of a round trip of one lot, {currency}", [name, "cost", INTERVAL], rows)
    if capacity := studies["capacity"]:
        unit = "bps" if capacity["unit"] == "bps" else currency
        rows = [[f"x{one['size']}", str(one["lots"]), *_cells(one["cost"], ".3f")] for one in capacity["points"]]
        yield Table(f"{capacity['policy']}: cost by size, {unit}", [name, "lots", "cost", INTERVAL], rows)
    if beside := studies["counterfactual"]:
        rows = [[words, *_cells(beside[key])] for key, words in _IMPACTS.items()]
        title = f"{beside['policy']} beside the same markets without its messages, {currency} an episode"
        yield Table(title, [name, "mean", INTERVAL], rows)


def _cells(interval: Mapping[str, Any], form: str = "+.2f") -> list[str]:
    """Return the mean and both ends of an interval's JSON; a dash for ends that there are not."""
    if interval["low"] is None:
        return [f"{interval['mean']:{form}}", "-"]
    return [f"{interval['mean']:{form}}", f"{interval['low']:{form}} .. {interval['high']:{form}}"]
