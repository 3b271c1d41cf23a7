"""The split of a live account, from a file of its fills: what such a file can tell, and what it cannot.

A broker's file has fills, and perhaps fees. It has no book, so most parts of the split need what only the trader's own
system can add: the price at the decision, the mid on arrival. Every part that the file does not allow is ``None``, with
the column that was missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.columns.files import open_table, polars
from twin_env.market.data.tape import TapeError
from twin_env.market.instrument import Instrument

if TYPE_CHECKING:
    import polars as pl

REQUIRED: Final = ("fill_time", "side", "fill_price", "fill_lots")
OPTIONAL: Final = ("decision_price", "arrival_mid", "fee")
_SIDES: Final = {"buy": 1, "b": 1, "long": 1, "sell": -1, "s": -1, "short": -1}
_NEEDS: Final = {
    "fees": "fee",
    "strategy": "decision_price",
    "execution": "decision_price",
    "waiting": "arrival_mid",
    "crossing": "arrival_mid",
}


@dataclass(frozen=True)
class AccountTrip:
    """One round trip of an account, amounts in account currency.

    Attributes:
        side: +1 for long, -1 for short.
        lots: Largest position.
        begin_ns: First fill.
        end_ns: Last fill.
        entry_price: Mean of the fills that opened it.
        exit_price: Mean of those that closed it; ``None`` while it is open.
        net_ccy: Result after the fees that are known; of an open one up to the last fill's price.
        strategy_ccy: From the prices at the decisions; ``None`` where those are not in the file.
        execution_ccy: Net less strategy; ``None`` likewise.
    """

    side: int
    lots: int
    begin_ns: int
    end_ns: int
    entry_price: float
    exit_price: float | None
    net_ccy: float
    strategy_ccy: float | None
    execution_ccy: float | None


@dataclass(frozen=True)
class AccountSplit:
    """Where an account's money went, in account currency.

    Attributes:
        net: Cash plus position at the last fill's price, after the fees that are known.
        strategy: The same at the prices of the decisions, without fees; ``None`` without them.
        execution: Net less strategy; ``None`` without them.
        waiting: From the decision to the arrival at the exchange (timing and latency); part of execution.
        crossing: From the mid on arrival to the fill (spread, impact, queue together); part of execution.
        fees: Paid, negative; ``None`` where the file has none, and net is then before fees.
        trips: Round trips, an open one last.
        missing: By part that is ``None``, the column it would take.
    """

    net: float
    strategy: float | None
    execution: float | None
    waiting: float | None
    crossing: float | None
    fees: float | None
    trips: tuple[AccountTrip, ...]
    missing: dict[str, str] = field(default_factory=dict)


def read_account(path: str | Path, instrument: Instrument) -> AccountSplit:
    """Split a file of fills.

    Args:
        path: .csv (also .csv.gz, or a .zip of one) or .parquet with the columns ``fill_time`` (ISO 8601 or ns since
            the epoch), ``side`` (buy or sell), ``fill_price`` and ``fill_lots``; if there are any, ``decision_price``,
            ``arrival_mid`` (prices) and ``fee`` (account currency of the whole fill, positive when paid).
        instrument: What was traded; one file has one.

    Raises:
        TapeError: The file cannot be read, a column is missing, or a cell does not fit; says where.
    """
    with open_table(Path(path), member=None, header=True, separator=",") as source:
        table = _typed(source.name, source.frame.collect(), source.first)
    columns = {name: table[name].to_numpy() for name in table.columns}
    order = np.argsort(columns["fill_time"], kind="stable")
    return _split({name: values[order] for name, values in columns.items()}, instrument.point_value_ccy)


def _typed(name: str, frame: "pl.DataFrame", first: int) -> "pl.DataFrame":
    """Return the known columns as numbers."""
    pl = polars()
    missing = [column for column in REQUIRED if column not in frame.columns]
    if missing:
        raise TapeError(f"{name}: column {missing[0]!r} is missing, expected {', '.join(REQUIRED)}")
    if not len(frame):
        raise TapeError(f"{name}: 0 rows, expected at least one fill")
    kinds: dict[str, tuple[Any, str]] = {
        "fill_time": (_time(pl.col("fill_time"), frame["fill_time"].dtype), "an ISO 8601 time or ns since 1970"),
        "side": (pl.col("side").cast(pl.String).str.to_lowercase().replace_strict(_SIDES, default=None), "buy or sell"),
        "fill_lots": (pl.col("fill_lots").cast(pl.Int64, strict=False), "a whole number of at least 1"),
    }
    chosen = [column for column in (*REQUIRED, *OPTIONAL) if column in frame.columns]
    made = frame.select(
        kinds[column][0] if column in kinds else pl.col(column).cast(pl.Float64, strict=False) for column in chosen
    )
    for column in chosen:
        bad = made[column].is_null() | ~made[column].cast(pl.Float64).is_finite().fill_null(False)
        if column == "fill_lots":
            bad |= made[column].fill_null(0) < 1
        if bad.any():
            row = int(bad.arg_true()[0])
            expected = kinds[column][1] if column in kinds else "a number"
            raise TapeError(f"{name}: row {row + first}: {column} is {frame[column][row]!r}, expected {expected}")
    return made


def _time(column: Any, dtype: Any) -> Any:
    pl = polars()
    if dtype == pl.String:
        parsed = column.str.to_datetime(time_unit="ns", time_zone="UTC", strict=False).dt.epoch("ns")
        return pl.coalesce(column.cast(pl.Int64, strict=False), parsed)
    return column.dt.epoch("ns") if dtype.is_temporal() else column.cast(pl.Int64, strict=False)


def _split(columns: dict[str, NDArray[Any]], point_ccy: float) -> AccountSplit:
    side, price, lots = columns["side"], columns["fill_price"], columns["fill_lots"]
    signed, last = side * lots, price[-1]
    fees = -float(columns["fee"].sum()) if "fee" in columns else None
    net = float((signed * (last - price)).sum()) * point_ccy + (fees or 0.0)
    strategy = waiting = crossing = None
    if "decision_price" in columns:
        strategy = float((signed * (last - columns["decision_price"])).sum()) * point_ccy
        if "arrival_mid" in columns:
            waiting = -float((signed * (columns["arrival_mid"] - columns["decision_price"])).sum()) * point_ccy
    if "arrival_mid" in columns:
        crossing = -float((signed * (price - columns["arrival_mid"])).sum()) * point_ccy
    known = {
        "fees": fees,
        "strategy": strategy,
        "execution": None if strategy is None else net - strategy,
        "waiting": waiting,
        "crossing": crossing,
    }
    missing = {part: _NEEDS[part] for part, amount in known.items() if amount is None}
    if waiting is None and "arrival_mid" in columns:
        missing["waiting"] = "decision_price"
    return AccountSplit(net=net, trips=tuple(_trips(columns, point_ccy)), missing=missing, **known)


def _trips(columns: dict[str, NDArray[Any]], point_ccy: float) -> Iterator[AccountTrip]:
    """Yield stretches between two moments at which the account held nothing; a fill that turns it is cut in two."""
    position, rows = 0, list[tuple[int, int]]()
    for row, (side, lots) in enumerate(zip(columns["side"].tolist(), columns["fill_lots"].tolist(), strict=True)):
        closing = min(lots, abs(position)) if position * side < 0 else 0
        for part in (closing, lots - closing):
            if part:
                rows.append((row, side * part))
                position += side * part
                if position == 0:
                    yield _trip(columns, rows, point_ccy)
                    rows = []
    if rows:
        yield _trip(columns, rows, point_ccy)


def _trip(columns: dict[str, NDArray[Any]], rows: list[tuple[int, int]], point_ccy: float) -> AccountTrip:
    places, signed = np.array([row for row, _ in rows]), np.array([lots for _, lots in rows])
    price, side = columns["fill_price"][places], int(np.sign(signed[0]))
    opening = signed * side > 0
    share = np.abs(signed) / columns["fill_lots"][places]
    fees = float((columns["fee"][places] * share).sum()) if "fee" in columns else 0.0
    net = float((signed * (price[-1] - price)).sum()) * point_ccy - fees
    strategy = None
    if "decision_price" in columns:
        strategy = float((signed * (price[-1] - columns["decision_price"][places])).sum()) * point_ccy
    is_over = signed.sum() == 0
    return AccountTrip(
        side=side,
        lots=int(np.abs(np.cumsum(signed)).max()),
        begin_ns=int(columns["fill_time"][places[0]]),
        end_ns=int(columns["fill_time"][places[-1]]),
        entry_price=float(np.average(price[opening], weights=np.abs(signed[opening]))),
        exit_price=float(np.average(price[~opening], weights=np.abs(signed[~opening]))) if is_over else None,
        net_ccy=net,
        strategy_ccy=strategy,
        execution_ccy=None if strategy is None else net - strategy,
    )
