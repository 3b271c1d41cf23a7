"""What records of all schemas have in common: ticks, times, sequence numbers, sides."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import MAX_PRICE_TICKS
from twin_env.market.data.databento.layouts import PRICE_SCALE
from twin_env.market.data.tape import BoolArray, IntArray, Rule, TapeError, enforce

SIDES: Final = {b"B": 1, b"A": -1, b"N": 0}


def units_per_tick(tick_size: float) -> int:
    """Return how many of a file's price units (1e-9) make a tick.

    Raises:
        TapeError: The tick is no whole number of them.
    """
    units = tick_size * PRICE_SCALE
    if not units >= 0.5 or abs(units - round(units)) > 1e-6 * max(1.0, units * 1e-6):
        raise TapeError(f"tick_size is {tick_size}, expected a multiple of 1e-09")
    return round(units)


def numbers_of(path: Path, field: str, letters: NDArray[np.bytes_], meaning: dict[bytes, int]) -> IntArray:
    """Translate a column of letters; a strange one is an error."""
    table = np.full(256, 99, np.int64)
    for letter, value in meaning.items():
        table[letter[0]] = value
    values = table[np.ascontiguousarray(letters).view(np.uint8)]
    expected = "one of " + ", ".join(letter.decode() for letter in meaning)
    enforce(str(path), "record", [Rule(field, letters, values == 99, expected)])
    return values


def ticks_of(
    path: Path, field: str, price: NDArray[np.int64], used: BoolArray, per_tick: int, numbers: IntArray
) -> IntArray:
    """Return prices in ticks, 0 where they are not used.

    Raises:
        TapeError: A used price lies between two ticks, or out of range; the error names the record.
    """
    ticks = np.where(used, price // per_tick, 0)
    tick_size = per_tick / PRICE_SCALE
    off, far = used & (price % per_tick != 0), abs(ticks) > MAX_PRICE_TICKS
    for broken, expected in ((off, f"a multiple of tick_size {tick_size:g}"), (far, "within 2^40 ticks of zero")):
        if broken.any():
            index = int(broken.argmax())
            value = price[index] / PRICE_SCALE
            raise TapeError(f"{path} record {numbers[index]}: {field} is {value}, expected {expected}")
    return ticks


class Findings:
    """What was found in a file, by reason: how often, and in which record first."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.first: dict[str, int] = {}

    def note(self, reason: str, where: BoolArray, numbers: IntArray) -> None:
        """Count the records of a chunk where something was found.

        Args:
            reason: What it was.
            where: True at these records.
            numbers: Their places in the file.
        """
        if count := int(where.sum()):
            self.first.setdefault(reason, int(numbers[where.argmax()]))
            self.counts[reason] = self.counts.get(reason, 0) + count

    def add(self, reason: str, count: int, first: int = 0) -> None:
        """Count records at once."""
        if count:
            self.first.setdefault(reason, first)
            self.counts[reason] = self.counts.get(reason, 0) + count


class Clock:
    """Keeps the times of a file from going back.

    Attributes:
        newest_ns: Latest time so far.
    """

    def __init__(self, path: Path, repaired: Findings) -> None:
        self._path = path
        self._repaired = repaired
        self.newest_ns = 0

    def straighten(self, ts_event: NDArray[np.uint64], exempt: BoolArray, numbers: IntArray) -> IntArray:
        """Return times in ns that never decrease; one that goes back becomes that of the record before."""
        undefined = ts_event >= 2**63
        if undefined.any():
            index = int(undefined.argmax())
            raise TapeError(f"{self._path} record {numbers[index]}: ts_event is undefined, expected a time")
        time_ns = ts_event.astype(np.int64)
        straight = np.maximum(np.maximum.accumulate(time_ns), self.newest_ns)
        self._repaired.note("time_back", (straight != time_ns) & ~exempt, numbers)
        self.newest_ns = int(straight[-1])
        return straight


class SequenceCheck:
    """Follows the sequence numbers of a file.

    Attributes:
        jumps: How often the number skipped some.
    """

    def __init__(self) -> None:
        self._newest = 0
        self._newest_ns = 0
        self._repeating = False
        self.jumps = 0

    def find_back(self, records: NDArray[np.void], exempt: BoolArray) -> BoolArray:
        """Return where a file repeats what it told before.

        It does from a number below the newest, at a time that is not later, until a number is above the newest. A lower
        number at a later time is a venue that counts from the start again.

        Args:
            records: With ``sequence`` and ``ts_event``.
            exempt: Records whose numbers mean nothing.
        """
        back = np.zeros(len(records), bool)
        places = np.flatnonzero(~exempt)
        sequence = records["sequence"][places].astype(np.int64)
        time_ns = records["ts_event"][places].astype(np.int64)
        while len(places):
            before, before_ns = _before(sequence, self._newest), _before(time_ns, self._newest_ns)
            anew = (sequence < before) & (time_ns > before_ns)
            end = int(anew.argmax()) if anew.any() else len(places)
            back[places[:end]] = self._take(sequence[:end], before[:end])
            self._newest_ns = max(self._newest_ns, int(time_ns[:end].max(initial=0)))
            if end < len(places):
                self._newest, self._repeating = int(sequence[end]) - 1, False
            places, sequence, time_ns = places[end:], sequence[end:], time_ns[end:]
        return back

    def _take(self, sequence: IntArray, before: IntArray) -> BoolArray:
        """Return which of some numbers, with none that begins anew, are told again."""
        if not len(sequence):
            return np.zeros(0, bool)
        self.jumps += int(((before > 0) & (sequence > before + 1)).sum())
        index = np.arange(1, len(sequence) + 1)
        rose = np.maximum.accumulate(np.where(sequence > before, index, 0))
        fell = np.maximum.accumulate(np.where(sequence < before, index, 0))
        repeating: BoolArray = (fell > rose) | (self._repeating & (rose == 0))
        self._newest = max(int(before[-1]), int(sequence[-1]))
        self._repeating = bool(repeating[-1])
        return repeating


def _before(values: IntArray, start: int) -> IntArray:
    """Return the largest value before each place."""
    largest: IntArray = np.maximum.accumulate(np.concatenate([[start], values]))[:-1]
    return largest


def round_trades(price: IntArray, aggressor: IntArray, traded: BoolArray, per_tick: int) -> tuple[IntArray, BoolArray]:
    """Move trades between two ticks (hidden, at the mid) to the one that is better for the aggressor.

    Returns:
        Prices in the file's unit, and where they were moved.
    """
    between = traded & (price % per_tick != 0)
    up = np.where(aggressor < 0, -(-price // per_tick), price // per_tick) * per_tick
    return np.where(between, up, price), between
