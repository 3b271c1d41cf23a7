"""The info of a step of the trading environment: flat keys, always the same, always floats."""

from typing import Any, Final

from twin_env.alpha.parts import ALPHA_KEYS
from twin_env.core.ledger import EXECUTION, SPLIT, drift_ticks
from twin_env.core.state.jit import kernel
from twin_env.envs.observation import feed_age_ms, requests_in_flight
from twin_env.envs.trading.rewards import TERMS, write_terms

INFO_KEYS: Final = (
    *ALPHA_KEYS,
    "exec/is_bps",
    "exec/drift_bps",
    "exec/filled_lots",
    "exec/decided_lots",
    "exec/fills",
    "trade/position_lots",
    "trade/orders",
    "risk/refused",
    "risk/stopped",
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
def write_info(world: Any, task: Any, rules: Any, out: Any) -> None:
    """Write the info of one world, as the exchange knows it.

    Args:
        world: One world.
        task: Its window; what the last call left in it is replaced.
        rules: Of the environment.
        out: Output, float64 of shape ``(len(INFO_KEYS),)``; money in account currency, cumulative; basis points are
            of the value of everything that was decided, at the mids of the decisions.
    """
    ledger = world.ledger
    decided_micro = abs(float(task.decided_mids)) * world.venue.half_tick_micro
    for part in range(SPLIT):
        out[part] = task.parts[part] * _MICRO
    bps_per_micro = _BPS / decided_micro if decided_micro > 0.0 else 0.0
    out[SPLIT] = -task.parts[EXECUTION] * bps_per_micro
    out[SPLIT + 1] = drift_ticks(world) * 2.0 * world.venue.half_tick_micro * bps_per_micro
    out[SPLIT + 2] = ledger.filled_lots
    out[SPLIT + 3] = task.decided_lots
    out[SPLIT + 4] = ledger.fills
    out[SPLIT + 5] = ledger.position
    out[SPLIT + 6] = task.orders
    out[SPLIT + 7] = task.refused
    out[SPLIT + 8] = task.stopped
    out[SPLIT + 9] = world.chaos.active
    out[SPLIT + 10] = world.chaos.scenario
    out[SPLIT + 11] = feed_age_ms(world)
    out[SPLIT + 12] = requests_in_flight(world)
    write_terms(world, task, rules, out[REWARDS:])
