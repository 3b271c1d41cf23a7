"""What growing orders do to the price: the same market with the order and without it, pair by pair."""

from itertools import pairwise

import numpy as np
import pytest

from twin_env.market.market import Market
from twin_env.studies.impact import Metaorder, run_metaorders
from twin_env.studies.impact.fit import ratio_of_means
from twin_env.twin.opening import open_market

SMALLEST_LOTS, DURATION_S, PAIRS = 25, 600.0, 60
FACTORS = (1, 2, 4, 8, 16)


def self_impact(market: Market, lots: int, first_seed: int) -> np.ndarray:
    """Return how far the order moved the mid by its end against the world without it, mean of both sides, ticks."""
    order = Metaorder(lots, DURATION_S)
    runs = run_metaorders(market, order, pairs=PAIRS, first_seed=first_seed, fractions=(1.0,))
    bought, sold = runs.moves_ticks[:, :, 0] - runs.silent_ticks
    return (bought - sold) / 2.0


@pytest.mark.slow
@pytest.mark.jit
def test_self_impact_of_growing_orders_grows_and_is_concave():
    """At every doubling of the order the 95 % interval of what it does to the impact lies between 1 and 2.

    Below 2 is concavity, above 1 is growth; sizes have seeds of their own, so that ratios are of independent samples.
    A square root says 1.414 a doubling and 4 from the smallest to the largest.
    """
    market = open_market("mgc_2025", "instant")
    impacts = [self_impact(market, SMALLEST_LOTS * by, 1000 * place) for place, by in enumerate(FACTORS)]
    for smaller, larger in pairwise(impacts):
        ratio = ratio_of_means([larger], [smaller])
        assert ratio.low > 1.0 and ratio.high < 2.0, ratio
    whole = ratio_of_means([impacts[-1]], [impacts[0]])
    assert whole.low < 4.0 < whole.high and whole.high < 8.0, whole
