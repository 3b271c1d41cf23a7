"""Orders of a desk as it knows them, put together from its own requests and the reports that reached it."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

import numpy as np

from twin_env.core.desk import desk
from twin_env.core.state import codes
from twin_env.core.stream import DROPPED, HELD, REPORT_ENTRY, REPORTS, REQUEST_ENTRY, REQUESTS, SENT
from twin_env.twin.stream import Batch

Side = Literal["buy", "sell"]
OrderType = Literal["limit", "market", "stop", "stop_limit"]
TimeInForce = Literal["gtc", "day", "ioc", "fok"]
State = Literal["held", "sent", "working", "filled", "cancelled", "rejected", "gone"]

WORKING: Final = ("held", "sent", "working")  # states in which something can still happen
PLANES: Final = REQUESTS | REPORTS  # what a log is made from
TERMS: Final = ("side", "type", "tif", "lots", "price", "trigger")
_STATES: Final[dict[int, State]] = {desk.HELD: "held", desk.SENT: "sent", desk.LIVE: "working"}
_ENDS: Final[dict[int, State]] = {codes.TRADED: "filled", codes.CANCELLED: "cancelled", codes.REJECTED: "rejected"}


class OrderError(ValueError):
    """A request that cannot leave the desk. One sentence: which, what was found, what was expected."""


@dataclass(frozen=True)
class DeskOrder:
    """One order as the desk knows it.

    Attributes:
        id: What the caller named it, or the desk's number as text.
        number: The desk's number for it, counting from 1: ``client`` in the stream.
        side: ``buy`` or ``sell``.
        type: Order type; a stop that was elected is a limit order from then on.
        tif: Time in force.
        lots: Total, as last confirmed (as sent, before that).
        filled_lots: Known to be filled.
        average_price: Of these, in the quote currency; ``None`` without any, and if some were filled before anybody
            listened.
        price: Limit in the quote currency; ``None`` without one.
        trigger: Of a stop.
        state: ``held`` while an exit waits at the desk for its entry to fill, ``sent`` until the exchange answered,
            ``working``, or what ended it.
        reason: Why it ended or was refused, in words; empty if nothing did.
        sent_ns: When its first request was to leave.
        pending: Requests about it that are not answered.
        lots_ahead: Before it in its queue, as the feed shows; ``None`` while it does not.
    """

    id: str
    number: int
    side: Side
    type: OrderType
    tif: TimeInForce
    lots: int
    filled_lots: int
    average_price: float | None
    price: float | None
    trigger: float | None
    state: State
    reason: str
    sent_ns: int
    pending: int
    lots_ahead: int | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen to it, as far as the desk knows."""
        return self.state not in WORKING


@dataclass
class OrderEntry:
    """What requests and reports have said of one order so far.

    ``row`` is the desk's, prices and notional are in ticks; ``unheard_lots`` were filled before anybody listened,
    ``asked_price`` is that of the latest replace.
    """

    id: str
    number: int
    row: int
    side: int
    type: int
    tif: int
    lots: int
    price: int
    trigger: int
    sent_ns: int
    filled_lots: int = 0
    notional: int = 0
    state: State = "sent"
    reason: str = ""
    unheard_lots: int = 0
    asked_price: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen to it, as far as the desk knows."""
        return self.state not in WORKING


class OrderLog:
    """Every order of a desk, by number and by the caller's id.

    Attributes:
        entries: All of them, in the order they were sent.
        working: Those that are not over, likewise: a desk that trades all day asks for them at every turn.
    """

    def __init__(self) -> None:
        self.entries: dict[int, OrderEntry] = {}
        self.working: dict[int, OrderEntry] = {}
        self._numbers: dict[str, int] = {}

    @classmethod
    def standing_at(cls, orders: Any) -> Self:
        """Return the log of a desk that nobody listened to so far.

        Args:
            orders: ``layout.DESK_ORDER`` records: its rows.
        """
        log = cls()
        rows = [row for row in range(len(orders)) if orders["state"][row] in _STATES]
        for row in sorted(rows, key=lambda row: int(orders["client"][row])):
            kept = orders[row]
            entry = log.open(int(kept["client"]), row, {name: int(kept[name]) for name in TERMS}, int(kept["sent_ns"]))
            entry.filled_lots = entry.unheard_lots = int(kept["filled"])
            entry.state = _STATES[int(kept["state"])]
        return log

    def __contains__(self, id: str) -> bool:
        return id in self._numbers

    def find(self, id: str) -> OrderEntry:
        """Return an order.

        Raises:
            OrderError: There is none of this id.
        """
        if id not in self._numbers:
            raise OrderError(f"id={id!r} names no order, expected one that submit() returned")
        return self.entries[self._numbers[id]]

    def find_working(self, id: str) -> OrderEntry:
        """Return an order that is not over.

        Raises:
            OrderError: There is none of this id, or it is over.
        """
        entry = self.find(id)
        if entry.is_over:
            raise OrderError(f"order {id!r} is {entry.state}, expected one that is not over")
        return entry

    def open(self, number: int, row: int, terms: dict[str, int], sent_ns: int) -> OrderEntry:
        """Enter an order, unless it is there, and return it."""
        if number not in self.entries:
            kept: dict[str, Any] = {name: terms[name] for name in TERMS}
            self.add(OrderEntry(str(number), number, row, sent_ns=sent_ns, **kept))
        return self.entries[number]

    def add(self, entry: OrderEntry) -> None:
        """Enter an order, as another log had it."""
        self.entries[entry.number] = entry
        self._sort_in(entry)
        self._numbers[str(entry.number)] = self._numbers[entry.id] = entry.number

    def name(self, number: int, id: str) -> None:
        """Give an order the id that its caller chose."""
        self._numbers[id] = number
        self.entries[number].id = id

    def follow(self, batch: Batch) -> None:
        """Take what requests and reports say of orders; the request that opens one comes before its reports."""
        planes = batch.rows["plane"]
        requests = batch.rows[planes == REQUESTS].view(REQUEST_ENTRY)
        for request in requests[(requests["kind"] == codes.NEW) & np.isin(requests["flag"], (SENT, HELD, DROPPED))]:
            self._follow_new(request)
        for report in batch.rows[planes == REPORTS].view(REPORT_ENTRY):
            self._follow_report(report)

    def copy(self) -> "OrderLog":
        """Return a log that goes its own way from here."""
        twin = OrderLog()
        for entry in self.entries.values():
            twin.add(replace(entry))
        return twin

    def _follow_new(self, request: Any) -> None:
        terms = {name: int(request[name]) for name in TERMS}
        entry = self.open(int(request["client"]), int(request["row"]), terms, int(request["sent_ns"]))
        if request["flag"] == HELD:
            entry.state, entry.price, entry.trigger = "held", terms["price"], terms["trigger"]
        elif request["flag"] == DROPPED:
            entry.state, entry.reason = "cancelled", "never sent"
        elif entry.state == "held":
            entry.state, entry.lots, entry.sent_ns = "sent", terms["lots"], int(request["sent_ns"])
        self._sort_in(entry)

    def _follow_report(self, report: Any) -> None:
        entry, kind = self.entries.get(int(report["client"])), int(report["kind"])
        if entry is None:
            return
        was_over = entry.is_over
        if kind == codes.TRADED:
            entry.filled_lots += int(report["lots"])
            entry.notional += int(report["notional"])
            entry.state = "working"
        elif kind in (codes.ACCEPTED, codes.REPLACED, codes.TRIGGERED):
            entry.state, entry.price = "working", int(report["notional"])
            entry.type = codes.LIMIT if kind == codes.TRIGGERED else entry.type
            entry.lots = entry.filled_lots + int(report["lots"]) if kind == codes.REPLACED else entry.lots
        elif kind == codes.REDUCED:
            entry.lots -= int(report["lots"])
        elif kind == codes.STATUS:
            entry.state = "working"
        if report["final"] and not was_over:  # a cancel that comes too late is refused, which ends nothing
            entry.state = _ENDS.get(kind, "gone")
            if kind in (codes.REJECTED, codes.CANCELLED):
                entry.reason = codes.REASON_NAMES[int(report["reason"])]
        self._sort_in(entry)

    def _sort_in(self, entry: OrderEntry) -> None:
        """Have an order among those that work, or not."""
        if entry.is_over:
            self.working.pop(entry.number, None)
        else:
            self.working[entry.number] = entry
