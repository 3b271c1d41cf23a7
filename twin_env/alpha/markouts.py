"""Markouts: what each fill was worth a while later, taken apart into spread earned and drift.

Of a fill of side ``s`` at price ``p``, with ``m`` the exchange's mid just before it and ``m_h`` the mid later on:

    markout = s (m_h - p) = s (m - p) + s (m_h - m) = spread earned + drift

per lot. A fill is *toxic* at a horizon where its markout is negative. What was on the other side is known here, never
to a policy. Compare Hasbrouck, *Empirical Market Microstructure* (2007), effective and realised spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.fills import COUNTERPARTIES
from twin_env.alpha.touches import Touches
from twin_env.statistics import Interval

HORIZONS_S: Final = (0.1, 1.0, 10.0, 60.0)
ALL: Final = "all"
_NS_PER_S: Final = 1e9


@dataclass(frozen=True, eq=False)
class Markouts:
    """Of each fill of a record, per lot in account currency.

    Attributes:
        horizons_s: When the market is looked at, after the fill.
        spread_earned: Float64 of shape ``(fills,)``; negative for a fill that took.
        drift: Shape ``(fills, horizons)``; NaN where the record ended before.
        lots: Int64 of shape ``(fills,)``.
        maker: Bool of the same shape.
        counterparty: Places in ``COUNTERPARTIES``.
    """

    horizons_s: tuple[float, ...]
    spread_earned: NDArray[np.float64]
    drift: NDArray[np.float64]
    lots: NDArray[np.int64]
    maker: NDArray[np.bool_]
    counterparty: NDArray[np.int8]

    @property
    def total(self) -> NDArray[np.float64]:
        """Markout of each fill at each horizon, per lot."""
        markout: NDArray[np.float64] = self.spread_earned[:, None] + self.drift
        return markout


def markouts_of(
    fills: NDArray[np.void], touches: Touches, half_tick_ccy: float, horizons_s: Sequence[float] = HORIZONS_S
) -> Markouts:
    """Return the markouts of fills.

    Args:
        fills: ``FILL`` array.
        touches: The exchange's best prices.
        half_tick_ccy: Money of half a tick of one lot.
        horizons_s: Above 0.
    """
    side = fills["side"].astype(np.float64)
    later = [touches.mids_at(fills["ts_ns"] + round(horizon * _NS_PER_S)) for horizon in horizons_s]
    drift = [side * (mids - fills["mid"]) * half_tick_ccy for mids in later]
    return Markouts(
        tuple(horizons_s),
        side * (fills["mid"] - 2 * fills["price"]) * half_tick_ccy,
        np.stack(drift, axis=1).reshape(len(fills), len(horizons_s)),
        fills["lots"].astype(np.int64),
        fills["maker"] == 1,
        fills["counterparty"],
    )


def summarize_markouts(each: Sequence[Markouts]) -> dict[str, Any]:
    """Return markouts of several episodes, by who rested and by who was on the other side, ready for JSON.

    Every mean is per lot, weighted by lots, with an interval over episodes.
    """
    joined = _Joined.of(each)
    groups = []
    wanted = [(liquidity, None) for liquidity in (ALL, "maker", "taker")]
    for liquidity, place in [*wanted, *((ALL, place) for place in range(len(COUNTERPARTIES)))]:
        chosen = joined.choose(liquidity, place)
        if chosen.any():
            counterparty = ALL if place is None else COUNTERPARTIES[place]
            groups.append({"counterparty": counterparty, "liquidity": liquidity} | joined.describe(chosen))
    return {"horizons_s": list(HORIZONS_S), "groups": groups}


@dataclass(frozen=True, eq=False)
class _Joined:
    """The fills of several episodes, one after the other.

    Attributes:
        fills: Their markouts.
        episode: Which episode each is of, int64 of shape ``(fills,)``.
        episodes: How many there are.
    """

    fills: Markouts
    episode: NDArray[np.int64]
    episodes: int

    @classmethod
    def of(cls, each: Sequence[Markouts]) -> Self:
        names = ("spread_earned", "drift", "lots", "maker", "counterparty")
        joined = {name: np.concatenate([getattr(one, name) for one in each]) for name in names}
        episode = np.repeat(np.arange(len(each)), [len(one.lots) for one in each])
        return cls(Markouts(each[0].horizons_s, **joined), episode, len(each))

    def choose(self, liquidity: str, place: int | None) -> NDArray[np.bool_]:
        """Return which fills rested or took, and met whom; ``None`` for anybody."""
        mask = np.ones(len(self.episode), np.bool_)
        if liquidity != ALL:
            mask &= self.fills.maker == (liquidity == "maker")
        return mask if place is None else mask & (self.fills.counterparty == place)

    def describe(self, chosen: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the figures of some of the fills."""
        total, horizons = self.fills.total, range(len(self.fills.horizons_s))
        toxic = [self._mean(_toxic(total[:, place]), chosen) for place in horizons]
        return {
            "fills": int(chosen.sum()),
            "lots": int(self.fills.lots[chosen].sum()),
            "spread_earned_ccy": self._mean(self.fills.spread_earned, chosen),
            "markout_ccy": [self._mean(total[:, place], chosen) for place in horizons],
            "drift_ccy": [self._mean(self.fills.drift[:, place], chosen) for place in horizons],
            "toxic_share": [None if share is None else share["mean"] for share in toxic],
        }

    def _mean(self, values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> dict[str, Any] | None:
        known = chosen & np.isfinite(values)
        if not known.any():
            return None
        lots, episode = self.fills.lots[known].astype(np.float64), self.episode[known]
        totals, sizes = (
            np.bincount(episode, weights, self.episodes).astype(np.float64) for weights in (lots * values[known], lots)
        )
        return Interval.ratio(totals, sizes).to_json()


def _toxic(markout: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 for a fill that lost by then, 0 for one that did not, NaN where that is not known."""
    return np.where(np.isnan(markout), np.nan, (markout < 0.0).astype(np.float64))
