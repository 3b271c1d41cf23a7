"""The book a recording's rows add up to: plain Python, sharing nothing with the recorder."""

from collections import Counter

from twin_env.studies.realism.recording import BOOK, CANCEL, LIMIT, TRADE


class RebuiltBook:
    """Lots by (side, price) and by order, fed with rows."""

    def __init__(self):
        self.levels = Counter()
        self.orders = Counter()

    def apply(self, row):
        kind, side, price, lots, order = (int(row[n]) for n in ("kind", "side", "price_ticks", "lots", "order"))
        if kind == TRADE and order == 0:
            return
        change = lots if kind in (BOOK, LIMIT) else -lots
        resting_side = -side if kind == TRADE else side
        assert kind in (BOOK, LIMIT, CANCEL, TRADE)
        if kind == LIMIT:
            assert order not in self.orders
        else:
            assert kind == BOOK or self.orders[order] > 0
        self.orders[order] += change
        self.levels[resting_side, price] += change
        assert self.orders[order] == row["left_lots"] >= 0
        assert self.levels[resting_side, price] >= 0

    def side(self, side):
        """Prices and lots, best first."""
        found = [(price, lots) for (of, price), lots in self.levels.items() if of == side and lots]
        return sorted(found, key=lambda level: -side * level[0])

    def touch(self):
        """Best bid, best ask, their lots; None and 0 for an empty side."""
        bids, asks = self.side(1), self.side(-1)
        bid, ask = (side[0] if side else (None, 0) for side in (bids, asks))
        return bid[0], ask[0], bid[1], ask[1]


def assert_touch(book, row):
    bid, ask, bid_lots, ask_lots = book.touch()
    assert (bid_lots, ask_lots) == (row["bid_lots"], row["ask_lots"])
    assert bid is None or bid == row["bid"]
    assert ask is None or ask == row["ask"]
