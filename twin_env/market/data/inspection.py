"""What there is to say about a file of market data, and the meters that find it out chunk by chunk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from twin_env.market.data.tape import BoolArray, IntArray

_NS_PER_S: Final = 1_000_000_000
SILENCE_NS: Final = 60 * _NS_PER_S
_LISTED_SILENCES: Final = 10
_NO_TIME: Final = -1


@dataclass(frozen=True)
class InspectOptions:
    """What the user said about a file.

    Attributes:
        tick_size: In the quote currency; None: found out from the prices.
        symbol: Which instrument of several; None: the only one.
        lot_size: Size of one lot, of a Binance recording or a table; None: found out from the sizes.
        columns: What the columns of a table mean: preset or YAML file; None: its header tells.
        member: Which member of a zip that holds tables; None: the only one.
    """

    tick_size: float | None = None
    symbol: str | None = None
    lot_size: float | None = None
    columns: str | None = None
    member: str | None = None


@dataclass(frozen=True)
class Rate:
    """How many messages of a kind there are: in all, and per second on average and at most."""

    count: int
    mean_per_s: float
    peak_per_s: int


@dataclass(frozen=True)
class Spread:
    """The spread of a market.

    Attributes:
        mean_ticks: Time-weighted mean.
        one_tick_share: Share of the time at one tick.
        seconds: Time with bid below ask.
    """

    mean_ticks: float
    one_tick_share: float
    seconds: float


@dataclass(frozen=True)
class Silence:
    """Time without a message: when it began, and for how long."""

    start_ns: int
    duration_ns: int


@dataclass(frozen=True)
class Problem:
    """Something that was repaired, dropped or is odd: how often, and where first (None where that is not known)."""

    what: str
    count: int
    first: str | None = None


@dataclass(frozen=True)
class Inspection:
    """All about one file.

    Attributes:
        path: The file.
        format: Format and, where it has them, schema and version.
        instruments: Their names.
        tick_size: Price of one tick in the quote currency; None for data without prices.
        tick_size_is_found: True if it was found out from the prices.
        rows: Rows or records of the file.
        start_ns: Time of the first message, UTC epoch; None without any.
        end_ns: Time of the last one.
        rates: Messages by kind.
        spread: None where the data do not tell.
        silences: The longest times without a message, those over a minute, by time.
        silence_count: How many there are in all.
        lot_size: Size of one lot; None where sizes are lots.
        lot_size_is_found: True if it was found out from the sizes.
        sequence_jumps: How often sequence numbers were skipped; None where there are none.
        problems: What was repaired or dropped, crossed and locked states among it.
        notes: More to know, one sentence each.
    """

    path: str
    format: str
    instruments: tuple[str, ...]
    tick_size: float | None
    rows: int
    start_ns: int | None
    end_ns: int | None
    rates: Mapping[str, Rate]
    tick_size_is_found: bool = False
    spread: Spread | None = None
    silences: tuple[Silence, ...] = ()
    silence_count: int = 0
    lot_size: float | None = None
    lot_size_is_found: bool = False
    sequence_jumps: int | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default=())


class TimeMeter:
    """Follows the times of a file: span, silences, messages per second by kind. Times must not go back."""

    def __init__(self) -> None:
        self.start_ns = self.end_ns = _NO_TIME
        self.silence_count = 0
        self._silences: list[Silence] = []
        self._counts: dict[str, int] = {}
        self._peaks: dict[str, int] = {}
        self._open: dict[str, tuple[int, int]] = {}  # the last second that had messages, and how many

    def add(self, time_ns: IntArray, kinds: Mapping[str, BoolArray]) -> None:
        """Take in the next messages.

        Args:
            time_ns: Their times; int64, shape ``(n,)``.
            kinds: By name, which of them are of that kind.
        """
        if not len(time_ns):
            return
        self.start_ns = int(time_ns[0]) if self.start_ns == _NO_TIME else self.start_ns
        last_ns = self.end_ns if self.end_ns != _NO_TIME else int(time_ns[0])
        self._find_silences(np.concatenate([[last_ns], time_ns]))
        self.end_ns = int(time_ns[-1])
        for name, mine in kinds.items():
            self._count(name, time_ns[mine] // _NS_PER_S)

    def _find_silences(self, time_ns: IntArray) -> None:
        pauses = np.diff(time_ns)
        for index in np.flatnonzero(pauses > SILENCE_NS):
            self.silence_count += 1
            self._silences.append(Silence(int(time_ns[index]), int(pauses[index])))
        self._silences = sorted(self._silences, key=lambda silence: -silence.duration_ns)[:_LISTED_SILENCES]

    def _count(self, name: str, seconds: IntArray) -> None:
        if not len(seconds):
            return
        second, count = np.unique(seconds, return_counts=True)
        before, running = self._open.get(name, (_NO_TIME, 0))
        count[0] += running if before == second[0] else 0
        self._counts[name] = self._counts.get(name, 0) + len(seconds)
        self._peaks[name] = max(self._peaks.get(name, 0), int(count.max()))
        self._open[name] = (int(second[-1]), int(count[-1]))

    @property
    def silences(self) -> tuple[Silence, ...]:
        """The longest silences, by time."""
        return tuple(sorted(self._silences, key=lambda silence: silence.start_ns))

    def rates(self) -> dict[str, Rate]:
        """Return counts and rates by kind; the mean is over the whole span."""
        seconds = max(1.0, (self.end_ns - self.start_ns) / _NS_PER_S)
        return {name: Rate(count, round(count / seconds, 3), self._peaks[name]) for name, count in self._counts.items()}


class SpreadMeter:
    """Adds up how long each spread lasted, chunk by chunk."""

    def __init__(self) -> None:
        self._last_ns = _NO_TIME
        self._last_ticks = 0
        self._ns = self._sum = self._one_tick_ns = 0

    def add(self, time_ns: IntArray, ticks: IntArray) -> None:
        """Take in the next quotes.

        Args:
            time_ns: Since when; int64, shape ``(n,)``.
            ticks: Ask - bid; 0 or less where there is no spread.
        """
        if not len(time_ns):
            return
        first = [self._last_ns if self._last_ns != _NO_TIME else time_ns[0]]
        lasted_ns = np.diff(np.concatenate([first, time_ns]))
        before = np.concatenate([[self._last_ticks], ticks[:-1]])
        self._ns += int(lasted_ns[before > 0].sum())
        self._sum += int((lasted_ns * before)[before > 0].sum())
        self._one_tick_ns += int(lasted_ns[before == 1].sum())
        self._last_ns, self._last_ticks = int(time_ns[-1]), int(ticks[-1])

    def spread(self) -> Spread | None:
        """Return what was found, None if there was no spread for any time."""
        return spread_of(self._ns, self._sum, self._one_tick_ns)


def spread_of(spread_ns: int, spread_sum: int, one_tick_ns: int) -> Spread | None:
    """Make a ``Spread`` of times and of ticks times ns."""
    if spread_ns <= 0:
        return None
    return Spread(round(spread_sum / spread_ns, 6), round(one_tick_ns / spread_ns, 6), spread_ns / _NS_PER_S)


def problems_of(found: Mapping[str, Mapping[str, int]], first: Mapping[str, int], place: str) -> tuple[Problem, ...]:
    """Make problems of counts.

    Args:
        found: Counts by what was done ("dropped", "repaired") and by reason.
        first: Where something was found first, by reason; 0 or missing: not known.
        place: What a place is called ("record", "line").
    """
    return tuple(
        Problem(f"{done}: {reason}", count, f"{place} {first[reason]}" if first.get(reason) else None)
        for done, counts in found.items()
        for reason, count in counts.items()
        if count
    )
