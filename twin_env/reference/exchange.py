"""The exchange: which messages are accepted and what each kind does (``docs/exchange.md``).

Checks return a reason code, and ``NO_REASON`` is false, so ``a or b or c`` is the reason of the first check
that fails.
"""

import copy
from collections.abc import Sequence

from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, NO_REASON, SELL
from twin_env.reference.book import Order
from twin_env.reference.checks import check_lots, check_prices, check_terms, require_at_least
from twin_env.reference.history import Divergence, History
from twin_env.reference.invariants import Limits, find_faults
from twin_env.reference.matching import Matching
from twin_env.reference.messages import Event, Message
from twin_env.reference.protections import GuardTerms
from twin_env.reference.session import Session

STOP_TYPES = (codes.STOP, codes.STOP_LIMIT)
LIMIT_TYPES = (codes.LIMIT, codes.STOP_LIMIT)


class ReferenceExchange:
    """A price-time priority exchange for one instrument.

    In the complexities below, L is the number of levels of a side and S the number of waiting stops.

    Args:
        protection_ticks: How far a market order may trade beyond the touch.
        self_match: Policy for orders of one owner that meet: ALLOW, CANCEL_RESTING, CANCEL_INCOMING, CANCEL_BOTH.
        max_orders: Order ids are in ``[0, max_orders)``.
        max_levels: Distinct prices per side.
        max_stops: Waiting stops.
        band_ticks: How far through the last trade a limit may be; 0 for any distance.
        guards: Rules that pause the venue after a fast move.

    Raises:
        ValueError: A setting is out of range.

    >>> from twin_env.core.state.codes import CANCEL, IOC
    >>> exchange = ReferenceExchange(protection_ticks=20, max_orders=8, max_levels=8, max_stops=2)
    >>> for message in [
    ...     Message(order=0, side=SELL, price=101, lots=2),
    ...     Message(order=1, side=SELL, price=102, lots=2),
    ...     Message(order=2, side=BUY, price=101, lots=5, tif=IOC),
    ...     Message(kind=CANCEL, order=0),
    ... ]:
    ...     for event in exchange.handle(message):
    ...         print(event)
    accepted: order 0 sell 2 at 101
    accepted: order 1 sell 2 at 102
    accepted: order 2 buy 5 at 101
    traded: order 2 buy 2 at 101, contra 0
    cancelled: order 2 buy 3 at 101 (immediate-or-cancel remainder)
    rejected: order 0 side 0 0 at 0 (no such live order)
    >>> exchange.best(SELL), exchange.best(BUY), exchange.last_trade
    (102, None, 101)
    """

    def __init__(
        self,
        *,
        protection_ticks: int,
        self_match: int = codes.ALLOW,
        max_orders: int,
        max_levels: int,
        max_stops: int,
        band_ticks: int = 0,
        guards: Sequence[GuardTerms] = (),
    ) -> None:
        require_at_least(0, protection_ticks=protection_ticks, max_stops=max_stops, band_ticks=band_ticks)
        require_at_least(1, max_orders=max_orders, max_levels=max_levels)
        if self_match not in codes.SELF_MATCH_NAMES:
            raise ValueError(f"ReferenceExchange: self_match={self_match} must be one of {codes.SELF_MATCH_NAMES}")
        self._limits = Limits(max_orders, max_levels, max_stops)
        self._matching = Matching(protection_ticks, self_match, max_levels, band_ticks, guards)
        self._book = self._matching.book
        self._history = History(self._matching)
        self._session = Session(self._matching)
        self._orders: dict[int, Order] = {}  # the latest accepted under each id, gone ones included
        self._handlers = {
            codes.NEW: self._new,
            codes.CANCEL: self._cancel,
            codes.REDUCE: self._reduce,
            codes.REPLACE: self._replace,
            codes.EXECUTE: self._execute,
            codes.PRINT: self._print,
            codes.HALT: self._session.halt,
            codes.RESUME: self._session.resume,
            codes.CLOSE: self._session.close,
            codes.DISCONNECT: self._disconnect,
            codes.PRE_OPEN: self._session.pre_open,
            codes.OPEN: self._session.open,
        }

    def handle(self, message: Message) -> list[Event]:
        """Process one message and return what happened, in order; a pause that is over by then ends before it.

        O(log L) when nothing trades; every order met adds O(log L), every stop elected O(S), CLOSE is
        O(orders x log L), an opening O(levels^2 + orders x log L).
        """
        self._matching.events = []
        while (reopen_ns := self._session.reopening_ns) is not None and reopen_ns <= message.ts_ns:
            self._process(Message(ts_ns=reopen_ns, kind=codes.OPEN))
        self._process(message)
        return self._matching.events

    def _process(self, message: Message) -> None:
        self._matching.begin(message.ts_ns)
        self._handlers.get(message.kind, self._unknown_kind)(message)
        if message.flags & codes.ENDS_ORDER and (order := self._live(message.order, codes.BACKGROUND)):
            self._history.expire(order)
        self._matching.elect_stops()

    @property
    def halted(self) -> bool:
        """Whether no order is accepted until the next RESUME, PRE_OPEN or OPEN. O(1)."""
        return self._session.halted

    @property
    def collecting(self) -> bool:
        """Whether orders are accepted without matching, until the opening. O(1)."""
        return self._matching.collecting

    @property
    def divergence(self) -> Divergence:
        """Counts of what a history could not do. O(1)."""
        return self._history.divergence

    @property
    def last_trade(self) -> int | None:
        """Price of the latest trade in ticks, ``None`` before the first. O(1)."""
        return self._matching.last_trade

    def best(self, side: int) -> int | None:
        """Return the best price of a side in ticks, ``None`` if it is empty. O(log L)."""
        return self._book.best(side)

    def depth(self, side: int, n: int) -> list[tuple[int, int, int]]:
        """Return ``(price, lots, orders)`` of the best ``n`` levels of a side, best first. O(n log L)."""
        return self._book.depth(side, n)

    def order(self, id: int) -> Order | None:
        """Return a copy of a live order (resting or waiting), ``None`` if there is none. O(1)."""
        order = self._orders.get(id)
        return copy.copy(order) if order and order.lots else None

    def queue_ahead(self, id: int) -> int | None:
        """Return the lots before a resting order at its price, ``None`` if it does not rest. O(orders ahead)."""
        order = self._orders.get(id)
        return self._book.lots_ahead(order) if order and order.resting else None

    # Messages of any participant.

    def _new(self, message: Message) -> None:
        order = Order.from_message(message)
        waits = message.type in STOP_TYPES
        reason = self._refusal(message, waits) or (NO_REASON if waits else self._matching.obstacle(order))
        if reason:
            return self._reject(message, reason)
        order.entry = self._matching.next_entry()
        self._orders[order.id] = order
        if waits:
            self._matching.wait(order)
        self._matching.emit(codes.ACCEPTED, order, order.shown_price, order.lots)
        return None if waits else self._matching.enter(order)

    def _cancel(self, message: Message) -> None:
        if order := self._live(message.order, message.owner):
            self._matching.cancel(order, codes.BY_USER)
        else:
            self._reject_missing(message)

    def _disconnect(self, message: Message) -> None:
        if message.owner != codes.BACKGROUND:
            for order in [self._orders[id] for id in sorted(self._orders)]:
                if order.lots and order.owner == message.owner:
                    self._matching.cancel(order, codes.DISCONNECTED)

    def _reduce(self, message: Message) -> None:
        order = self._live(message.order, message.owner)
        if order is None:
            self._reject_missing(message)
        elif message.lots < 1:
            self._reject(message, codes.BAD_LOTS)
        elif message.lots >= order.lots:
            self._matching.cancel(order, codes.BY_USER)
        else:
            self._matching.remove_lots(order, message.lots)
            self._matching.emit(codes.REDUCED, order, order.shown_price, message.lots)

    def _replace(self, message: Message) -> None:
        order = self._live(message.order, message.owner)
        if self.halted or order is None:
            return self._reject(message, self._session.check_open() or codes.UNKNOWN_ORDER)
        limited = order.resting or order.type == codes.STOP_LIMIT
        bad = check_lots(message) or check_prices(message, limit=limited, trigger=order.waiting)
        if reason := bad or (limited and self._matching.check_band(order.side, message.price)):
            return self._reject(message, reason)
        left = message.lots - order.filled
        if left <= 0:
            return self._matching.cancel(order, codes.REPLACED_AWAY)
        return self._replace_stop(order, message) if order.waiting else self._replace_resting(order, message, left)

    def _replace_resting(self, order: Order, message: Message, left: int) -> None:
        keeps_place = message.price == order.price and left <= order.lots
        if keeps_place:
            self._matching.remove_lots(order, order.lots - left)
        elif reason := self._matching.move_obstacle(order, message.price):
            return self._reject(message, reason)
        else:
            self._book.remove(order)
            order.price, order.lots, order.entry = message.price, left, self._matching.next_entry()
        self._matching.emit(codes.REPLACED, order, order.price, left)
        return None if keeps_place else self._matching.enter(order)

    def _replace_stop(self, stop: Order, message: Message) -> None:
        if reason := self._check_trigger(stop.side, message.trigger):
            return self._reject(message, reason)
        del self._matching.stops[stop.id]
        stop.trigger, stop.lots, stop.entry = message.trigger, message.lots, self._matching.next_entry()
        stop.price = message.price if stop.type == codes.STOP_LIMIT else message.trigger
        self._matching.wait(stop)
        return self._matching.emit(codes.REPLACED, stop, stop.trigger, stop.lots)

    # Messages of a history.

    def _execute(self, message: Message) -> None:
        named = self._latest(message.order, codes.BACKGROUND)
        own_side = named is not None and named.resting and named.side == message.side
        if reason := self._history_refusal(message, codes.BAD_ORDER if own_side else NO_REASON):
            self._reject(message, reason)
        else:
            self._history.execute(message, named)

    def _print(self, message: Message) -> None:
        if reason := self._history_refusal(message):
            self._reject(message, reason)
        else:
            self._history.print_hidden(message)

    def _unknown_kind(self, message: Message) -> None:
        self._reject(message, codes.BAD_ORDER)

    # Checks.

    def _refusal(self, message: Message, stop: bool) -> int:
        """Checks 1 to 6 of a new order."""
        return (
            self._session.check_open()
            or check_lots(message)
            or check_terms(message)
            or check_prices(message, limit=message.type in LIMIT_TYPES, trigger=stop)
            or (message.type in LIMIT_TYPES and self._matching.check_band(message.side, message.price))
            or self._check_id(message.order)
            or (stop and self._check_trigger(message.side, message.trigger))
            or (stop and self._check_stop_room())
        )

    def _history_refusal(self, message: Message, named_order: int = NO_REASON) -> int:
        side = NO_REASON if message.side in (BUY, SELL) else codes.BAD_ORDER
        prices = check_prices(message, limit=True, trigger=False)
        return self._session.check_matching() or check_lots(message) or side or named_order or prices

    def _check_id(self, id: int) -> int:
        order = self._orders.get(id)
        if order and order.lots:
            return codes.DUPLICATE_ORDER
        return NO_REASON if 0 <= id < self._limits.orders else codes.ORDER_CAPACITY

    def _check_trigger(self, side: int, trigger: int) -> int:
        return codes.STOP_PRICE if self._matching.is_reached(side, trigger) else NO_REASON

    def _check_stop_room(self) -> int:
        return NO_REASON if len(self._matching.stops) < self._limits.stops else codes.STOP_CAPACITY

    # Orders by id, and answers without one.

    def _latest(self, id: int, owner: int) -> Order | None:
        """The latest order accepted under an id, gone or not, if it is the owner's."""
        order = self._orders.get(id)
        return order if order and order.owner == owner else None

    def _live(self, id: int, owner: int) -> Order | None:
        order = self._latest(id, owner)
        return order if order and order.lots else None

    def _reject(self, message: Message, reason: int) -> None:
        self._matching.emit(codes.REJECTED, Order.from_message(message), message.price, message.lots, reason)

    def _reject_missing(self, message: Message) -> None:
        self.divergence.missing_orders += message.owner == codes.BACKGROUND
        self._reject(message, codes.UNKNOWN_ORDER)

    # Invariants.

    def _check(self) -> None:
        """Raise ``AssertionError`` with the whole state if anything is inconsistent. O(orders)."""
        faults = list(find_faults(self._matching, self._orders, self._limits, matches=self._session.matches))
        assert not faults, "\n".join([*faults, *self._dump()])

    def _dump(self) -> list[str]:
        orders = [repr(order) for order in self._orders.values() if order.lots]
        state = f"halted {self.halted}, collecting {self.collecting}, last trade {self.last_trade}, {self.divergence}"
        return [state, *orders, *map(str, self._matching.events)]
