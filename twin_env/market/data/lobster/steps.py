"""Messages of a LOBSTER file translated into the steps of a rebuild."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.market.data.lobster import tables
from twin_env.market.data.lobster.rebuild import STEP
from twin_env.market.data.lobster.tables import Messages
from twin_env.market.data.lobster.window import SIDES, Levels, Sight
from twin_env.market.data.tape import IntArray

_KINDS: Final = np.array([0, codes.NEW, codes.REDUCE, codes.REDUCE, codes.EXECUTE, codes.PRINT, 0, 0])


def make_steps(feed: Messages, per_tick: int, midnight_ns: int) -> NDArray[np.void]:
    """Return the messages as ``STEP`` records, their levels still missing.

    Args:
        feed: Checked messages.
        per_tick: File price units in one tick.
        midnight_ns: Start of the trading day, UTC epoch.
    """
    steps = np.zeros(len(feed), STEP)
    steps["ts_ns"] = midnight_ns + feed.time_ns
    steps["kind"] = _KINDS[feed.kind]
    steps["order"] = np.unique(feed.order, return_inverse=True)[1]
    steps["lots"] = feed.lots
    steps["side"] = feed.side
    aggressor = -feed.side  # between two ticks, a hidden execution goes to the one that is better for its aggressor
    printed = aggressor * (aggressor * feed.price // per_tick)
    steps["price"] = np.where(feed.kind == tables.HIDDEN_EXECUTION, printed, feed.price // per_tick)
    _set_halts(feed, steps)
    return steps


def _set_halts(feed: Messages, steps: NDArray[np.void]) -> None:
    """Turn halt marks into ``HALT`` and, as soon as orders are taken again, ``RESUME``."""
    halted = False
    for index in np.flatnonzero(feed.kind == tables.HALT_MARK):
        halts = bool(feed.price[index] == tables.HALTED)
        if halts != halted:
            steps["kind"][index] = codes.HALT if halts else codes.RESUME
        halted = halts


def set_levels(steps: NDArray[np.void], sights: dict[int, Sight]) -> Levels:
    """Number the levels of a day, and give each step its own and the lowest one it shows to be empty.

    A new order shows that nobody on the other side rested at its price or beyond, an
    execution that nobody on its side rested at a better price.
    """
    booked = np.isin(steps["kind"], (codes.NEW, codes.REDUCE, codes.EXECUTE))
    keys, mine = steps["side"] * steps["price"], {side: booked & (steps["side"] == side) for side in SIDES}
    levels = Levels(
        {side: np.concatenate([keys[mine[side]], sights[side].first_keys, sights[side].keys]) for side in SIDES}
    )
    for side in SIDES:
        own = levels.at_or_above(side, keys[mine[side]])
        crossed = levels.at_or_above(-side, -keys[mine[side]])
        steps["level"][mine[side]] = own
        steps["clear"][mine[side]] = np.where(steps["kind"][mine[side]] == codes.NEW, crossed, own + 1)
    return levels


def undo(first: np.void, levels: Levels, sights: dict[int, Sight]) -> dict[int, int]:
    """Return the change of lots, by level, that turns the first book in sight into the one before the first step."""
    side = int(first["side"])
    if first["kind"] == codes.NEW:
        hidden = first["level"] < levels.at_or_above(side, sights[side].first_floor)
        return {} if hidden else {int(first["level"]): -int(first["lots"])}
    if first["kind"] in (codes.REDUCE, codes.EXECUTE):
        return {int(first["level"]): int(first["lots"])}
    return {}


def claims(steps: NDArray[np.void]) -> IntArray:
    """Return the lots that steps take from each order, by its number; int64."""
    taken = np.isin(steps["kind"], (codes.REDUCE, codes.EXECUTE))
    lots = np.zeros(int(steps["order"].max()) + 1, np.int64)
    np.add.at(lots, steps["order"][taken], steps["lots"][taken])
    return lots
