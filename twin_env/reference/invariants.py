"""What is true of the exchange after every message. Each function yields a sentence per violation."""

from collections.abc import Iterator
from dataclasses import dataclass

from twin_env.core.state.codes import BUY, DAY, GTC, SELL
from twin_env.reference.book import Book, Level, Order
from twin_env.reference.matching import Matching


@dataclass(frozen=True, slots=True)
class Limits:
    """Capacities of an exchange: order ids, levels per side, waiting stops."""

    orders: int
    levels: int
    stops: int


def find_faults(matching: Matching, orders: dict[int, Order], limits: Limits, *, matches: bool = True) -> Iterator[str]:
    """Yield what is wrong. O(orders).

    Args:
        matching: What is looked at.
        orders: The latest order of each id, gone ones included.
        limits: Capacities.
        matches: False while a halt or the collecting of orders may leave a book crossed and stops unelected.
    """
    live = {id: order for id, order in orders.items() if order.lots}
    if matches:
        yield from _matching_faults(matching)
    yield from _book_faults(matching.book)
    yield from _place_faults(matching, live)
    yield from _stop_faults(matching)
    yield from _capacity_faults(matching, live, limits)
    for id, order in live.items():
        yield from _order_faults(id, order)


def _matching_faults(matching: Matching) -> Iterator[str]:
    bid, ask = matching.book.best(BUY), matching.book.best(SELL)
    if bid is not None and ask is not None and bid >= ask:
        yield f"the book is crossed: bid {bid}, ask {ask}"
    for stop in matching.stops.values():
        if matching.is_reached(stop.side, stop.trigger):
            yield f"{stop} was reached by the last trade at {matching.last_trade} and still waits"


def _book_faults(book: Book) -> Iterator[str]:
    for side in (BUY, SELL):
        keys = [side * price for price, _ in book.levels(side)]
        if keys != sorted(set(keys), reverse=True):
            yield f"levels of side {side} are not best first: {keys}"
        for price, level in book.levels(side):
            yield from _level_faults(side, price, level)


def _level_faults(side: int, price: int, level: Level) -> Iterator[str]:
    where = f"level {price} of side {side}"
    orders = list(level.orders.values())
    entries = [order.entry for order in orders]
    if not orders:
        yield f"{where} has no orders"
    if level.lots != sum(order.lots for order in orders):
        yield f"{where} says {level.lots} lots, its orders have {sum(order.lots for order in orders)}"
    if entries != sorted(set(entries)):
        yield f"{where} is not in order of entry: {entries}"
    for id, order in level.orders.items():
        if order.id != id or order.side != side or order.price != price or not order.resting:
            yield f"{where} holds {order} under id {id}"


def _place_faults(matching: Matching, live: dict[int, Order]) -> Iterator[str]:
    """Every live order is in exactly one place, and nothing else is anywhere."""
    resting = [order for side in (BUY, SELL) for order in matching.book.walk(side)]
    placed = sorted([order.id for order in resting] + list(matching.stops))
    if placed != sorted(live):
        yield f"live orders are {sorted(live)}, those resting or waiting {placed}"
    for order in [*resting, *matching.stops.values()]:
        if live.get(order.id) is not order:
            yield f"{order} is not the live order of its id"
    if len({order.entry for order in live.values()}) < len(live):
        yield "two live orders have the same entry"


def _stop_faults(matching: Matching) -> Iterator[str]:
    stops = list(matching.stops.values())
    if [stop.entry for stop in stops] != sorted(stop.entry for stop in stops):
        yield f"waiting stops are not in order of entry: {stops}"
    for stop in stops:
        if not stop.waiting:
            yield f"{stop} is among the waiting stops"


def _capacity_faults(matching: Matching, live: dict[int, Order], limits: Limits) -> Iterator[str]:
    if not all(0 <= id < limits.orders for id in live):
        yield f"order ids {sorted(live)} exceed {limits.orders}"
    if max(matching.book.level_count(BUY), matching.book.level_count(SELL)) > limits.levels:
        yield f"more than {limits.levels} levels on a side"
    if len(matching.stops) > limits.stops:
        yield f"more than {limits.stops} waiting stops"


def _order_faults(id: int, order: Order) -> Iterator[str]:
    if order.id != id or order.side not in (BUY, SELL):
        yield f"{order} is filed under id {id}"
    if order.lots < 1 or order.filled < 0:
        yield f"{order} has impossible lots"
    if order.resting == order.waiting or (order.resting and order.tif not in (GTC, DAY)):
        yield f"{order} may not be where it is"
