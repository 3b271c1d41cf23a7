"""The market without the policy: how much of a result the market did, and how much the policy did to itself.

A *counterfactual* is the same world from the same moment with the policy's messages silenced. Candidates of the flow
have the same numbers and the same draws in both, so what differs is what the policy caused. With ``m`` the mid of the
run and ``m0`` that of the counterfactual at the same moment, every mark of a fill splits as ``m = m0 + (m - m0)``:

    timing            = -s f (m0_d - m_o)  drift          -s f (m_d - m0_d)  self-inflicted
    Strategy Alpha    = what its decisions are worth in the counterfactual + what the policy moved them

exactly. A policy that sends nothing has the counterfactual's bytes, and both second terms are zero.
"""

from dataclasses import dataclass

import numpy as np

from twin_env.alpha.record import AlphaRecord
from twin_env.alpha.touches import Touches
from twin_env.core.conditions import AT_ONCE
from twin_env.core.stream import DUE, SETTLED


@dataclass(frozen=True)
class SelfImpact:
    """What a policy did to its own result, in 1e-6 of the account currency.

    Attributes:
        strategy_alone: Strategy Alpha with what it holds marked at the counterfactual's mids.
        strategy_moved: What the policy's own orders moved of it; both sum to Strategy Alpha.
        timing_drift: Of timing, what the market did by itself.
        timing_self: Of timing, what the policy's earlier orders did; both sum to timing.
    """

    strategy_alone: int
    strategy_moved: int
    timing_drift: int
    timing_self: int


def self_impact(record: AlphaRecord, silent: Touches, parent_mid: int | None = None) -> SelfImpact:
    """Split a record by its counterfactual.

    Args:
        record: Of the run.
        silent: Best prices of the same world without the policy's messages, over the same time.
        parent_mid: Desired price of the parent order whose orders these are, half-ticks; ``None`` without a parent.

    Raises:
        ValueError: The counterfactual does not cover the time of the record.
    """
    if silent.ts_ns[0] > record.begin_ns or silent.end_ns < record.end_ns:
        raise ValueError(
            f"the counterfactual is known from {silent.ts_ns[0]} to {silent.end_ns}, expected "
            f"{record.begin_ns} to {record.end_ns}"
        )
    money = record.instrument.half_tick_micro
    timing, drift = _timing(record, silent, parent_mid)
    alone = _strategy_alone(record, silent) * money
    return SelfImpact(
        strategy_alone=alone,
        strategy_moved=record.split.strategy - alone,
        timing_drift=drift * money,
        timing_self=(timing - drift) * money,
    )


def _timing(record: AlphaRecord, silent: Touches, parent_mid: int | None) -> tuple[int, int]:
    """Return timing of all fills, and what of it the counterfactual has too, half-ticks x lots."""
    total = drift = 0
    sent_ns = {int(order["order"]): int(order["sent_ns"]) for order in record.orders}
    desired = {int(one["order"]): int(one["price"]) for one in record.decisions if one["condition"] == AT_ONCE}
    for fill in record.fills:
        number = int(fill["order"])
        price = desired.get(number, parent_mid)
        total += int(fill["timing"])
        if price is None or fill["due_lots"] == 0 or number not in sent_ns:
            continue
        mid = _mid_at(silent, sent_ns[number])
        drift -= int(fill["side"]) * int(fill["due_lots"]) * (mid - price)
    return total, drift


def _strategy_alone(record: AlphaRecord, silent: Touches) -> int:
    """Return Strategy Alpha marked at the counterfactual's mids, half-ticks x lots."""
    last, total = _mid_at(silent, record.end_ns), 0
    for entry in record.intents:
        lots = int(entry["lots"])
        if entry["kind"] == DUE:
            total += int(entry["side"]) * lots * (last - int(entry["price"]))
        elif entry["kind"] == SETTLED:
            total += lots * (_mid_at(silent, int(entry["ts_ns"])) - last)
    return total


def _mid_at(touches: Touches, ts_ns: int) -> int:
    return int(touches.mids_at(np.array([ts_ns]))[0])
