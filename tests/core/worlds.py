"""Worlds for tests: templates of every kind, and a session that drives one from outside.

Three kinds of world: one that only plays messages (``book_template``), one with the synthetic flow
(``flow_template``) and one that plays a tape, possibly an empty one (``tape_template``). A
:class:`Session` is one started world with the controls of its desk.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twin_env.core import book as books
from twin_env.core import codes, desk, exchange, kernel, layout, ledger
from twin_env.core import world as world_module
from twin_env.core.jit import kernel as compiled
from twin_env.core.layout import NONE, SYNTHETIC, Profile
from twin_env.reference.messages import Event, Message

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
SECOND = 1_000_000_000
LINKS = ("order_link", "report_link", "tick_link", "beat_out", "beat_in")

# Every profile compiles once, so there are few. DRIVEN keeps enough events to read them all after a step.
DRIVEN = replace(SYNTHETIC, name="driven", events=4096)
CRAMPED = Profile("cramped", orders=5, levels=2, stops=2, rows=1, requests=1, reports=1, ticks=1, events=256)

Delay = tuple[float, float]  # milliseconds, shortest and longest


@compiled
def _advance(worlds: Any, index: int, tape: Any, until_ns: int) -> None:
    kernel.advance(worlds[index], tape, until_ns)


@compiled
def _tell(worlds: Any, index: int, messages: Any, row: int) -> None:
    exchange.handle(worlds[index], messages[row])


@compiled
def _send_new(
    worlds: Any, side: int, kind: int, tif: int, flags: int, price: int, trigger: int, lots: int, intent: int
) -> int:
    return desk.send_new(worlds[0], side, kind, tif, flags, price, trigger, lots, intent)


@compiled
def _send_cancel(worlds: Any, row: int) -> bool:
    return desk.send_cancel(worlds[0], row)


@compiled
def _send_replace(worlds: Any, row: int, price: int, trigger: int, lots: int) -> bool:
    return desk.send_replace(worlds[0], row, price, trigger, lots)


@compiled
def _open_intent(worlds: Any, intent: int, side: int, lots: int, mid: int) -> None:
    ledger.open_intent(worlds[0], intent, side, lots, mid)


@compiled
def _close_intent(worlds: Any, intent: int) -> None:
    ledger.close_intent(worlds[0], intent)


@compiled
def _split(worlds: Any, parts: Any) -> None:
    ledger.split(worlds[0], parts)


@compiled
def _mid_half_ticks(worlds: Any) -> int:
    return books.mid_half_ticks(worlds[0])


@compiled
def _committed_lots(worlds: Any) -> int:
    return desk.committed_lots(worlds[0])


def set_delays(template: Any, **delays: Delay) -> None:
    """Give links delays spread evenly over ``(shortest, longest)`` milliseconds; equal ones are a constant."""
    for name, (shortest_ms, longest_ms) in delays.items():
        knots = np.linspace(shortest_ms * MS, longest_ms * MS, layout.DELAY_KNOTS)
        template[0][name]["delay_ns"][:] = np.rint(knots).astype(np.int64)


def book_template(profile: Profile = DRIVEN, *, protection_ticks: int = 3, self_match: int = codes.ALLOW) -> Any:
    """A world for ``exchange.play`` whose order ids are all named by the messages."""
    template = world_module.create_template(profile, tape_orders=profile.orders)
    venue = template[0]["venue"]
    venue["protection_ticks"], venue["self_match"] = protection_ticks, self_match
    return template


def _configure(
    template: Any, delay_ms: Delay, self_match: int, protection_ticks: int, taker_fee_micro: int, maker_fee_micro: int
) -> None:
    set_delays(template, **dict.fromkeys(LINKS, delay_ms))
    venue = template[0]["venue"]
    venue["protection_ticks"], venue["self_match"] = protection_ticks, self_match
    venue["taker_fee_micro"], venue["maker_fee_micro"] = taker_fee_micro, maker_fee_micro
    venue["half_tick_micro"] = 500_000
    template[0]["desk"]["recovery_ns"] = 200 * MS
    template[0]["desk"]["heartbeat_ns"] = SECOND


def tape_template(
    profile: Profile = DRIVEN,
    *,
    tape_orders: int = 256,
    delay_ms: Delay = (0.0, 0.0),
    self_match: int = codes.ALLOW,
    protection_ticks: int = 50,
    taker_fee_micro: int = 0,
    maker_fee_micro: int = 0,
) -> Any:
    """A world that plays a tape; with an empty one it holds still until it is told something."""
    template = world_module.create_template(profile, tape_orders=tape_orders)
    _configure(template, delay_ms, self_match, protection_ticks, taker_fee_micro, maker_fee_micro)
    template[0]["flow_kind"] = kernel.TAPE_FLOW
    return template


def flow_template(
    profile: Profile = DRIVEN,
    *,
    delay_ms: Delay = (0.0, 0.0),
    self_match: int = codes.ALLOW,
    protection_ticks: int = 50,
    taker_fee_micro: int = 0,
    maker_fee_micro: int = 0,
) -> Any:
    """A world with a synthetic flow of about 60 events a second."""
    template = world_module.create_template(profile)
    _configure(template, delay_ms, self_match, protection_ticks, taker_fee_micro, maker_fee_micro)
    template[0]["flow_kind"] = kernel.SYNTHETIC_FLOW
    flow, cap, levels = template[0]["flow"], 32, 8
    limit_rate, cancel_rate = np.zeros(layout.FLOW_LEVELS), np.zeros(layout.FLOW_LEVELS)
    limit_rate[:levels] = [2.5, 2.2, 1.6, 1.2, 0.9, 0.7, 0.5, 0.4]
    cancel_rate[:levels] = [0.25, 0.2, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15]
    far_rate = 0.02 * profile.orders / 2
    cumulative = np.cumsum([*limit_rate, *(cancel_rate * cap), 1.0, far_rate])
    flow["limit_rate"], flow["cancel_rate"] = limit_rate, cancel_rate * cap
    flow["market_rate"], flow["far_cancel_rate"] = 1.0, far_rate
    flow["cumulative"], flow["total_rate"] = cumulative, 2 * cumulative[-1]
    starts = np.arange(layout.FLOW_GUIDE) / layout.FLOW_GUIDE * cumulative[-1]
    flow["guide"] = np.searchsorted(cumulative, starts, side="right")
    flow["depth_cap"], flow["levels"] = cap, levels
    flow["limit_log_keep"], flow["market_log_keep"] = np.log(1 - 1 / 2.0), np.log(1 - 1 / 3.0)
    return template


FLOW_START = {"warm_up_ns": 20 * SECOND, "price_ticks": 43_000, "depth_lots": np.full(8, 10)}
"""Arguments of ``start_world`` that go with ``flow_template``."""


def to_tape(rows: Sequence[Message] | np.ndarray) -> Any:
    """Return messages as a tape, which is read-only as all tapes are."""
    tape = rows.copy() if isinstance(rows, np.ndarray) else np.array([tuple(row) for row in rows], layout.MESSAGE)
    tape.flags.writeable = False
    return tape


NO_ROWS = to_tape([])


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
        template: See the factories above.
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
        _advance(self.worlds, 0, self.tape, until_ns)

    def settle(self, duration_ns: int = 30 * SECOND) -> None:
        """Stop the background and let everything that is on a wire arrive."""
        self.world["flow_kind"] = kernel.NO_FLOW
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
        _tell(self.worlds, 0, to_tape([message._replace(ts_ns=self.now_ns)]), 0)
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
        slot = int(self.world["own"][row]["order"])
        return None if slot == NONE else self.world["orders"][slot]

    def lots_ahead(self, row: int) -> int:
        """Lots that stand before a resting own order in its queue, at the exchange."""
        slot = int(self.world["own"][row]["order"])
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

    @property
    def committed_lots(self) -> int:
        return int(_committed_lots(self.worlds))
