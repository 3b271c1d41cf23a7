"""VWAP with and without own trades, by hand."""

import numpy as np
import pytest

from twin_env.alpha.fills import COUNTERPARTIES, FILL
from twin_env.alpha.vwap import against_vwap_bps, others_vwap_ticks, vwap_ticks


def fills(*rows):
    made = np.zeros(len(rows), FILL)
    for name, values in zip(("side", "price", "lots", "counterparty", "maker"), zip(*rows, strict=True), strict=True):
        made[name] = values
    return made


SELF, MAKER = COUNTERPARTIES.index("self"), COUNTERPARTIES.index("maker")


@pytest.mark.parametrize("side", [1, -1])
def test_own_trades_move_the_benchmark_towards_themselves(side):
    """Others trade 6 lots at 1000; ours are 2 lots at 1004: VWAP 1001, of others 1000."""
    own = fills((side, 1004, 2, MAKER, 0))
    traded = (8, 6 * 1000 + 2 * 1004)
    assert vwap_ticks(traded) == 1001 and others_vwap_ticks(traded, own) == 1000
    assert against_vwap_bps(own, 1001) == pytest.approx(side * 3 / 1001 * 1e4)
    assert against_vwap_bps(own, 1000) == pytest.approx(side * 40.0)


def test_a_trade_with_oneself_is_one_trade_of_the_market():
    own = fills((1, 1004, 2, SELF, 0), (-1, 1004, 2, SELF, 1))
    assert others_vwap_ticks((8, 6 * 1000 + 2 * 1004), own) == 1000


def test_without_trades_there_is_no_benchmark():
    nothing = np.zeros(0, FILL)
    assert vwap_ticks((0, 0)) is None and others_vwap_ticks((0, 0), nothing) is None
    own = fills((1, 1004, 2, MAKER, 0))
    assert others_vwap_ticks((2, 2008), own) is None  # all of the volume is one's own: it always meets VWAP
    assert against_vwap_bps(own, vwap_ticks((2, 2008))) == 0.0
    assert against_vwap_bps(nothing, 1000.0) is None and against_vwap_bps(own, None) is None
