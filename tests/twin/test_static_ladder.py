"""Known answers of the ledger: an immediate order on a static ladder costs the walk that is worked out by hand.

The ladder has no flow. Offers, as a buyer sees them: 3 lots at 101, 4 at 102, 5 at 104; bids mirrored around 100.5:
3 at 100, 4 at 99, 5 at 97. A tick of a lot of MGC is a dollar.
"""

import numpy as np
import pytest

from tests.core.worlds import START_NS, tape_template, to_tape
from tests.studies.markets import made_market
from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE, SYNTHETIC
from twin_env.twin.twin import Twin

pytestmark = pytest.mark.jit

OFFERS = ((101, 3), (102, 4), (104, 5))
FEE_MICRO = 850_000


def static_ladder():
    rows = np.zeros(2 * len(OFFERS), MESSAGE)
    sides = [codes.SELL, codes.BUY]
    rows["ts_ns"], rows["kind"], rows["row"] = START_NS, codes.NEW, NONE
    rows["order"], rows["side"] = np.arange(len(rows)), np.tile(sides, len(OFFERS))
    rows["price"] = [price if side == codes.SELL else 201 - price for price, _ in OFFERS for side in sides]
    rows["lots"] = np.repeat([lots for _, lots in OFFERS], 2)
    template = tape_template(SYNTHETIC, tape_orders=128, taker_fee_micro=FEE_MICRO)
    return made_market(template, SYNTHETIC, to_tape(rows))


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("lots", "spread", "impact", "next_touch"),
    [
        (2, 2 * 0.5, 0, 101),  # within the touch
        (3, 3 * 0.5, 0, 102),  # the touch and nothing else
        (7, 7 * 0.5, 4 * 1, 104),  # two levels
        (10, 10 * 0.5, 4 * 1 + 3 * 3, 104),  # a gap is walked over
        (12, 12 * 0.5, 4 * 1 + 5 * 3, None),  # all there is
    ],
)
def test_an_immediate_order_costs_the_walk(side, lots, spread, impact, next_touch):
    with Twin(static_ladder(), seed=1) as twin:
        sign, other = (1, -1) if side == "buy" else (-1, 1)
        twin.desk.submit(side, lots, type="market")
        twin.advance(1)
        split, fees = twin.alpha(), lots * FEE_MICRO / 1e6
        assert twin.desk.position_lots == sign * lots
        assert (split["spread"], split["impact"], split["fees"]) == (-spread, -impact, -fees)
        assert split["execution"] == -(spread + impact + fees)
        assert [split[part] for part in ("timing", "latency", "queue_wait", "spread_earned", "opportunity")] == [0] * 5
        assert split["net"] == pytest.approx(
            sign * lots * (twin.exchange.mid_half_ticks - 201) / 2 + split["execution"]
        )
        if next_touch is not None:
            assert twin.exchange.touch_ticks(other) == (next_touch if side == "buy" else 201 - next_touch)
            assert split["strategy"] == lots * (next_touch - 101) / 2
