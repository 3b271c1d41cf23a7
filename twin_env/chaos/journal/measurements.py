"""The time of one fault in a run, beside the same time of the paired run without faults."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.journal.trace import Trace
from twin_env.chaos.reading import Reading
from twin_env.core.state.codes import NEVER_NS

_NS_PER_S: Final = 1e9
_NS_PER_MS: Final = 1e6
_Z: Final = 4.0  # standard errors that a share may be off by chance


class Window:
    """One fault's time.

    Attributes:
        whole: The run.
        chaos: The run while the fault was on.
        calm: The paired run, at the same time.
        effects: What the fault's effects noted, ``layout.EFFECT`` array, the leading one first.
        began_ns: When it began.
        ended_ns: When it was over.
        modifiers: Modifiers as they were in the middle of it, by number.
    """

    def __init__(self, whole: Trace, paired: Trace, effects: Any, end_ns: int, modifiers: NDArray[np.float64]) -> None:
        first = effects[0]
        self.whole = whole
        self._paired = paired
        self.effects = effects
        self.began_ns = int(first["began_ns"])
        self.ended_ns = int(first["ended_ns"]) or min(int(first["end_ns"]), end_ns)
        if self.ended_ns >= NEVER_NS:
            self.ended_ns = end_ns
        self.chaos = whole.between(self.began_ns + 1, self.ended_ns)
        self.calm = paired.between(self.began_ns + 1, self.ended_ns)
        self.modifiers = modifiers
        self._before = whole.between(0, self.began_ns)

    @property
    def whole_calm(self) -> Trace:
        """The whole of the paired run."""
        return self._paired

    def modifier(self, number: int) -> float:
        """Return the value of a modifier."""
        return float(self.modifiers[number])

    def farthest(self, sign: int, within_s: float) -> tuple[float, float]:
        """Return how many ticks the mid went one way since the beginning, and in how many seconds."""
        path = self.effects[0]["parameters"]["path"]
        return float(path["farthest_half_ticks"]) / 2.0, float(path["farthest_after_ns"]) / _NS_PER_S

    @property
    def sent_lots(self) -> int:
        """Lots of new orders that the actor sent."""
        return int(self.effects["sent_lots"].sum())

    @property
    def sent_messages(self) -> int:
        """Messages that the actor sent."""
        return int(self.effects["sent_messages"].sum())

    @property
    def shown_lots(self) -> int:
        """Most lots that the actor had in the book."""
        return int(self.effects["shown_lots"].max())

    def depth_multiple(self) -> float | None:
        """Return the median depth over that of the paired run."""
        return _ratio(self.chaos.depth_lots, self.calm.depth_lots)

    def spread_multiple(self) -> float | None:
        """Return the median spread over that of the paired run, while both sides were there and trading went on."""
        return _ratio(_open_spreads(self.chaos), _open_spreads(self.calm))

    def volatility_multiple(self, sample_s: float) -> float | None:
        """Return the standard deviation of the mid's moves over that of the paired run."""
        chaos, calm = self._moves(self.chaos, sample_s), self._moves(self.calm, sample_s)
        return float(chaos.std() / calm.std()) if len(chaos) > 1 and calm.std() > 0 else None

    def return_autocorrelation(self, sample_s: float) -> float | None:
        """Return the first autocorrelation of the mid's moves."""
        moves = self._moves(self.chaos, sample_s)
        if len(moves) < 4 or moves.std() == 0:
            return None
        centred = moves - moves.mean()
        return float((centred[1:] * centred[:-1]).sum() / (centred * centred).sum())

    def withdrawn_share(self, side: int, lag_s: float) -> float | None:
        """Return the share of the best levels' lots that left in the lag, both sides together for ``side`` 0."""
        until = self.whole.between(self.began_ns + 1, self.began_ns + int((lag_s + 0.1) * _NS_PER_S))
        if not len(self._before) or not len(until):
            return None
        rows = [0, 1] if side == 0 else [0 if side > 0 else 1]
        before = self._before.lots[-1, rows].sum()
        return float(1.0 - until.lots[:, rows].sum(axis=(1, 2)).min() / before) if before else None

    def gap_ticks(self) -> float:
        """Return the first trade after the end less the mid before the beginning, beyond what the paired run moved."""
        after = self.whole.between(self.ended_ns, NEVER_NS)
        traded = after["volume"] > self._before["volume"][-1] if len(self._before) else after["volume"] > 0
        if not traded.any():
            return 0.0
        place = int(np.argmax(traded))
        calm = self._paired.between(self.began_ns, int(after["t_ns"][place])).mid_ticks
        start = self._before.mid_ticks[-1] if len(self._before) else calm[0]
        return float(after["last_trade"][place] - start - (calm[-1] - calm[0]))

    def still_s(self, counter: str) -> float:
        """Return for how many seconds from the beginning on a counter did not move."""
        after = self.whole.between(self.began_ns + 1, NEVER_NS)
        start = self._before[counter][-1] if len(self._before) else after[counter][0]
        moved = after[counter] > start + self._at_once(counter, after, int(start))
        place = int(np.argmax(moved)) if moved.any() else len(after) - 1
        return float(after["t_ns"][place] - self.began_ns) / _NS_PER_S

    def _at_once(self, counter: str, after: Trace, start: int) -> int:
        """Return what a counter did between the last sample before the beginning and the first after it."""
        return int(after[counter][0]) - start

    def guarded_s(self, limit_ticks: int) -> float:
        """Return for how many seconds the rule was in force."""
        return (self.ended_ns - self.began_ns) / _NS_PER_S

    def share(self, name: str, asked: float, part: str, of: str) -> Reading:
        """Return a share of messages, and how far off chance may bring it."""
        first, last = self._edges()
        count = int(last[of] - first[of])
        if count == 0:
            return Reading(name, asked, None, asked, asked)
        slack = _Z * math.sqrt(asked * (1.0 - asked) / count) + 1.0 / count
        return Reading(name, asked, float(last[part] - first[part]) / count, asked - slack, asked + slack)

    def _edges(self) -> tuple[Any, Any]:
        """Return the samples just before the fault, and just before its end."""
        first = self._before.samples[-1] if len(self._before) else self.chaos.samples[0]
        return first, self.chaos.samples[-1]

    def extra_feed_delay_ms(self) -> float | None:
        """Return how much older the desk's market data was than in the paired run, in its last half."""
        half = len(self.chaos) // 2
        ages = [np.median((run["t_ns"] - run["feed_ns"])[half:]) for run in (self.chaos, self.calm) if len(run)]
        return float(ages[0] - ages[1]) / _NS_PER_MS if len(ages) == 2 else None

    def desk_frozen_s(self) -> float:
        """Return for how many seconds from the beginning on the desk's book did not change."""
        after = self.whole.between(self.began_ns, NEVER_NS)
        return self._frozen_s(after, after["desk_hash"])

    def side_still_s(self, side: int) -> float:
        """Return for how many seconds the desk's best price of a side stood still, from what was on the wire on."""
        late_ns = int(0.3 * _NS_PER_S)
        after = self.whole.between(self.began_ns + late_ns, NEVER_NS)
        return self._frozen_s(after, after["desk_bid" if side > 0 else "desk_ask"]) + late_ns / _NS_PER_S

    def _frozen_s(self, after: Trace, values: NDArray[Any]) -> float:
        moved = values != values[0]
        place = int(np.argmax(moved)) if moved.any() else len(after) - 1
        return float(after["t_ns"][place] - after["t_ns"][0]) / _NS_PER_S

    def reports_still_s(self) -> float:
        """Return for how many seconds no report was heard: as long as the wire was cut."""
        return (self.ended_ns - self.began_ns) / _NS_PER_S

    def mismatch_lots(self) -> float | None:
        """Return how many lots the desk's position was off, mostly."""
        return float(np.median(self.chaos["position_gap"])) if len(self.chaos) else None

    def _moves(self, run: Trace, sample_s: float) -> NDArray[np.float64]:
        every = max(1, round(sample_s * _NS_PER_S / run.step_ns))
        return np.asarray(np.diff(run.mid_ticks[::every]), np.float64)


def _open_spreads(run: Trace) -> NDArray[np.float64]:
    """Return the spreads of the moments in which there was one."""
    spreads: NDArray[np.float64] = run.spread_ticks[(run["closed"] == 0) & (run["one_sided"] == 0)]
    return spreads


def _ratio(chaos: NDArray[np.float64], calm: NDArray[np.float64]) -> float | None:
    """Return the ratio of medians."""
    if not len(chaos) or not len(calm) or np.median(calm) == 0:
        return None
    return float(np.median(chaos) / np.median(calm))
