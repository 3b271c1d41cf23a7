"""The info of a step: flat keys, always the same, always floats.

The names are at once TensorBoard tags, columns of stored results and headings of reports.
"""

from typing import Any, Final

from twin_env.alpha.parts import ALPHA_KEYS
from twin_env.core.ledger import EXECUTION, SPLIT, drift_ticks
from twin_env.core.state.jit import kernel
from twin_env.envs.execution.rewards import TERMS, write_terms
from twin_env.envs.observation import feed_age_ms, requests_in_flight

INFO_KEYS: Final = (
    *ALPHA_KEYS,
    "exec/is_bps",
    "exec/drift_bps",
    "exec/vwap_bps",
    "exec/participation",
    "exec/filled_lots",
    "exec/remaining_lots",
    "exec/fills",
    "chaos/active",
    "chaos/scenario",
    "link/feed_age_ms",
    "link/in_flight",
    *(f"reward/{term}" for term in TERMS),
)

REWARDS: Final = len(INFO_KEYS) - len(TERMS)  # where the terms begin
_MICRO: Final = 1e-6
_BPS: Final = 1e4


@kernel
def write_info(world: Any, task: Any, out: Any) -> None:
    """Write the info of one world, as the exchange knows it.

    Args:
        world: One world.
        task: Its parent order; what the last call left in it is replaced.
        out: Output, float64 of shape ``(len(INFO_KEYS),)``; money in account currency, cumulative.
    """
    ledger = world.ledger
    bps_per_tick = 2.0 * world.venue.half_tick_micro / task.notional_micro * _BPS
    drift_bps = drift_ticks(world) * bps_per_tick
    vwap_bps = _against_vwap_ticks(world, task) * bps_per_tick
    volume = world.traded_lots - task.traded_before
    for part in range(SPLIT):
        out[part] = task.parts[part] * _MICRO
    out[SPLIT] = -task.parts[EXECUTION] / task.notional_micro * _BPS
    out[SPLIT + 1] = drift_bps
    out[SPLIT + 2] = vwap_bps
    out[SPLIT + 3] = ledger.filled_lots / volume if volume > 0 else 0.0
    out[SPLIT + 4] = ledger.filled_lots
    out[SPLIT + 5] = task.lots - ledger.filled_lots
    out[SPLIT + 6] = ledger.fills
    out[SPLIT + 7] = world.chaos.active
    out[SPLIT + 8] = world.chaos.scenario
    out[SPLIT + 9] = feed_age_ms(world)
    out[SPLIT + 10] = requests_in_flight(world)
    write_terms(world, task, drift_bps, vwap_bps, out[REWARDS:])


@kernel
def _against_vwap_ticks(world: Any, task: Any) -> float:
    """Return what the fills cost beyond the market's VWAP since the decision, own trades included, in ticks x lots."""
    volume = world.traded_lots - task.traded_before
    if volume <= 0:
        return 0.0
    vwap = (world.traded_notional - task.notional_before) / volume
    return float(-0.5 * world.ledger.cash - world.ledger.position * vwap)
