"""The opening: what was collected without matching trades at one price (``docs/exchange.md``)."""

from collections.abc import Iterator
from itertools import takewhile

from twin_env.core.state.codes import BUY, CANCEL_INCOMING, CANCEL_RESTING, SELF_MATCH, SELL
from twin_env.reference.book import Book, Order
from twin_env.reference.matching import Matching


def uncross(matching: Matching) -> None:
    """Let a crossed book trade at one price, after self-match prevention. O(levels^2 + orders x log L)."""
    book = matching.book
    while (price := opening_price(book, matching.last_trade)) is not None:
        pairs = list(pairs_at(book, price))
        own = next((pair for pair in pairs if matching.is_self_match(*pair[:2])), None)
        if own:
            _prevent(matching, *own[:2])
            continue
        for older, younger, lots in pairs:
            matching.cross(younger, older, price, lots)


def opening_price(book: Book, last_trade: int | None) -> int | None:
    """Return the price of an opening in ticks, ``None`` if the book is not crossed.

    Most lots trade at it; among several such prices it leaves the smallest surplus, and is then the nearest to
    the last trade. Without a last trade it is the nearest to the mid, the lower of two. O(L^2) in crossed levels.

    >>> from twin_env.core.state.codes import GTC, LIMIT
    >>> book = Book()
    >>> for id, (side, price, lots) in enumerate([(BUY, 105, 3), (BUY, 103, 4), (SELL, 101, 5), (SELL, 104, 9)]):
    ...     book.add(Order(id, 0, side, LIMIT, GTC, False, price, 0, lots=lots, entry=id))
    >>> [opening_price(book, last_trade) for last_trade in (None, 100, 110)]
    [103, 101, 103]
    """
    bid, ask = book.best(BUY), book.best(SELL)
    if bid is None or ask is None or bid < ask:
        return None
    middle = bid + ask if last_trade is None else 2 * last_trade
    buys = [(price, level.lots) for price, level in takewhile(lambda pair: pair[0] >= ask, book.levels(BUY))]
    sells = [(price, level.lots) for price, level in takewhile(lambda pair: pair[0] <= bid, book.levels(SELL))]

    def rank(price: int) -> tuple[int, int, int, int]:
        wanted = sum(lots for limit, lots in buys if limit >= price)
        offered = sum(lots for limit, lots in sells if limit <= price)
        return (-min(wanted, offered), abs(wanted - offered), abs(2 * price - middle), price)

    # Lots change at limits alone: beside them (the first and last price of a stretch) only the nearest can be best.
    stretches = {limit for limit, _ in buys + sells}
    stretches |= {limit + 1 for limit, _ in buys} | {limit - 1 for limit, _ in sells}
    nearest = min(max(middle // 2, ask), bid)
    return min((price for price in stretches | {nearest} if ask <= price <= bid), key=rank)


def pairs_at(book: Book, price: int) -> Iterator[tuple[Order, Order, int]]:
    """Yield ``(older, younger, lots)`` of what trades at a price, best and oldest first on both sides. O(orders)."""
    buys = (order for order in book.walk(BUY) if order.price >= price)
    sells = (order for order in book.walk(SELL) if order.price <= price)
    buy, sell = next(buys, None), next(sells, None)
    bought = sold = 0
    while buy and sell:
        lots = min(buy.lots - bought, sell.lots - sold)
        yield (buy, sell, lots) if buy.entry < sell.entry else (sell, buy, lots)
        bought, sold = bought + lots, sold + lots
        if bought == buy.lots:
            buy, bought = next(buys, None), 0
        if sell.lots == sold:
            sell, sold = next(sells, None), 0


def _prevent(matching: Matching, older: Order, younger: Order) -> None:
    """Cancel what the policy says: the older order counts as resting, the younger as incoming."""
    if matching.self_match != CANCEL_INCOMING:
        matching.cancel(older, SELF_MATCH)
    if matching.self_match != CANCEL_RESTING:
        matching.cancel(younger, SELF_MATCH)
