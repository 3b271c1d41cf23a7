"""The action codecs from the policy's side: an intention in lots becomes an action.

``twin_env/envs/actions`` is the other side and says what an action does.
"""

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.policies.named_observation import NamedObservation
from twin_env.envs.actions.orders import CHOICES, KEEP, LIMIT, MARKET, lots_choices, table_number, table_rows
from twin_env.envs.execution.config import Action, LadderAction, OrdersAction, ScheduleAction, TableAction

_ROUNDING: Final = 1e-6  # of a rate; float32 resolves 6e-8


class Codec(Protocol):
    """What all codecs can do."""

    def hold(self) -> NDArray[Any]:
        """Return the action that sends nothing."""
        ...

    def take(self, obs: NamedObservation, lots: int) -> NDArray[Any]:
        """Return the action that takes up to ``lots`` from the book, as near below as the choices allow."""
        ...

    def sample(self, rng: np.random.Generator) -> NDArray[Any]:
        """Draw an action, uniform over the action space."""
        ...


class OrdersCodec:
    """The ``orders`` codec: for each slot what to do, at which offset, for which size."""

    def __init__(self, action: OrdersAction) -> None:
        self.slots = action.slots
        self._choices = np.array([CHOICES, len(action.offsets_ticks), len(action.fractions)] * action.slots)
        self._sizes = action.fractions
        offsets = action.offsets_ticks
        # The choice nearest to the own touch, behind it if two are equally near.
        self._join = offsets.index(min(offsets, key=lambda offset: (abs(offset), offset < 0)))

    def hold(self) -> NDArray[np.int64]:
        """Return the action that keeps every order."""
        return np.full(3 * self.slots, KEEP, np.int64)

    def take(self, obs: NamedObservation, lots: int) -> NDArray[np.int64]:
        """Return market orders in as many free slots as it needs; what no size fits waits."""
        action = self.hold()
        available, sizes = obs.lots("uncommitted"), self._lots(obs)
        for slot in range(self.slots):
            size = _size(sizes, lots, available)
            if size is not None and obs[f"slot_{slot + 1}_live"] == 0.0:
                self._put(action, slot, MARKET, size)
                lots -= int(sizes[size])
                available -= int(sizes[size])
        return action

    def join(self, obs: NamedObservation, lots: int) -> NDArray[np.int64]:
        """Return a limit order at the own touch in the first slot; an order there moves to it."""
        return self._first(obs, LIMIT, lots)

    def cross(self, obs: NamedObservation, lots: int) -> NDArray[np.int64]:
        """Return the first slot's order, or a new one, at market."""
        return self._first(obs, MARKET, lots)

    def sample(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw an action, uniform over the action space."""
        return rng.integers(self._choices)

    def _first(self, obs: NamedObservation, choice: int, lots: int) -> NDArray[np.int64]:
        action = self.hold()
        working, sizes = obs.lots("slot_1_left"), self._lots(obs)
        size = _size(sizes, lots, working + obs.lots("uncommitted"))
        if size is None and working > 0:  # an order cannot keep a size that is not among the choices
            size = int(np.argmin(sizes))
        if size is not None:
            self._put(action, 0, choice, size)
        return action

    def _lots(self, obs: NamedObservation) -> NDArray[np.int64]:
        """Return the choices of a size in lots; they depend on the parent order."""
        return lots_choices(self._sizes, obs.parent_lots)

    def _put(self, action: NDArray[np.int64], slot: int, choice: int, size: int) -> None:
        action[3 * slot : 3 * slot + 3] = (choice, self._join, size)


class TableCodec:
    """The ``table`` codec: the ``orders`` of one slot, by their number."""

    def __init__(self, action: TableAction) -> None:
        self._orders = OrdersCodec(OrdersAction(offsets_ticks=action.offsets_ticks, sizes=action.fractions))
        self._offsets, self._sizes = len(action.offsets_ticks), len(action.fractions)

    def hold(self) -> NDArray[np.int64]:
        """Return the action that keeps the order."""
        return np.asarray(KEEP)

    def take(self, obs: NamedObservation, lots: int) -> NDArray[np.int64]:
        """Return a market order, if no order is working."""
        return self._number(self._orders.take(obs, lots))

    def join(self, obs: NamedObservation, lots: int) -> NDArray[np.int64]:
        """Return a limit order at the own touch; an order that works moves to it."""
        return self._number(self._orders.join(obs, lots))

    def cross(self, obs: NamedObservation, lots: int) -> NDArray[np.int64]:
        """Return the order that works, or a new one, at market."""
        return self._number(self._orders.cross(obs, lots))

    def sample(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw an action, uniform over the action space."""
        return np.asarray(rng.integers(table_rows(self._offsets, self._sizes)))

    def _number(self, action: NDArray[np.int64]) -> NDArray[np.int64]:
        choice, offset, size = action.tolist()
        return np.asarray(table_number(choice, offset, size, self._offsets, self._sizes))


class LadderCodec:
    """The ``ladder`` codec, for rules that take: what is not taken stays in the pocket."""

    def __init__(self, action: LadderAction) -> None:
        self._numbers = action.slots + 2

    def hold(self) -> NDArray[np.float32]:
        """Return the action that holds everything back."""
        return self._spread(0.0)

    def take(self, obs: NamedObservation, lots: int) -> NDArray[np.float32]:
        """Return the action that sends ``lots`` to market."""
        remaining = obs.lots("remaining")
        return self._spread(min(max(lots, 0) / remaining, 1.0) if remaining else 0.0)

    def sample(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw an action, uniform over the action space."""
        return rng.uniform(-1.0, 1.0, self._numbers).astype(np.float32)

    def _spread(self, share: float) -> NDArray[np.float32]:
        action = np.full(self._numbers, -1.0, np.float32)
        action[0] += 2.0 * share
        action[-1] += 2.0 * (1.0 - share)
        return action


class ScheduleCodec:
    """The ``schedule`` codec: a share of the volume printed since the last step, which takes."""

    def __init__(self, action: ScheduleAction) -> None:
        self._max_participation = action.max_participation

    def hold(self) -> NDArray[np.float32]:
        """Return the action that trades nothing."""
        return np.array([-1.0], np.float32)

    def take(self, obs: NamedObservation, lots: int) -> NDArray[np.float32]:
        """Return the share that makes ``lots``; all there is to have when the market traded too little."""
        most = self._max_participation * obs.printed_lots
        if lots <= 0 or most <= 0.0:
            return self.hold()
        share = min(lots / most + _ROUNDING, 1.0)  # never a fraction of a lot short through rounding
        return np.array([2.0 * share - 1.0], np.float32)

    def sample(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw an action, uniform over the action space."""
        return rng.uniform(-1.0, 1.0, 1).astype(np.float32)


def _size(sizes: NDArray[np.int64], lots: int, available: int) -> int | None:
    """Return the largest choice that is not above ``lots``, or the one that covers all that is available."""
    if lots <= 0 or available <= 0:
        return None
    if lots >= available:
        enough = np.flatnonzero(sizes >= available)  # the environment cuts it down to what is there
        return int(enough[np.argmin(sizes[enough])]) if enough.size else int(np.argmax(sizes))
    fitting = np.flatnonzero(sizes <= lots)
    return int(fitting[np.argmax(sizes[fitting])]) if fitting.size else None


def make_codec(action: Action) -> Codec:
    """Return the policy's side of a configured action."""
    if isinstance(action, OrdersAction):
        return OrdersCodec(action)
    if isinstance(action, TableAction):
        return TableCodec(action)
    return LadderCodec(action) if isinstance(action, LadderAction) else ScheduleCodec(action)
