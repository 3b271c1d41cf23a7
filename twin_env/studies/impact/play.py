"""One run of an experiment: the market goes on, children are sent, marks are taken.

Children pass the exchange's door like every background message, so whatever remembers
or reacts to the orders of others remembers and reacts to these.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import BUY
from twin_env.studies.impact.schedule import Records
from twin_env.twin.twin import Twin


def play_schedule(twin: Twin, children: Records, samples_ns: NDArray[np.int64], marks: Records, legs: Records) -> None:
    """Play a market from its present time until the last child and the last sample.

    What is due at the same nanosecond goes in the order background, children, sample.

    Args:
        twin: The market; its desk does nothing.
        children: ``CHILD`` array in time order.
        samples_ns: Int64 array of times after the start of the run, increasing.
        marks: Output, ``MARK`` array as long as ``samples_ns``.
        legs: Output, ``LEG`` array, all zero, with a row for each leg the children name.
    """
    start_ns, start_lots, own_lots = twin.now_ns, twin.exchange.traded_lots, 0
    due = [(int(offset_ns), 0, number) for number, offset_ns in enumerate(children["offset_ns"])]
    due += [(int(offset_ns), 1, number) for number, offset_ns in enumerate(samples_ns)]
    for offset_ns, is_sample, number in sorted(due):
        twin.advance_until(start_ns + offset_ns)
        if is_sample:
            exchange = twin.exchange
            traded_lots = exchange.traded_lots - start_lots
            marks[number] = (exchange.mid_half_ticks, traded_lots, own_lots, exchange.is_one_sided)
        else:
            child = children[number]
            own_lots += send_child(twin, int(child["side"]), int(child["lots"]), legs[child["leg"]])


def send_child(twin: Twin, side: int, due_lots: int, leg: Any) -> int:
    """Send a child order, with what its leg still misses, and book what it gets.

    Args:
        twin: The market.
        side: +1 buy, -1 sell.
        due_lots: The child's own.
        leg: ``LEG`` record: totals so far, changed in place.

    Returns:
        Lots filled.
    """
    leg["sent_lots"] += due_lots
    lots = int(leg["sent_lots"] - leg["filled_lots"])
    exchange = twin.exchange
    half_spread = side * (2 * exchange.touch_ticks(-side) - exchange.mid_half_ticks)
    depth = exchange.book(levels=lots)  # a level holds at least one
    filled_lots = twin.trade_as_external(side, lots)
    leg["filled_lots"] += filled_lots
    leg["notional"] += notional_of(depth.asks if side == BUY else depth.bids, filled_lots)
    leg["half_spread"] += half_spread * filled_lots
    return filled_lots


def notional_of(levels: NDArray[np.int64], lots: int) -> int:
    """Return ticks x lots of what a market order got that met these levels, the touch first, columns price and lots."""
    prices, there = levels[:, 0], levels[:, 1]
    taken = np.clip(lots - (np.cumsum(there) - there), 0, there)
    return int((prices * taken).sum())
