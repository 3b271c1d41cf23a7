"""Markets and experiments that the tests of chaos share."""

from functools import cache

from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.twin.opening import open_market

POINTS = {"value": 15, "unit": "points"}
MADE = {
    "flash_crash": {"move": POINTS, "fall_s": 2},
    "flash_rally": {"move": POINTS, "fall_s": 2},
    "gap": {"move": {"value": 5, "unit": "points"}},
    "velocity_logic": {"move": {"value": 10, "unit": "points"}, "duration_s": 20},
    "price_band": {"band": {"value": 1, "unit": "points"}, "duration_s": 20},
    "volatility_regime": {"duration_s": 120},
    "fee_change": {"duration_s": 30},
    "margin_change": {"duration_s": 30},
}
"""Fields of the kinds that have no default of their own, or a long one."""


@cache
def market(name="mgc_2025", links="retail"):
    return open_market(name, links)


def fault(kind, **fields):
    return {"kind": kind, **MADE.get(kind, {}), **fields}


def experiment(*faults, **fields):
    return load_experiment({"title": "A test", "method": list(faults), **fields})


ALL_KINDS = list(KINDS)
