"""The info of the execution environment: what it tells beside what all environments do."""

from typing import Any, Final

from twin_env.alpha.objective import DRIFT_BPS, FILLED_LOTS, FILLS, IS_BPS
from twin_env.core.ledger import EXECUTION, SPLIT, drift_ticks
from twin_env.core.state.jit import kernel
from twin_env.envs.execution.rewards import REWARD_INFO, write_terms
from twin_env.envs.info import SHARED_INFO, InfoKey, InfoSchema

_TASK_INFO: Final = (
    InfoKey(IS_BPS, "bps", "implementation shortfall: minus execution alpha, of the parent's notional", "episode"),
    InfoKey(
        DRIFT_BPS,
        "bps",
        "the market's luck in it: what moves of the efficient price cost on lots not yet filled. Mean zero under any "
        "policy; 0 where no efficient price is known",
        "episode",
    ),
    InfoKey(
        "exec/vwap_bps",
        "bps",
        "what the fills cost beyond the market's VWAP since the decision, of the parent's notional, without fees",
        "episode",
    ),
    InfoKey("exec/participation", "", "filled lots over the market's volume since the decision", "episode"),
    InfoKey(FILLED_LOTS, "lots", "filled at the exchange", "episode"),
    InfoKey("exec/remaining_lots", "lots", "of the parent, not filled at the exchange", "episode"),
    InfoKey(FILLS, "fills", "at the exchange", "episode"),
)
INFO: Final = InfoSchema(_TASK_INFO, REWARD_INFO)
SHARED_PLACE: Final = SPLIT + len(_TASK_INFO)
REWARD_PLACE: Final = SHARED_PLACE + len(SHARED_INFO)
_BPS: Final = 1e4


@kernel
def write_info(world: Any, task: Any, params: Any, out: Any) -> None:
    """Write the execution environment's own keys of one world, as the exchange knows it, and the reward's terms.

    Args:
        world: One world.
        task: Its parent order; what the last call left in it is replaced.
        params: Of the environment; not needed.
        out: Output, float64 of shape ``(len(INFO),)``.
    """
    ledger = world.ledger
    bps_per_tick = 2.0 * world.venue.half_tick_micro / task.notional_micro * _BPS
    drift_bps = drift_ticks(world) * bps_per_tick
    vwap_bps = _against_vwap_ticks(world, task) * bps_per_tick
    volume = world.traded_lots - task.traded_before
    out[SPLIT] = -task.parts[EXECUTION] / task.notional_micro * _BPS
    out[SPLIT + 1] = drift_bps
    out[SPLIT + 2] = vwap_bps
    out[SPLIT + 3] = ledger.filled_lots / volume if volume > 0 else 0.0
    out[SPLIT + 4] = ledger.filled_lots
    out[SPLIT + 5] = task.lots - ledger.filled_lots
    out[SPLIT + 6] = ledger.fills
    write_terms(world, task, drift_bps, vwap_bps, out[REWARD_PLACE:])


@kernel
def _against_vwap_ticks(world: Any, task: Any) -> float:
    """Return what the fills cost beyond the market's VWAP since the decision, own trades included, in ticks x lots."""
    volume = world.traded_lots - task.traded_before
    if volume <= 0:
        return 0.0
    vwap = (world.traded_notional - task.notional_before) / volume
    return float(-0.5 * world.ledger.cash - world.ledger.position * vwap)
