"""What is noted of an episode while it is played again: the rows of its tables, from the stream of its world."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.stream import EXCHANGE, REQUESTS
from twin_env.envs.batch import Batch
from twin_env.envs.episode_status import OUT_OF_DATA, OVER
from twin_env.envs.recording.book import Book, Event, Resting
from twin_env.envs.recording.desk_orders import OwnOrders, Row
from twin_env.market.instrument import Instrument
from twin_env.twin.exchange import Exchange
from twin_env.twin.stream import Batch as StreamBatch

LEVELS: Final = 5  # of each side of the desk's mirror
_OWNERS: Final = {codes.BACKGROUND: "background", codes.DESK: "desk"}


class Notes:
    """Follows a batch of one, just started: the reset is noted at once, each step by :meth:`note`.

    Attributes:
        instrument: What is traded.
        resting: Orders in the book at the reset, oldest first.
        own: The desk's requests, orders and fills.
        events: What the exchange did, ``core.stream.EXCHANGE_ENTRY`` arrays, one a step.
        owners: Whose order each event is of, in words.
        rests: Where what comes with each event will rest, in ticks; ``None`` where nothing comes.
        steps: A row per step, that of the reset first.
        desk: Likewise, what the desk saw and believed.
        ledger: Likewise, the split and the account.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch, self._reader = batch, batch.reader(0)
        self._stream = batch.watch(0, EXCHANGE | REQUESTS, keep=1)  # a step is read before the next is played
        self._cursor = self._stream.end
        exchange = self._reader.exchange
        venue = exchange.venue
        self.instrument: Instrument = batch.market.instrument
        self.resting = read_resting(exchange)
        self.own = OwnOrders(int(venue["protection_ticks"]), int(venue["band_ticks"]), exchange.last_trade_ticks or 0)
        self.events: list[NDArray[np.void]] = []
        self.owners: list[str] = []
        self.rests: list[int | None] = []
        self.steps: list[Row] = []
        self.desk: list[Row] = []
        self.ledger: list[Row] = []
        self._book = Book(self.resting, exchange.touch_ticks(codes.BUY), exchange.touch_ticks(codes.SELL))
        self._note([None] * batch.given.shape[1])

    def note(self, action: NDArray[Any]) -> None:
        """Note what a step left.

        Args:
            action: As the simulator was given it.
        """
        batch = self._stream.read(self._cursor)
        self._cursor = batch.next
        self._follow(batch)
        self._note(action.tolist())

    def _note(self, given: list[Any]) -> None:
        at = {"step": len(self.steps), "ts_ns": self._reader.now_ns}
        self.steps.append(at | self._step(given))
        self.desk.append(at | self._reader.desk(LEVELS))
        self.ledger.append(at | self._reader.ledger())

    def _step(self, given: list[Any]) -> Row:
        batch = self._batch
        told = batch.definition.info.as_dict(batch.infos[0])
        seen = batch.layout.decode(batch.observations[0])
        return (
            {"events": len(self.rests), "event_hash": f"{self._reader.event_hash:016x}"}
            | {"bid_ticks": self._book.best(codes.BUY), "ask_ticks": self._book.best(codes.SELL)}
            | {f"action_{place}": value for place, value in enumerate(given)}
            | {
                "reward": float(batch.rewards[0]) if self.steps else None,
                "terminated": bool(batch.status[0] == OVER),
                "truncated": bool(batch.status[0] == OUT_OF_DATA),
            }
            | told
            | {f"observation/{name}": value for name, value in seen.items()}
        )

    def _follow(self, batch: StreamBatch) -> None:
        """Follow what happened in a step, in its order."""
        self.own.band_ticks = int(self._reader.exchange.venue["band_ticks"])
        drives = self._batch.experiments.owners(0)
        names = _OWNERS | {owner: f"actor:{kind}" for owner, kind in drives.items()}
        events, requests = read_events(batch), iter(batch.requests)
        for plane in batch.rows["plane"].tolist():
            if plane == REQUESTS:
                self.own.ask(next(requests))
                continue
            if plane != EXCHANGE:  # another reader of the stream asked for it
                continue
            event = next(events)
            self._book.make_way(event)
            rests_ticks = self.own.see(event, self._book)
            self.rests.append(rests_ticks)
            self.owners.append(names[event.owner])
            self._book.apply(event, rests_ticks)
        self._book.settle()
        self.events.append(batch.exchange)


def read_events(batch: StreamBatch) -> Iterator[Event]:
    """Yield what the exchange did in a batch of the stream."""
    rows = batch.exchange
    columns = (rows[name].tolist() for name in Event._fields)
    return (Event(*row) for row in zip(*columns, strict=True))


def read_resting(exchange: Exchange) -> list[Resting]:
    """Return every order that rests in a book, oldest first."""
    found = exchange.resting_orders()
    columns = (found[name].tolist() for name in Resting._fields)
    return [Resting(*row) for row in zip(*columns, strict=True)]
