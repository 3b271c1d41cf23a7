"""``twin chaos check``: every fault alone, what it was asked for, what came of it, and when it recovered."""

import argparse
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options
from twin_env.cli.chaos.run import add_world
from twin_env.config.errors import did_you_mean

if TYPE_CHECKING:
    from twin_env.chaos.faults.base import Fault
    from twin_env.chaos.journal.journal import Journal

HELP: Final = "run every fault alone and tell what came of it"
EXAMPLES: Final = (
    "twin chaos check",
    "twin chaos check flash_crash spread_widening --severity high --episodes 8 --json check.json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from twin_env.chaos.library import SEVERITIES

    parser.add_argument("kinds", nargs="*", metavar="KIND", help="faults; all by default")
    add_world(parser)
    parser.add_argument("--severity", choices=SEVERITIES, default="mid", help="severity (%(default)s)")
    options.add_episodes(parser, "runs of each fault, the first with --seed, the next with the next ones", 4)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run every fault and print a table in Markdown; return 1 if one missed what was asked for in most runs."""
    from twin_env.chaos.experiment import BlastRadius, Experiment
    from twin_env.chaos.faults import KINDS
    from twin_env.chaos.library import radius_for
    from twin_env.studies.chaos_run.run import run_experiment
    from twin_env.twin.opening import open_market

    unknown = [kind for kind in arguments.kinds if kind not in KINDS]
    if unknown:
        meant = did_you_mean(unknown[0], KINDS)
        raise ValueError(f"KIND is {unknown[0]!r}{meant}, expected one of {', '.join(KINDS)}.")
    market = open_market(arguments.market, arguments.links)
    seeds = range(arguments.seed, arguments.seed + arguments.episodes)
    print("| fault | signal | asked | achieved | tolerance | as asked | back to normal after, s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    for kind in arguments.kinds or KINDS:
        fault = KINDS[kind].at(arguments.severity)
        radius = BlastRadius.model_validate(radius_for(fault))
        experiment = Experiment(title=kind, method=(fault,), blast_radius=radius)
        journals = [run_experiment(experiment, market, seed=seed).journal for seed in seeds]
        rows += _rows(fault, journals)
        for row in rows[-len(journals[0].run[0].readings) :]:
            print(_line(row), flush=True)
    if arguments.json is not None:
        arguments.json.write({"severity": arguments.severity, "seeds": list(seeds), "rows": rows})
    return int(any(2 * row["met"] < row["runs"] for row in rows))


def _rows(fault: "Fault", journals: "list[Journal]") -> list[dict[str, Any]]:
    """Return what each signal of a fault was, over all runs."""
    rows = []
    recovered = [journal.steady_states.recovered_s for journal in journals]
    for place, first in enumerate(journals[0].run[0].readings):
        all_ = [journal.run[0].readings[place] for journal in journals]
        rows.append(
            {
                "fault": fault.kind,
                "signal": first.name,
                "asked": [one.requested for one in all_],
                "achieved": [one.achieved for one in all_],
                "low": [one.low for one in all_],
                "high": [one.high for one in all_],
                "met": sum(one.met for one in all_),
                "runs": len(all_),
                "recovered_s": recovered,
                "settle_s": fault.settle_s,
            }
        )
    return rows


def _line(row: dict[str, Any]) -> str:
    achieved = [value for value in row["achieved"] if value is not None]
    span = _span(achieved) if achieved else "-"
    recovered = (
        "never" if None in row["recovered_s"] else f"{max(row['recovered_s']):.0f} (at most {row['settle_s']:.0f})"
    )
    cells = (row["fault"], row["signal"], _span(row["asked"]), span, _tolerance(row))
    return f"| {' | '.join(cells)} | {row['met']} of {row['runs']} | {recovered} |"


def _tolerance(row: dict[str, Any]) -> str:
    """Return what counts as asked: a range, or shares of what was asked where that differs from run to run."""
    if len(set(row["asked"])) == 1:
        return f"{_edge(row['low'][0])} .. {_edge(row['high'][0])}"
    parts = (_edge(row[edge][0], row["asked"][0]) for edge in ("low", "high"))
    return " .. ".join(parts) + " of asked"


def _edge(edge: float | None, of: float | None = None) -> str:
    if edge is None:
        return ""
    return f"{edge:.4g}" if of is None else f"{edge / of:.0%}"


def _span(values: list[float]) -> str:
    low, high = f"{min(values):.4g}", f"{max(values):.4g}"
    return low if low == high else f"{low} .. {high}"
