"""What a market is made of: instrument, links, flow; as data models, validated on load."""

from twin_env.market.instrument import Instrument
from twin_env.market.links import LinkConfig, LinksConfig
from twin_env.market.synthetic import LobsterHistory, MarketConfig, PoissonFlow

__all__ = ["Instrument", "LinkConfig", "LinksConfig", "LobsterHistory", "MarketConfig", "PoissonFlow"]
