"""The info of a step: flat keys, always the same, always floats.

The names are at once TensorBoard tags, columns of stored results and headings of reports.
"""

from typing import Any, Final

from twin_env.alpha.parts import ALPHA_KEYS
from twin_env.core.jit import kernel
from twin_env.core.ledger import EXECUTION, SPLIT, drift_ticks
from twin_env.envs.observations import feed_age_ms, requests_in_flight

INFO_KEYS: Final = (
    *ALPHA_KEYS,
    "exec/is_bps",
    "exec/drift_bps",
    "exec/filled_lots",
    "exec/remaining_lots",
    "exec/fills",
    "chaos/active",
    "chaos/scenario",
    "link/feed_age_ms",
    "link/in_flight",
    "reward/execution",
    "reward/drift",
)

EXECUTION_REWARD: Final = INFO_KEYS.index("reward/execution")
DRIFT_REWARD: Final = INFO_KEYS.index("reward/drift")
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
    drift_micro = drift_ticks(world) * 2.0 * world.venue.half_tick_micro
    drift_bps = drift_micro / task.notional_micro * _BPS
    for part in range(SPLIT):
        out[part] = task.parts[part] * _MICRO
    out[SPLIT] = -task.parts[EXECUTION] / task.notional_micro * _BPS
    out[SPLIT + 1] = drift_bps
    out[SPLIT + 2] = ledger.filled_lots
    out[SPLIT + 3] = task.lots - ledger.filled_lots
    out[SPLIT + 4] = ledger.fills
    out[SPLIT + 5] = 0.0  # faults arrive with the chaos room; a plain market has none
    out[SPLIT + 6] = 0.0
    out[SPLIT + 7] = feed_age_ms(world)
    out[SPLIT + 8] = requests_in_flight(world)
    out[SPLIT + 9] = (task.parts[EXECUTION] - task.execution_micro) / task.notional_micro * _BPS
    out[SPLIT + 10] = drift_bps - task.drift_bps
    task.execution_micro = task.parts[EXECUTION]
    task.drift_bps = drift_bps
