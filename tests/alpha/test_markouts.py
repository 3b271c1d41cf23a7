"""Means of markouts over episodes, against sums written out in plain Python."""

import math

import numpy as np
import pytest

from twin_env.alpha.fills import COUNTERPARTIES
from twin_env.alpha.markouts import HORIZONS_S, Markouts, summarize_markouts
from twin_env.statistics import Interval


def drawn(rng, fills):
    drift = rng.normal(size=(fills, len(HORIZONS_S)))
    drift[rng.random(drift.shape) < 0.2] = np.nan
    return Markouts(
        HORIZONS_S,
        rng.normal(size=fills),
        drift,
        rng.integers(1, 5, fills),
        rng.random(fills) < 0.6,
        rng.integers(1, 5, fills).astype(np.int8),
    )


def mean_of(each, chosen, value):
    """Return the mean per lot over fills that are chosen and known, its interval over episodes, in plain Python."""
    totals, sizes = [], []
    for one in each:
        total = size = 0.0
        for row in range(len(one.lots)):
            found = value(one, row)
            if chosen(one, row) and not math.isnan(found):
                total += found * int(one.lots[row])
                size += int(one.lots[row])
        totals.append(total)
        sizes.append(size)
    return Interval.ratio(totals, sizes)


@pytest.mark.parametrize("seed", range(3))
def test_means_are_those_of_the_fills_written_out(seed):
    rng = np.random.default_rng(seed)
    each = [drawn(rng, fills) for fills in (7, 0, 12, 1, 20)]
    summary = summarize_markouts(each)
    assert summary["horizons_s"] == list(HORIZONS_S)
    names = [(group["liquidity"], group["counterparty"]) for group in summary["groups"]]
    assert names[:3] == [("all", "all"), ("maker", "all"), ("taker", "all")] and len(set(names)) == len(names)
    for group in summary["groups"]:

        def chosen(one, row, group=group):
            fits = group["liquidity"] == "all" or (group["liquidity"] == "maker") == bool(one.maker[row])
            return fits and group["counterparty"] in ("all", COUNTERPARTIES[one.counterparty[row]])

        lots = sum(int(one.lots[row]) for one in each for row in range(len(one.lots)) if chosen(one, row))
        assert group["lots"] == lots
        expected = mean_of(each, chosen, lambda one, row: float(one.spread_earned[row])).to_json()
        assert group["spread_earned_ccy"] == pytest.approx(expected)
        for place in range(len(HORIZONS_S)):
            drift = mean_of(each, chosen, lambda one, row, place=place: float(one.drift[row, place])).to_json()
            assert group["drift_ccy"][place] == pytest.approx(drift)
            total = mean_of(each, chosen, lambda one, row, place=place: float(one.total[row, place])).to_json()
            assert group["markout_ccy"][place] == pytest.approx(total)

            def lost(one, row, place=place):
                return math.nan if math.isnan(one.drift[row, place]) else float(one.total[row, place] < 0)

            assert group["toxic_share"][place] == pytest.approx(mean_of(each, chosen, lost).mean)


def test_without_a_fill_there_is_no_group():
    assert summarize_markouts([drawn(np.random.default_rng(1), 0)])["groups"] == []
