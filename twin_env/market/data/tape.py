"""The tape: a history as one read-only array of messages, shared by every world that plays it."""

import mmap
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CHECK_ROWS: Final = 1 << 18  # checked at once: a check needs some 30 bytes of memory for each of them
_NAMED: Final = (codes.NEW, codes.CANCEL, codes.REDUCE, codes.REPLACE, codes.EXECUTE)
_SIZED: Final = (codes.NEW, codes.REDUCE, codes.REPLACE, codes.EXECUTE, codes.PRINT)


class TapeError(ValueError):
    """A history that cannot be used. One sentence: file, line, field, value, what was expected."""


@dataclass(frozen=True)
class Rule:
    """One thing that must hold for every row of a table.

    Attributes:
        field: Name of the column the rule is about.
        values: The column, as its reader knows it; shape ``(rows,)``.
        broken: True where the rule does not hold; shape ``(rows,)``.
        expected: What should have been there, for the message.
    """

    field: str
    values: NDArray[Any]
    broken: BoolArray
    expected: str


def enforce(source: str, place: str, rules: Iterable[Rule], before: int = 0) -> None:
    """Raise for the first broken rule, naming the first row that breaks it.

    Args:
        source: File or tape the rows belong to.
        place: What a row is called there ("line", "row").
        rules: Checked in order.
        before: Rows of the source before those of the rules.

    Raises:
        TapeError: A rule is broken.
    """
    for rule in rules:
        if rule.broken.any():
            index = int(rule.broken.argmax())
            value = rule.values[index]
            raise TapeError(f"{source} {place} {before + index + 1}: {rule.field} is {value}, expected {rule.expected}")


@dataclass(frozen=True)
class TapeReport:
    """What a reader did to make a tape.

    Attributes:
        source_rows: Messages in the source.
        kinds: Tape rows by kind name.
        snapshot_orders: Orders of the initial book.
        window_rows: Rows added because a price came into the source's window.
        unknown_rows: Messages about an order that was not live.
        dropped: Messages without any row on the tape, by reason.
        repaired: Messages that became other rows than they say, or rows added, by reason.
    """

    source_rows: int
    kinds: Mapping[str, int]
    snapshot_orders: int = 0
    window_rows: int = 0
    unknown_rows: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)


def count_kinds(rows: NDArray[np.void]) -> dict[str, int]:
    """Count the rows of a tape by kind name; kinds that do not occur are left out."""
    counts = np.bincount(rows["kind"], minlength=1 + max(codes.KIND_NAMES))
    return {name: int(counts[code]) for code, name in codes.KIND_NAMES.items() if counts[code]}


@dataclass(frozen=True, eq=False)
class Tape:
    """A history ready to play. Checked when made, read-only afterwards.

    Attributes:
        rows: Messages, dtype ``MESSAGE``, in time order; ``seq`` is 1..n.
        orders: Dense order slots in use: ``order`` of a row is in ``[0, orders)``.
        tick_size: Price of one tick, in the quote currency.
        start_ns: First moment of the history, UTC epoch.
        end_ns: Last moment.
        source: Where it came from.
        report: What the reader did.
        lines: Line of the source each row came from, counted from 1 (0: the initial book),
            or None where the source has no lines; int64, shape ``(rows,)``.
        levels: Best prices a side beyond which the source shows nothing; None where it shows all, or does not say.

        checked: True for rows that were checked before, and are not checked again.

    Raises:
        TapeError: A row breaks a rule of the layout.
    """

    rows: NDArray[np.void]
    orders: int
    tick_size: float
    start_ns: int
    end_ns: int
    source: str
    report: TapeReport
    lines: IntArray | None = None
    levels: int | None = None
    checked: InitVar[bool] = False

    def __post_init__(self, checked: bool) -> None:
        self._check_facts()
        if not checked:
            self.check()
        object.__setattr__(self, "rows", _frozen(self.rows))
        if self.lines is not None:
            object.__setattr__(self, "lines", _frozen(self.lines))

    def __len__(self) -> int:
        return len(self.rows)

    def check(self) -> None:
        """Check every row against the layout, part by part: the memory it takes does not grow with the tape.

        Raises:
            TapeError: The first row that breaks a rule.
        """
        for first in range(0, len(self), CHECK_ROWS):
            part = self.rows[first : first + CHECK_ROWS]
            enforce(self.source, "row", [*self._time_rules(part, first), *self._order_rules(part)], first)

    def _check_facts(self) -> None:
        if self.rows.ndim != 1 or self.rows.dtype != MESSAGE:
            raise TapeError(f"{self.source}: rows are {self.rows.dtype}, expected one dimension of MESSAGE")
        if self.lines is not None and self.lines.shape != self.rows.shape:
            raise TapeError(f"{self.source}: {len(self.lines)} line numbers, expected one for each of {len(self)} rows")
        if not self.tick_size > 0:
            raise TapeError(f"{self.source}: tick_size is {self.tick_size}, expected more than 0")

    def _time_rules(self, part: NDArray[np.void], first: int) -> list[Rule]:
        time_ns, seq = part["ts_ns"], part["seq"]
        before_ns = np.empty_like(time_ns)
        before_ns[1:] = time_ns[:-1]
        before_ns[0] = self.rows["ts_ns"][max(0, first - 1)]
        outside = (time_ns < self.start_ns) | (time_ns > self.end_ns)
        numbers = np.arange(first + 1, first + len(part) + 1)
        return [
            Rule("seq", seq, seq != numbers, "the number of the row, counted from 1"),
            Rule("ts_ns", time_ns, time_ns < before_ns, "no earlier than the row before"),
            Rule("ts_ns", time_ns, outside, f"between start {self.start_ns} and end {self.end_ns}"),
        ]

    def _order_rules(self, part: NDArray[np.void]) -> list[Rule]:
        kind, lots, side = part["kind"], part["lots"], part["side"]
        price, order = part["price"], part["order"]
        sized = np.isin(kind, _SIZED)
        # The exchange finds a slot for a new order that names none.
        named = np.isin(kind, _NAMED) & ~((kind == codes.NEW) & (order == NONE))
        sided = np.isin(kind, (codes.NEW, codes.EXECUTE, codes.PRINT))
        no_kind = ~np.isin(kind, list(codes.KIND_NAMES))
        return [
            Rule("kind", kind, no_kind, "a message kind of twin_env.core.state.codes"),
            Rule("lots", lots, sized & ((lots < 1) | (lots > codes.MAX_LOTS)), "1 to 2^40"),
            Rule("side", side, sided & (abs(side) != 1), "+1 (buy) or -1 (sell)"),
            Rule("price", price, abs(price) > codes.MAX_PRICE_TICKS, "within 2^40 ticks of zero"),
            Rule("order", order, named & ((order < 0) | (order >= self.orders)), f"at least 0 and below {self.orders}"),
        ]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return ``array`` read-only, as a copy if somebody could still write to it."""
    if not _is_safe(array):
        array = array.copy()
        array.flags.writeable = False
    return array


def _is_safe(array: NDArray[Any]) -> bool:
    """Tell whether nobody can write to an array: it owns its memory, or is a view of a file mapped for reading."""
    base: object = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return base is None or (isinstance(base, mmap.mmap) and memoryview(base).readonly)
