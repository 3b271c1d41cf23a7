"""The desk of a running market: orders out, and what has come back so far.

Everything here is what the desk knows, which is late by the wires: an order that was cancelled may still fill, a
fill that happened may not be known. What is true at the exchange is read from ``Twin.exchange``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args

import numpy as np

from twin_env.core.desk.desk import FREE
from twin_env.core.state import codes
from twin_env.core.state.layout import NONE
from twin_env.market.instrument import Instrument
from twin_env.twin.exchange import Depth, read_levels
from twin_env.twin.orders import DeskOrder, OrderEntry, OrderError, OrderLog, OrderType, Side, TimeInForce
from twin_env.twin.requests import cancel_order, desk_touch_of, replace_order, send_order
from twin_env.twin.running_world import RunningWorld
from twin_env.twin.stream import Batch

_ORDER: Final = ("side", "type", "tif", "flags", "price", "trigger", "lots")  # arguments of send_order
_SIDES: Final[dict[str, int]] = {"buy": codes.BUY, "sell": codes.SELL}
_TYPES: Final = {name: code for code, name in codes.TYPE_NAMES.items()}
_TIFS: Final = {name: code for code, name in codes.TIF_NAMES.items()}
_NS_PER_MS: Final = 1e6


def _whole(lots: int) -> int:
    """Return lots as a number the exchange takes, or raise OrderError."""
    if isinstance(lots, bool) or not isinstance(lots, int | np.integer) or not 1 <= lots <= codes.MAX_LOTS:
        raise OrderError(f"lots={lots!r}, expected an integer from 1 to {codes.MAX_LOTS}")
    return int(lots)


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
            id: The caller's name for the order, never used before; the desk's number by default.

        Returns:
            The order's id.

        Raises:
            OrderError: It cannot leave: a number is missing or impossible, the id was used, no room at the desk.
        """
        order = self._read_order(side, lots, type, price, trigger, tif)
        if id is not None and not (isinstance(id, str) and id):
            raise OrderError(f"id={id!r}, expected a text that is not empty")
        if id is not None and id in self.log:
            raise OrderError(f"id={id!r} was used before, expected a new one for each order")
        return self._submit(order | {"flags": codes.POST_ONLY if post_only else 0}, id)

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
        if trigger is not None and entry.type not in (codes.STOP, codes.STOP_LIMIT):
            kind = codes.TYPE_NAMES[entry.type]
            raise OrderError(f"trigger={trigger!r} for a {kind} order, expected trigger for stops that wait alone")
        with self._running.reading():
            order = self._running.record["desk"]["orders"][entry.row].copy()
        terms = {
            "price": int(order["price"]) if price is None else self._ticks("price", price),
            "trigger": entry.trigger if trigger is None else self._ticks("trigger", trigger),
            "lots": int(max(order["lots"], order["asked"])) if lots is None else _whole(lots),
        }
        self._replace(entry, terms)

    def repeat_submit(self, line: dict[str, Any]) -> str:
        """Send an order as a run file has it."""
        order = {name: int(line[name]) for name in _ORDER}
        return self._submit(order, line["id"] if line["id"] != str(line["number"]) else None)

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
            return int(desk_touch_of(*self._running.place, _SIDES[side]))

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

    def _read_order(
        self, side: str, lots: int, type: str, price: float | None, trigger: float | None, tif: str | None
    ) -> dict[str, int]:
        """Return an order as numbers, or raise OrderError."""
        for name, word, known in (("side", side, _SIDES), ("type", type, _TYPES)):
            if word not in known:
                raise OrderError(f"{name}={word!r}, expected one of {', '.join(known)}")
        tif = tif or ("ioc" if type == "market" else "day")
        if tif not in _TIFS:
            raise OrderError(f"tif={tif!r}, expected one of {', '.join(get_args(TimeInForce))}")
        for name, value, kinds in (
            ("price", price, ("limit", "stop_limit")),
            ("trigger", trigger, ("stop", "stop_limit")),
        ):
            if (value is None) == (type in kinds):
                raise OrderError(
                    f"{name}={value!r} with type={type!r}, expected {name} of {' and '.join(kinds)} orders alone"
                )
        return {
            "side": _SIDES[side],
            "type": _TYPES[type],
            "tif": _TIFS[tif],
            "price": 0 if price is None else self._ticks("price", price),
            "trigger": 0 if trigger is None else self._ticks("trigger", trigger),
            "lots": _whole(lots),
        }

    def _submit(self, order: dict[str, int], id: str | None) -> str:
        """Send an order and open its entry; return its id."""
        with self._sending():
            row = send_order(*self._running.place, *(order[name] for name in _ORDER))
            if row == NONE:
                raise OrderError(self._full())
            kept = self._running.record["desk"]["orders"][row]
            number, sent_ns = int(kept["client"]), int(kept["sent_ns"])
        self.log.open(number, int(row), order, sent_ns)
        name = str(number) if id is None else id
        self.log.name(number, name)
        self._note("submit", order | {"number": number, "id": name})
        return name

    def _replace(self, entry: OrderEntry, terms: dict[str, int]) -> None:
        """Ask for other terms."""
        with self._sending():
            sent = replace_order(*self._running.place, entry.row, terms["price"], terms["trigger"], terms["lots"])
        if not sent:
            raise OrderError(self._full())
        entry.trigger = terms["trigger"]
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

    def _ticks(self, name: str, value: float) -> int:
        limit = self._instrument.to_price(codes.MAX_PRICE_TICKS)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not abs(value) <= limit:
            raise OrderError(f"{name}={value!r}, expected a number from {-limit:g} to {limit:g}")
        try:
            return self._instrument.to_ticks(value)
        except (ValueError, TypeError) as error:
            raise OrderError(f"{name}={value!r}: {error}") from None

    def _field(self, name: str) -> Any:
        with self._running.reading():
            return self._running.record["desk"][name]
