"""One running market with its wires, its desk and its faults, driven from Python."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.compile import compile_experiment
from twin_env.chaos.experiment import NOTHING, Experiment
from twin_env.chaos.journal.trace import Trace
from twin_env.config import ConfigError
from twin_env.core.event_loop import advance_world
from twin_env.core.faults.engine import arm, inject, stop_all
from twin_env.core.ledger import SPLIT, SPLIT_NAMES
from twin_env.core.state import codes
from twin_env.core.state.seed import check_seed
from twin_env.core.state.world import create_worlds, digest, raw
from twin_env.core.stream import ALL_PLANES
from twin_env.market.market import Market
from twin_env.twin.baseline import stage_of
from twin_env.twin.desk import Desk
from twin_env.twin.exchange import Exchange, split_of
from twin_env.twin.opening import check_start, experiment_of, open_market
from twin_env.twin.orders import PLANES as DESK_PLANES
from twin_env.twin.orders import OrderLog
from twin_env.twin.requests import cut_wires, trade_as_external
from twin_env.twin.run_file import RunWriter
from twin_env.twin.running_world import RunningWorld
from twin_env.twin.samples import sample_until
from twin_env.twin.state import Standing, pack, unpack
from twin_env.twin.stream import Batch, Stream, check_planes
from twin_env.version import __version__

NS_PER_S: Final = 1_000_000_000
_LONGEST_S: Final = 1e9
_SLICE_NS: Final = NS_PER_S  # the longest that other threads wait for a look


class Twin:
    """One running market: exchange, wires, desk and faults, without Gymnasium.

    Nothing passes by itself: ``advance_until`` lets time pass, and what the desk sends leaves at the present moment.
    The same seed and the same inputs give the same market, byte for byte, in every door of the package.

    Other threads may read (``desk``, ``exchange``, ``events``) while one advances: they are let in at least once a
    second of the market's time, always between two of its moments.

    Args:
        market: A :class:`Market`, or a preset's name, a path or keys of ``configs/markets``.
        links: Likewise, of ``configs/links``; not used with a :class:`Market`.
        chaos: What goes wrong: an experiment, its keys, a file, ``library:NAME`` or a sentence; its times count from
            the start. ``None`` for nothing.
        seed: Names every random stream (:mod:`twin_env.core.state.seed`).
        start_ns: When the desk begins to see and to act, ns since the epoch; by default the market's earliest.
        planes: Which planes of the stream are written, bits of ``core.stream``; 0 for none, which costs least. The
            desk's own requests and reports are always written.
        keep: How many of the latest rows of the stream are kept; ``None`` for all.
        wires: ``False`` cuts the desk off, for studies of the market alone: nothing reaches it, nothing leaves it, and
            nothing can go wrong. What the exchange does is the same, in less time.
        run_file: Where every input is written to, so that the run can be played again; must not be there.

    Raises:
        ConfigError: A configuration is refused, or the experiment does not fit the market.
        ValueError: The seed is none, the start lies outside the market's history, or there is an experiment without
            wires.
        RunFileError: The run file cannot be written.

    Example:
        >>> with Twin(market="mgc_2025", links="retail", seed=7) as twin:
        ...     twin.advance(60)
        ...     best_bid = twin.desk.book().bids[0, 0] * twin.instrument.tick_size
        ...     order = twin.desk.submit("buy", 2, price=best_bid)
        ...     twin.advance(30)
        ...     print(twin.desk.order(order).state, twin.desk.position_lots, twin.alpha()["execution"])
    """

    def __init__(
        self,
        market: Market | str | Path | Mapping[str, Any] = "mgc_2025",
        links: str | Path | Mapping[str, Any] = "retail",
        chaos: Any = None,
        seed: int = 0,
        *,
        start_ns: int | None = None,
        planes: int = ALL_PLANES,
        keep: int | None = None,
        wires: bool = True,
        run_file: str | Path | None = None,
    ) -> None:
        self.market = market if isinstance(market, Market) else open_market(market, links)
        self.seed = check_seed(seed)
        self.start_ns = check_start(self.market, start_ns)
        self.has_wires = wires
        self.experiment = NOTHING if chaos is None else experiment_of(chaos, self.market)
        program = self._compile(self.experiment)
        worlds = create_worlds(self.market.config.capacities)
        self._writer = None if run_file is None else RunWriter(run_file, self._header())
        self._share(RunningWorld(worlds, Stream(check_planes(planes) | (DESK_PLANES if wires else 0), keep)))
        self.market.start(worlds, 0, seed=self.seed, start_ns=self.start_ns)
        if not wires:
            cut_wires(worlds, 0)
        if program is not None:
            arm(worlds, 0, program, 0)

    @classmethod
    def standing_at(
        cls, market: Market, world: NDArray[np.uint8], experiment: Experiment = NOTHING, planes: int = ALL_PLANES
    ) -> Self:
        """Return a running market that goes on from where a world of the same market stands.

        Args:
            market: Which.
            world: Every byte of the world; they are copied.
            experiment: What goes wrong in it, for the record.
            planes: Which planes of the stream are written from here on.
        """
        twin = object.__new__(cls)
        worlds = create_worlds(market.config.capacities)
        raw(worlds)[0] = world
        twin.market, twin.seed, twin.start_ns = market, int(worlds["seed"][0]), int(worlds["now_ns"][0])
        twin.experiment, twin._writer, twin.has_wires = experiment, None, True
        twin._share(
            RunningWorld(worlds, Stream(planes | DESK_PLANES)), OrderLog.standing_at(worlds["desk"]["orders"][0])
        )
        return twin

    # -- time ----------------------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """The market's time, ns since the epoch, UTC."""
        return self._running.now_ns

    def advance_until(self, until_ns: int) -> None:
        """Let everything happen that happens up to and including a time.

        Raises:
            ValueError: It lies in the past, or is no time; or the twin is closed.
        """
        if isinstance(until_ns, bool) or not isinstance(until_ns, int | np.integer) or until_ns > codes.NEVER_NS:
            raise ValueError(f"until_ns={until_ns!r}, expected an integer: ns since the epoch, UTC")
        if until_ns < self.now_ns:
            raise ValueError(f"until_ns={until_ns}, expected {self.now_ns} or later: time does not go back")
        tape = self.market.tape
        while self.now_ns < until_ns:
            to_ns = min(until_ns, self.now_ns + _SLICE_NS)
            self._running.run(partial(advance_world, *self._running.place, tape, to_ns))

    def advance(self, seconds: float) -> None:
        """Let a time pass, in seconds of the market.

        Raises:
            ValueError: It is no number of seconds, or negative; or the twin is closed.
        """
        if (
            isinstance(seconds, bool)
            or not isinstance(seconds, int | float | np.number)
            or not 0 <= seconds < _LONGEST_S
        ):
            raise ValueError(f"seconds={seconds!r}, expected a number from 0 to {_LONGEST_S:g}")
        self.advance_until(self.now_ns + round(seconds * NS_PER_S))

    def sample(self, trace: Trace, until_ns: int) -> None:
        """Let time pass up to and including a time, and take the samples of a trace that are due on the way.

        Args:
            trace: From ``Trace.at``; its samples up to now were taken.
            until_ns: The market's time afterwards.
        """
        first = int(np.searchsorted(trace["t_ns"], self.now_ns, "right"))
        last = int(np.searchsorted(trace["t_ns"], until_ns, "right"))
        tape = self.market.tape

        def take() -> bool:
            nonlocal first
            first = int(sample_until(*self._running.place, tape, trace.samples, trace.prices, trace.lots, first, last))
            return first == last

        self._running.run(take)
        self.advance_until(until_ns)

    @property
    def is_over(self) -> bool:
        """Whether the history has ended; a synthetic market never does."""
        return self.market.last_ns is not None and self.now_ns >= self.market.last_ns

    # -- what happened -------------------------------------------------------------------------------------------------

    def events(self, cursor: int = 0) -> Batch:
        """Return what happened from a cursor on: 0 at the beginning, later the ``next`` of the batch before.

        Raises:
            StreamError: The rows there are not kept any more.
        """
        with self._running.reading():
            return self._running.stream.read(cursor)

    @property
    def cursor(self) -> int:
        """The cursor behind the latest row of the stream."""
        return self._running.stream.end

    @property
    def planes(self) -> int:
        """The planes of the stream that are written, bits of ``core.stream``."""
        return self._running.stream.planes

    def forget(self, cursor: int) -> None:
        """Keep no row of the stream that lies before a cursor: for its only reader."""
        with self._running.reading():
            self._running.stream.forget(cursor)

    @property
    def event_hash(self) -> int:
        """Hash of everything that the exchange did and that reached the desk so far."""
        return int(self._running.record["event_hash"])

    @property
    def world(self) -> Any:
        """The world's record, for tests and debuggers: its fields are the inside of ``core``."""
        return self._running.record

    @property
    def digest(self) -> str:
        """Hash of every byte of the world, 32 hexadecimal digits."""
        with self._running.reading():
            return digest(*self._running.place)

    def alpha(self) -> dict[str, float]:
        """Return the split of the result so far, in the account currency, marked at the exchange's mid.

        ``net = strategy + execution``, and the parts sum to ``execution``, exactly (docs/alpha.md).
        """
        parts = np.zeros(SPLIT, np.int64)
        with self._running.reading():
            split_of(*self._running.place, parts)
        return dict(zip(SPLIT_NAMES, (parts / 1e6).tolist(), strict=True))

    # -- others --------------------------------------------------------------------------------------------------------

    def trade_as_external(self, side: int, lots: int) -> int:
        """Send a market order of somebody else, no desk and no fault; it reaches the exchange at once.

        Args:
            side: +1 buy, -1 sell.
            lots: At least 1.

        Returns:
            Lots it got; the rest is cancelled. 0 if the venue refused it.

        Raises:
            ValueError: There is no such side or number of lots; or the twin is closed.
        """
        if side not in (codes.BUY, codes.SELL) or not 1 <= lots <= codes.MAX_LOTS:
            raise ValueError(f"side={side!r}, lots={lots!r}, expected side +1 or -1 and at least 1 lot")
        with self._running.changing():
            filled = int(trade_as_external(*self._running.place, side, lots))
        self._note("trade_as_external", {"side": side, "lots": lots})
        return filled

    # -- faults --------------------------------------------------------------------------------------------------------

    def inject(self, what: Any) -> Experiment:
        """Let something go wrong from now on, beside what there is.

        Args:
            what: A fault or its keys, or anything that names an experiment; its times count from now.

        Returns:
            What was injected.

        Raises:
            ConfigError: It does not fit the market, or there is no room for it.
            ValueError: The twin has no wires.
        """
        experiment = experiment_of(what, self.market)
        program = self._compile(experiment)
        with self._running.changing():
            if program is not None and not inject(*self._running.place, program, 0):
                raise ConfigError(["inject() finds no room for more faults in this world: stop some first."])
        self._note("inject", {"experiment": experiment.model_dump(mode="json")})
        return experiment

    def stop_faults(self) -> None:
        """End every fault now, and let none begin."""
        with self._running.changing():
            stop_all(*self._running.place)
        self._note("stop_faults", {})

    def arm(self, program: Any) -> None:
        """Start an experiment that was compiled for this market, in the place of what was going wrong.

        Args:
            program: ``layout.PROGRAM`` array of one; its times count from now.

        Raises:
            ValueError: The twin has no wires.
        """
        self._check_wires()
        with self._running.changing():
            arm(*self._running.place, program, 0)

    def effects(self) -> NDArray[np.void]:
        """Return what the experiment's effects noted: a copy of the world's ``layout.EFFECT`` records."""
        with self._running.reading():
            world = self._running.record
            return np.array(world["effects"][: int(world["chaos"]["count"])])

    def modifiers(self) -> NDArray[np.float64]:
        """Return where the experiment has turned what flow, feed, gateway, ledger and desk read, a copy."""
        with self._running.reading():
            return np.array(self._running.record["modifiers"])

    # -- copies --------------------------------------------------------------------------------------------------------

    def fork(self) -> "Twin":
        """Return a twin that stands where this one stands and goes its own way from here; it writes no run file."""
        twin = object.__new__(Twin)
        with self._running.reading():
            twin.market, twin.seed, twin.start_ns = self.market, self.seed, self.start_ns
            twin.experiment, twin._writer, twin.has_wires = self.experiment, None, self.has_wires
            twin._share(self._running.copy(create_worlds(self.market.config.capacities)), self.desk.log.copy())
        return twin

    def state(self) -> bytes:
        """Return where the market stands, as bytes for :meth:`set_state` of a Twin of the same configuration."""
        with self._running.reading():
            standing = Standing(self.seed, self.start_ns, self.experiment, self.desk.log)
            return pack(self.market, standing, self._running.world_bytes)

    def set_state(self, state: bytes) -> None:
        """Go to where :meth:`state` was called; the stream begins anew, and what was read of it stays.

        Raises:
            StateError: The bytes are no state, damaged, or that of another market or version; nothing is changed.
            ValueError: The run is being written to a run file, which could not be played again.
        """
        if self._writer is not None:
            raise ValueError("set_state() on a Twin with a run file, expected one without: its inputs are all there is")
        with self._running.reading():
            standing = unpack(state, self.market, self._running.world_bytes)
            self.seed, self.start_ns, self.experiment = standing.seed, standing.start_ns, standing.experiment
            self.desk.log = standing.log

    def close(self) -> None:
        """End the run: it can be read on, and nothing happens in it any more; closing twice does nothing.

        A run file gets its last checkpoint and is closed.
        """
        if self._writer is not None:
            self._note("end", self.checkpoint())
            self._writer.close()
            self._writer = None
        self._running.is_closed = True

    def checkpoint(self) -> dict[str, Any]:
        """Return what a replay is compared by: the event hash, and the hash of every byte."""
        return {"event_hash": f"{self.event_hash:016x}", "digest": self.digest}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _share(self, running: RunningWorld, log: OrderLog | None = None) -> None:
        """Make what reads and drives the world: exchange and desk."""
        self._running = running
        self.instrument = self.market.instrument
        self.exchange = Exchange(running.worlds, running.index, running.reading)
        self.desk = Desk(running, self.instrument, self._note, self.has_wires)
        self.desk.log = OrderLog() if log is None else log
        if self.has_wires:
            running.follow = self.desk.follow

    def _note(self, name: str, fields: Mapping[str, Any]) -> None:
        """Write an input down, where there is a run file."""
        if self._writer is not None:
            self._writer.note(self.now_ns, name, fields)

    def _compile(self, experiment: Experiment) -> Any:
        if not experiment.method and experiment.protections == "market":
            return None
        self._check_wires()
        return compile_experiment(experiment, stage_of(self.market))

    def _check_wires(self) -> None:
        if not self.has_wires:
            raise ValueError("wires=False: no fault begins in this twin, expected one with wires")

    def _header(self) -> dict[str, Any]:
        return {
            "door": "twin",
            "version": __version__,
            "market": self.market.config.model_dump(mode="json"),
            "links": self.market.links.model_dump(mode="json"),
            "history_hash": self.market.history_hash,
            "layout_hash": self.market.layout_hash,
            "seed": self.seed,
            "start_ns": self.start_ns,
            "wires": self.has_wires,
            "experiment": self.experiment.model_dump(mode="json") if self.experiment is not NOTHING else None,
        }
