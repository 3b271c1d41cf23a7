"""What a market is made of: instrument, links, flow; as data models, validated on load."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twin_env.market.data.lobster.source import LobsterHistory
    from twin_env.market.flow import AnchoredFlow
    from twin_env.market.instrument import Instrument
    from twin_env.market.links import LinkConfig, LinksConfig
    from twin_env.market.synthetic import MarketConfig, PoissonFlow

_HOMES: Final = {
    "AnchoredFlow": "flow",
    "Instrument": "instrument",
    "LinkConfig": "links",
    "LinksConfig": "links",
    "LobsterHistory": "data.lobster.source",
    "MarketConfig": "synthetic",
    "PoissonFlow": "synthetic",
}

__all__ = ["AnchoredFlow", "Instrument", "LinkConfig", "LinksConfig", "LobsterHistory", "MarketConfig", "PoissonFlow"]


def __getattr__(name: str) -> Any:
    """Import a model when it is first asked for: readers of histories bring the compiler with them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
