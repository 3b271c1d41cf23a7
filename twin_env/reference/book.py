"""The order book: resting orders in price-time priority.

Both sides are written once. A level is filed under ``key = side * price``, so on either side the best
level is the one with the largest key, and "better than" is ``>``. In the complexities below, L is the
number of levels of a side.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from sortedcontainers import SortedDict

from twin_env.core.state.codes import BUY, POST_ONLY, SELL, STOP
from twin_env.core.state.layout import NONE
from twin_env.reference.messages import Message


@dataclass(slots=True, eq=False)
class Order:
    """One order, from its acceptance on; an order with no lots left is gone.

    Attributes:
        id: Names the order while it lives.
        owner: Who sent it.
        side: +1 buy, -1 sell.
        type: LIMIT, MARKET, STOP or STOP_LIMIT, as it was sent.
        tif: Time in force.
        post_only: Never takes liquidity.
        price: Limit in ticks. A market order gets it on arrival, a stop on election (its trigger until then).
        trigger: Ticks; of stops only.
        lots: What is left.
        entry: Place in time; smaller is older.
        filled: Lots that traded, except those a history itself executed of the order.
        waiting: It is a stop that was not elected.
        resting: It is in the book.
    """

    id: int
    owner: int
    side: int
    type: int
    tif: int
    post_only: bool
    price: int
    trigger: int
    lots: int
    entry: int
    filled: int = 0
    waiting: bool = False
    resting: bool = False

    @classmethod
    def from_message(cls, message: Message) -> "Order":
        """Return the order a message asks for, in no place yet."""
        return cls(
            id=message.order,
            owner=message.owner,
            side=message.side,
            type=message.type,
            tif=message.tif,
            post_only=bool(message.flags & POST_ONLY),
            price=message.trigger if message.type == STOP else message.price,
            trigger=message.trigger,
            lots=message.lots,
            entry=NONE,
        )

    @property
    def key(self) -> int:
        """``side * price``: larger is better on both sides."""
        return self.side * self.price

    @property
    def shown_price(self) -> int:
        """What events say: the trigger of a waiting stop, otherwise the limit."""
        return self.trigger if self.waiting else self.price


@dataclass(slots=True)
class Level:
    """All orders at one price, oldest first.

    An ``OrderedDict`` because orders leave from the front as well as the middle; a plain dict would walk
    over the gaps at its front each time.
    """

    orders: OrderedDict[int, Order] = field(default_factory=OrderedDict)
    lots: int = 0


class Book:
    """Resting orders of both sides.

    >>> from twin_env.core.state.codes import GTC, LIMIT
    >>> book = Book()
    >>> for id, (side, price) in enumerate([(BUY, 99), (BUY, 98), (BUY, 99), (SELL, 101)]):
    ...     book.add(Order(id, 0, side, LIMIT, GTC, False, price, 0, lots=5, entry=id))
    >>> book.best(BUY), book.best(SELL)
    (99, 101)
    >>> book.depth(BUY, 5)
    [(99, 10, 2), (98, 5, 1)]
    >>> [order.id for order in book.walk(BUY)]
    [0, 2, 1]
    """

    def __init__(self) -> None:
        self._levels: dict[int, SortedDict] = {BUY: SortedDict(), SELL: SortedDict()}

    def best(self, side: int) -> int | None:
        """Return the best price of a side in ticks, ``None`` if it is empty. O(log L)."""
        levels = self._levels[side]
        return side * int(levels.peekitem(-1)[0]) if levels else None

    def first(self, side: int) -> Order | None:
        """Return the order that trades next: best price, then oldest. O(log L)."""
        levels = self._levels[side]
        if not levels:
            return None
        level: Level = levels.peekitem(-1)[1]
        return next(iter(level.orders.values()))

    def walk(self, side: int) -> Iterator[Order]:
        """Yield the orders of a side, best price first, then oldest first. O(1) per order."""
        for _, level in self.levels(side):
            yield from level.orders.values()

    def depth(self, side: int, n: int) -> list[tuple[int, int, int]]:
        """Return ``(price, lots, orders)`` of the best ``n`` levels of a side. O(n)."""
        return [(price, level.lots, len(level.orders)) for price, level in islice(self.levels(side), n)]

    def levels(self, side: int) -> Iterator[tuple[int, Level]]:
        """Yield ``(price, level)`` of a side, best first. O(1) per level."""
        for key, level in reversed(self._levels[side].items()):
            yield side * key, level

    def level_count(self, side: int) -> int:
        """Return the number of distinct prices of a side. O(1)."""
        return len(self._levels[side])

    def level_at(self, side: int, price: int) -> Level | None:
        """Return the level of a side at a price, ``None`` if no order rests there. O(1)."""
        level: Level | None = self._levels[side].get(side * price)
        return level

    def add(self, order: Order) -> None:
        """Put an order at the back of the queue at its price. O(log L) for a new level, else O(1)."""
        levels = self._levels[order.side]
        if order.key not in levels:
            levels[order.key] = Level()
        level: Level = levels[order.key]
        level.orders[order.id] = order
        level.lots += order.lots
        order.resting = True

    def remove(self, order: Order) -> None:
        """Take an order out; its level goes with the last order of it. O(log L) for the last, else O(1)."""
        levels = self._levels[order.side]
        level: Level = levels[order.key]
        del level.orders[order.id]
        level.lots -= order.lots
        order.resting = False
        if not level.orders:
            del levels[order.key]

    def reduce(self, order: Order, lots: int) -> None:
        """Remove ``lots`` of an order, which keeps its place unless nothing is left. Cost of ``remove``."""
        if lots == order.lots:
            self.remove(order)
        else:
            self._levels[order.side][order.key].lots -= lots
        order.lots -= lots

    def lots_ahead(self, order: Order) -> int:
        """Return the lots before an order in the queue at its price. O(orders ahead)."""
        total = 0
        for other in self._levels[order.side][order.key].orders.values():
            if other is order:
                break
            total += other.lots
        return total
