"""Auction: the venue collects orders without matching, and opens by uncrossing them."""

from typing import Any

from twin_env.core.exchange.inbox import write
from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE


@kernel
def begin_auction(world: Any) -> bool:
    """Start to collect orders."""
    write(world, codes.PRE_OPEN, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
    return True


@kernel
def end_auction(world: Any) -> bool:
    """Open the market."""
    write(world, codes.OPEN, codes.BUY, NONE, codes.LIMIT, codes.DAY, 0, 0)
    return True
