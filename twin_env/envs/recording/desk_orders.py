"""The desk's own part of an episode: its requests, its orders, its fills, as the stream of its world tells."""

from typing import Any, Final

from twin_env.core.state import codes
from twin_env.core.state.layout import NONE
from twin_env.core.stream import ARRIVED, LOST, SENT, STAGE_NAMES
from twin_env.envs.recording.book import COMES, Book, Event

Row = dict[str, Any]

SIDE_NAMES: Final = {codes.BUY: "buy", codes.SELL: "sell"}
_STOPS: Final = (codes.TYPE_NAMES[codes.STOP], codes.TYPE_NAMES[codes.STOP_LIMIT])
_PRICED: Final = (codes.TYPE_NAMES[codes.LIMIT], codes.TYPE_NAMES[codes.STOP_LIMIT])
_ANSWERS: Final = (codes.ACCEPTED, codes.REJECTED, codes.REPLACED)
_ASKED: Final = (codes.BY_USER, codes.REPLACED_AWAY)


class OwnOrders:
    """Follows the desk's orders through the stages of its requests and the exchange's events.

    The exchange answers a request in the moment it arrives, so the first answer behind an arrival is its answer.

    Args:
        protection_ticks: How far beyond its trigger a stop without a limit may trade.
        band_ticks: How far beyond the last trade; 0 for any distance. A fault may change it, so it may be set.
        last_trade: Price of the last trade before, in ticks.

    Attributes:
        requests: A row per request that left the desk or is about to.
        orders: A row per order.
        fills: A row per fill of an own order.
    """

    def __init__(self, protection_ticks: int, band_ticks: int, last_trade: int) -> None:
        self.requests: list[Row] = []
        self.orders: list[Row] = []
        self.fills: list[Row] = []
        self._travelling: list[Row] = []  # requests that have neither arrived nor got lost, oldest first
        self._arrived: Row | None = None  # request that waits for its answer
        self._by_number: dict[int, Row] = {}  # of the desk
        self._by_slot: dict[int, Row] = {}  # slot at the exchange: live order that has it
        self._waiting: set[int] = set()  # slots of stops that wait
        self._limits: dict[int, int | None] = {}  # order: its limit, as last confirmed
        self._left: dict[int, int] = {}  # order: lots at the exchange
        self._protection_ticks = protection_ticks
        self.band_ticks = band_ticks
        self._last_trade = last_trade

    def ask(self, entry: Any) -> None:
        """Note a ``core.stream.REQUEST_ENTRY``: a request was sent, arrived, or was lost."""
        stage = int(entry["flag"])
        if stage == SENT:
            self._send(entry)
        if stage not in (ARRIVED, LOST):  # exits that wait at the desk are orders once they are sent
            return
        asked = self._take(entry)
        if stage == ARRIVED:
            asked["arrives_ns"] = int(entry["ts_ns"])
            self._arrived = asked
        elif stage == LOST:
            asked["answer"] = STAGE_NAMES[LOST]
            if asked["request"] == codes.KIND_NAMES[codes.NEW]:
                self._end(self._order(asked), int(entry["ts_ns"]), STAGE_NAMES[LOST], codes.NO_REASON)

    def see(self, event: Event, book: Book) -> int | None:
        """Note what an event does to own orders, given the book before it.

        Returns:
            Where what is left of the order that comes with it will rest, in ticks; None if no order comes, or
            one that waits outside the book.
        """
        if event.kind in (codes.TRADED, codes.PRINTED):
            self._last_trade = event.price
        if event.kind == codes.TRADED:
            self._trade(event, book)
        elif event.owner == codes.DESK:
            if _is_answer(event):
                self._answer(event)
            if event.kind == codes.CANCELLED:
                self._waiting.discard(event.order)
                self._end(self._by_slot.pop(event.order), event.ts_ns, "cancelled", event.reason)
            elif event.kind == codes.TRIGGERED:
                self._waiting.discard(event.order)
                return self._limit_of(self._by_slot[event.order], event)
        is_there = event.kind in COMES and (event.owner != codes.DESK or event.order not in self._waiting)
        return event.price if is_there else None

    def _send(self, request: Any) -> None:
        kind = int(request["kind"])
        order = self._open(request) if kind == codes.NEW else self._by_number[int(request["client"])]
        is_cancel = kind == codes.CANCEL
        asked = {
            "order": order["order"],
            "request": codes.KIND_NAMES[kind],
            "sent_ns": int(request["sent_ns"]),
            "arrives_ns": None,
            "price_ticks": None if is_cancel else _price(order, request),
            "trigger_ticks": None if is_cancel else _trigger(order, request),
            "lots": None if is_cancel else int(request["lots"]),
            "answer": None,
            "reason": None,
        }
        self.requests.append(asked)
        self._travelling.append(asked)

    def _take(self, entry: Any) -> Row:
        """Take the request that an entry tells of off those that travel: wires may let one overtake another."""
        kind = codes.KIND_NAMES[int(entry["kind"])]
        named = int(entry["client"]), kind, int(entry["sent_ns"])
        for place, asked in enumerate(self._travelling):
            if (asked["order"], asked["request"], asked["sent_ns"]) == named:
                return self._travelling.pop(place)
        raise AssertionError(f"a {kind} of order {named[0]} arrived that was never sent")

    def _order(self, asked: Row) -> Row:
        return self._by_number[asked["order"]]

    def _open(self, request: Any) -> Row:
        number, kind = int(request["client"]), codes.TYPE_NAMES[int(request["type"])]
        order = {
            "order": number,
            "side": SIDE_NAMES[int(request["side"])],
            "type": kind,
            "tif": codes.TIF_NAMES[int(request["tif"])],
            "sent_ns": int(request["sent_ns"]),
            "arrived_ns": None,
            "price_ticks": None,
            "trigger_ticks": None,
            "lots": int(request["lots"]),
            "filled_lots": 0,
            "slot": None,
            "ended_ns": None,
            "end": None,
            "reason": None,
        }
        order["price_ticks"], order["trigger_ticks"] = _price(order, request), _trigger(order, request)
        self.orders.append(order)
        self._by_number[number] = order
        return order

    def _answer(self, event: Event) -> None:
        asked, self._arrived = self._arrived, None
        assert asked is not None, "the exchange answers what has arrived"
        order = self._order(asked)
        asked["answer"] = codes.EVENT_NAMES[event.kind]
        asked["reason"] = _reason(event.reason)
        if asked["request"] == "new":
            order["arrived_ns"] = event.ts_ns
            if event.kind == codes.REJECTED:
                self._end(order, event.ts_ns, "rejected", event.reason)
            elif order["type"] in _STOPS:
                self._waiting.add(event.order)
        if event.kind in (codes.ACCEPTED, codes.REPLACED):
            order["slot"] = event.order
            self._by_slot[event.order] = order
            self._left[order["order"]] = event.lots
            self._limits[order["order"]] = asked["price_ticks"]

    def _limit_of(self, order: Row, event: Event) -> int:
        """Return the limit of a stop that was just triggered: its own, or the nearer of protection and band."""
        limit: int | None = self._limits[order["order"]]
        if limit is not None:
            return limit
        key = event.side * event.price + self._protection_ticks
        if self.band_ticks:
            key = min(key, event.side * self._last_trade + self.band_ticks)
        return event.side * key

    def _trade(self, event: Event, book: Book) -> None:
        if event.contra in self._by_slot:
            self._fill(event.contra, -event.side, "maker", event, book)
        if event.owner == codes.DESK and event.order != NONE:
            liquidity = "maker" if book.rests(event.order) else "taker"  # both rested before an opening
            self._fill(event.order, event.side, liquidity, event, book)

    def _fill(self, slot: int, side: int, liquidity: str, event: Event, book: Book) -> None:
        order = self._by_slot[slot]
        order["filled_lots"] += event.lots
        self.fills.append(
            {
                "ts_ns": event.ts_ns,
                "order": order["order"],
                "side": SIDE_NAMES[side],
                "liquidity": liquidity,
                "price_ticks": event.price,
                "lots": event.lots,
                "mid_before_ticks": (book.best(codes.BUY) + book.best(codes.SELL)) / 2,
            }
        )
        self._left[order["order"]] -= event.lots
        if self._left[order["order"]] == 0:
            del self._by_slot[slot]
            self._end(order, event.ts_ns, "filled", codes.NO_REASON)

    def _end(self, order: Row, ts_ns: int, end: str, reason: int) -> None:
        order["ended_ns"], order["end"], order["reason"] = ts_ns, end, _reason(reason)


def _is_answer(event: Event) -> bool:
    return event.kind in _ANSWERS or (event.kind == codes.CANCELLED and event.reason in _ASKED)


def _reason(reason: int) -> str | None:
    return None if reason == codes.NO_REASON else codes.REASON_NAMES[reason]


def _price(order: Row, request: Any) -> int | None:
    return int(request["price"]) if order["type"] in _PRICED else None


def _trigger(order: Row, request: Any) -> int | None:
    return int(request["trigger"]) if order["type"] in _STOPS else None
