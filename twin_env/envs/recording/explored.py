"""``ExploreEpisodes``: sample an episode while it is played, compactly, for who wants to look at its moments.

What is kept of each moment: the exchange's best levels and touch, the touch in the desk's picture, the market's volume,
the desk's position and working orders. Besides, all of the episode: where own orders stood, fills, faults.
"""

from collections.abc import Iterator
from typing import Any, Final

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.stream import BEGAN, BOOK, ENTRIES, EXCHANGE, FAULTS, FEED, MARKS, REQUESTS
from twin_env.core.wire.feed import PRINT_ONLY, SNAPSHOT
from twin_env.envs.recording.moments import Moment, Moments
from twin_env.envs.recording.own_orders import OwnOrders, Row
from twin_env.envs.recording.price_levels import PriceLevels
from twin_env.envs.single import TwinEnv

LEVELS: Final = 8
"""Of each side that a moment has."""
_PLANES: Final = EXCHANGE | BOOK | FEED | REQUESTS | FAULTS | MARKS
_ALL_LEVELS: Final = 1 << 30
_NS_PER_S: Final = 1e9
_FIELDS: Final = {
    EXCHANGE: ("ts_ns", "kind", "side", "owner", "price", "lots", "client"),
    BOOK: ("ts_ns", "kind", "side", "price", "lots"),
    FEED: ("ts_ns", "kind", "side", "price", "lots", "flag"),
    REQUESTS: ("ts_ns", "kind", "side", "flag", "type", "price", "trigger", "client"),
    FAULTS: ("ts_ns", "kind", "fault", "leads"),
    MARKS: ("ts_ns", "side", "price", "lots", "flag", "client"),
}


class ExploreEpisodes(gym.Wrapper[Any, Any, Any, Any]):
    """Sample each episode that is played; :meth:`episode` returns the latest.

    Watching changes nothing of what happens, so an episode goes as it would without it.

    Args:
        env: Any single environment of twin_env, wrapped or not.

    Raises:
        TypeError: The environment is none of twin_env.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        core = env.unwrapped
        if not isinstance(core, TwinEnv):
            raise TypeError(f"env is a {type(core).__name__}, expected an environment of twin_env")
        self._core = core
        self._stream = core.watch(_PLANES, keep=1)  # a step is read before the next is played
        self._cursor = 0
        self._sampled: _Sampled | None = None

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode, and its samples."""
        started = super().reset(**options)
        self._cursor = self._stream.end
        self._sampled = _Sampled(self._core)
        return started

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play a step and sample what happened in it."""
        result = super().step(action)
        batch = self._stream.read(self._cursor)
        self._cursor = batch.next
        if self._sampled is not None:
            self._sampled.follow(batch.rows)
        return result

    def now(self) -> Moment:
        """Return how things stand: what a moment of an episode has.

        Raises:
            ValueError: No episode was started.
        """
        return self._started().take()

    def episode(self) -> dict[str, Any]:
        """Return the latest episode as plain data, ready for JSON: times in seconds, prices in ticks.

        Raises:
            ValueError: None was started.
        """
        return self._started().finish(self._core.batch.reader(0).now_ns)

    def _started(self) -> "_Sampled":
        if self._sampled is None:
            raise ValueError("no episode was started, expected a reset before")
        return self._sampled


class _Sampled:
    """The samples of one episode, from its reset on."""

    def __init__(self, core: TwinEnv) -> None:
        twin = core.twin()
        self._begin_ns = twin.now_ns
        self._book = PriceLevels.of(twin.exchange.book(_ALL_LEVELS))
        self._seen = PriceLevels.of(twin.desk.book(_ALL_LEVELS))
        self._snapshot = self._book.copy()
        self._method = core.experiment.method
        self._faults: list[Row] = []
        self._on: dict[int, Row] = {}
        self._volume = 0
        self.own = OwnOrders()
        self.moments = Moments(self._begin_ns, self.take)
        for effect in twin.effects():
            if effect["leads"] and effect["began_ns"] > effect["ended_ns"]:
                self._begin_fault(int(effect["fault"]), self._begin_ns)

    def follow(self, rows: NDArray[np.void]) -> None:
        """Follow what happened in a step, in its order."""
        entries = {plane: _entries(rows, plane) for plane in _FIELDS}
        steps = {
            EXCHANGE: self._see_event,
            BOOK: self._see_level,
            FEED: self._hear,
            REQUESTS: self.own.ask,
            FAULTS: self._see_fault,
            MARKS: self._see_fill,
        }
        for plane, ts_ns in zip(rows["plane"].tolist(), rows["ts_ns"].tolist(), strict=True):
            self.moments.reach(ts_ns)
            if plane in steps:  # another reader of the stream may have asked for more planes
                steps[plane](next(entries[plane]))

    def finish(self, now_ns: int) -> dict[str, Any]:
        """Return everything, the episode being over."""
        self.moments.end(now_ns)
        self.own.end(now_ns)
        for number in list(self._on):
            self._end_fault(number, now_ns)
        samples = self.moments.samples
        columns = {key: [sample[key] for sample in samples] for key in samples[0] if key != "t_ns"}
        return {
            "begin_ns": self._begin_ns,
            "lots": self.own.filled_lots,
            "t_s": [sample["t_ns"] / _NS_PER_S for sample in samples],
            **columns,
            "orders": [self._in_seconds(span) for span in self.own.spans],
            "fills": [self._in_seconds(fill) for fill in self.own.fills],
            "faults": [self._in_seconds(fault) for fault in self._faults],
            "left_out": self.own.left_out,
        }

    def take(self) -> Moment:
        """Return how things stand."""
        bids, asks = self._book.best(codes.BUY, LEVELS), self._book.best(codes.SELL, LEVELS)
        return {
            "bids": [number for level in bids for number in level],
            "asks": [number for level in asks for number in level],
            "desk_bid": self._seen.touch(codes.BUY),
            "desk_ask": self._seen.touch(codes.SELL),
            "volume_lots": self._volume,
            "filled_lots": self.own.filled_lots,
            "position_lots": self.own.position_lots,
            "working": self.own.working,
        }

    def _see_event(self, entry: Row) -> None:
        if entry["kind"] in (codes.TRADED, codes.PRINTED):
            self._volume += entry["lots"]
        self.own.see(entry)

    def _see_fill(self, entry: Row) -> None:
        """Note a fill with the touch that it left at the exchange and the one in the desk's picture."""
        names = (("bid", codes.BUY), ("ask", codes.SELL))
        touches = {name: self._book.touch(side) for name, side in names}
        touches |= {f"desk_{name}": self._seen.touch(side) for name, side in names}
        self.own.fill(entry, touches)

    def _see_level(self, entry: Row) -> None:
        if entry["kind"] == SNAPSHOT:
            self._snapshot = self._book.copy()
        elif entry["kind"] != PRINT_ONLY:
            self._book.set(entry["side"], entry["price"], entry["lots"])

    def _hear(self, entry: Row) -> None:
        if entry["kind"] == SNAPSHOT:
            self._seen = self._snapshot.copy()
        elif entry["flag"] != 1 and entry["kind"] != PRINT_ONLY:  # 1: the desk knew it already, or better
            self._seen.set(entry["side"], entry["price"], entry["lots"])

    def _see_fault(self, entry: Row) -> None:
        if not entry["leads"]:
            return
        if entry["kind"] == BEGAN:
            self._begin_fault(entry["fault"], entry["ts_ns"])
        else:
            self._end_fault(entry["fault"], entry["ts_ns"])

    def _begin_fault(self, number: int, ts_ns: int) -> None:
        known = 0 <= number < len(self._method)
        name, family = (self._method[number].name, self._method[number].family) if known else ("fault", "")
        self._on[number] = {"name": name, "family": family, "begin_ns": ts_ns}

    def _end_fault(self, number: int, ts_ns: int) -> None:
        if number in self._on:
            self._faults.append(self._on.pop(number) | {"end_ns": ts_ns})

    def _in_seconds(self, row: Row) -> Row:
        def since(ts_ns: int) -> float:
            return round((ts_ns - self._begin_ns) / _NS_PER_S, 6)

        return {
            (key.replace("_ns", "_s") if key.endswith("_ns") else key): since(value) if key.endswith("_ns") else value
            for key, value in row.items()
        }


def _entries(rows: NDArray[np.void], plane: int) -> Iterator[Row]:
    """Yield the entries of one plane as plain numbers by name."""
    chosen, names = rows[rows["plane"] == plane].view(ENTRIES[plane]), _FIELDS[plane]
    columns = [chosen[name].tolist() for name in names]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
