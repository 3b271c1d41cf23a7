"""``twin market``: look into market data, measure markets, fit them."""

from typing import Final

HELP: Final = "look into market data, measure markets, fit them to data"
