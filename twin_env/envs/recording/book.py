"""The exchange's book, followed from its events alone: lots at each price, at any moment of an episode."""

from typing import Final, NamedTuple

from twin_env.core.state.codes import (
    ACCEPTED,
    BUY,
    CANCELLED,
    IOC_REMAINDER,
    NO_MATCHING,
    REDUCED,
    REPLACED,
    SELF_MATCH,
    SELL,
    TRADED,
    TRIGGERED,
)
from twin_env.core.state.layout import NONE

_REMAINDERS: Final = (IOC_REMAINDER, NO_MATCHING)
COMES: Final = (ACCEPTED, TRIGGERED, REPLACED)  # an order is at the door


class Event(NamedTuple):
    """One element of a ``core.stream.EXCHANGE_ENTRY`` array as plain numbers."""

    ts_ns: int
    price: int
    lots: int
    order: int
    contra: int
    kind: int
    reason: int
    side: int
    owner: int


class Resting(NamedTuple):
    """An order of the book; ``order`` is its slot at the exchange."""

    order: int
    side: int
    price_ticks: int
    lots: int


class Book:
    """Lots at each price of both sides.

    An order at the door (accepted, and perhaps trading) is not in the book until something else happens. In an
    opening both orders of a trade are in the book.

    Args:
        resting: Orders at the start.
        bid: Last known best bid in ticks; stands in for an empty side.
        ask: Last known best ask.

    Attributes:
        lots: By side, by price in ticks.
    """

    def __init__(self, resting: list[Resting], bid: int, ask: int) -> None:
        self.lots: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self._held: dict[int, Resting] = {}
        self._last = {BUY: bid, SELL: ask}
        self._door = NONE
        self._door_ns = 0
        for order in resting:
            self._held[order.order] = order
            self._add(order)

    def best(self, side: int) -> int:
        """Return the best price of a side in ticks; of an empty one the last, never through the other side."""
        if self.lots[side]:
            return max(self.lots[side]) if side == BUY else min(self.lots[side])
        others = self.lots[-side]
        if not others:
            return self._last[side]
        return min(self._last[side], min(others) - 1) if side == BUY else max(self._last[side], max(others) + 1)

    def rests(self, slot: int) -> bool:
        """Tell whether an order is in the book, not at the door."""
        return slot in self._held and slot != self._door

    def make_way(self, event: Event) -> None:
        """Let what is left of the order at the door rest, unless an event is part of its entering."""
        if self._door != NONE and not self._is_of_door(event):
            self.settle()

    def apply(self, event: Event, rests_ticks: int | None) -> None:
        """Follow one event.

        Args:
            event: The next one.
            rests_ticks: Where what is left of the order that comes with it will rest; None if no order comes, or
                one that waits outside the book.
        """
        self.make_way(event)
        if event.kind == TRADED:
            self._take(event.contra, event.lots)
            if NONE != event.order == self._door:
                order = self._held[self._door]
                self._held[self._door] = order._replace(lots=order.lots - event.lots)
            else:
                self._take(event.order, event.lots)
        elif event.kind in COMES:
            self._come(event, rests_ticks)
        elif event.kind in (CANCELLED, REDUCED):
            self._take(event.order, event.lots)

    def settle(self) -> None:
        """Let what is left of the order at the door rest."""
        slot, self._door = self._door, NONE
        if slot == NONE:
            return
        if self._held[slot].lots > 0:
            self._add(self._held[slot])
        else:
            del self._held[slot]

    def _is_of_door(self, event: Event) -> bool:
        """Tell whether an event is part of the entering of the order at the door, which takes no time."""
        if event.ts_ns != self._door_ns:
            return False
        if event.kind == TRADED:
            return event.order == self._door
        remainder = event.order == self._door and event.reason in _REMAINDERS
        return event.kind == CANCELLED and (remainder or event.reason == SELF_MATCH)

    def _come(self, event: Event, rests_ticks: int | None) -> None:
        if rests_ticks is None:
            return
        before = self._held.get(event.order)
        if before is not None:
            self._take(event.order, before.lots)
        self._held[event.order] = Resting(event.order, event.side, rests_ticks, event.lots)
        self._door, self._door_ns = event.order, event.ts_ns

    def _add(self, order: Resting) -> None:
        prices = self.lots[order.side]
        prices[order.price_ticks] = prices.get(order.price_ticks, 0) + order.lots

    def _take(self, slot: int, lots: int) -> None:
        """Take lots off an order, which may be at the door or a stop that waits."""
        order = self._held.pop(slot, None)
        if slot == self._door:
            self._door = NONE
            return
        if order is None:
            return
        taken, prices = min(lots, order.lots), self.lots[order.side]
        prices[order.price_ticks] -= taken
        if prices[order.price_ticks] == 0:
            del prices[order.price_ticks]
            if not prices:
                self._last[order.side] = order.price_ticks
        if order.lots > taken:
            self._held[slot] = order._replace(lots=order.lots - taken)
