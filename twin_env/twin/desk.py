"""The desk of a running market: orders out, and what has come back so far.

Everything here is what the desk knows, which is late by the wires: an order that was cancelled may still fill, a
fill that happened may not be known. What is true at the exchange is read from ``Twin.exchange``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from twin_env.core.desk.desk import FREE
from twin_env.core.desk.groups import NO_EXIT
from twin_env.core.state import codes
from twin_env.core.state.layout import NONE
from twin_env.market.instrument import Instrument
from twin_env.twin.exchange import Depth, read_levels
from twin_env.twin.order_terms import EXITS, ORDER, SIDES, OrderReader, read_lots
from twin_env.twin.orders import TERMS, DeskOrder, OrderEntry, OrderError, OrderLog, OrderType, Side, TimeInForce
from twin_env.twin.requests import (
    attach_exits_to,
    cancel_order,
    desk_touch_of,
    has_room_of,
    pair_rows,
    replace_order,
    send_order,
)
from twin_env.twin.running_world import RunningWorld
from twin_env.twin.stream import Batch

_NS_PER_MS: Final = 1e6


def _named(line: Mapping[str, Any]) -> str | None:
    """Return the id that the caller of a line of a run file gave, None for the desk's own."""
    return str(line["id"]) if line["id"] != str(line["number"]) else None


class Desk:
    """Sends orders into one world and knows what came back.

    Args:
        running: The world it is the desk of.
        instrument: What is traded.
        note: Told of every request that was sent: its name and numbers, for a run file.
        has_wires: Whether anything leaves it.
    """

    def __init__(
        self,
        running: RunningWorld,
        instrument: Instrument,
        note: Callable[[str, dict[str, Any]], None],
        has_wires: bool = True,
    ) -> None:
        self._running, self._instrument, self._note, self._has_wires = running, instrument, note, has_wires
        self._reader = OrderReader(instrument)
        self.log = OrderLog()

    # -- requests ------------------------------------------------------------------------------------------------------

    def submit(
        self,
        side: Side,
        lots: int,
        *,
        type: OrderType = "limit",
        price: float | None = None,
        trigger: float | None = None,
        tif: TimeInForce | None = None,
        post_only: bool = False,
        target: float | None = None,
        stop: float | None = None,
        id: str | None = None,
    ) -> str:
        """Send an order; it leaves after the desk's decision time and reaches the exchange over the order wire.

        Args:
            side: ``buy`` or ``sell``.
            lots: At least 1.
            type: ``limit``, ``market``, ``stop`` or ``stop_limit``.
            price: Limit in the quote currency, a multiple of the tick size; of limit and stop-limit orders.
            trigger: Of stops.
            tif: By default ``ioc`` for market orders and ``day`` for all others.
            post_only: Refused by the exchange rather than trade at once.
            target: Makes it the entry of a bracket: a limit order at this price takes the profit. Exits wait at the
                desk and are sent for what the entry is reported to have filled; what one fills is taken off the other.
            stop: Likewise, a stop with this trigger limits the loss.
            id: The caller's name for the order, never used before; the desk's number by default. Exits have it with
                ``:target`` or ``:stop`` behind.

        Returns:
            The order's id.

        Raises:
            OrderError: It cannot leave: a number is missing or impossible, the id was used, no room at the desk.
        """
        order = self._reader.order(side, lots, type, price, trigger, tif)
        exits = self._reader.exits(order["side"], target, stop)
        self._check_id(id)
        order["flags"] = codes.POST_ONLY if post_only else 0
        return self._submit(order | exits, id)

    def submit_oco(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, str]:
        """Send two orders for the same lots of which the first that fills cancels the other (one-cancels-other).

        Args:
            first: Arguments of :meth:`submit` by name, without ``target`` and ``stop``.
            second: Likewise.

        Returns:
            Their ids.

        Raises:
            OrderError: One of them cannot leave: then neither does.

        Example:
            >>> desk.submit_oco(  # doctest: +SKIP
            ...     {"side": "buy", "lots": 1, "type": "stop", "trigger": 2651.0},
            ...     {"side": "sell", "lots": 1, "type": "stop", "trigger": 2645.0},
            ... )
        """
        orders = [self._reader.order_of_pair(terms) for terms in (first, second)]
        ids = [terms.get("id") for terms in (first, second)]
        for id in ids:
            self._check_id(id)
        if ids[0] is not None and ids[0] == ids[1]:
            raise OrderError(f"id={ids[0]!r} names both orders, expected a new one for each")
        if orders[0]["lots"] != orders[1]["lots"]:
            raise OrderError(f"lots={orders[0]['lots']} and {orders[1]['lots']}, expected the same for both orders")
        return self._submit_pair(orders, ids)

    def cancel(self, id: str) -> None:
        """Ask for an order to be cancelled; whether it is, its report says.

        Raises:
            OrderError: There is no such order, it is over, or the order wire is full.
        """
        entry = self.log.find_working(id)
        with self._sending():
            sent = cancel_order(*self._running.place, entry.row)
        if not sent:
            raise OrderError(self._full())
        self._note("cancel", {"number": entry.number})

    def replace(
        self, id: str, *, price: float | None = None, lots: int | None = None, trigger: float | None = None
    ) -> None:
        """Ask for other terms; what is not named stays. Same price and fewer lots keep the place in the queue.

        Args:
            id: Of the order.
            price: New limit in the quote currency.
            lots: New total, what is filled included.
            trigger: New trigger of a waiting stop.

        Raises:
            OrderError: There is no such order, it is over, nothing is named, a number is impossible, only a stop has
                the trigger, or the order wire is full.
        """
        entry = self.log.find_working(id)
        if price is None and lots is None and trigger is None:
            raise OrderError(f"replace({id!r}) names nothing, expected price, lots or trigger")
        if entry.state == "held" and lots is not None:
            raise OrderError(f"lots={lots!r} for {id!r}, which waits for its entry, expected price or trigger alone")
        if trigger is not None and entry.type not in (codes.STOP, codes.STOP_LIMIT):
            kind = codes.TYPE_NAMES[entry.type]
            raise OrderError(f"trigger={trigger!r} for a {kind} order, expected trigger for stops that wait alone")
        with self._running.reading():
            order = self._running.record["desk"]["orders"][entry.row].copy()
        terms = {
            "price": self._asked_price(entry, order) if price is None else self._reader.ticks("price", price),
            "trigger": entry.trigger if trigger is None else self._reader.ticks("trigger", trigger),
            "lots": int(max(order["lots"], order["asked"])) if lots is None else read_lots(lots),
        }
        self._replace(entry, terms)

    @staticmethod
    def _asked_price(entry: OrderEntry, order: Any) -> int:
        """Return the price that was last asked for, in ticks: what a request on the wire names stays too."""
        return int(order["price"]) if entry.asked_price is None or order["pending"] == 0 else entry.asked_price

    def repeat_submit(self, line: dict[str, Any]) -> str:
        """Send an order as a run file has it."""
        order: dict[str, int] = {name: int(line[name]) for name in (*ORDER, *EXITS) if name in line}
        return self._submit(order, _named(line))

    def repeat_submit_oco(self, line: dict[str, Any]) -> tuple[str, str]:
        """Send two orders that cancel each other as a run file has them."""
        pair = line["orders"]
        return self._submit_pair([{name: int(of[name]) for name in ORDER} for of in pair], [_named(of) for of in pair])

    def repeat_replace(self, line: dict[str, Any]) -> None:
        """Ask for other terms as a run file has it."""
        terms = {name: int(line[name]) for name in ("price", "trigger", "lots")}
        self._replace(self.log.entries[int(line["number"])], terms)

    def id_of(self, number: int) -> str:
        """Return the id of an order by the desk's number."""
        return self.log.entries[number].id

    # -- what is known -------------------------------------------------------------------------------------------------

    def order(self, id: str) -> DeskOrder:
        """Return one order, working or over.

        Raises:
            OrderError: There is none of this id.
        """
        return self._describe(self.log.find(id))

    def orders(self, *, working: bool = True) -> list[DeskOrder]:
        """Return orders in the order they were sent: those that are not over, or all."""
        entries = self.log.working if working else self.log.entries
        return [self._describe(entry) for entry in list(entries.values())]

    @property
    def position_lots(self) -> int:
        """Position as known, signed."""
        return int(self._field("position"))

    @property
    def filled_lots(self) -> int:
        """Lots known to be filled, both sides."""
        return int(self._field("filled_lots"))

    @property
    def mid(self) -> float:
        """Mid of the book as known, in the quote currency."""
        return self._instrument.to_price(int(self._field("mid"))) / 2

    @property
    def last_price(self) -> float | None:
        """Price of the latest trade that the feed told of; ``None`` before the first."""
        ticks = int(self._field("last_trade"))
        return self._instrument.to_price(ticks) if ticks else None

    def touch_ticks(self, side: Side) -> int:
        """Return the best price of a side as the feed shows it, in ticks; of an empty one a tick from the last mid."""
        with self._running.reading():
            return int(desk_touch_of(*self._running.place, SIDES[side]))

    @property
    def feed_age_ms(self) -> float:
        """Age of the newest market data: time since it left the exchange, as in observations."""
        with self._running.reading():
            world = self._running.record
            return float(world["now_ns"] - world["desk"]["feed_ns"]) / _NS_PER_MS

    @property
    def rejects(self) -> int:
        """Requests known to have been refused."""
        return int(self._field("rejects"))

    def book(self, levels: int = 10) -> Depth:
        """Return the best levels of the book as the feed shows it."""
        with self._running.reading():
            mirror = self._running.record["desk"]["book"]
            return Depth(read_levels(mirror, codes.BUY, levels), read_levels(mirror, codes.SELL, levels))

    def follow(self, batch: Batch) -> None:
        """Take what requests and reports say of orders."""
        self.log.follow(batch)

    # -- inside --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _sending(self) -> Iterator[None]:
        """A block in which the desk sends something, or OrderError where nothing leaves it."""
        if not self._has_wires:
            raise OrderError("wires=False: nothing leaves the desk of this twin, expected one with wires")
        with self._running.changing():
            yield

    def _check_id(self, id: str | None) -> None:
        if id is not None and not (isinstance(id, str) and id):
            raise OrderError(f"id={id!r}, expected a text that is not empty")
        if id is not None and id in self.log:
            raise OrderError(f"id={id!r} was used before, expected a new one for each order")

    def _submit(self, order: dict[str, int], id: str | None) -> str:
        """Send an order, with its exits, and open their entries; return its id."""
        exits = {name: order[name] for name in EXITS if name in order}
        place = self._running.place
        with self._sending():
            if exits and not has_room_of(*place, 1 + len(exits)):
                raise OrderError(self._full())
            row = self._send(order)
            if exits:
                attach_exits_to(*place, row, exits.get("target", NO_EXIT), exits.get("stop", NO_EXIT))
        name = self._enter(row, order, id)
        for number, exit in enumerate(exits, self.log.find(name).number + 1):
            self._name_exit(number, f"{name}:{exit}")
        self._note("submit", order | {"number": self.log.find(name).number, "id": name})
        return name

    def _submit_pair(self, orders: list[dict[str, int]], ids: list[str | None]) -> tuple[str, str]:
        """Send two orders that cancel each other, and open their entries; return their ids."""
        place = self._running.place
        with self._sending():
            if not has_room_of(*place, 2):
                raise OrderError(self._full())
            rows = [self._send(order) for order in orders]
            pair_rows(*place, *rows)
        first, second = (self._enter(row, order, id) for row, order, id in zip(rows, orders, ids, strict=True))
        noted = [
            order | {"number": self.log.find(name).number, "id": name}
            for order, name in zip(orders, (first, second), strict=True)
        ]
        self._note("submit_oco", {"orders": noted})
        return first, second

    def _send(self, order: dict[str, int]) -> int:
        """Send an order and return its row; the caller holds the world."""
        row = int(send_order(*self._running.place, *(order[name] for name in ORDER)))
        if row == NONE:
            raise OrderError(self._full())
        return row

    def _enter(self, row: int, order: dict[str, int], id: str | None) -> str:
        """Open the entry of an order that was just sent, and return its id."""
        with self._running.reading():
            kept = self._running.record["desk"]["orders"][row]
            number, sent_ns = int(kept["client"]), int(kept["sent_ns"])
        self.log.open(number, row, order, sent_ns)
        name = str(number) if id is None else id
        self.log.name(number, name)
        return name

    def _name_exit(self, number: int, name: str) -> None:
        """Open the entry of an exit that waits, by the desk's number."""
        with self._running.reading():
            orders = self._running.record["desk"]["orders"]
            row = int(np.flatnonzero(orders["client"] == number)[0])
            kept = {term: int(orders[term][row]) for term in TERMS}
            sent_ns = int(orders["sent_ns"][row])
        entry = self.log.open(number, row, kept, sent_ns)
        entry.state = "held"
        self.log.name(number, name)

    def _replace(self, entry: OrderEntry, terms: dict[str, int]) -> None:
        """Ask for other terms."""
        with self._sending():
            sent = replace_order(*self._running.place, entry.row, terms["price"], terms["trigger"], terms["lots"])
        if not sent:
            raise OrderError(self._full())
        entry.trigger, entry.asked_price = terms["trigger"], terms["price"]
        self._note("replace", {"number": entry.number} | terms)

    def _full(self) -> str:
        rows = len(self._running.record["desk"]["orders"])
        return f"the desk has {rows} orders or its order wire is full, expected fewer requests without an answer"

    def _describe(self, entry: OrderEntry) -> DeskOrder:
        with self._running.reading():
            kept = self._running.record["desk"]["orders"][entry.row]
            is_kept = int(kept["client"]) == entry.number and kept["state"] != FREE
            pending = int(kept["pending"]) if is_kept else 0
            ahead = int(kept["ahead"]) if is_kept else NONE
        price = self._instrument.to_price
        is_heard = entry.filled_lots > 0 and not entry.unheard_lots
        is_priced = entry.type in (codes.LIMIT, codes.STOP_LIMIT) or entry.price != 0
        return DeskOrder(
            id=entry.id,
            number=entry.number,
            side="buy" if entry.side == codes.BUY else "sell",
            type=codes.TYPE_NAMES[entry.type],  # type: ignore[arg-type]
            tif=codes.TIF_NAMES[entry.tif],  # type: ignore[arg-type]
            lots=entry.lots,
            filled_lots=entry.filled_lots,
            average_price=price(entry.notional) / entry.filled_lots if is_heard else None,
            price=price(entry.price) if is_priced else None,
            trigger=price(entry.trigger) if entry.trigger else None,
            state=entry.state,
            reason=entry.reason,
            sent_ns=entry.sent_ns,
            pending=pending,
            lots_ahead=None if ahead == NONE else ahead,
        )

    def _field(self, name: str) -> Any:
        with self._running.reading():
            return self._running.record["desk"][name]
