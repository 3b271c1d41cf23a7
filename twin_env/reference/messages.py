"""What goes into the exchange and what comes out, as named tuples of plain integers."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin_env.core.state.codes import BACKGROUND, BUY, EVENT_NAMES, GTC, LIMIT, NEW, NO_REASON, REASON_NAMES
from twin_env.core.state.layout import NONE


class Message(NamedTuple):
    """One message to the exchange: the fields of ``layout.MESSAGE``, in its order.

    >>> message = Message(kind=NEW, order=3, side=BUY, price=100, lots=2)
    >>> message.price, message.owner
    (100, 0)
    """

    ts_ns: int = 0
    recv_ns: int = 0
    seq: int = 0
    price: int = 0
    trigger: int = 0
    lots: int = 0
    order: int = NONE
    row: int = NONE
    owner: int = BACKGROUND
    flags: int = 0
    kind: int = NEW
    side: int = 0
    type: int = LIMIT
    tif: int = GTC

    @classmethod
    def from_record(cls, record: np.void) -> "Message":
        """Return the message in one element of a ``layout.MESSAGE`` array.

        >>> from twin_env.core.state.layout import MESSAGE
        >>> Message.from_record(np.ones(1, MESSAGE)[0]).lots
        1
        """
        return cls._make(record.item())


class Event(NamedTuple):
    """One thing the exchange did: the fields of ``layout.EVENT``, in its order.

    >>> print(Event(0, 100, 2, order=3, contra=-1, kind=1, reason=0, side=BUY, owner=0))
    accepted: order 3 buy 2 at 100
    """

    ts_ns: int
    price: int
    lots: int
    order: int
    contra: int
    kind: int
    reason: int
    side: int
    owner: int

    def __str__(self) -> str:
        text = f"{EVENT_NAMES[self.kind]}: order {self.order} {side_name(self.side)} {self.lots} at {self.price}"
        if self.contra != NONE:
            text += f", contra {self.contra}"
        return text if self.reason == NO_REASON else f"{text} ({REASON_NAMES[self.reason]})"


def read_messages(rows: np.ndarray) -> Iterator[Message]:
    """Yield the rows of a ``layout.MESSAGE`` array of shape ``(n,)`` as messages.

    Rows are converted in slices, so a long history is never held twice. O(n).

    >>> from twin_env.core.state.layout import MESSAGE
    >>> [message.seq for message in read_messages(np.zeros(2, MESSAGE))]
    [0, 0]
    """
    slice_rows = 65_536
    for start in range(0, len(rows), slice_rows):
        yield from map(Message._make, rows[start : start + slice_rows].tolist())


def side_name(side: int) -> str:
    """Return ``buy`` or ``sell``; a side that is neither is shown as the number it is."""
    if abs(side) != 1:
        return f"side {side}"
    return "buy" if side == BUY else "sell"
