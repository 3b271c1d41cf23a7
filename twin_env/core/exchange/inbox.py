"""How messages of the background, and of the actors that faults drive, get into the exchange's inbox."""

from typing import Any

from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE


@kernel
def write(world: Any, kind: int, side: int, order: int, order_type: int, tif: int, price: int, lots: int) -> None:
    """Put a message of the background into the exchange's inbox."""
    write_as(world, codes.BACKGROUND, kind, side, order, order_type, tif, price, lots)


@kernel
def write_as(
    world: Any, owner: int, kind: int, side: int, order: int, order_type: int, tif: int, price: int, lots: int
) -> None:
    """Put a message of ``owner`` into the exchange's inbox."""
    message = world.inbox
    message.ts_ns = world.now_ns
    message.price = price
    message.trigger = 0
    message.lots = lots
    message.order = order
    message.row = NONE
    message.owner = owner
    message["flags"] = 0
    message.kind = kind
    message.side = side
    message.type = order_type
    message.tif = tif
