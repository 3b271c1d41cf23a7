"""Which of Binance's depth messages follow each other without a gap, by their update ids."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from twin_env.market.data.binance.files import DIFF, SNAPSHOT, TICKER, Recording
from twin_env.market.data.tape import IntArray, TapeError

GapRule = Literal["snapshot", "refuse", "ignore"]
_ORDER: Final = {TICKER: 0, SNAPSHOT: 1, DIFF: 2}  # of one update id: the diff is the whole truth at its last id


@dataclass
class Sequence:
    """Depth messages to play.

    Attributes:
        messages: Indices into ``Recording.books``, in the order of update ids; int64.
        resets: Those of them with which a book begins anew.
        recovered: Those of ``resets`` that end a gap.
        dropped: Messages left out, by reason.
        repaired: What was put right, by reason.
    """

    messages: list[int] = field(default_factory=list)
    resets: set[int] = field(default_factory=set)
    recovered: set[int] = field(default_factory=set)
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)


class _Follower:
    """Walks through the messages by update id and checks that none is missing."""

    def __init__(self, recording: Recording, gaps: GapRule) -> None:
        self.recording = recording
        self.gaps = gaps
        self.books = {name: column.tolist() for name, column in recording.books.items()}
        self.found = Sequence()
        self.at: int | None = None  # update id the book is at; None: it is not known
        self.fresh = False  # the book is a snapshot no diff has followed yet
        self.spare: int | None = None  # a snapshot that was not needed when it came
        self.lost = "depth_before_snapshot"
        ids = recording.books["last"][recording.books["kind"] == SNAPSHOT]
        self.last_snapshot = int(ids.max(initial=-1))

    def snapshot(self, index: int) -> None:
        if self.at is None:
            self.begin(index)
        else:
            self.spare = index
            self.found.dropped["snapshot_unneeded"] += 1

    def begin(self, index: int) -> None:
        self.found.messages.append(index)
        self.found.resets.add(index)
        if self.lost == "depth_in_gap":
            self.found.recovered.add(index)
        self.at, self.fresh, self.spare = self.books["last"][index], True, None

    def ticker(self, index: int) -> None:
        if self.at is None:
            self.found.dropped[self.lost.replace("depth", "ticker")] += 1
        elif self.books["ts_ns"][index] < 0:
            self.found.dropped["ticker_without_time"] += 1
        else:
            self.found.messages.append(index)

    def diff(self, index: int) -> None:
        if self.at is None and self.last_snapshot < 0:
            self.found.repaired["start_without_snapshot"] += 1
            self.begin(index)
            self.fresh = False
        elif self.at is None:
            self.found.dropped[self.lost] += 1
        elif self.books["last"][index] <= self.at and not self.fresh:
            self.found.dropped["depth_duplicate"] += 1
        elif self.follows(index, self.at, self.fresh):
            self.take(index)
        else:
            self.mend(index)

    def take(self, index: int) -> None:
        self.found.messages.append(index)
        self.at, self.fresh = self.books["last"][index], False

    def follows(self, index: int, at: int, fresh: bool) -> bool:
        """Tell whether nothing is missing between update id ``at`` and a diff."""
        first, before = self.books["first"][index], self.books["before"][index]
        if before >= 0:  # futures say which id came before; a snapshot is taken anywhere in between
            return bool(before <= at if fresh else before == at)
        return bool(first <= at + 1 if fresh else first == at + 1)

    def mend(self, index: int) -> None:
        """Deal with a gap before a diff, by the rule."""
        if self.gaps == "ignore":
            self.found.repaired["gap_ignored"] += 1
            return self.take(index)
        spare = self.spare
        if self.gaps == "snapshot" and spare is not None and self.follows(index, self.books["last"][spare], True):
            self.found.repaired["gap_recovered"] += 1
            self.found.dropped["snapshot_unneeded"] -= 1
            self.lost = "depth_in_gap"
            self.begin(spare)
            return self.take(index)
        if self.gaps == "refuse" or self.last_snapshot < self.books["last"][index]:
            raise self.error(index)
        self.found.repaired["gap_recovered"] += 1
        self.at, self.lost = None, "depth_in_gap"
        self.found.dropped[self.lost] += 1
        return None

    def error(self, index: int) -> TapeError:
        before, line = self.books["before"][index], self.books["line"][index]
        name, value = ("pu", before) if before >= 0 else ("U", self.books["first"][index])
        wanted = self.at if before >= 0 else (self.at or 0) + 1
        remedy = "" if self.gaps == "refuse" else ", or a snapshot afterwards"
        return TapeError(f"{self.recording.name} line {line}: {name} is {value}, expected {wanted}{remedy}")


def follow_ids(recording: Recording, *, tickers: bool, gaps: GapRule) -> Sequence:
    """Choose the depth messages that make up one book without gaps.

    A snapshot begins the book; diffs that end before it are left out, whenever they were received. The next diff must
    begin no later than the snapshot, every other where the one before ended. Without any snapshot the book begins empty
    with the first diff.

    Args:
        recording: Of one symbol.
        tickers: Use tickers too.
        gaps: ``snapshot``: messages from a gap to the next snapshot are left out, and a gap with none afterwards is an
            error; ``refuse``: every gap is; ``ignore``: go on as if nothing was missing.

    Raises:
        TapeError: A gap that cannot be mended, or no depth.
    """
    books = recording.books
    follower = _Follower(recording, gaps)
    order = _by_id(books)
    follower.found.repaired["depth_reordered"] = _reordered(books)
    handlers = {SNAPSHOT: follower.snapshot, DIFF: follower.diff, TICKER: follower.ticker}
    for index in order.tolist():
        kind = follower.books["kind"][index]
        if kind != TICKER or tickers:
            handlers[kind](index)
    if not follower.found.messages:
        raise TapeError(f"{recording.name}: 0 depth messages to begin a book with, expected a snapshot or depthUpdate")
    return follower.found


def _by_id(books: dict[str, IntArray]) -> IntArray:
    rank = np.array([_ORDER[kind] for kind in sorted(_ORDER)])[books["kind"]]
    return np.lexsort((rank, books["last"]))


def _reordered(books: dict[str, IntArray]) -> int:
    """Return how many diffs were received after one with a later id."""
    last = books["last"][books["kind"] == DIFF]
    return int((last < np.maximum.accumulate(last)).sum()) if len(last) else 0
