"""``twin market inspect FILE``: what is in a file of market data, and what is wrong with it."""

import argparse
import math
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from twin_env.cli import options

if TYPE_CHECKING:
    from twin_env.market.data.inspection import Inspection

HELP: Final = "tell what is in a file of market data, and what is wrong with it"
EXAMPLES: Final = (
    "twin market inspect AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
    "twin market inspect trades.csv --tick-size 0.1 --columns lean_trade_ticks --json -",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="any file of market data that a market can be made of")
    parser.add_argument("--tick-size", type=float, help="in the quote currency; default: found out from the prices")
    parser.add_argument("--symbol", help="which instrument, if the file has several: symbol or instrument id")
    parser.add_argument(
        "--lot-size", type=float, help="of Binance recordings and tables; default: found out from sizes"
    )
    parser.add_argument(
        "--columns", metavar="PRESET|FILE", help="what the columns of a table mean; default: its header tells"
    )
    parser.add_argument("--member", help="which csv of a zip of tables: its name, or a pattern such as '*_201312.csv'")
    options.add_json(parser, "all that is told, and more,")


def run(arguments: argparse.Namespace) -> int:
    """Inspect a file, print what was found, and return 0."""
    from twin_env.market.data.inspection import InspectOptions
    from twin_env.market.data.registry import inspect_file
    from twin_env.market.data.tape import TapeError
    from twin_env.report.tables import show_facts

    for name, size in (("--tick-size", arguments.tick_size), ("--lot-size", arguments.lot_size)):
        if size is not None and not 0 < size < math.inf:
            raise TapeError(f"{name} is {size}, expected more than 0")
    wanted = InspectOptions(
        arguments.tick_size, arguments.symbol, arguments.lot_size, arguments.columns, arguments.member
    )
    found = inspect_file(arguments.file, wanted)
    show_facts(list(_lines(found)))
    if arguments.json is not None:
        arguments.json.write(asdict(found))
    return 0


def _lines(found: "Inspection") -> Iterator[tuple[str, str]]:
    yield "file", found.path
    yield "format", found.format
    yield "instruments", ", ".join(found.instruments) or "none named"
    if found.tick_size is not None:
        yield "tick size", f"{found.tick_size:g}" + (" (found out from the prices)" if found.tick_size_is_found else "")
    if found.lot_size is not None:
        yield "lot size", f"{found.lot_size:g}" + (" (found out from the sizes)" if found.lot_size_is_found else "")
    yield "rows", f"{found.rows:,}"
    yield from _times(found)
    for kind, rate in found.rates.items():
        yield kind, f"{rate.count:,} messages, {rate.mean_per_s:,.2f} per second, at most {rate.peak_per_s:,} in one"
    yield "spread", _spread(found)
    yield from _silences(found)
    if found.sequence_jumps is not None:
        yield "sequence", f"{found.sequence_jumps:,} jumps"
    for problem in found.problems:
        yield (
            "problem",
            f"{problem.what}, {problem.count:,} times" + (f", first at {problem.first}" if problem.first else ""),
        )
    if not found.problems:
        yield "problem", "none"
    for note in found.notes:
        yield "note", note


def _times(found: "Inspection") -> Iterator[tuple[str, str]]:
    if found.start_ns is None or found.end_ns is None:
        yield "span", "no message has a time"
        return
    for name, zone in (("UTC", UTC), ("New York", ZoneInfo("America/New_York"))):
        yield name, f"{_moment(found.start_ns, zone)} to {_moment(found.end_ns, zone)}"
    yield "span", f"{(found.end_ns - found.start_ns) / 1e9:,.3f} s"


def _moment(time_ns: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(time_ns // 10**9, zone):%Y-%m-%d %H:%M:%S}.{time_ns % 10**9:09d}"


def _spread(found: "Inspection") -> str:
    if found.spread is None:
        return "not told by these data"
    mean, share = found.spread.mean_ticks, found.spread.one_tick_share
    return f"{mean:.3f} ticks on average over {found.spread.seconds:,.0f} s, one tick {share:.1%} of the time"


def _silences(found: "Inspection") -> Iterator[tuple[str, str]]:
    yield "silences", f"{found.silence_count:,} longer than a minute"
    for silence in found.silences:
        yield "", f"{silence.duration_ns / 1e9:,.1f} s from {_moment(silence.start_ns, UTC)} UTC"
