"""Fills, orders, decisions and round trips as tables, in the units people ask for, and as Parquet files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.fills import COUNTERPARTIES, PARTS
from twin_env.alpha.record import AlphaResult
from twin_env.alpha.trading import TRIP_COLUMNS, TRIP_COUNTS, TRIP_TEXTS, trips_table
from twin_env.core import ledger
from twin_env.core.conditions import CONDITION_NAMES, ROLE_NAMES
from twin_env.core.state import codes
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import NONE
from twin_env.files import whole_folder
from twin_env.market.data.columns.files import polars

if TYPE_CHECKING:
    import polars as pl

Unit = Literal["ccy", "ticks", "bps"]
UNITS: Final[tuple[Unit, ...]] = ("ccy", "ticks", "bps")
_MICRO: Final = 1e-6
_BPS: Final = 1e4
_SIDES: Final = {codes.BUY: "buy", codes.SELL: "sell"}
_REASONS: Final = codes.REASON_NAMES | {codes.NO_REASON: None}
_ENDS: Final = codes.EVENT_NAMES | {0: None}


def alpha_tables(seeds: Sequence[int], results: Sequence[AlphaResult], unit: Unit = "ccy") -> dict[str, "pl.DataFrame"]:
    """Return the tables ``fills``, ``orders``, ``decisions``, ``trips`` and ``episodes``.

    Amounts end in the unit: ``_ccy`` in account currency, ``_ticks`` in ticks times lots, ``_bps`` in basis points of
    the row's notional (lots times the mid before a fill, the desired price of a decision). Trips and episodes are
    always in account currency. Prices are as people write them; times are ns since the epoch and ``None`` where it
    never came to that.

    Args:
        seeds: Of the episodes.
        results: One per episode.
        unit: Of the amounts of fills and decisions.

    Raises:
        ValueError: There is no such unit.
        TapeError: polars is not installed.
    """
    if unit not in UNITS:
        raise ValueError(f"unit={unit!r}, expected one of {', '.join(UNITS)}")
    pl = polars()
    made = {
        "fills": [_fills(result, unit) for result in results],
        "orders": [_orders(result) for result in results],
        "decisions": [_decisions(result, unit) for result in results],
    }
    tables = {name: _stack(seeds, parts) for name, parts in made.items()}
    return tables | {
        "trips": _trips(seeds, results),
        "episodes": pl.DataFrame([_episode(seed, result) for seed, result in zip(seeds, results, strict=True)]),
    }


def write_tables(folder: Path, tables: Mapping[str, "pl.DataFrame"]) -> None:
    """Write tables as Parquet files into a folder, all of them or none.

    Raises:
        OutputError: One cannot be written.
    """
    with whole_folder(folder) as draft:
        for name, table in tables.items():
            table.write_parquet(draft / f"{name}.parquet")


def _stack(seeds: Sequence[int], parts: Sequence[Mapping[str, Any]]) -> "pl.DataFrame":
    pl = polars()
    frames = [pl.DataFrame(part) for part in parts]
    return pl.concat(  # type: ignore[no-any-return]
        [frame.insert_column(0, pl.lit(seed).alias("seed")) for seed, frame in zip(seeds, frames, strict=True)]
    )


def _fills(result: AlphaResult, unit: Unit) -> dict[str, Any]:
    fills, instrument, markouts = result.fills, result.instrument, result.markouts
    notional = fills["lots"] * fills["mid"]
    return {
        "ts_ns": fills["ts_ns"],
        "order": fills["order"],
        "side": _names(fills["side"], _SIDES),
        "price": fills["price"] * instrument.tick_size,
        "lots": fills["lots"],
        "due_lots": fills["due_lots"],
        "maker": fills["maker"] == 1,
        "counterparty": [COUNTERPARTIES[place] for place in fills["counterparty"].tolist()],
        "mid": fills["mid"] * (instrument.tick_size / 2),
        **_amounts(result, {name: fills[name] for name in PARTS}, notional, unit),
        "fee_ccy": fills["fee_micro"] * _MICRO,
        **{
            f"markout_{horizon:g}s_ccy_per_lot": markouts.total[:, place]
            for place, horizon in enumerate(markouts.horizons_s)
        },
    }


def _orders(result: AlphaResult) -> dict[str, Any]:
    orders, tick = result.orders, result.instrument.tick_size
    times = [name for name in orders.dtype.names or () if name.endswith("_ns")]
    return {
        "order": orders["order"],
        "decision": orders["decision"],
        "side": _names(orders["side"], _SIDES),
        "type": _names(orders["type"], codes.TYPE_NAMES),
        "role": _names(orders["role"], ROLE_NAMES),
        "price": _prices(orders["price"], orders["type"] != codes.MARKET, tick),
        "trigger": _prices(orders["trigger"], orders["type"] >= codes.STOP, tick),
        "lots": orders["lots"],
        "filled_lots": orders["filled_lots"],
        "maker_lots": orders["maker_lots"],
        "late_lots": orders["late_lots"],
        "lots_ahead": _known(orders["lots_ahead"], orders["lots_ahead"] != NONE),
        "replaces": orders["replaces"],
        **{name: _known(orders[name], orders[name] != NEVER_NS) for name in times},
        "end": _names(orders["end"], _ENDS),
        "reason": _names(orders["reason"], _REASONS),
    }


def _decisions(result: AlphaResult, unit: Unit) -> dict[str, Any]:
    made, tick = result.decisions, result.instrument.tick_size
    amounts = {name: made[name] for name in ("strategy", *PARTS, "opportunity")}
    return {
        "order": made["order"],
        "side": _names(made["side"], _SIDES),
        "lots": made["lots"],
        "condition": _names(made["condition"], CONDITION_NAMES),
        "role": _names(made["role"], ROLE_NAMES),
        "desired_price": made["price"] * (tick / 2),
        "decided_ns": made["decided_ns"],
        "due_ns": _known(made["due_ns"], made["due_ns"] != NEVER_NS),
        "due_lots": made["due_lots"],
        "filled_lots": made["filled_lots"],
        "met_lots": made["met_lots"],
        "rejected": made["rejected"] == 1,
        **_amounts(result, amounts, made["lots"] * made["price"], unit),
        "fee_ccy": made["fee_micro"] * _MICRO,
    }


def _trips(seeds: Sequence[int], results: Sequence[AlphaResult]) -> "pl.DataFrame":
    pl = polars()
    kinds = dict.fromkeys(TRIP_TEXTS, pl.String) | dict.fromkeys(TRIP_COUNTS, pl.Int64)
    schema = {name: kinds.get(name, pl.Float64) for name in TRIP_COLUMNS}
    return pl.DataFrame(trips_table(seeds, results), schema=schema)  # type: ignore[no-any-return]


def _episode(seed: int, result: AlphaResult) -> dict[str, Any]:
    return {
        "seed": seed,
        "begin_ns": result.begin_ns,
        "end_ns": result.end_ns,
        **{f"{name}_micro": amount for name, amount in zip(ledger.SPLIT_NAMES, result.split.micro, strict=True)},
    }


def _amounts(
    result: AlphaResult, columns: Mapping[str, NDArray[np.int64]], notional: NDArray[np.int64], unit: Unit
) -> dict[str, Any]:
    """Return amounts in half-ticks x lots in a unit; ``notional`` is in half-ticks x lots too."""
    if unit == "bps":
        scale = _BPS / np.maximum(np.abs(notional), 1)
    else:
        scale = np.asarray(0.5 if unit == "ticks" else result.instrument.half_tick_micro * _MICRO)
    return {f"{name}_{unit}": values * scale for name, values in columns.items()}


def _prices(ticks: NDArray[np.int64], there: NDArray[np.bool_], tick_size: float) -> "pl.Series":
    return _known(ticks * tick_size, there)


def _known(values: NDArray[Any], there: NDArray[np.bool_]) -> "pl.Series":
    """Return values as a column, null where there is none."""
    pl = polars()
    found = [value if known else None for value, known in zip(values.tolist(), there.tolist(), strict=True)]
    return pl.Series(found, dtype=pl.Float64 if values.dtype.kind == "f" else pl.Int64)  # type: ignore[no-any-return]


def _names(values: NDArray[Any], names: Mapping[int, str | None]) -> "pl.Series":
    """Return codes by their names as a column, null for one without."""
    pl = polars()
    return pl.Series([names.get(code) for code in values.tolist()], dtype=pl.String)  # type: ignore[no-any-return]
