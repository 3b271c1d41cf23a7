"""The tables of a recorded episode, filled step by step while it is played again."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.parts import SPLIT_NAMES
from twin_env.core.state import codes
from twin_env.envs.batch import Batch
from twin_env.envs.episode_status import OUT_OF_DATA, OVER
from twin_env.envs.recording.book import Book, Event, read_resting
from twin_env.envs.recording.desk_orders import SIDE_NAMES, OwnOrders, Row
from twin_env.envs.recording.episode import EpisodeError
from twin_env.market.data.columns.files import polars
from twin_env.market.instrument import Instrument

if TYPE_CHECKING:
    import polars as pl

Tables = dict[str, "pl.DataFrame"]

TABLES: Final = ("steps", "events", "book", "desk", "requests", "orders", "fills", "ledger")
LEVELS: Final = 5  # of each side of the desk's mirror
OWNER_NAMES: Final = {codes.BACKGROUND: "background", codes.DESK: "desk"}
_TEXTS: Final = ("side", "type", "tif", "end", "reason", "request", "answer", "liquidity")
_COLUMNS: Final = {  # of the tables that may have no row
    "requests": "order request sent_ns arrives_ns price_ticks trigger_ticks lots answer reason",
    "orders": "order side type tif sent_ns arrived_ns price_ticks trigger_ticks lots filled_lots slot ended_ns "
    "end reason",
    "fills": "ts_ns order side liquidity price_ticks lots mid_before_ticks",
    "book": "order side price_ticks lots",
}


class Notes:
    """What is noted of a batch of one after its reset and after each step.

    Attributes:
        count: Events noted so far.
    """

    def __init__(self, batch: Batch, name: str) -> None:
        world = batch.worlds[0]
        self.count = 0
        self._batch = batch
        self._name = name
        self._first = int(world.event_count)
        self._sent = int(world.order_link.departed)
        self._resting = read_resting(world)
        self._book = Book(self._resting, int(world.bid), int(world.ask))
        self._own = OwnOrders(int(world.venue.protection_ticks), int(world.venue.band_ticks), int(world.last_trade))
        self._events: list[NDArray[np.void]] = []
        self._rests: list[int | None] = []
        self._steps: list[Row] = []
        self._desk: list[Row] = []
        self._ledger: list[Row] = []

    def note(self, action: NDArray[Any] | None = None, numbers: int = 0) -> None:
        """Note a moment: the reset (without an action), or what a step left.

        Args:
            action: As the simulator was given it.
            numbers: How many an action has.

        Raises:
            EpisodeError: The step made more events or requests than its world keeps.
        """
        self._follow()
        world, task = self._batch.worlds[0], self._batch.tasks[0]
        at = {"step": len(self._steps), "ts_ns": int(world.now_ns)}
        given = [None] * numbers if action is None else action.tolist()
        self._steps.append(at | self._step(given))
        self._desk.append(at | _desk_row(world))
        self._ledger.append(at | _ledger_row(world, task))

    def tables(self) -> Tables:
        """Return every table of the episode, the requests that are still about to leave included."""
        world = self._batch.worlds[0]
        for count in range(self._sent, int(world.order_link.pushed)):
            self._own.send(world.requests[count & (len(world.requests) - 1)], departed=False)
        for order in self._own.orders:
            order["end"] = order["end"] or ("open" if order["arrived_ns"] else "on the wire")
        instrument = self._batch.market.instrument
        resting = [row._asdict() | {"side": SIDE_NAMES[row.side]} for row in self._resting]
        rows = {
            "steps": self._steps,
            "book": resting,
            "desk": self._desk,
            "requests": self._own.requests,
            "orders": self._own.orders,
            "fills": self._own.fills,
            "ledger": self._ledger,
        }
        tables = {name: _frame(name, rows[name], instrument) for name in rows}
        return tables | {"events": _event_table(np.concatenate(self._events), self._rests, instrument)}

    def _step(self, given: list[Any]) -> Row:
        batch, world = self._batch, self._batch.worlds[0]
        told = batch.definition.info.as_dict(batch.infos[0])
        seen = batch.layout.decode(batch.observations[0])
        return (
            {"events": self.count, "event_hash": f"{int(world.event_hash):016x}"}
            | {"bid_ticks": self._book.best(codes.BUY), "ask_ticks": self._book.best(codes.SELL)}
            | {f"action_{place}": value for place, value in enumerate(given)}
            | {
                "reward": float(batch.rewards[0]) if self._steps else None,
                "terminated": bool(batch.status[0] == OVER),
                "truncated": bool(batch.status[0] == OUT_OF_DATA),
            }
            | told
            | {f"observation/{name}": value for name, value in seen.items()}
        )

    def _follow(self) -> None:
        """Note requests and events since the last time; requests first, for events answer them."""
        world = self._batch.worlds[0]
        link, step = world.order_link, len(self._steps)
        _check_room(self._name, step, "requests", int(link.pushed) - self._sent, len(world.requests))
        for count in range(self._sent, int(link.departed)):
            self._own.send(world.requests[count & (len(world.requests) - 1)], departed=True)
        self._sent = int(link.departed)
        fresh = np.arange(self._first + self.count, int(world.event_count))
        _check_room(self._name, step, "events", len(fresh), len(world.events))
        events = world.events[fresh & (len(world.events) - 1)]
        for event in map(Event._make, events.tolist()):
            self._book.make_way(event)
            rests_ticks = self._own.see(event, self._book)
            self._rests.append(rests_ticks)
            self._book.apply(event, rests_ticks)
        self._book.settle()
        self._events.append(events)
        self.count += len(events)


def _check_room(name: str, step: int, what: str, count: int, room: int) -> None:
    if count > room:
        raise EpisodeError(
            f"{name}: step {step} made {count} {what} and a recording keeps {room} of one step, "
            "expected a smaller task.step_s"
        )


def _desk_row(world: Any) -> Row:
    """Return what the desk sees and believes: its mirror's best levels, its position, its wire."""
    desk, mirror = world.desk, world.desk.book
    row: Row = {"mid_ticks": int(desk.mid) / 2}
    for place, (name, side) in enumerate((("bid", codes.BUY), ("ask", codes.SELL))):
        count = int(mirror.count[place])
        for level in range(LEVELS):
            at = count - 1 - level
            here = at >= 0
            row[f"{name}_{level + 1}_ticks"] = side * int(mirror.key[place, at]) if here else None
            row[f"{name}_{level + 1}_lots"] = int(mirror.levels[mirror.level[place, at]].lots) if here else 0
    return row | {
        "feed_age_ns": int(world.now_ns - desk.feed_ns),
        "round_trip_ns": int(desk.round_trip_ns),
        "gap": bool(desk.gap),
        "position_lots": int(desk.position),
        "filled_lots": int(desk.filled_lots),
        "live_orders": int(desk.live),
        "pending_requests": int(desk.pending),
    }


def _ledger_row(world: Any, task: Any) -> Row:
    """Return the split and what it is made of, in integers; money in 1e-6 of the account currency."""
    split = {f"{name}_micro": int(part) for name, part in zip(SPLIT_NAMES, task.parts, strict=True)}
    ledger = world.ledger
    return split | {
        "cash_half_tick_lots": int(ledger.cash),
        "paid_fees_micro": int(ledger.fees_micro),
        "position_lots": int(ledger.position),
        "filled_lots": int(ledger.filled_lots),
        "taker_lots": int(ledger.taker_lots),
        "fills": int(ledger.fills),
        "substituted_marks": int(ledger.substituted),
    }


def _event_table(events: NDArray[np.void], rests: list[int | None], instrument: Instrument) -> "pl.DataFrame":
    pl = polars()
    columns = {
        "ts_ns": events["ts_ns"],
        "kind": _names(events["kind"], codes.EVENT_NAMES),
        "reason": _names(events["reason"], {code: text for code, text in codes.REASON_NAMES.items() if code}),
        "side": _names(events["side"], SIDE_NAMES),
        "owner": _names(events["owner"], OWNER_NAMES),
        "order": events["order"],
        "contra": events["contra"],
        "price_ticks": events["price"],
        "lots": events["lots"],
        "rests_ticks": rests,
    }
    types = {"reason": pl.String, "side": pl.String, "rests_ticks": pl.Int64}
    return _priced(pl.DataFrame(columns, schema_overrides=types), instrument)


def _frame(name: str, rows: list[Row], instrument: Instrument) -> "pl.DataFrame":
    pl = polars()
    if name not in _COLUMNS:
        return pl.DataFrame(rows, infer_schema_length=None)  # type: ignore[no-any-return]
    schema = {column: _dtype(column) for column in _COLUMNS[name].split()}
    return _priced(pl.DataFrame(rows, schema=schema), instrument)


def _dtype(column: str) -> Any:
    pl = polars()
    return pl.String if column in _TEXTS else pl.Float64 if column == "mid_before_ticks" else pl.Int64


def _priced(frame: "pl.DataFrame", instrument: Instrument) -> "pl.DataFrame":
    """Put the price in the quote currency behind each one in ticks."""
    pl = polars()
    for name in [column for column in frame.columns if column.endswith("_ticks")]:
        halves = (frame[name] * 2).to_list()
        known = {half: instrument.to_price(int(half)) / 2 for half in set(halves) if half is not None}
        price = pl.Series(name.replace("_ticks", "_quote"), [known.get(half) for half in halves], pl.Float64)
        frame = frame.insert_column(frame.columns.index(name) + 1, price)
    return frame


def _names(column: NDArray[Any], names: dict[int, str]) -> list[str | None]:
    return [names.get(code) for code in column.tolist()]
