"""TWAP that waits in the queue: passive while on schedule, taking when behind."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from agents.policies.codecs import OrdersCodec, TableCodec
from agents.policies.named_observation import NamedObservation
from agents.policies.policy import Floats, RulePolicy

SLICES: Final = 10
DEADLINE: Final = 0.05  # last part of the horizon, in which it takes
_FRACTION: Final = 1e-4


class TwapPassive(RulePolicy):
    """Work equal slices along the straight line of time, each with an order at the own touch.

    The parent is cut into ``SLICES`` equal slices, released one by one. What is released and not
    filled waits in one order at the own touch, keeps its place in the queue and moves only when
    the touch left it. When what is filled lags more than a slice behind the line ``Q t / T``, the
    lag is taken from the book; in the last ``DEADLINE`` of the horizon, at least two steps,
    everything is.

    The line is that of :class:`agents.policies.twap.Twap`. Resting first and crossing late is how
    practitioners' "passive TWAP" earns the spread that TWAP pays (Johnson, "Algorithmic Trading and
    DMA", 2010, chapter 5); the adverse selection it meets shows in ``spread_earned`` and ``timing``.
    """

    codecs: ClassVar[Sequence[str]] = ("orders", "table")
    codec: OrdersCodec | TableCodec

    def decide(self, obs: NamedObservation, memory: Floats) -> NDArray[np.int64]:
        """Cross, move, wait or join, in this order of urgency."""
        remaining = obs.lots("remaining")
        if obs["slot_1_pending"] > 0.0:
            return self.codec.hold()
        if obs["time_left"] <= max(DEADLINE, 2.0 * self.step) + _FRACTION * self.step:
            return self.codec.cross(obs, remaining)
        line = obs.parent_lots * (1.0 - obs["time_left"])
        behind = line - (obs.parent_lots - remaining)
        slice_lots = obs.parent_lots / SLICES
        if behind > max(slice_lots, 1.0) + _FRACTION:
            return self.codec.cross(obs, math.floor(behind + _FRACTION))
        if obs["slot_1_live"] > 0.0:
            moved = obs["slot_1_offset_ticks"] > 0.5
            return self.codec.join(obs, obs.lots("slot_1_left")) if moved else self.codec.hold()
        released = slice_lots * (math.floor((line + _FRACTION) / slice_lots) + 1)
        return self.codec.join(obs, math.floor(released + _FRACTION) - obs.committed_lots)
