"""A desk that keeps doing a little of everything, so that faults of its wires and account find something to act on."""

from typing import Final

from twin_env.twin.orders import OrderError
from twin_env.twin.twin import Twin

PERIOD_NS: Final = 250_000_000
_BEHIND_TICKS: Final = 3
_TURNS: Final = 4


def probe(twin: Twin, turn: int) -> None:
    """Buy a lot at market, place a bid, cancel what rests, sell a lot at market: one of them in each turn."""
    desk, what = twin.desk, turn % _TURNS
    try:
        if what == 0:
            desk.submit("buy", 1, type="market")
        elif what == 1:
            desk.submit("buy", 1, price=twin.instrument.to_price(desk.touch_ticks("buy") - _BEHIND_TICKS))
        elif what == 2:
            for order in desk.orders():
                if order.state == "working" and order.pending == 0:
                    desk.cancel(order.id)
        elif desk.position_lots > 0:
            desk.submit("sell", 1, type="market")
    except OrderError:
        pass  # every row of the desk is in use: this turn sends nothing
