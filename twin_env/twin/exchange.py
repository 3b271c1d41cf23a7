"""What stands at the exchange of a running market: the true state, which reaches its desk later."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import is_one_sided, mid_half_ticks, touch_ticks
from twin_env.core.ledger import split
from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE, record
from twin_env.core.stream import needed_room
from twin_env.twin.followed_book import followed_dtype


@kernel
def touch_of(worlds: Any, index: int, side: int) -> int:
    """Return the best price of a side in ticks; of an empty one the last there was."""
    return touch_ticks(worlds[index], side)


@kernel
def mid_of(worlds: Any, index: int) -> int:
    """Return the mid in half-ticks."""
    return mid_half_ticks(worlds[index])


@kernel
def one_sided(worlds: Any, index: int) -> bool:
    """Tell whether a side of the book is empty."""
    return is_one_sided(worlds[index])


@kernel
def split_of(worlds: Any, index: int, parts: Any) -> None:
    """Write the alpha split at the present mid, in 1e-6 of the account currency; see ``core.ledger.split``."""
    split(worlds[index], parts)


@kernel
def room_of(worlds: Any, index: int) -> int:
    """Return how many rows of a stream the next message can make at most."""
    return needed_room(worlds[index])


def read_levels(book: Any, side: int, levels: int) -> NDArray[np.int64]:
    """Return the best levels of a side of a price ladder, the touch first.

    Args:
        book: Of ``layout.ladder_dtype``.
        side: +1 bids, -1 offers.
        levels: How many at most.

    Returns:
        Int64 of shape ``(levels or fewer, 2)``: price in ticks, lots.

    Raises:
        ValueError: ``levels`` is no number of levels.
    """
    if isinstance(levels, bool) or not isinstance(levels, int | np.integer) or levels < 1:
        raise ValueError(f"levels={levels!r}, expected an integer of at least 1")
    row = ladder.row_of(side)
    count = int(book["count"][row])
    places = np.arange(count - 1, max(count - levels, 0) - 1, -1)
    lots = book["levels"]["lots"][book["level"][row][places]]
    return np.column_stack([side * book["key"][row][places], lots]).astype(np.int64)


RESTING = record(
    [("entry", "i8"), ("side", "i8"), ("price_ticks", "i8"), ("lots", "i8"), ("order", "i8"), ("owner", "i8")]
)
"""One order in the book: ``entry`` names it in the stream, ``order`` is its slot."""


@dataclass(frozen=True)
class Depth:
    """Both sides of a book, the touch first; int64 of shape ``(levels, 2)``: price in ticks, lots."""

    bids: NDArray[np.int64]
    asks: NDArray[np.int64]


class Exchange:
    """Reads the exchange of one world; every value is a copy, taken between two moments of the market."""

    def __init__(self, worlds: Any, index: int, reading: Callable[[], AbstractContextManager[None]]) -> None:
        self._worlds, self._index, self._reading = worlds, index, reading

    def touch_ticks(self, side: int) -> int:
        """Return the best price of a side (+1 bids, -1 offers) in ticks; of an empty one the last there was."""
        with self._reading():
            return int(touch_of(self._worlds, self._index, side))

    @property
    def mid_half_ticks(self) -> int:
        """The mid in half-ticks; where a side is empty its last best price stands in."""
        with self._reading():
            return int(mid_of(self._worlds, self._index))

    @property
    def is_one_sided(self) -> bool:
        """Whether a side of the book is empty."""
        with self._reading():
            return bool(one_sided(self._worlds, self._index))

    @property
    def is_halted(self) -> bool:
        """Whether nothing can trade."""
        return bool(self.venue["halted"] != 0)

    @property
    def last_trade_ticks(self) -> int | None:
        """Price of the latest trade; ``None`` before the first."""
        with self._reading():
            world = self._worlds[self._index]
            return int(world["last_trade"]) if world["traded"] else None

    @property
    def traded_lots(self) -> int:
        """Lots traded since the world began."""
        return int(self._field("traded_lots"))

    @property
    def trades(self) -> int:
        """Trades since the world began."""
        return int(self._field("trade_count"))

    @property
    def rejects(self) -> dict[int, int]:
        """How often each reason of ``codes`` refused a message."""
        counts = np.array(self._field("rejects"))
        return {int(reason): int(counts[reason]) for reason in np.flatnonzero(counts)}

    @property
    def venue(self) -> Any:
        """The venue's rules and what its protections did, a copy of the world's ``layout.VENUE`` record."""
        return self._field("venue")

    def book(self, levels: int = 10) -> Depth:
        """Return the best levels of both sides."""
        with self._reading():
            book = self._worlds[self._index]["book"]
            return Depth(read_levels(book, codes.BUY, levels), read_levels(book, codes.SELL, levels))

    def copy_book(self) -> NDArray[np.void]:
        """Return the price levels as an array of one ``followed_dtype`` record, for a reader of the stream to keep."""
        with self._reading():
            world = self._worlds[self._index]
            followed = np.zeros(1, followed_dtype(self._worlds.dtype["book"]))
            for name in ("book", "bid", "ask"):
                followed[name][0] = world[name]
        return followed

    def resting_orders(self) -> NDArray[np.void]:
        """Return every order in the book, a ``RESTING`` array in the order of their place in time."""
        with self._reading():
            world = self._worlds[self._index]
            orders, levels = world["orders"], world["book"]["levels"]
            slots = np.flatnonzero((orders["lots"] > 0) & (orders["level"] != NONE))
            at = orders["level"][slots]
            found = np.zeros(len(slots), RESTING)
            found["entry"], found["lots"] = orders["entry"][slots], orders["lots"][slots]
            found["side"] = levels["side"][at]
            found["price_ticks"] = levels["side"][at] * levels["key"][at]
            found["order"], found["owner"] = slots, orders["owner"][slots]
        return found[np.argsort(found["entry"], kind="stable")]

    def _field(self, name: str) -> Any:
        with self._reading():
            return self._worlds[self._index][name].copy()
