"""The planes of a stream as tables: one row an entry, codes by their names, prices in ticks."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.conditions import CONDITION_NAMES, ROLE_NAMES
from twin_env.core.state import codes
from twin_env.core.stream import (
    BOOK,
    EDGE_NAMES,
    ENTRIES,
    EXCHANGE,
    FAULTS,
    FEED,
    INTENT_NAMES,
    INTENTS,
    MARKS,
    PARTS,
    PLANE_NAMES,
    REPORTS,
    REQUESTS,
    STAGE_NAMES,
)
from twin_env.core.wire.feed import ADDED, PRINT_ONLY, REMOVED, SNAPSHOT, TRADE
from twin_env.market.data.columns.files import polars
from twin_env.twin.stream import Batch

if TYPE_CHECKING:
    import polars as pl

_CHANGES: Final = {ADDED: "added", REMOVED: "removed", TRADE: "trade", PRINT_ONLY: "print", SNAPSHOT: "snapshot"}
_KINDS: Final[dict[int, dict[int, str]]] = {
    EXCHANGE: codes.EVENT_NAMES,
    BOOK: _CHANGES,
    FEED: _CHANGES,
    REQUESTS: codes.KIND_NAMES,
    REPORTS: codes.EVENT_NAMES,
    FAULTS: EDGE_NAMES,
    MARKS: codes.EVENT_NAMES,
    INTENTS: INTENT_NAMES,
    PARTS: codes.EVENT_NAMES,
}
_SIDES: Final = {codes.BUY: "buy", codes.SELL: "sell"}
_REASONS: Final = {code: name for code, name in codes.REASON_NAMES.items() if code != codes.NO_REASON}
_NAMES: Final[dict[int, dict[str, dict[int, str]]]] = {
    EXCHANGE: {"reason": _REASONS, "trader": codes.TRADER_NAMES},
    REQUESTS: {"flag": STAGE_NAMES, "type": codes.TYPE_NAMES, "tif": codes.TIF_NAMES},
    REPORTS: {"reason": _REASONS},
    INTENTS: {"condition": CONDITION_NAMES, "role": ROLE_NAMES},
}
"""What the codes of a plane's columns are called, beside its kinds and sides."""

_LEFT_OUT: Final = ("plane", "spare")


def plane_tables(batch: Batch) -> dict[str, "pl.DataFrame"]:
    """Return every plane of a batch of the stream by its name; a plane nobody wrote is an empty table.

    Columns are the fields of the plane's entries (``core.stream.ENTRIES``). ``number`` is the place of the row in the
    stream, by which all planes have one order.

    Raises:
        TapeError: polars is not installed.
    """
    numbers = batch.first + np.arange(len(batch))
    return {
        name: _table(plane, batch.plane(plane), numbers[batch.rows["plane"] == plane])
        for plane, name in PLANE_NAMES.items()
    }


def _table(plane: int, rows: NDArray[np.void], numbers: NDArray[np.int64]) -> "pl.DataFrame":
    pl = polars()
    named = {"kind": _KINDS[plane], "side": _SIDES} | _NAMES.get(plane, {})
    columns: dict[str, Any] = {"number": numbers}
    for name in ENTRIES[plane].names or ():
        if name not in _LEFT_OUT:
            column = rows[name]
            columns[name] = pl.Series(_names(column, named[name]), dtype=pl.String) if name in named else column
    return pl.DataFrame(columns)  # type: ignore[no-any-return]


def _names(column: NDArray[Any], names: dict[int, str]) -> list[str | None]:
    return [names.get(code) for code in column.tolist()]
