"""What an accepted order does: it trades, rests or waits, and trades elect stops."""

from collections.abc import Iterator, Sequence

from twin_env.core.state.codes import (
    BACKGROUND,
    CANCEL_BOTH,
    CANCEL_INCOMING,
    CANCEL_RESTING,
    CANCELLED,
    DAY,
    FOK,
    FOK_UNFILLABLE,
    GTC,
    IOC_REMAINDER,
    LEVEL_CAPACITY,
    MARKET,
    NO_MATCHING,
    NO_OPPOSITE,
    NO_REASON,
    PRICE_BAND,
    PRINTED,
    SELF_MATCH,
    STOP,
    TRADED,
    TRIGGERED,
    WOULD_CROSS,
)
from twin_env.core.state.layout import NONE
from twin_env.reference.book import Book, Order
from twin_env.reference.messages import Event
from twin_env.reference.protections import Guard, GuardTerms


class Matching:
    """The book, the waiting stops and everything that trades, but no message handling.

    An order it is given is in one of three places: incoming (neither flag set), waiting (a stop) or resting
    (in the book). In the complexities below, L is the number of levels of a side.

    Attributes:
        book: Resting orders.
        stops: Waiting stops by id, oldest first.
        events: What happened in this message.
        last_trade: Price of the latest trade in ticks, ``None`` before the first.
        now_ns: Time of this message.
        collecting: Orders are accepted and nothing matches, until the opening.
        reopen_ns: When a pause ends, ``None`` if none runs.
        self_match: Policy for orders of one owner that meet.
    """

    def __init__(
        self,
        protection_ticks: int,
        self_match: int,
        max_levels: int,
        band_ticks: int = 0,
        guards: Sequence[GuardTerms] = (),
    ) -> None:
        self.book = Book()
        self.stops: dict[int, Order] = {}
        self.events: list[Event] = []
        self.last_trade: int | None = None
        self.entries = 0
        self.now_ns = 0
        self.collecting = False
        self.reopen_ns: int | None = None
        self.self_match = self_match
        self._protection_ticks = protection_ticks
        self._max_levels = max_levels
        self._band_ticks = band_ticks
        self._guards = [Guard(terms) for terms in guards]
        self._traded: list[int] = []  # lowest and highest trade price of this message, empty without a trade

    def begin(self, ts_ns: int) -> None:
        """Start a message: no trade yet that a stop has not seen. O(1)."""
        self._traded = []
        self.now_ns = ts_ns

    def stop_matching(self) -> None:
        """Collect orders from now on, until somebody says that matching goes on. O(1)."""
        self.collecting = True
        self.reopen_ns = None

    def stop_collecting(self) -> None:
        """End the collecting without an opening; stops go on waiting. O(1)."""
        self.collecting = False
        self.reopen_ns = None
        self._traded = []

    def go_on_matching(self) -> None:
        """Match again: guards begin anew, and stops that the last trade reached are to be elected. O(1)."""
        self.collecting = False
        self.reopen_ns = None
        self._traded = [] if self.last_trade is None else [self.last_trade, self.last_trade]
        for guard in self._guards:
            guard.forget()

    def next_entry(self) -> int:
        """Return the place in time of an order that enters now. O(1)."""
        self.entries += 1
        return self.entries

    def obstacle(self, order: Order) -> int:
        """Return why an incoming order may not enter (checks 7 to 10), and give a market order its limit.

        O(log L), for a fill-or-kill order O(orders within its limit).
        """
        if self.collecting and (order.type == MARKET or order.tif not in (GTC, DAY)):
            return NO_MATCHING
        if order.type == MARKET:
            touch = self.book.best(-order.side)
            if touch is None:
                return NO_OPPOSITE
            order.price = self._protected(order.side, touch)
        if order.post_only and self.would_trade(order.side, order.price):
            return WOULD_CROSS
        if order.tif in (GTC, DAY) and not self.has_room(order.side, order.price):
            return LEVEL_CAPACITY
        if order.tif == FOK and self._reachable_lots(order) < order.lots:
            return FOK_UNFILLABLE
        return NO_REASON

    def _protected(self, side: int, price: int) -> int:
        """Return the limit of an order that trades through a price, as far as its protection and the band let it."""
        return self._within_band(side, price + side * self._protection_ticks)

    def move_obstacle(self, order: Order, price: int) -> int:
        """Return why a resting order may not move to ``price``: it counts the level it leaves as free. O(log L)."""
        if order.post_only and self.would_trade(order.side, price):
            return WOULD_CROSS
        level = self.book.level_at(order.side, order.price)
        is_alone = level is not None and len(level.orders) == 1
        return NO_REASON if self.has_room(order.side, price, freed_levels=int(is_alone)) else LEVEL_CAPACITY

    def check_band(self, side: int, price: int) -> int:
        """Return why a limit may not be this far through the last trade. O(log L)."""
        return NO_REASON if self._within_band(side, price) == price else PRICE_BAND

    def would_trade(self, side: int, price: int) -> bool:
        """Tell whether an order at ``price`` meets an opposite order. O(log L)."""
        touch = self.book.best(-side)
        return touch is not None and side * (price - touch) >= 0

    def has_room(self, side: int, price: int, freed_levels: int = 0) -> bool:
        """Tell whether the side has a level at ``price``, or room for it once ``freed_levels`` are gone. O(1)."""
        levels = self.book.level_count(side) - freed_levels
        return self.book.level_at(side, price) is not None or levels < self._max_levels

    def enter(self, order: Order) -> None:
        """Match an incoming order, then rest what is left or cancel it. O(orders met x log L)."""
        self.match(order)
        if order.lots == 0:
            return
        if order.tif in (GTC, DAY):
            self.book.add(order)
        else:
            self.cancel(order, NO_MATCHING if self.collecting else IOC_REMAINDER)

    def match(self, taker: Order) -> None:
        """Trade an incoming order against the book within its limit. O(orders met x log L).

        A pause stops it at once; only what a history says happened (an order without an id) is played to its end.
        """
        while taker.lots and self.would_trade(taker.side, taker.price):
            if self.collecting and taker.id != NONE:
                return
            resting = self.book.first(-taker.side)
            assert resting is not None, "a touch has an order"
            if self.is_self_match(taker, resting):
                self._prevent(taker, resting)
            else:
                self.trade(taker, resting)

    def trade(self, taker: Order, resting: Order) -> int:
        """Trade as many lots as both have, at the resting order's price, and return how many. O(log L)."""
        lots = min(taker.lots, resting.lots)
        taker.lots -= lots
        taker.filled += lots
        resting.filled += lots
        self.book.reduce(resting, lots)
        self.emit(TRADED, taker, resting.price, lots, contra=resting.id)
        self._note_trade(resting.price)
        return lots

    def cross(self, younger: Order, older: Order, price: int, lots: int) -> None:
        """Let two resting orders trade at the price of an opening. O(log L)."""
        for order in (older, younger):
            order.filled += lots
            self.book.reduce(order, lots)
        self.emit(TRADED, younger, price, lots, contra=older.id)
        self._note_trade(price)

    def print_rest(self, taker: Order) -> None:
        """Report what is left of a historical aggressor as traded against orders nobody saw. O(1)."""
        self.emit(PRINTED, taker, taker.price, taker.lots)
        self._note_trade(taker.price)
        taker.lots = 0

    def cancel(self, order: Order, reason: int) -> None:
        """Cancel what is left of an order, wherever it is. O(log L)."""
        self.emit(CANCELLED, order, order.shown_price, order.lots, reason)
        if order.waiting:
            del self.stops[order.id]
            order.waiting = False
        elif order.resting:
            self.book.remove(order)
        order.lots = 0

    def remove_lots(self, order: Order, lots: int) -> None:
        """Make an order smaller, in its place; something is left. O(1)."""
        if order.resting:
            self.book.reduce(order, lots)
        else:
            order.lots -= lots

    def wait(self, stop: Order) -> None:
        """Put a stop at the back of the waiting ones. O(1)."""
        stop.waiting = True
        self.stops[stop.id] = stop

    def is_reached(self, side: int, trigger: int) -> bool:
        """Tell whether the latest trade is at or beyond a stop's trigger. O(1)."""
        return self.last_trade is not None and side * (self.last_trade - trigger) >= 0

    def elect_stops(self) -> None:
        """Elect every waiting stop this message's trades reached, oldest first. O(stops) for each elected one."""
        while self._traded and not self.collecting and (stop := next(self._reached_stops(), None)):
            self.emit(TRIGGERED, stop, stop.trigger, stop.lots)
            del self.stops[stop.id]
            stop.waiting = False
            stop.entry = self.next_entry()
            if stop.type == STOP:
                stop.price = self._protected(stop.side, stop.trigger)
            if reason := self.obstacle(stop):
                self.cancel(stop, reason)
            else:
                self.enter(stop)

    def emit(self, kind: int, order: Order, price: int, lots: int, reason: int = NO_REASON, contra: int = NONE) -> None:
        """Record an event about an order. O(1)."""
        event = Event(self.now_ns, price, lots, order.id, contra, kind, reason, order.side, order.owner)
        self.events.append(event)

    def _note_trade(self, price: int) -> None:
        self.last_trade = price
        self._traded = [min([price, *self._traded]), max([price, *self._traded])]
        if not self.collecting:
            self._pause([guard.terms for guard in self._guards if guard.trips_at(self.now_ns, price)])

    def _pause(self, tripped: list[GuardTerms]) -> None:
        """Collect orders for as long as the longest of the pauses."""
        if tripped:
            self.collecting = True
            self.reopen_ns = self.now_ns + max(terms.pause_ns for terms in tripped)

    def _within_band(self, side: int, price: int) -> int:
        """A limit, or the farthest there may be: a band through the last trade, before one through the touch."""
        middle = self.book.best(-side) if self.last_trade is None else self.last_trade
        if not self._band_ticks or middle is None:
            return price
        return side * min(side * price, side * middle + self._band_ticks)

    def _reached_stops(self) -> Iterator[Order]:
        lowest, highest = self._traded
        for stop in self.stops.values():
            extreme = highest if stop.side > 0 else lowest
            if stop.side * (extreme - stop.trigger) >= 0:
                yield stop

    def is_self_match(self, taker: Order, resting: Order) -> bool:
        """Tell whether two orders may not trade with each other. O(1)."""
        prevents = self.self_match in (CANCEL_RESTING, CANCEL_INCOMING, CANCEL_BOTH)
        return prevents and taker.owner == resting.owner != BACKGROUND

    def _prevent(self, taker: Order, resting: Order) -> None:
        if self.self_match in (CANCEL_RESTING, CANCEL_BOTH):
            self.cancel(resting, SELF_MATCH)
        if self.self_match in (CANCEL_INCOMING, CANCEL_BOTH):
            self.cancel(taker, SELF_MATCH)

    def _reachable_lots(self, order: Order) -> int:
        """Lots an incoming order would trade within its limit; stops counting when there are enough."""
        total = 0
        for resting in self.book.walk(-order.side):
            if order.side * (order.price - resting.price) < 0 or total >= order.lots:
                break
            if not self.is_self_match(order, resting):
                total += resting.lots
            elif self.self_match != CANCEL_RESTING:
                break
        return total
