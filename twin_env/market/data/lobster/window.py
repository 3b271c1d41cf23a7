"""Levels, initial book and window of a LOBSTER day, as the arrays a rebuild works on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.layout import NO_KEY
from twin_env.market.data.lobster.rebuild import DEPTH, LEVEL
from twin_env.market.data.lobster.tables import Books
from twin_env.market.data.tape import IntArray

SIDES: Final = (BUY, SELL)


@dataclass(frozen=True)
class Sight:
    """What an orderbook file shows of one side. A *key* is side x price in ticks: the best is the largest.

    Attributes:
        first_keys: Levels of the first row, best first; int64.
        first_lots: Their sizes; int64.
        first_floor: Lowest key shown in the first row, ``NO_KEY`` if that shows all there is; int64, shape ``()``.
        floor: Lowest key shown in each row, ``NO_KEY`` where the row shows all there is; int64, shape
            ``(rows,)``, or ``(0,)`` without the window rule.
        line: Line of each level shown below the floor of the line before; int64, shape ``(entries,)``.
        keys: Its key.
        lots: Its size.
    """

    first_keys: IntArray
    first_lots: IntArray
    first_floor: IntArray
    floor: IntArray
    line: IntArray
    keys: IntArray
    lots: IntArray


def look(books: Books, side: int, per_tick: int, window: bool) -> Sight:
    """Return what an orderbook file shows of ``side``; only its first row when ``window`` is false."""
    first = 2 if side == BUY else 0
    table = books.table if window else books.table[:1]
    price, lots = table[:, first::4], table[:, first + 1 :: 4]
    keys = np.where(lots > 0, side * (price // per_tick), NO_KEY)
    floor: IntArray = keys[:, -1]
    new = (keys[1:] < floor[:-1, None]) & (keys[1:] != NO_KEY)
    line = np.nonzero(new)[0] + 2
    shown = lots[0] > 0
    return Sight(
        first_keys=keys[0, shown],
        first_lots=lots[0, shown],
        first_floor=np.asarray(floor[0]),
        floor=floor if window else floor[:0],
        line=line,
        keys=keys[1:][new],
        lots=lots[1:][new],
    )


def no_sight() -> Sight:
    """Return the sight of a side nobody has an orderbook file for."""
    none = np.zeros(0, np.int64)
    return Sight(none, none, np.asarray(NO_KEY), none, none, none, none)


class Levels:
    """Every (side, price) of a day, numbered: buy levels first, each side from worst to best."""

    def __init__(self, keys: dict[int, IntArray]) -> None:
        """Number the levels.

        Args:
            keys: Keys of each side, in any order, with repeats; int64.
        """
        self._keys = {side: np.unique(keys[side]) for side in SIDES}
        self._start = {BUY: 0, SELL: len(self._keys[BUY])}

    def at_or_above(self, side: int, keys: IntArray) -> IntArray:
        """Return the number of the lowest level of ``side`` that has at least each key."""
        return np.searchsorted(self._keys[side], keys).astype(np.int64) + self._start[side]

    def side(self, level: int) -> int:
        """Return the side of a level."""
        return BUY if level < self._start[SELL] else SELL

    def table(self) -> NDArray[np.void]:
        """Return all levels as ``LEVEL`` records without orders."""
        table = np.zeros(sum(len(keys) for keys in self._keys.values()), LEVEL)
        table["side"] = np.repeat(SIDES, [len(self._keys[side]) for side in SIDES])
        table["price"] = table["side"] * np.concatenate([self._keys[side] for side in SIDES])
        return table


def depth(line: IntArray, level: IntArray, lots: IntArray) -> NDArray[np.void]:
    """Return ``DEPTH`` records."""
    records = np.zeros(len(level), DEPTH)
    records["line"], records["level"], records["lots"] = line, level, lots
    return records


def first_book(levels: Levels, sights: dict[int, Sight], undo: dict[int, int]) -> NDArray[np.void]:
    """Return the book before the first message, as ``DEPTH``: buy and sell in turn, best levels first.

    Args:
        levels: Numbers of the levels.
        sights: What the file shows after the first message.
        undo: Lots by level number that bring back the book before it.
    """
    ranked = []
    for side in SIDES:
        held = dict(zip(levels.at_or_above(side, sights[side].first_keys), sights[side].first_lots, strict=True))
        own = {level: held.get(level, 0) + undo.get(level, 0) for level in {*held, *undo} if levels.side(level) == side}
        best_first = sorted((level for level in own if own[level]), reverse=True)
        ranked += [(rank, level, own[level]) for rank, level in enumerate(best_first)]
    table = np.array(sorted(ranked, key=lambda entry: entry[0]), np.int64).reshape(-1, 3)
    return depth(np.zeros(len(table), np.int64), table[:, 1], table[:, 2])


def open_levels(levels: Levels, sights: dict[int, Sight]) -> IntArray:
    """Return the lowest level shown in each row; int64, shape ``(rows, 2)``: buy, sell."""
    return np.stack([levels.at_or_above(side, sights[side].floor) for side in SIDES], axis=1)


def entered(levels: Levels, sights: dict[int, Sight]) -> NDArray[np.void]:
    """Return what came into the window, as ``DEPTH`` by line, side, best first."""
    parts = [depth(sights[side].line, levels.at_or_above(side, sights[side].keys), sights[side].lots) for side in SIDES]
    seen = np.concatenate(parts)
    return seen[np.argsort(seen["line"], kind="stable")]
