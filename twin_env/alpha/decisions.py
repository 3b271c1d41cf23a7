"""Decisions of a strategy: what each wanted, when it came true, what became of it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.fills import PARTS
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import record
from twin_env.core.stream import DECIDED, DUE

PARENT: Final = 0
"""Number of the decision behind orders that are none of their own."""

DECISION: Final = record(
    [
        ("order", "i8"),  # number of the order that it is for, 0 for a parent order
        ("decided_ns", "i8"),
        ("due_ns", "i8"),  # when its condition came true, NEVER_NS if it never did
        ("lots", "i8"),  # wanted, as last decided
        ("due_lots", "i8"),
        ("filled_lots", "i8"),  # whether due or not
        ("met_lots", "i8"),  # of the due ones, filled
        ("price", "i8"),  # desired, half-ticks, as last decided
        ("touch", "i8"),  # other side's best price as the desk saw it then, half-ticks
        *((name, "i8") for name in PARTS),  # that its fills paid
        ("fee_micro", "i8"),
        ("strategy", "i8"),  # half-ticks x lots: its theoretical trades, those it settled too, at the last mid
        ("settled", "i8"),  # opportunity of what it settled, half-ticks x lots
        ("opportunity", "i8"),  # the same, with what theory has and fact has not at the last mid
        ("open_lots", "i8"),  # that theory has and fact has not, signed by side
        ("open_value", "i8"),  # what these cost, half-ticks x lots, signed likewise
        ("side", "i1"),
        ("condition", "i1"),  # of ``core.conditions``
        ("group", "i2"),  # NONE for one that stands alone; numbers are used again
        ("role", "i1"),  # in it
        ("rejected", "i1"),  # 1 where the exchange refused the latest request for it
    ]
)
"""One decision."""


def decisions_of(intents: NDArray[np.void], fills: NDArray[np.void], last_mid: int) -> NDArray[np.void]:
    """Return every decision, a ``DECISION`` array in the order in which they were made.

    Parts, fees and opportunity of all decisions sum to the record's. What the members of a group differ by stands with
    each, and what they settle together with the last of them, so of a group it is the sum that tells something.

    Args:
        intents: Entries of plane INTENTS.
        fills: ``FILL`` array.
        last_mid: Half-ticks: what is open is marked at it.
    """
    made: dict[int, NDArray[np.void]] = {}
    for entry in intents:
        key = int(entry["client"])
        if key not in made:
            made[key] = np.zeros(1, DECISION)
            made[key]["order"], made[key]["decided_ns"], made[key]["due_ns"] = key, entry["ts_ns"], NEVER_NS
            made[key]["side"] = entry["side"]
        _follow(made[key], entry, last_mid)
    for fill in fills:
        one = made.get(int(fill["order"]), made.get(PARENT))
        if one is not None:
            _add_fill(one, fill)
    for one in made.values():
        one["opportunity"] = one["settled"] - (one["open_lots"] * last_mid - one["open_value"])
    return np.concatenate(list(made.values())) if made else np.zeros(0, DECISION)


CAUSES: Final = ("rejected", "partial", "unfilled", "unwanted", "open")
"""Why theory and fact of a decision differed at its end; ``open`` for what has not ended."""


def opportunity_by_cause(decisions: NDArray[np.void], opportunity: int) -> dict[str, int]:
    """Return opportunity by its cause, half-ticks x lots; the causes sum to all of it.

    ``rejected``: the exchange refused the latest request; ``unwanted``: a fill that theory does not have, such as one
    that came while a cancel was on its way; ``partial``: some due lots were filled; ``unfilled``: none was. What
    members of a group settle together stands with the last of them.

    Args:
        decisions: ``DECISION`` array.
        opportunity: Of the record, half-ticks x lots.
    """
    unwanted = decisions["filled_lots"] > decisions["met_lots"]
    conditions = {
        "rejected": decisions["rejected"] == 1,
        "unwanted": unwanted,
        "partial": decisions["met_lots"] > 0,
        "unfilled": np.ones(len(decisions), np.bool_),
    }
    left, found = np.ones(len(decisions), np.bool_), {}
    for cause, holds in conditions.items():
        found[cause] = int(decisions["settled"][left & holds].sum())
        left &= ~holds
    found["open"] = opportunity - sum(found.values())
    return {cause: found[cause] for cause in CAUSES}


def _follow(one: NDArray[np.void], entry: NDArray[np.void], last_mid: int) -> None:
    """Take what an entry says of a decision."""
    for name in ("group", "role", "rejected"):
        one[name] = entry[name]
    if entry["kind"] == DECIDED:
        one["lots"] = one["due_lots"] + entry["lots"]
        if entry["lots"]:  # taken back, it keeps the terms it had
            for name in ("price", "touch", "condition"):
                one[name] = entry[name]
        return
    if entry["kind"] == DUE:
        one["due_ns"] = np.minimum(one["due_ns"], entry["ts_ns"])
        one["due_lots"] += entry["lots"]
        one["strategy"] += entry["side"] * entry["lots"] * (last_mid - entry["price"])
        one["open_lots"] += entry["side"] * entry["lots"]
        one["open_value"] += entry["side"] * entry["lots"] * entry["price"]
        return
    one["strategy"] += entry["lots"] * (entry["mid"] - last_mid)
    one["settled"] -= entry["lots"] * entry["mid"] - entry["value"]
    one["open_lots"] -= entry["lots"]
    one["open_value"] -= entry["value"]


def _add_fill(one: NDArray[np.void], fill: NDArray[np.void]) -> None:
    one["filled_lots"] += fill["lots"]
    one["met_lots"] += fill["due_lots"]
    one["fee_micro"] += fill["fee_micro"]
    signed = fill["side"] * fill["lots"]
    one["open_lots"] -= signed
    one["open_value"] -= 2 * signed * fill["price"]
    for name in PARTS:
        one[name] += fill[name]
        one["open_value"] -= fill[name]
