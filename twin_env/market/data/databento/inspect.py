"""What there is to say about a DBN file, found out in memory that does not grow with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.market.data.databento.checks import units_per_tick
from twin_env.market.data.databento.files import Chunk, DbnHeader, Source, import_parser, read_header, stream
from twin_env.market.data.databento.layouts import LAYOUTS, PRICE_SCALE, UNDEFINED_PRICE
from twin_env.market.data.databento.orders import REASONS, new_feed
from twin_env.market.data.databento.reader import run_feed
from twin_env.market.data.databento.steps import ACTIONS, StepMaker
from twin_env.market.data.databento.tables import BAR_NS, QUOTED, TableMaker
from twin_env.market.data.inspection import (
    Inspection,
    InspectOptions,
    Problem,
    SpreadMeter,
    TimeMeter,
    problems_of,
    spread_of,
)
from twin_env.market.data.tape import BoolArray, IntArray, TapeError

_DECODED_BYTES: Final = 1 << 18  # of a file at once, through Databento's decoder
_STATES: Final = ("crossed", "locked")
_DROPPED: Final = ("added_again", "cancel_unseen")
_SHARED: Final = "Sequence numbers are those of a channel: they also skip what other instruments of the channel used."


def inspect_databento(path: Path, options: InspectOptions) -> Inspection:
    """Look into a DBN file of any schema.

    Raises:
        TapeError: The file is missing or broken, or holds several instruments and none was chosen.
    """
    header = read_header(path)
    if header.schema not in LAYOUTS:
        return _inspect_other(header)
    tick_size = options.tick_size or _find_tick(path, options.symbol)
    meter = TimeMeter()
    inspect = _inspect_orders if header.schema == "mbo" else _inspect_table
    facts = inspect(path, tick_size, options, meter)
    return _inspection(header, meter, tick_size=tick_size, tick_size_is_found=options.tick_size is None, **facts)


def _inspection(header: DbnHeader, meter: TimeMeter, **facts: Any) -> Inspection:
    return Inspection(
        path=str(header.path),
        format=f"Databento DBN {header.version}, schema {header.schema}, {header.dataset}",
        start_ns=meter.start_ns if meter.start_ns >= 0 else None,
        end_ns=meter.end_ns if meter.end_ns >= 0 else None,
        rates=meter.rates(),
        silences=meter.silences,
        silence_count=meter.silence_count,
        **{"instruments": tuple(sorted(set(header.symbols.values()))), **facts},
    )


def _find_tick(path: Path, symbol: str | None) -> float:
    """Return the largest tick all prices are multiples of."""
    units = 0
    for chunk in stream(path, symbol):
        prices = _prices(chunk.records)
        prices = prices[(prices != UNDEFINED_PRICE) & (prices != 0)]
        units = int(np.gcd.reduce(np.abs(prices), initial=units))
    if units == 0:
        raise TapeError(f"{path}: there is no price, expected tick_size to be given")
    return units / PRICE_SCALE


def _prices(records: NDArray[np.void]) -> IntArray:
    """Return the prices of orders, quotes or bars; trades of hidden orders can lie between ticks."""
    names = records.dtype.names or ()
    if "levels" in names:
        return np.concatenate([records["levels"][side].reshape(-1) for side in ("bid", "ask")])
    if "open" in names:
        return np.concatenate([records[name] for name in ("open", "high", "low", "close")])
    if "order" in names:
        return np.asarray(records["price"][np.isin(records["action"], (b"A", b"C", b"M"))])
    return np.asarray(records["price"])


def _by_action(records: NDArray[np.void], among: BoolArray) -> dict[str, BoolArray]:
    return {name: among & (records["action"] == letter) for letter, name in ACTIONS.items()}


def _inspect_orders(path: Path, tick_size: float, options: InspectOptions, meter: TimeMeter) -> dict[str, Any]:
    maker = StepMaker(path, units_per_tick(tick_size))
    seen: set[int] = set()

    def on_chunk(chunk: Chunk, steps: NDArray[np.void]) -> None:
        seen.add(int(chunk.records["instrument"][0]))
        live = steps["snapshot"] == 0
        meter.add(steps["ts_ns"][live], _by_action(chunk.records[live], np.ones(int(live.sum()), bool)))

    feed = run_feed(path, maker, new_feed(0), options.symbol, None, on_chunk)
    state = feed.state[0]
    found = {name: int(count) for name, count in zip(REASONS, state.found, strict=True) if name != "unknown"}
    repaired = {name: count for name, count in found.items() if name not in (*_STATES, *_DROPPED)}
    counts = {
        "state": {name: found[name] for name in _STATES},
        "dropped": maker.dropped.counts | {name: found[name] for name in _DROPPED},
        "repaired": maker.repaired.counts | repaired,
    }
    first = dict(zip(REASONS, map(int, state.first), strict=True)) | maker.dropped.first | maker.repaired.first
    notes = [_SHARED, f"{maker.snapshots} records are a snapshot of the book and count in no rate."]
    if state.skipped > maker.snapshots:
        notes.append(f"Continuous trading, and the spread, begins at record {int(state.skipped) + 1}.")
    return {
        "instruments": _names(path, seen),
        "rows": sum(maker.actions.values()),
        "spread": spread_of(int(state.spread_ns), int(state.spread_sum), int(state.one_tick_ns)),
        "sequence_jumps": maker.sequence_jumps,
        "problems": problems_of(counts, first, "record"),
        "notes": tuple(notes),
    }


def _names(path: Path, seen: set[int]) -> tuple[str, ...]:
    header = read_header(path)
    return tuple(sorted(header.name(number) for number in seen))


def _inspect_table(path: Path, tick_size: float, options: InspectOptions, meter: TimeMeter) -> dict[str, Any]:
    maker = TableMaker(path, tick_size, options.symbol, tuple(LAYOUTS))
    spread, seen, rows = SpreadMeter(), set[int](), 0
    for chunk in maker.chunks():
        rows += len(chunk.records)
        seen.add(int(chunk.records["instrument"][0]))
        time_ns = maker.times(chunk)
        everywhere = np.ones(len(time_ns), bool)
        meter.add(time_ns, _kinds(maker.schema, chunk.records, everywhere))
        if maker.schema in QUOTED:
            spread.add(time_ns, _spreads(maker, chunk))
        if maker.schema in BAR_NS:
            maker.bars(chunk)
        elif not maker.schema.startswith(("bbo", "cbbo")):
            maker.trade_columns(chunk, chunk.records["action"] == b"T")
    counts = {"dropped": maker.dropped.counts, "repaired": maker.repaired.counts}
    states = counts["dropped"].keys() & set(_STATES)
    counts["state"] = {name: counts["dropped"].pop(name) for name in sorted(states)}
    has_numbers = maker.schema not in BAR_NS
    return {
        "instruments": _names(path, seen),
        "rows": rows,
        "spread": spread.spread(),
        "sequence_jumps": maker.numbers.jumps if has_numbers else None,
        "problems": problems_of(counts, maker.dropped.first | maker.repaired.first, "record"),
        "notes": (_SHARED,) if has_numbers else (),
    }


def _kinds(schema: str, records: NDArray[np.void], everywhere: BoolArray) -> dict[str, BoolArray]:
    if schema in BAR_NS:
        return {"bar": everywhere}
    if schema.startswith(("bbo", "cbbo")):
        return {"quote": everywhere}
    return _by_action(records, everywhere)


def _spreads(maker: TableMaker, chunk: Chunk) -> IntArray:
    """Return ask - bid of each record, 0 without a spread; crossed and locked states are noted."""
    levels = maker.levels(chunk, 1)
    both = (levels["bid_lots"] > 0)[:, 0] & (levels["ask_lots"] > 0)[:, 0]
    ticks = (levels["ask_ticks"] - levels["bid_ticks"])[:, 0]
    maker.dropped.note("crossed", both & (ticks < 0), chunk.numbers)
    maker.dropped.note("locked", both & (ticks == 0), chunk.numbers)
    return np.where(both & (ticks > 0), ticks, 0)


def _inspect_other(header: DbnHeader) -> Inspection:
    """Count the records of a schema without prices of its own, through Databento's decoder."""
    counts: dict[str, int] = {}
    meter = TimeMeter()
    problems: dict[str, int] = {}
    for records in foreign_records(header.path):
        names = [type(record).__name__ for record in records]
        for name in names:
            counts[name] = counts.get(name, 0) + 1
        times = np.array([record.ts_event for record in records], np.uint64)
        known = times < 2**63
        time_ns = np.maximum.accumulate(times[known].astype(np.int64))
        kinds = {name: np.array(names)[known] == name for name in set(names)}
        meter.add(np.maximum(time_ns, meter.end_ns), kinds)
        if not known.all():
            problems["no_time"] = problems.get("no_time", 0) + int((~known).sum())
    return _inspection(
        header,
        meter,
        tick_size=None,
        rows=sum(counts.values()),
        problems=tuple(Problem(f"state: {what}", count) for what, count in problems.items()),
        notes=("This schema makes no tape.",),
    )


def foreign_records(path: Path) -> Iterator[list[Any]]:
    """Read a file of any schema through Databento's own decoder, some records at a time, upgraded to DBN 3.

    Raises:
        TapeError: The file is damaged.
    """
    parser = import_parser()
    with Source(path) as source:
        decoder = parser.DBNDecoder()
        try:
            while data := source.take(_DECODED_BYTES):
                records = decoder.write_and_decode(data)
                yield [record for record in records if not isinstance(record, parser.Metadata)]
        except (parser.DBNError, ValueError, RuntimeError) as error:
            raise TapeError(f"{path}: cannot be decoded ({error}), expected a whole DBN file") from error
        if decoder.buffer():
            raise TapeError(f"{path}: the last record is cut short, expected a whole file")
