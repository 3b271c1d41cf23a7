"""What a running market is made from, as people name it: markets, links, experiments."""

from typing import Any

import numpy as np

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.read import read_experiment
from twin_env.config import load_config
from twin_env.market.links import LinksConfig
from twin_env.market.market import Market
from twin_env.market.synthetic import MarketConfig


def open_market(market: Any = "mgc_2025", links: Any = "retail") -> Market:
    """Return a market by the names of its presets, their paths or their keys."""
    return Market(load_config(MarketConfig, market, folder="markets"), load_config(LinksConfig, links, folder="links"))


def experiment_of(what: Any, market: Market) -> Experiment:
    """Return an experiment by whatever names one; a sentence is about the market.

    Raises:
        ConfigError: It is none.
    """
    return read_experiment(what, market.config)


def check_start(market: Market, start_ns: int | None) -> int:
    """Return when a desk begins to see and to act: the market's earliest by default.

    Raises:
        ValueError: It lies outside the market's history.
    """
    if start_ns is None:
        return market.first_ns
    if isinstance(start_ns, bool) or not isinstance(start_ns, int | np.integer):
        raise ValueError(f"start_ns={start_ns!r}, expected an integer: ns since the epoch, UTC")
    if market.last_ns is not None and not market.first_ns <= start_ns <= market.last_ns:
        raise ValueError(f"start_ns={start_ns}, expected {market.first_ns} to {market.last_ns}, where history is")
    return int(start_ns)
