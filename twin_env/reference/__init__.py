"""The rules of the exchange in plain Python: short enough to read, slow enough to trust.

:class:`ReferenceExchange` defines what the compiled exchange does. It may also be used on its own, for
instance to rebuild an order book from a file of messages:

>>> import numpy as np
>>> from twin_env.core.state.codes import BUY, EXECUTE, NEW, SELL
>>> from twin_env.core.state.layout import MESSAGE
>>> rows = np.zeros(3, MESSAGE)
>>> rows["kind"], rows["order"] = [NEW, NEW, EXECUTE], [0, 1, 1]
>>> rows["side"], rows["price"], rows["lots"] = [BUY, SELL, BUY], [99, 101, 101], [5, 7, 3]
>>> exchange = ReferenceExchange(protection_ticks=20, max_orders=8, max_levels=8, max_stops=2)
>>> for message in read_messages(rows):
...     for event in exchange.handle(message):
...         print(event)
accepted: order 0 buy 5 at 99
accepted: order 1 sell 7 at 101
traded: order -1 buy 3 at 101, contra 1
>>> exchange.depth(SELL, 1)
[(101, 4, 1)]
"""

from twin_env.reference.book import Book, Level, Order
from twin_env.reference.exchange import ReferenceExchange
from twin_env.reference.history import Divergence
from twin_env.reference.messages import Event, Message, read_messages
from twin_env.reference.protections import GuardTerms

__all__ = [
    "Book",
    "Divergence",
    "Event",
    "GuardTerms",
    "Level",
    "Message",
    "Order",
    "ReferenceExchange",
    "read_messages",
]
