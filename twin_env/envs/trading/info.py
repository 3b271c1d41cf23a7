"""The info of the trading environment: what it tells beside what all environments do."""

from typing import Any, Final

from twin_env.alpha.objective import DRIFT_BPS, FILLED_LOTS, FILLS, IS_BPS
from twin_env.core.ledger import EXECUTION, SPLIT, drift_ticks
from twin_env.core.state.jit import kernel
from twin_env.envs.info import SHARED_INFO, InfoKey, InfoSchema
from twin_env.envs.trading.rewards import REWARD_INFO, write_terms

_TASK_INFO: Final = (
    InfoKey(IS_BPS, "bps", "minus execution alpha, of the value of everything that was decided", "episode"),
    InfoKey(
        DRIFT_BPS,
        "bps",
        "the market's luck in it: what moves of the efficient price cost on lots not yet filled, of the same value",
        "episode",
    ),
    InfoKey(FILLED_LOTS, "lots", "filled at the exchange", "episode"),
    InfoKey("exec/decided_lots", "lots", "of all orders sent", "episode"),
    InfoKey(FILLS, "fills", "at the exchange", "episode"),
    InfoKey("trade/position_lots", "lots", "position at the exchange, positive when long", "now"),
    InfoKey("trade/orders", "orders", "sent", "episode"),
    InfoKey("risk/refused", "requests", "rejected by the risk control", "episode"),
    InfoKey("risk/stopped", "", "1 once the risk control closed the episode", "episode"),
)
INFO: Final = InfoSchema(_TASK_INFO, REWARD_INFO)
SHARED_PLACE: Final = SPLIT + len(_TASK_INFO)
REWARD_PLACE: Final = SHARED_PLACE + len(SHARED_INFO)
_BPS: Final = 1e4


@kernel
def write_info(world: Any, task: Any, params: Any, out: Any) -> None:
    """Write the trading environment's own keys of one world, as the exchange knows it, and the reward's terms.

    Args:
        world: One world.
        task: Its window; what the last call left in it is replaced.
        params: Of the environment.
        out: Output, float64 of shape ``(len(INFO),)``; basis points are of the value of everything that was decided,
            at the mids of the decisions.
    """
    ledger = world.ledger
    decided_micro = abs(float(task.decided_mids)) * world.venue.half_tick_micro
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
    write_terms(world, task, params, out[REWARD_PLACE:])
