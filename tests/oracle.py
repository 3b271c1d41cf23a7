"""The rules of docs/exchange.md again, with one flat list and no cleverness, to be believed by reading.

Every question ("what is the best price?", "who is next?", "how many levels are there?") is answered by
looking through all orders, each time. Fill-or-kill is decided by trying it on a copy.
"""

import copy
from dataclasses import dataclass

from twin_env.core.state import codes
from twin_env.reference.messages import Event, Message

GONE, IN_BOOK, WAITING = "gone", "in book", "waiting"


@dataclass
class Row:
    """One order, alive or not. A market order and an elected stop get their price late."""

    id: int
    owner: int
    side: int
    type: int
    tif: int
    post_only: bool
    price: int
    trigger: int
    left: int
    filled: int = 0
    age: int = 0
    state: str = GONE


class NaiveExchange:
    def __init__(
        self,
        *,
        protection_ticks,
        self_match=codes.ALLOW,
        max_orders,
        max_levels,
        max_stops,
        band_ticks=0,
        guards=(),
    ):
        self.protection_ticks = protection_ticks
        self.self_match = self_match
        self.max_orders = max_orders
        self.max_levels = max_levels
        self.max_stops = max_stops
        self.rows = []  # at most one per id: the latest that was accepted
        self.clock = 0
        self.band_ticks = band_ticks
        self.guards = guards
        self.now = 0
        self.halted = False
        self.collecting = False
        self.reopen_at = None
        self.seen = []  # (time, price) of trades since the latest opening
        self.last_trade = None
        self.displaced_lots = self.unresolved_lots = self.missing_orders = self.expired_lots = 0
        self.events = []
        self.prices_traded = []

    def handle(self, message: Message) -> list[Event]:
        self.events = []
        while self.reopen_at is not None and not self.halted and max(self.now, self.reopen_at) <= message.ts_ns:
            self.do(Message(kind=codes.OPEN, ts_ns=max(self.now, self.reopen_at)))
        self.do(message)
        return self.events

    def do(self, message):
        self.message = message
        self.now = message.ts_ns
        self.prices_traded = []
        if message.kind == codes.NEW:
            self.new()
        elif message.kind in (codes.CANCEL, codes.REDUCE, codes.REPLACE):
            self.change()
        elif message.kind in (codes.EXECUTE, codes.PRINT):
            self.history_trades()
        elif message.kind == codes.HALT:
            self.halted = True
        elif message.kind == codes.RESUME and self.collecting:
            self.halted = False
        elif message.kind in (codes.RESUME, codes.OPEN):
            self.open()
        elif message.kind == codes.PRE_OPEN:
            self.halted, self.collecting, self.reopen_at = False, True, None
        elif message.kind == codes.CLOSE:
            self.close()
        elif message.kind == codes.DISCONNECT:
            for row in sorted(self.alive(), key=lambda row: row.id):
                if row.owner == message.owner and row.owner != codes.BACKGROUND:
                    self.cancel(row, codes.DISCONNECTED)
        else:
            self.reject(codes.BAD_ORDER)

        if message.flags & codes.ENDS_ORDER:
            for row in self.alive():
                if row.id == message.order and row.owner == codes.BACKGROUND:
                    self.expired_lots += row.left
                    self.cancel(row, codes.HISTORY_END)

        reached = self.reached_stops()
        while reached:
            self.elect(reached[0])
            reached = self.reached_stops()

    # Looking through the list.

    def alive(self):
        return [row for row in self.rows if row.state != GONE]

    def queue(self, side):
        """Resting orders of one side in the order they trade in."""
        resting = [row for row in self.rows if row.state == IN_BOOK and row.side == side]
        return sorted(resting, key=lambda row: (-row.price if side == codes.BUY else row.price, row.age))

    def stops(self):
        return sorted([row for row in self.rows if row.state == WAITING], key=lambda row: row.age)

    def reached_stops(self):
        def reached(stop, price):
            return price >= stop.trigger if stop.side == codes.BUY else price <= stop.trigger

        if self.collecting:
            return []
        return [stop for stop in self.stops() if any(reached(stop, price) for price in self.prices_traded)]

    def acceptable(self, side, limit, price):
        """Would an order of this side and limit trade at this price?"""
        return price <= limit if side == codes.BUY else price >= limit

    def fits(self, row, price):
        """Can this order rest at this price without one level too many on its side?"""
        prices = {other.price for other in self.queue(row.side) if other is not row}
        return price in prices or len(prices) + 1 <= self.max_levels

    def would_trade(self, side, limit):
        opposite = self.queue(-side)
        return bool(opposite) and self.acceptable(side, limit, opposite[0].price)

    def are_one_owner(self, taker, row):
        return self.self_match != codes.ALLOW and taker.owner != codes.BACKGROUND and taker.owner == row.owner

    # Saying what happened.

    def say(self, kind, row, price, lots, reason=codes.NO_REASON, contra=-1):
        self.events.append(Event(self.message.ts_ns, price, lots, row.id, contra, kind, reason, row.side, row.owner))

    def reject(self, reason):
        m = self.message
        self.events.append(Event(m.ts_ns, m.price, m.lots, m.order, -1, codes.REJECTED, reason, m.side, m.owner))

    def cancel(self, row, reason):
        price = row.trigger if row.state == WAITING else row.price
        self.say(codes.CANCELLED, row, price, row.left, reason)
        row.left = 0
        row.state = GONE

    # Trading.

    def trade(self, taker, row, lots):
        taker.left -= lots
        taker.filled += lots
        row.left -= lots
        row.filled += lots
        if row.left == 0:
            row.state = GONE
        self.note(row.price)
        self.say(codes.TRADED, taker, row.price, lots, contra=row.id)

    def note(self, price):
        self.last_trade = price
        self.prices_traded.append(price)
        if self.collecting:
            return
        # A message that claims to be older than a trade before it trades no earlier than that one did.
        self.seen.append((max([self.now, *(time for time, _ in self.seen)]), price))
        for move, window, pause in self.guards:
            eighth = max(window // 8, 1)
            latest = max(time // eighth for time, _ in self.seen)
            if any(time // eighth > latest - 8 and abs(price - other) > move for time, other in self.seen):
                self.reopen_at = max(self.now + pause, self.reopen_at or 0)
                self.collecting = True

    def match(self, taker):
        for row in self.queue(-taker.side):
            if taker.left == 0 or not self.acceptable(taker.side, taker.price, row.price):
                return
            if self.collecting and taker.id != -1:
                return
            if not self.are_one_owner(taker, row):
                self.trade(taker, row, min(taker.left, row.left))
                continue
            if self.self_match in (codes.CANCEL_RESTING, codes.CANCEL_BOTH):
                self.cancel(row, codes.SELF_MATCH)
            if self.self_match in (codes.CANCEL_INCOMING, codes.CANCEL_BOTH):
                self.cancel(taker, codes.SELF_MATCH)

    def fills_in_full(self, taker):
        rehearsal, attempt = copy.copy(self), copy.copy(taker)
        rehearsal.rows = [copy.copy(row) for row in self.rows]
        rehearsal.events, rehearsal.prices_traded, rehearsal.seen, rehearsal.guards = [], [], [], ()
        rehearsal.match(attempt)
        return attempt.filled == taker.left

    def why_not(self, row):
        """Checks 7 to 10, on the way giving a market order its price."""
        if self.collecting and (row.type == codes.MARKET or row.tif in (codes.IOC, codes.FOK)):
            return codes.NO_MATCHING
        if row.type == codes.MARKET:
            opposite = self.queue(-row.side)
            if not opposite:
                return codes.NO_OPPOSITE
            self.protect(row, opposite[0].price)
        if row.post_only and self.would_trade(row.side, row.price):
            return codes.WOULD_CROSS
        if row.tif in (codes.GTC, codes.DAY) and not self.fits(row, row.price):
            return codes.LEVEL_CAPACITY
        if row.tif == codes.FOK and not self.fills_in_full(row):
            return codes.FOK_UNFILLABLE
        return None

    def protect(self, row, price):
        """Give an order that trades through a price its limit."""
        row.price = price + row.side * self.protection_ticks
        edge = self.band_edge(row.side)
        if edge is not None and not self.acceptable(row.side, edge, row.price):
            row.price = edge

    def band_edge(self, side):
        """The farthest limit of a side, None if there is none."""
        opposite = self.queue(-side)
        if self.band_ticks == 0 or (self.last_trade is None and not opposite):
            return None
        near = opposite[0].price if self.last_trade is None else self.last_trade
        return near + self.band_ticks if side == codes.BUY else near - self.band_ticks

    def is_in_band(self, side, price):
        edge = self.band_edge(side)
        return edge is None or self.acceptable(side, edge, price)

    def go(self, row):
        if not self.collecting:
            self.match(row)
        if row.left == 0:
            row.state = GONE
        elif row.tif in (codes.GTC, codes.DAY):
            row.state = IN_BOOK
        else:
            self.cancel(row, codes.NO_MATCHING if self.collecting else codes.IOC_REMAINDER)

    def tick(self):
        self.clock += 1
        return self.clock

    def elect(self, stop):
        self.say(codes.TRIGGERED, stop, stop.trigger, stop.left)
        stop.state = GONE
        stop.age = self.tick()
        if stop.type == codes.STOP:
            self.protect(stop, stop.trigger)
        reason = self.why_not(stop)
        if reason is None:
            self.go(stop)
        else:
            self.cancel(stop, reason)

    # NEW.

    def new(self):
        m = self.message
        is_stop = m.type in (codes.STOP, codes.STOP_LIMIT)
        reason = self.why_not_new(m, is_stop)
        if reason is not None:
            return self.reject(reason)
        row = Row(m.order, m.owner, m.side, m.type, m.tif, bool(m.flags & codes.POST_ONLY), m.price, m.trigger, m.lots)
        if m.type == codes.STOP:
            row.price = m.trigger  # what a failed election shows
        if not is_stop:
            reason = self.why_not(row)
            if reason is not None:
                return self.reject(reason)
        self.rows = [old for old in self.rows if old.id != row.id] + [row]
        row.age = self.tick()
        if is_stop:
            row.state = WAITING
            return self.say(codes.ACCEPTED, row, row.trigger, row.left)
        self.say(codes.ACCEPTED, row, row.price, row.left)
        return self.go(row)

    def why_not_new(self, m, is_stop):
        if self.halted:
            return codes.HALTED
        if m.lots < 1 or m.lots > 2**40:
            return codes.BAD_LOTS
        if m.side not in (1, -1):
            return codes.BAD_ORDER
        if m.type not in (codes.LIMIT, codes.MARKET, codes.STOP, codes.STOP_LIMIT):
            return codes.BAD_ORDER
        if m.tif not in (codes.GTC, codes.DAY, codes.IOC, codes.FOK):
            return codes.BAD_ORDER
        if m.flags & codes.POST_ONLY and (m.type != codes.LIMIT or m.tif in (codes.IOC, codes.FOK)):
            return codes.BAD_ORDER
        if m.type in (codes.LIMIT, codes.STOP_LIMIT) and not -(2**40) <= m.price <= 2**40:
            return codes.BAD_PRICE
        if is_stop and not -(2**40) <= m.trigger <= 2**40:
            return codes.BAD_PRICE
        if m.type in (codes.LIMIT, codes.STOP_LIMIT) and not self.is_in_band(m.side, m.price):
            return codes.PRICE_BAND
        if m.order in [row.id for row in self.alive()]:
            return codes.DUPLICATE_ORDER
        if m.order not in range(self.max_orders):
            return codes.ORDER_CAPACITY
        if is_stop and not self.is_beyond_last_trade(m.side, m.trigger):
            return codes.STOP_PRICE
        if is_stop and len(self.stops()) == self.max_stops:
            return codes.STOP_CAPACITY
        return None

    def is_beyond_last_trade(self, side, trigger):
        if self.last_trade is None:
            return True
        return trigger > self.last_trade if side == codes.BUY else trigger < self.last_trade

    # CANCEL, REDUCE, REPLACE.

    def change(self):
        m = self.message
        if m.kind == codes.REPLACE and self.halted:
            return self.reject(codes.HALTED)
        found = [row for row in self.alive() if row.id == m.order and row.owner == m.owner]
        if not found:
            if m.kind != codes.REPLACE and m.owner == codes.BACKGROUND:
                self.missing_orders += 1
            return self.reject(codes.UNKNOWN_ORDER)
        if m.kind == codes.CANCEL:
            return self.cancel(found[0], codes.BY_USER)
        return self.reduce(found[0]) if m.kind == codes.REDUCE else self.replace(found[0])

    def reduce(self, row):
        lots = self.message.lots
        if lots < 1:
            return self.reject(codes.BAD_LOTS)
        if lots >= row.left:
            return self.cancel(row, codes.BY_USER)
        row.left -= lots
        return self.say(codes.REDUCED, row, row.trigger if row.state == WAITING else row.price, lots)

    def replace(self, row):
        m = self.message
        waiting = row.state == WAITING
        if m.lots < 1 or m.lots > 2**40:
            return self.reject(codes.BAD_LOTS)
        if abs(m.price) > 2**40 and not (waiting and row.type == codes.STOP):
            return self.reject(codes.BAD_PRICE)
        if waiting and abs(m.trigger) > 2**40:
            return self.reject(codes.BAD_PRICE)
        if not (waiting and row.type == codes.STOP) and not self.is_in_band(row.side, m.price):
            return self.reject(codes.PRICE_BAND)
        left = m.lots - row.filled
        if left <= 0:
            return self.cancel(row, codes.REPLACED_AWAY)
        if waiting:
            return self.replace_waiting(row, left)
        if m.price == row.price and left <= row.left:
            row.left = left
            return self.say(codes.REPLACED, row, row.price, left)
        if row.post_only and self.would_trade(row.side, m.price):
            return self.reject(codes.WOULD_CROSS)
        if not self.fits(row, m.price):
            return self.reject(codes.LEVEL_CAPACITY)
        row.price, row.left, row.age, row.state = m.price, left, self.tick(), GONE
        self.say(codes.REPLACED, row, row.price, left)
        return self.go(row)

    def replace_waiting(self, row, left):
        m = self.message
        if not self.is_beyond_last_trade(row.side, m.trigger):
            return self.reject(codes.STOP_PRICE)
        row.trigger, row.left, row.age = m.trigger, left, self.tick()
        row.price = m.trigger if row.type == codes.STOP else m.price
        return self.say(codes.REPLACED, row, row.trigger, left)

    # EXECUTE, PRINT, CLOSE.

    def history_trades(self):
        m = self.message
        history = [row for row in self.rows if row.owner == codes.BACKGROUND]
        named = [row for row in history if m.kind == codes.EXECUTE and row.id == m.order]
        resting = [row for row in named if row.state == IN_BOOK]
        if self.halted or self.collecting:
            return self.reject(codes.HALTED)
        if m.lots < 1 or m.lots > 2**40:
            return self.reject(codes.BAD_LOTS)
        if m.side not in (1, -1) or (resting and resting[0].side != -m.side):
            return self.reject(codes.BAD_ORDER)
        if abs(m.price) > 2**40:
            return self.reject(codes.BAD_PRICE)

        taker = Row(-1, codes.BACKGROUND, m.side, codes.LIMIT, codes.IOC, False, m.price, 0, m.lots)
        for row in self.first_in_line(m, resting):
            if row.owner != codes.BACKGROUND and taker.left > 0:
                lots = min(taker.left, row.left)
                self.displaced_lots += lots
                self.trade(taker, row, lots)

        if m.kind == codes.PRINT:
            return self.print_rest(taker)
        if resting and taker.left > 0:
            lots = min(taker.left, resting[0].left)
            self.trade(taker, resting[0], lots)
            resting[0].filled -= lots
        taken_by_others = named[0].filled if named else 0
        sweeper = copy.copy(taker)
        sweeper.left = min(taker.left, taken_by_others)
        missing = taker.left - sweeper.left
        self.match(sweeper)
        missing += sweeper.left
        if missing > 0:
            self.unresolved_lots += missing
            taker.id = m.order
            self.say(codes.UNRESOLVED, taker, m.price, missing)
        return None

    def first_in_line(self, m, resting):
        """Orders that trade before the named one; all within the price if it does not rest."""
        line = self.queue(-m.side)
        if resting:
            return line[: line.index(resting[0])]
        return [row for row in line if self.acceptable(m.side, m.price, row.price)]

    def print_rest(self, taker):
        if taker.left > 0:
            self.note(taker.price)
            self.say(codes.PRINTED, taker, taker.price, taker.left)

    def close(self):
        for row in self.queue(codes.BUY) + self.queue(codes.SELL) + self.stops():
            if row.tif == codes.DAY:
                self.cancel(row, codes.SESSION_CLOSE)
        self.halted, self.collecting, self.reopen_at = True, False, None
        self.prices_traded = []

    # The opening.

    def open(self):
        self.halted, self.collecting, self.reopen_at = False, True, None
        price = self.opening_price()
        while price is not None:
            own = next(
                ((older, younger) for older, younger in self.pairs(price) if self.are_one_owner(older, younger)), ()
            )
            for row, spared_by in zip(own, (codes.CANCEL_INCOMING, codes.CANCEL_RESTING), strict=False):
                if self.self_match != spared_by:
                    self.cancel(row, codes.SELF_MATCH)
            if not own:
                self.trade_all(price)
            price = self.opening_price()
        self.collecting, self.seen = False, []
        self.prices_traded = [] if self.last_trade is None else [self.last_trade]

    def opening_price(self):
        buys, sells = self.queue(codes.BUY), self.queue(codes.SELL)
        if not buys or not sells or buys[0].price < sells[0].price:
            return None
        bid, ask = buys[0].price, sells[0].price
        middle = (bid + ask) / 2 if self.last_trade is None else self.last_trade

        def badness(price):
            wanted = sum(row.left for row in buys if row.price >= price)
            offered = sum(row.left for row in sells if row.price <= price)
            return -min(wanted, offered), abs(wanted - offered), abs(price - middle), price

        prices = range(ask, bid + 1)
        if len(prices) > 200:  # only where something changes, and at the middle
            prices = {row.price + step for row in buys + sells for step in (-1, 0, 1)} | {int(middle // 1)}
            prices = {price for price in prices if ask <= price <= bid}
        return min(prices, key=badness)

    def pairs(self, price):
        """Who would trade with whom, in order, older first: tried lot by lot on a copy of what is left."""
        buys = [row for row in self.queue(codes.BUY) if row.price >= price]
        sells = [row for row in self.queue(codes.SELL) if row.price <= price]
        left = {row.id: row.left for row in buys + sells}
        while buys and sells:
            yield tuple(sorted((buys[0], sells[0]), key=lambda row: row.age))
            lots = min(left[buys[0].id], left[sells[0].id])
            left[buys[0].id] -= lots
            left[sells[0].id] -= lots
            buys = [row for row in buys if left[row.id] > 0]
            sells = [row for row in sells if left[row.id] > 0]

    def trade_all(self, price):
        for older, younger in list(self.pairs(price)):
            lots = min(older.left, younger.left)
            limit, older.price = older.price, price  # a trade is at the price of the row that is hit
            self.trade(younger, older, lots)
            older.price = limit
            if younger.left == 0:
                younger.state = GONE

    # What tests compare.

    def depth(self, side):
        """Every level of a side, best first, as ``(price, lots, orders)``."""
        levels = {}
        for row in self.queue(side):
            levels.setdefault(row.price, []).append(row.left)
        return [(price, sum(lots), len(lots)) for price, lots in levels.items()]
