"""The action codecs of the trading environment from the policy's side: a position in lots becomes an action."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.policies.named_observation import NamedObservation
from twin_env.config import ConfigError
from twin_env.envs.trading.config import (
    PositionsAction,
    PricedOrders,
    TargetAction,
    TradingAction,
    TradingConfig,
    TradingOrders,
)
from twin_env.envs.trading.orders import BUY_MARKET, CHOICES, KEEP, SELL_MARKET


class PositionCodec(Protocol):
    """What all codecs can do."""

    def go(self, obs: NamedObservation, position_lots: int) -> NDArray[Any]:
        """Return the action that brings the position to ``position_lots``, or as near as the choices allow."""
        ...

    def sample(self, rng: np.random.Generator) -> NDArray[Any]:
        """Draw an action, uniform over the action space."""
        ...


class TargetCodec:
    """The ``target`` codec: a share of the largest position."""

    def __init__(self, most_lots: int) -> None:
        self._most_lots = most_lots

    def go(self, obs: NamedObservation, position_lots: int) -> NDArray[np.float32]:
        """Return that position as a share of the largest."""
        return np.array([np.clip(position_lots / self._most_lots, -1.0, 1.0)], np.float32)

    def sample(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw an action, uniform over the action space."""
        return rng.uniform(-1.0, 1.0, 1).astype(np.float32)


class PositionsCodec:
    """The ``positions`` codec: one of a list."""

    def __init__(self, action: PositionsAction) -> None:
        self._positions = np.array(action.positions_lots)

    def go(self, obs: NamedObservation, position_lots: int) -> NDArray[np.int64]:
        """Return the nearest of the list, the first of two that are equally near."""
        return np.asarray(np.argmin(abs(self._positions - position_lots)))

    def sample(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw an action, uniform over the action space."""
        return np.asarray(rng.integers(len(self._positions)))


class MarketOrdersCodec:
    """The ``orders`` codec, for rules that take: the first slot sends market orders, the others stay as they are."""

    def __init__(self, action: TradingOrders, most_lots: int) -> None:
        self._choices = np.array([CHOICES, len(action.offsets_ticks), len(action.sizes_lots)] * action.slots)
        if 1 not in action.sizes_lots:
            raise ConfigError(
                [f"action.sizes_lots is {list(action.sizes_lots)}, expected 1 among them: rules hold single lots."]
            )
        self._sizes = np.array(action.sizes_lots)
        self._most_lots = most_lots

    def go(self, obs: NamedObservation, position_lots: int) -> NDArray[np.int64]:
        """Return a market order of the largest size that does not go too far; nothing while one is on its way."""
        action = np.full(len(self._choices), KEEP, np.int64)
        lots = position_lots - round(obs["position"] * self._most_lots)
        fitting = np.flatnonzero(self._sizes <= abs(lots))
        if fitting.size and obs["slot_1_side"] == 0.0:
            choice = BUY_MARKET if lots > 0 else SELL_MARKET
            action[:3] = choice, 0, fitting[np.argmax(self._sizes[fitting])]
        return action

    def sample(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw an action, uniform over the action space."""
        return rng.integers(self._choices)


class PricesCodec:
    """The ``prices`` codec, for rules that take: the first slot sends market orders, the others stay as they are."""

    def __init__(self, action: PricedOrders, most_lots: int) -> None:
        self._slots, self._most_lots = action.slots, most_lots

    def go(self, obs: NamedObservation, position_lots: int) -> NDArray[np.float64]:
        """Return a market order for what is missing; nothing while one is on its way."""
        action = self._keep()
        lots = position_lots - round(obs["position"] * self._most_lots)
        if lots and obs["slot_1_side"] == 0.0:
            action[0, :3] = BUY_MARKET if lots > 0 else SELL_MARKET, 0.0, abs(lots)
        return action.reshape(-1)

    def sample(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw choices uniformly, prices within 30 ticks of the start, sizes up to the largest position."""
        action = self._keep()
        action[:, 0] = rng.integers(CHOICES, size=self._slots)
        action[:, 1] = rng.integers(-30, 31, self._slots)
        action[:, 2] = rng.integers(1, self._most_lots + 1, self._slots)
        return action.reshape(-1)

    def _keep(self) -> NDArray[np.float64]:
        return np.tile([float(KEEP), 0.0, 1.0, np.inf, np.inf], (self._slots, 1))


def make_position_codec(config: TradingConfig) -> PositionCodec:
    """Return the policy's side of a configured action."""
    action: TradingAction = config.action
    if isinstance(action, TargetAction):
        return TargetCodec(config.risk.max_position_lots)
    if isinstance(action, PositionsAction):
        return PositionsCodec(action)
    if isinstance(action, PricedOrders):
        return PricesCodec(action, config.risk.max_position_lots)
    return MarketOrdersCodec(action, config.risk.max_position_lots)
