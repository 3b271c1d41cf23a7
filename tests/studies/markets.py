"""Markets made by hand: a template and a tape, for a Twin to play."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.core.worlds import START_NS
from twin_env.config import load_config
from twin_env.core.state.layout import OPENING, Profile
from twin_env.core.state.world import NO_ANCHORS, NO_TAPE
from twin_env.market import MarketConfig
from twin_env.market.market import Market


def made_market(
    template: Any,
    profile: Profile,
    tape: Any = NO_TAPE,
    *,
    first_ns: int = START_NS,
    last_ns: int | None = None,
    levels: int | None = None,
    warm_up_ns: int = 0,
    price_ticks: int = 0,
    depth_lots: Any = (),
) -> Market:
    """Return a market of a template; the last three are those of ``start_world``. Its instrument is MGC."""
    market = object.__new__(Market)
    market.instrument = load_config(MarketConfig, "mgc_poisson", folder="markets").instrument
    market.config = SimpleNamespace(capacities=profile, instrument=market.instrument)
    market.template, market.tape, market.anchors = template, tape, NO_ANCHORS
    market.first_ns, market.last_ns, market.levels = first_ns, last_ns, levels
    market.opening = np.zeros(1, OPENING)
    market.opening["warm_up_ns"], market.opening["price"] = warm_up_ns, price_ticks
    market.opening["levels"] = len(depth_lots)
    market.opening["lots"][0, : len(depth_lots)] = depth_lots
    return market
