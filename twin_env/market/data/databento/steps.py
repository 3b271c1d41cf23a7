"""Records of an MBO file checked, counted and turned into the steps of a rebuild."""

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.databento import orders as feeds
from twin_env.market.data.databento.checks import (
    SIDES,
    Clock,
    Findings,
    SequenceCheck,
    numbers_of,
    round_trades,
    ticks_of,
)
from twin_env.market.data.databento.files import Chunk
from twin_env.market.data.databento.layouts import UNDEFINED_PRICE, UNDEFINED_TIME
from twin_env.market.data.databento.orders import STEP
from twin_env.market.data.tape import BoolArray, IntArray, TapeError

LAST: Final = 128  # bits of the flags of a record
SNAPSHOT: Final = 32
BAD_RECEIVE_TIME: Final = 8
MAYBE_BAD_BOOK: Final = 4

ACTIONS: Final = {b"A": "add", b"C": "cancel", b"M": "modify", b"T": "trade", b"F": "fill", b"R": "clear", b"N": "none"}
_CODES: Final = {
    b"A": feeds.ADD,
    b"C": feeds.CANCEL,
    b"M": feeds.MODIFY,
    b"T": feeds.TRADE,
    b"F": feeds.FILL,
    b"R": feeds.CLEAR,
    b"N": feeds.IGNORED,
}


class StepMaker:
    """Turns chunks of MBO records into ``STEP`` records, one file long.

    Attributes:
        actions: Records by name of their action.
        dropped: Records that are not played, by reason.
        repaired: Records that are played as something else than they say, by reason.
        snapshots: Records flagged as part of a snapshot.
    """

    def __init__(self, path: Path, per_tick: int) -> None:
        self._path = path
        self._per_tick = per_tick
        self._publisher = -1
        self._numbers = SequenceCheck()
        self._before = np.zeros(0, np.void)
        self.actions: Counter[str] = Counter()
        self.dropped = Findings()
        self.repaired = Findings()
        self._clock = Clock(path, self.repaired)
        self.snapshots = 0

    def make(self, chunk: Chunk) -> NDArray[np.void]:
        """Return the steps of a chunk.

        Raises:
            TapeError: A record cannot be right; the error names the first.
        """
        records, numbers = chunk.records, chunk.numbers
        self._check_publisher(records, numbers)
        steps = np.zeros(len(records), STEP)
        snapshot = (records["flags"] & SNAPSHOT) != 0
        steps["snapshot"] = snapshot
        late = self._late(records, snapshot, numbers)
        steps["ts_ns"] = self._clock.straighten(records["ts_event"], snapshot, numbers)
        bad = (records["flags"] & BAD_RECEIVE_TIME != 0) | (records["ts_recv"] == UNDEFINED_TIME)
        steps["recv_ns"] = np.where(bad, steps["ts_ns"], records["ts_recv"].astype(np.int64))
        steps["order"] = records["order"].astype(np.int64)
        steps["lots"] = records["size"]
        steps["side"] = numbers_of(self._path, "side", records["side"], SIDES)
        steps["action"] = numbers_of(self._path, "action", records["action"], _CODES)
        steps["last"] = (records["flags"] & LAST) != 0
        steps["gap"] = (records["flags"] & MAYBE_BAD_BOOK) != 0
        steps["line"] = numbers
        self._count(chunk, steps)
        self._drop(records, steps, late)
        self._set_prices(records, steps, numbers)
        return steps

    @property
    def sequence_jumps(self) -> int:
        """How often the sequence number skipped some; the instruments of a channel share its numbers."""
        return self._numbers.jumps

    def _check_publisher(self, records: NDArray[np.void], numbers: IntArray) -> None:
        if self._publisher < 0:
            self._publisher = int(records["publisher"][0])
        other_publishers = records["publisher"] != self._publisher
        if other_publishers.any():
            index = int(other_publishers.argmax())
            place, value = f"{self._path} record {numbers[index]}", records["publisher"][index]
            raise TapeError(f"{place}: publisher is {value}, expected {self._publisher} alone: one venue, one book")

    def _late(self, records: NDArray[np.void], snapshot: BoolArray, numbers: IntArray) -> BoolArray:
        """Find records that repeat what was told before, by number or word for word."""
        back = self._numbers.find_back(records, snapshot)
        # One aggressor can hit the next tranche of an iceberg with a fill that looks the same.
        same = self._same(records) & (records["action"] != b"F") & ~back
        self.dropped.note("sequence_back", back, numbers)
        self.dropped.note("duplicate", same, numbers)
        late: BoolArray = back | same
        return late

    def _same(self, records: NDArray[np.void]) -> BoolArray:
        """Find records that are equal to the one before in every byte."""
        plain = np.ascontiguousarray(records).view(np.uint8).reshape(len(records), -1)
        same = np.zeros(len(records), bool)
        same[1:] = (plain[1:] == plain[:-1]).all(axis=1)
        same[0] = len(self._before) > 0 and bool((plain[0] == self._before).all())
        self._before = plain[-1].copy()
        return same

    def _count(self, chunk: Chunk, steps: NDArray[np.void]) -> None:
        counts = np.bincount(np.ascontiguousarray(chunk.records["action"]).view(np.uint8), minlength=256)
        self.actions.update({name: int(counts[letter[0]]) for letter, name in ACTIONS.items() if counts[letter[0]]})
        self.snapshots += int(steps["snapshot"].sum())
        self.dropped.add("other_instrument", chunk.others)
        self.dropped.add("other_type", chunk.strange)
        self.repaired.note("after_gap", steps["gap"] != 0, chunk.numbers)

    def _drop(self, records: NDArray[np.void], steps: NDArray[np.void], late: BoolArray) -> None:
        """Take out what says nothing, counted; a modification to zero lots is a cancel."""
        action = steps["action"]
        emptied = (action == feeds.MODIFY) & (steps["lots"] == 0) & ~late
        self.repaired.note("modify_to_zero", emptied, steps["line"])
        steps["lots"][emptied] = 2**32
        action[emptied] = feeds.CANCEL
        sized = (action != feeds.CLEAR) & (action != feeds.IGNORED)
        priced = sized & (action != feeds.CANCEL)
        placed = (action == feeds.ADD) | (action == feeds.MODIFY)
        gone = late
        for reason, useless in (
            ("no_action", action == feeds.IGNORED),
            ("zero_lots", sized & (steps["lots"] == 0)),
            ("no_price", priced & (records["price"] == UNDEFINED_PRICE)),
            ("no_side", placed & (steps["side"] == 0)),
        ):
            self.dropped.note(reason, useless & ~gone, steps["line"])
            gone = gone | useless
        action[gone] = feeds.IGNORED

    def _set_prices(self, records: NDArray[np.void], steps: NDArray[np.void], numbers: IntArray) -> None:
        action, price = steps["action"], records["price"].astype(np.int64)
        traded = (action == feeds.TRADE) | (action == feeds.FILL)
        aggressor = np.where(action == feeds.TRADE, steps["side"], -steps["side"])
        price, between = round_trades(price, aggressor, traded, self._per_tick)
        self.repaired.note("trade_rounded", between & (action == feeds.TRADE), numbers)
        used = traded | (action == feeds.ADD) | (action == feeds.MODIFY)
        steps["price"] = ticks_of(self._path, "price", price, used, self._per_tick, numbers)
