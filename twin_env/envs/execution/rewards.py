"""The named terms of the execution environment's reward."""

from typing import Any, Final

from twin_env.core.ledger import EXECUTION
from twin_env.core.state.jit import kernel
from twin_env.envs.execution.config import RewardConfig
from twin_env.envs.info import reward_info

REWARD_INFO: Final = reward_info(
    {
        "execution": ("bps", "increment of execution alpha over the parent's notional"),
        "drift": ("bps", "what the efficient price's move cost on the unfilled lots; mean zero under any policy"),
        "vwap": ("bps", "increment of what the fills are worth against the market's VWAP since the decision"),
        "messages": ("requests", "minus the requests sent in this step"),
        "lag": ("", "minus the square of elapsed share of the horizon less filled share of the parent"),
        "unfilled": ("", "at the end, minus the share of the parent that is not filled"),
    }
)
TERMS: Final = tuple(RewardConfig.model_fields)
_EXECUTION, _DRIFT, _VWAP, _MESSAGES, _LAG, _UNFILLED = (TERMS.index(name) for name in TERMS)
_BPS: Final = 1e4


@kernel
def write_terms(world: Any, task: Any, drift_bps: float, vwap_bps: float, out: Any) -> None:
    """Write what each term of the reward is after a step; of a start all are zero.

    Args:
        world: One world.
        task: Its parent order; what the last call left in it is replaced.
        drift_bps: ``exec/drift_bps`` now.
        vwap_bps: ``exec/vwap_bps`` now.
        out: Output, float64 of shape ``(len(TERMS),)``.
    """
    out[_EXECUTION] = (task.parts[EXECUTION] - task.execution_micro) / task.notional_micro * _BPS
    out[_DRIFT] = drift_bps - task.drift_bps
    out[_VWAP] = task.vwap_bps - vwap_bps
    out[_MESSAGES] = -float(world.order_link.pushed - task.requests)
    out[_LAG] = -(_lag(world, task) ** 2) if task.steps > 0 else 0.0
    out[_UNFILLED] = -(task.lots - world.ledger.filled_lots) / task.lots if task.over else 0.0
    task.execution_micro = task.parts[EXECUTION]
    task.drift_bps = drift_bps
    task.vwap_bps = vwap_bps
    task.requests = world.order_link.pushed


@kernel
def _lag(world: Any, task: Any) -> float:
    """Return the elapsed share of the horizon minus the filled share of the parent."""
    elapsed = min((world.now_ns - task.start_ns) / (task.end_ns - task.start_ns), 1.0)
    return float(elapsed - world.ledger.filled_lots / task.lots)
