"""Guards that pause the venue after a fast move of the price (``docs/exchange.md``)."""

from typing import Final, NamedTuple

BUCKETS: Final = 8


class GuardTerms(NamedTuple):
    """One guard.

    Attributes:
        move_ticks: A trade farther than this from any trade in the window starts a pause.
        window_ns: How far back the guard looks: at least 7/8 of it and at most all.
        pause_ns: How long the pause lasts.
    """

    move_ticks: int
    window_ns: int
    pause_ns: int


class Guard:
    """Remembers the trades of one window, by eighths of it.

    >>> guard = Guard(GuardTerms(move_ticks=10, window_ns=80, pause_ns=5))
    >>> [guard.trips_at(ts_ns, price) for ts_ns, price in [(0, 100), (79, 111), (80, 111), (85, 100)]]
    [False, True, False, True]
    """

    def __init__(self, terms: GuardTerms) -> None:
        self.terms = terms
        self._bucket = 0
        self._trades: list[tuple[int, int]] = []  # (bucket, price)

    def forget(self) -> None:
        """Begin anew."""
        self._bucket = 0
        self._trades = []

    def trips_at(self, ts_ns: int, price: int) -> bool:
        """Take note of a trade and tell whether the price moved too far. O(trades in the window)."""
        self._bucket = max(self._bucket, ts_ns // max(self.terms.window_ns // BUCKETS, 1))
        self._trades = [trade for trade in self._trades if trade[0] > self._bucket - BUCKETS]
        self._trades.append((self._bucket, price))
        prices = [price for _, price in self._trades]
        return max(price - min(prices), max(prices) - price) > self.terms.move_ticks
