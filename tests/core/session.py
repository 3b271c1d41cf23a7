"""A session drives one world from outside: time, the controls of its desk, and everybody else."""

from typing import Any

import numpy as np

from tests.core.worlds import NO_ROWS, SECOND, START_NS, to_tape
from twin_env.core import conditions, event_loop, intents, ledger
from twin_env.core.desk import desk, groups, requests
from twin_env.core.exchange import book as books
from twin_env.core.exchange import exchange
from twin_env.core.flow.flow import NO_FLOW
from twin_env.core.state import codes, layout
from twin_env.core.state import world as world_module
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE
from twin_env.reference.messages import Event, Message

NO_EVENTS = np.zeros(0, layout.EVENT)


@kernel
def _send_new(
    worlds: Any, side: int, kind: int, tif: int, flags: int, price: int, trigger: int, lots: int, intent: int
) -> int:
    return requests.send_new(worlds[0], side, kind, tif, flags, price, trigger, lots, intent)


@kernel
def _send_cancel(worlds: Any, row: int) -> bool:
    return requests.send_cancel(worlds[0], row)


@kernel
def _send_replace(worlds: Any, row: int, price: int, trigger: int, lots: int) -> bool:
    return requests.send_replace(worlds[0], row, price, trigger, lots)


@kernel
def _attach_exits(worlds: Any, row: int, target: int, stop: int) -> None:
    groups.attach_exits(worlds[0], row, target, stop)


@kernel
def _pair_orders(worlds: Any, first: int, second: int) -> None:
    groups.pair_orders(worlds[0], first, second)


@kernel
def _open_intent(worlds: Any, intent: int, side: int, lots: int, mid: int) -> None:
    intents.open_intent(worlds[0], intent, side, lots, 0)
    intents.ask(worlds[0], intent, conditions.AT_ONCE, mid)


@kernel
def _close_intent(worlds: Any, intent: int) -> None:
    intents.close_intent(worlds[0], intent)


@kernel
def _split(worlds: Any, parts: Any) -> None:
    ledger.split(worlds[0], parts)


@kernel
def _mid_half_ticks(worlds: Any) -> int:
    return books.mid_half_ticks(worlds[0])


@kernel
def _desk_touch(worlds: Any, side: int) -> int:
    return desk.desk_touch(worlds[0], side)


@kernel
def _committed_lots(worlds: Any) -> int:
    return desk.committed_lots(worlds[0])


def levels_of(ladder: np.record, side: int) -> list[tuple[int, int, int]]:
    """Return ``(price, lots, orders)`` of one side of a ladder, best first."""
    row = (1 - side) // 2
    best_first = ladder["level"][row, : ladder["count"][row]][::-1]
    levels = [ladder["levels"][index] for index in best_first]
    return [(side * int(level["key"]), int(level["lots"]), int(level["orders"])) for level in levels]


def queue_of(world: np.record, level: int) -> list[int]:
    """Return the order slots of a level, oldest first."""
    slots, slot = [], int(world["book"]["levels"][level]["head"])
    while slot != NONE and len(slots) <= len(world["orders"]):
        slots.append(slot)
        slot = int(world["orders"][slot]["next"])
    return slots


class Session:
    """One started world, its tape, and the controls of its desk.

    Args:
        template: See ``worlds``.
        tape: What a tape world plays.
        start: Further arguments of ``start_world``.
    """

    def __init__(self, template: Any, tape: Any = NO_ROWS, *, seed: int = 1, start_ns: int = START_NS, **start: Any):
        self.worlds = np.zeros_like(template)
        self.tape = tape
        world_module.start_world(self.worlds, 0, template, seed=seed, start_ns=start_ns, tape=tape, **start)
        self._read = int(self.world["event_count"])

    @property
    def world(self) -> np.record:
        """The world, a record: reading it sees every change."""
        return self.worlds[0]

    @property
    def now_ns(self) -> int:
        return int(self.world["now_ns"])

    @property
    def desk(self) -> np.record:
        return self.world["desk"]

    def fork(self) -> "Session":
        """Return a session on a copy of the world."""
        twin = object.__new__(Session)
        twin.worlds, twin.tape, twin._read = np.zeros_like(self.worlds), self.tape, self._read
        world_module.copy_world(self.worlds, 0, twin.worlds, 0)
        return twin

    # Time.

    def run(self, duration_ns: int) -> None:
        """Let time pass."""
        self.run_until(self.now_ns + duration_ns)

    def run_until(self, until_ns: int) -> None:
        event_loop.advance_world(self.worlds, 0, self.tape, until_ns)

    def settle(self, duration_ns: int = 30 * SECOND) -> None:
        """Stop the background and let everything that is on a wire arrive."""
        self.world["flow_kind"] = NO_FLOW
        self.run(duration_ns)

    # The desk.

    def order(
        self,
        side: int,
        lots: int,
        price: int = 0,
        *,
        type: int = codes.LIMIT,
        tif: int = codes.GTC,
        flags: int = 0,
        trigger: int = 0,
        intent: int = 0,
    ) -> int:
        """Send a new order now and return its row."""
        return int(_send_new(self.worlds, side, type, tif, flags, price, trigger, lots, intent))

    def market(self, side: int, lots: int, *, tif: int = codes.IOC, intent: int = 0) -> int:
        return self.order(side, lots, type=codes.MARKET, tif=tif, intent=intent)

    def attach_exits(self, row: int, target: int = groups.NO_EXIT, stop: int = groups.NO_EXIT) -> None:
        """Make an order that was just sent the entry of a bracket."""
        _attach_exits(self.worlds, row, target, stop)

    def pair(self, first: int, second: int) -> None:
        """Let two orders that were just sent cancel each other."""
        _pair_orders(self.worlds, first, second)

    def cancel(self, row: int) -> bool:
        return bool(_send_cancel(self.worlds, row))

    def replace(self, row: int, lots: int, price: int = 0, *, trigger: int = 0) -> bool:
        """Ask for a new total of lots, and a new price."""
        return bool(_send_replace(self.worlds, row, price, trigger, lots))

    def open_intent(self, side: int, lots: int, *, mid: int | None = None, intent: int = 0) -> None:
        """Decide to trade at the mid the desk sees (half-ticks), or at a given one."""
        _open_intent(self.worlds, intent, side, lots, int(self.desk["mid"]) if mid is None else mid)

    def close_intent(self, intent: int = 0) -> None:
        _close_intent(self.worlds, intent)

    # Everybody else.

    def tell(self, message: Message) -> list[Event]:
        """Let the exchange handle one message now, and return what it did."""
        before = int(self.world["event_count"])
        exchange.handle_all(self.worlds, 0, to_tape([message._replace(ts_ns=self.now_ns)]), NO_EVENTS)
        return self._events_from(before)

    def stranger(self, side: int, lots: int, price: int = 0, *, order: int = NONE, **fields: int) -> int:
        """Let somebody else send a limit order (or what ``fields`` say) and return the id it got."""
        events = self.tell(Message(kind=codes.NEW, side=side, lots=lots, price=price, order=order, **fields))
        return events[0].order

    def stranger_cancels(self, order: int) -> None:
        self.tell(Message(kind=codes.CANCEL, order=order))

    # What there is to see.

    def events(self) -> list[Event]:
        """Return the exchange's events since the last call."""
        new = self._events_from(self._read)
        self._read += len(new)
        return new

    def _events_from(self, first: int) -> list[Event]:
        count, ring = int(self.world["event_count"]), self.world["events"]
        assert count - first <= len(ring), "events were overwritten before they were read"
        return [Event._make(ring[i % len(ring)].item()) for i in range(first, count)]

    def depth(self, side: int) -> list[tuple[int, int, int]]:
        """Return ``(price, lots, orders)`` at the exchange, best first."""
        return levels_of(self.world["book"], side)

    def mirror(self, side: int) -> list[tuple[int, int]]:
        """Return ``(price, lots)`` as the desk sees them, best first."""
        return [(price, lots) for price, lots, _ in levels_of(self.desk["book"], side)]

    def row(self, row: int) -> np.record:
        """What the desk believes of one of its orders."""
        return self.desk["orders"][row]

    def truth(self, row: int) -> np.record | None:
        """The exchange's order behind a row, if there is one."""
        slot = int(self.world["desk_order_marks"][row]["order"])
        return None if slot == NONE else self.world["orders"][slot]

    def lots_ahead(self, row: int) -> int:
        """Lots that stand before a resting own order in its queue, at the exchange."""
        slot = int(self.world["desk_order_marks"][row]["order"])
        queue = queue_of(self.world, int(self.world["orders"][slot]["level"]))
        return int(sum(self.world["orders"][other]["lots"] for other in queue[: queue.index(slot)]))

    def split(self) -> np.ndarray:
        """Return the ledger's split, int64, in the order of the constants of ``ledger``."""
        parts = np.zeros(ledger.SPLIT, np.int64)
        _split(self.worlds, parts)
        return parts

    @property
    def mid_half_ticks(self) -> int:
        return int(_mid_half_ticks(self.worlds))

    def desk_touch(self, side: int) -> int:
        return int(_desk_touch(self.worlds, side))

    @property
    def committed_lots(self) -> int:
        return int(_committed_lots(self.worlds))
