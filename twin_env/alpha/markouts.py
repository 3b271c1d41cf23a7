"""Markouts: what each fill was worth a while later, taken apart into spread earned and drift.

Of a fill of side ``s`` at price ``p``, with ``m`` the exchange's mid just before it and ``m_h`` the mid later on:

    markout = s (m_h - p) = s (m - p) + s (m_h - m) = spread earned + drift

per lot. A fill is *toxic* at a horizon where its markout is negative. What was on the other side is known here, never
to a policy. Compare Hasbrouck, *Empirical Market Microstructure* (2007), effective and realised spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    """Return markouts of several episodes, by who was on the other side and by who rested, ready for JSON.

    Every mean is per lot, weighted by lots, with an interval over episodes.
    """
    groups = []
    for liquidity in (ALL, "maker", "taker"):
        for place in (None, *range(len(COUNTERPARTIES))):
            chosen = [_chosen(one, liquidity, place) for one in each]
            if any(mask.any() for mask in chosen):
                counterparty = ALL if place is None else COUNTERPARTIES[place]
                groups.append({"counterparty": counterparty, "liquidity": liquidity} | _group(each, chosen))
    return {"horizons_s": list(HORIZONS_S), "groups": groups}


def _chosen(one: Markouts, liquidity: str, place: int | None) -> NDArray[np.bool_]:
    mask = np.ones(len(one.lots), np.bool_)
    if liquidity != ALL:
        mask &= one.maker == (liquidity == "maker")
    return mask if place is None else mask & (one.counterparty == place)


def _group(each: Sequence[Markouts], chosen: list[NDArray[np.bool_]]) -> dict[str, Any]:
    def mean(values: list[NDArray[np.float64]]) -> dict[str, Any] | None:
        known = [mask & np.isfinite(value) for value, mask in zip(values, chosen, strict=True)]
        sizes = [float(one.lots[mask].sum()) for one, mask in zip(each, known, strict=True)]
        if not any(sizes):
            return None
        totals = [float((value * one.lots)[mask].sum()) for value, one, mask in zip(values, each, known, strict=True)]
        return Interval.ratio(totals, sizes).to_json()

    horizons = range(len(HORIZONS_S))
    toxic = [mean([_toxic(one.total[:, place]) for one in each]) for place in horizons]
    return {
        "fills": int(sum(mask.sum() for mask in chosen)),
        "lots": int(sum(one.lots[mask].sum() for one, mask in zip(each, chosen, strict=True))),
        "spread_earned_ccy": mean([one.spread_earned for one in each]),
        "markout_ccy": [mean([one.total[:, place] for one in each]) for place in horizons],
        "drift_ccy": [mean([one.drift[:, place] for one in each]) for place in horizons],
        "toxic_share": [None if share is None else share["mean"] for share in toxic],
    }


def _toxic(markout: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 for a fill that lost by then, 0 for one that did not, NaN where that is not known."""
    return np.where(np.isnan(markout), np.nan, (markout < 0.0).astype(np.float64))
