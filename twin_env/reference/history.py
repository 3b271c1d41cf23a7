"""What a history's executions do when other participants' orders stand beside its own."""

from dataclasses import dataclass, replace

from twin_env.core.state.codes import BACKGROUND, HISTORY_END, IOC, LIMIT, UNRESOLVED
from twin_env.core.state.layout import NONE
from twin_env.reference.book import Order
from twin_env.reference.matching import Matching
from twin_env.reference.messages import Message


@dataclass(slots=True)
class Divergence:
    """What a history could not do because of orders that were not in it.

    Attributes:
        displaced_lots: Lots of historical executions and prints that went to other participants' orders.
        unresolved_lots: Lots of historical executions for which nothing was left.
        missing_orders: Historical cancels and reductions of an order that was gone.
        expired_lots: Lots still there when the history of their order ended.
    """

    displaced_lots: int = 0
    unresolved_lots: int = 0
    missing_orders: int = 0
    expired_lots: int = 0


class History:
    """Executions, prints and ends of historical orders.

    Attributes:
        divergence: Counts of what the history could not do.
    """

    def __init__(self, matching: Matching) -> None:
        self.divergence = Divergence()
        self._matching = matching

    def execute(self, message: Message, named: Order | None) -> None:
        """Play an execution against ``named``, the background's latest order under the message's id, gone or not.

        O(orders ahead of it) plus O(log L) for every order that trades, L being the levels of a side.
        """
        taker = _taker(message)
        resting = named if named and named.resting else None
        self._displace(taker, resting)
        if resting and taker.lots:
            lots = self._matching.trade(taker, resting)
            resting.filled -= lots  # history's own fill of its order is not something that others took from it
        self._sweep(taker, named.filled if named else 0)
        if taker.lots:
            self.divergence.unresolved_lots += taker.lots
            aimed = replace(taker, id=message.order)
            self._matching.emit(UNRESOLVED, aimed, message.price, taker.lots)

    def print_hidden(self, message: Message) -> None:
        """Play a trade against an order nobody saw. O(orders within its price)."""
        taker = _taker(message)
        self._displace(taker, None)
        if taker.lots:
            self._matching.print_rest(taker)

    def expire(self, order: Order) -> None:
        """Cancel what an order has left when its history ends. O(log L)."""
        self.divergence.expired_lots += order.lots
        self._matching.cancel(order, HISTORY_END)

    def _displace(self, taker: Order, named: Order | None) -> None:
        """Let others trade that come before the named order; without one, all of them within the limit."""
        limit = named.price if named else taker.price
        ahead = []
        for order in self._matching.book.walk(-taker.side):
            if order is named or taker.side * (limit - order.price) < 0:
                break
            if order.owner != BACKGROUND:
                ahead.append(order)
        for order in ahead:
            if taker.lots:
                self.divergence.displaced_lots += self._matching.trade(taker, order)

    def _sweep(self, taker: Order, taken_lots: int) -> None:
        """Match what is missing within the taker's limit, at most the lots that others took."""
        unexplained_lots = max(taker.lots - taken_lots, 0)
        taker.lots -= unexplained_lots
        self._matching.match(taker)
        taker.lots += unexplained_lots


def _taker(message: Message) -> Order:
    """The historical aggressor: it has no order id and belongs to the background."""
    return Order(
        id=NONE,
        owner=BACKGROUND,
        side=message.side,
        type=LIMIT,
        tif=IOC,
        post_only=False,
        price=message.price,
        trigger=0,
        lots=message.lots,
        entry=0,
    )
