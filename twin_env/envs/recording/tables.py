"""The tables of a recorded episode, made from what was noted of it."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.stream import EXCHANGE_ENTRY
from twin_env.envs.recording.desk_orders import SIDE_NAMES, Row
from twin_env.envs.recording.notes import Notes
from twin_env.market.data.columns.files import polars
from twin_env.market.instrument import Instrument

if TYPE_CHECKING:
    import polars as pl

Tables = dict[str, "pl.DataFrame"]

TABLES: Final = ("steps", "events", "book", "desk", "requests", "orders", "fills", "ledger")
_TEXTS: Final = ("side", "type", "tif", "end", "reason", "request", "answer", "liquidity")
_COLUMNS: Final = {  # of the tables that may have no row
    "requests": "order request sent_ns arrives_ns price_ticks trigger_ticks lots answer reason",
    "orders": "order side type tif sent_ns arrived_ns price_ticks trigger_ticks lots filled_lots slot ended_ns "
    "end reason",
    "fills": "ts_ns order side liquidity price_ticks lots mid_before_ticks",
    "book": "order side price_ticks lots",
}


def make_tables(notes: Notes) -> Tables:
    """Return every table of an episode by its name.

    Raises:
        TapeError: polars is not installed.
    """
    rows = {
        "steps": notes.steps,
        "book": [row._asdict() | {"side": SIDE_NAMES[row.side]} for row in notes.resting],
        "desk": notes.desk,
        "requests": notes.own.requests,
        "orders": [order | {"end": order["end"] or _unended(order)} for order in notes.own.orders],
        "fills": notes.own.fills,
        "ledger": notes.ledger,
    }
    tables = {name: _frame(name, rows[name], notes.instrument) for name in rows}
    return tables | {"events": _event_table(notes)}


def _unended(order: Row) -> str:
    return "open" if order["arrived_ns"] else "on the wire"


def _event_table(notes: Notes) -> "pl.DataFrame":
    pl = polars()
    events = np.concatenate(notes.events) if notes.events else np.zeros(0, EXCHANGE_ENTRY)
    columns = {
        "ts_ns": events["ts_ns"],
        "kind": _names(events["kind"], codes.EVENT_NAMES),
        "reason": _names(events["reason"], {code: text for code, text in codes.REASON_NAMES.items() if code}),
        "side": _names(events["side"], SIDE_NAMES),
        "owner": notes.owners,
        "order": events["order"],
        "contra": events["contra"],
        "price_ticks": events["price"],
        "lots": events["lots"],
        "rests_ticks": notes.rests,
    }
    types = {"kind": pl.String, "reason": pl.String, "side": pl.String, "owner": pl.String, "rests_ticks": pl.Int64}
    return _priced(pl.DataFrame(columns, schema_overrides=types), notes.instrument)


def _frame(name: str, rows: list[Row], instrument: Instrument) -> "pl.DataFrame":
    pl = polars()
    if name not in _COLUMNS:
        return pl.DataFrame(rows, infer_schema_length=None)  # type: ignore[no-any-return]
    schema = {column: _dtype(column) for column in _COLUMNS[name].split()}
    return _priced(pl.DataFrame(rows, schema=schema), instrument)


def _dtype(column: str) -> Any:
    pl = polars()
    return pl.String if column in _TEXTS else pl.Float64 if column == "mid_before_ticks" else pl.Int64


def _priced(frame: "pl.DataFrame", instrument: Instrument) -> "pl.DataFrame":
    """Put the price in the quote currency behind each one in ticks."""
    pl = polars()
    for name in [column for column in frame.columns if column.endswith("_ticks")]:
        halves = (frame[name] * 2).to_list()
        known = {half: instrument.to_price(int(half)) / 2 for half in set(halves) if half is not None}
        price = pl.Series(name.replace("_ticks", "_quote"), [known.get(half) for half in halves], pl.Float64)
        frame = frame.insert_column(frame.columns.index(name) + 1, price)
    return frame


def _names(column: NDArray[Any], names: dict[int, str]) -> list[str | None]:
    return [names.get(code) for code in column.tolist()]
