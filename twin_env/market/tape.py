"""The tape: a history as one read-only array of messages, shared by every world that plays it."""

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core import codes
from twin_env.core.layout import MESSAGE

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FORMAT: Final = 1  # of the file write_tape makes
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


def enforce(source: str, place: str, rules: Iterable[Rule]) -> None:
    """Raise for the first broken rule, naming the first row that breaks it.

    Args:
        source: File or tape the rows belong to.
        place: What a row is called there ("line", "row").
        rules: Checked in order.

    Raises:
        TapeError: A rule is broken.
    """
    for rule in rules:
        if rule.broken.any():
            index = int(rule.broken.argmax())
            value = rule.values[index]
            raise TapeError(f"{source} {place} {index + 1}: {rule.field} is {value}, expected {rule.expected}")


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

    def __post_init__(self) -> None:
        self.check()
        object.__setattr__(self, "rows", _frozen(self.rows))
        if self.lines is not None:
            object.__setattr__(self, "lines", _frozen(self.lines))

    def __len__(self) -> int:
        return len(self.rows)

    def check(self) -> None:
        """Check every row against the layout.

        Raises:
            TapeError: The first row that breaks a rule.
        """
        self._check_facts()
        enforce(self.source, "row", [*self._time_rules(), *self._order_rules()])

    def _check_facts(self) -> None:
        if self.rows.ndim != 1 or self.rows.dtype != MESSAGE:
            raise TapeError(f"{self.source}: rows are {self.rows.dtype}, expected one dimension of MESSAGE")
        if self.lines is not None and self.lines.shape != self.rows.shape:
            raise TapeError(f"{self.source}: {len(self.lines)} line numbers, expected one for each of {len(self)} rows")
        if not self.tick_size > 0:
            raise TapeError(f"{self.source}: tick_size is {self.tick_size}, expected more than 0")

    def _time_rules(self) -> list[Rule]:
        time_ns, seq = self.rows["ts_ns"], self.rows["seq"]
        earlier = np.zeros(len(self), bool)
        earlier[1:] = time_ns[1:] < time_ns[:-1]
        outside = (time_ns < self.start_ns) | (time_ns > self.end_ns)
        return [
            Rule("seq", seq, seq != np.arange(1, len(self) + 1), "the number of the row, counted from 1"),
            Rule("ts_ns", time_ns, earlier, "no earlier than the row before"),
            Rule("ts_ns", time_ns, outside, f"between start {self.start_ns} and end {self.end_ns}"),
        ]

    def _order_rules(self) -> list[Rule]:
        kind, lots, side = self.rows["kind"], self.rows["lots"], self.rows["side"]
        price, order = self.rows["price"], self.rows["order"]
        named, sized = np.isin(kind, _NAMED), np.isin(kind, _SIZED)
        sided = np.isin(kind, (codes.NEW, codes.EXECUTE, codes.PRINT))
        no_kind = ~np.isin(kind, list(codes.KIND_NAMES))
        return [
            Rule("kind", kind, no_kind, "a message kind of twin_env.core.codes"),
            Rule("lots", lots, sized & ((lots < 1) | (lots > codes.MAX_LOTS)), "1 to 2^40"),
            Rule("side", side, sided & (abs(side) != 1), "+1 (buy) or -1 (sell)"),
            Rule("price", price, abs(price) > codes.MAX_PRICE_TICKS, "within 2^40 ticks of zero"),
            Rule("order", order, named & ((order < 0) | (order >= self.orders)), f"at least 0 and below {self.orders}"),
        ]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return ``array`` read-only, as a copy if somebody could still write to it."""
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.flags.writeable = False
    return array


def write_tape(tape: Tape, path: Path) -> None:
    """Write a tape to ``path`` (an uncompressed npz): whole, or not at all."""
    facts = {name: getattr(tape, name) for name in ("orders", "tick_size", "start_ns", "end_ns", "source")}
    text = json.dumps({"format": FORMAT, **facts, "report": asdict(tape.report)})
    arrays: dict[str, Any] = {"facts": np.array(text), "rows": tape.rows}
    if tape.lines is not None:
        arrays["lines"] = tape.lines
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_tape(path: Path) -> Tape:
    """Read what :func:`write_tape` wrote.

    Raises:
        TapeError: The file is missing, is no tape, or was written in another format.
    """
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected a tape written by write_tape")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        facts = json.loads(str(arrays["facts"]))
        return _restore(path, arrays, facts)
    except (OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError) as error:
        raise TapeError(f"{path}: is not a whole tape ({error}), expected a file of write_tape") from error
    except ValueError as error:
        if isinstance(error, TapeError):
            raise
        raise TapeError(f"{path}: is not a whole tape ({error}), expected a file of write_tape") from error


def _restore(path: Path, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> Tape:
    if (version := facts.pop("format")) != FORMAT:
        raise TapeError(f"{path}: format is {version}, expected {FORMAT}: make the tape again")
    report = TapeReport(**facts.pop("report"))
    for array in arrays.values():
        array.flags.writeable = False
    return Tape(rows=arrays["rows"], lines=arrays.get("lines"), report=report, **facts)
