"""A desk that keeps doing a little of everything, so that faults of its wires and account find something to act on."""

from typing import Any, Final

from twin_env.core.desk.desk import LIVE, desk_touch, send_cancel, send_new
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel

PERIOD_NS: Final = 250_000_000
_BEHIND_TICKS: Final = 3
_TURNS: Final = 4


@kernel
def probe(world: Any, turn: int) -> None:
    """Buy a lot at market, place a bid, cancel what rests, sell a lot at market: one of them in each turn."""
    what = turn % _TURNS
    if what == 0:
        _trade(world, codes.BUY)
    elif what == 1:
        price = desk_touch(world, codes.BUY) - _BEHIND_TICKS
        send_new(world, codes.BUY, codes.LIMIT, codes.DAY, 0, i64(price), 0, 1, 0)
    elif what == 2:
        for row in range(world.desk.orders.shape[0]):
            order = world.desk.orders[row]
            if order.state == LIVE and order.pending == 0:
                send_cancel(world, row)
    elif world.desk.position > 0:
        _trade(world, codes.SELL)


@kernel
def _trade(world: Any, side: int) -> None:
    send_new(world, side, codes.MARKET, codes.IOC, 0, 0, 0, 1, 0)
