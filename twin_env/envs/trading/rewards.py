"""The named terms of the trading environment's reward."""

from typing import Any, Final

from twin_env.core.ledger import EXECUTION, NET, STRATEGY
from twin_env.core.state.jit import kernel
from twin_env.envs.info import reward_info
from twin_env.envs.trading.config import TradingRewards

REWARD_INFO: Final = reward_info(
    {
        "net": ("ccy", "increment of the net result"),
        "strategy": ("ccy", "increment of strategy alpha"),
        "execution": ("ccy", "increment of execution alpha"),
        "inventory": ("s", "minus the square of the position as a share of its limit, times the step"),
        "messages": ("requests", "minus the requests sent in this step"),
        "stopped": ("", "-1 when the risk control closed the episode"),
    }
)
TERMS: Final = tuple(TradingRewards.model_fields)
_NET, _STRATEGY, _EXECUTION, _INVENTORY, _MESSAGES, _STOPPED = (TERMS.index(name) for name in TERMS)
_MICRO: Final = 1e-6
_NS_PER_S: Final = 1e9


@kernel
def write_terms(world: Any, task: Any, params: Any, out: Any) -> None:
    """Write what each term of the reward is after a step; of a start all are zero.

    Args:
        world: One world.
        task: Its window; what the last call left in it is replaced.
        params: The limit of the position.
        out: Output, float64 of shape ``(len(TERMS),)``.
    """
    share = world.ledger.position / params.most_lots
    out[_NET] = (task.parts[NET] - task.net_micro) * _MICRO
    out[_STRATEGY] = (task.parts[STRATEGY] - task.strategy_micro) * _MICRO
    out[_EXECUTION] = (task.parts[EXECUTION] - task.execution_micro) * _MICRO
    out[_INVENTORY] = -share * share * task.elapsed_ns / _NS_PER_S
    out[_MESSAGES] = -float(world.order_link.pushed - task.requests)
    out[_STOPPED] = -1.0 if task.stopped == 1 else 0.0
    task.net_micro = task.parts[NET]
    task.strategy_micro = task.parts[STRATEGY]
    task.execution_micro = task.parts[EXECUTION]
    task.requests = world.order_link.pushed
