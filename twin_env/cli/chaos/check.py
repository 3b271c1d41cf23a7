"""``python -m twin_env.chaos check``: every fault alone, asked beside achieved, and how fast the market recovered."""

import argparse
from pathlib import Path
from typing import Any

from twin_env.chaos.experiment import BlastRadius, Experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.journal.journal import Journal
from twin_env.chaos.library import radius_for
from twin_env.files import write_json

HELP = "run every fault alone and tell what came of it"
SEVERITIES = ("low", "mid", "high", "extreme")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="faults; all by default")
    parser.add_argument("--market", default="mgc_2025", metavar="PRESET_OR_YAML", help="default: %(default)s")
    parser.add_argument("--links", default="retail", metavar="PRESET_OR_YAML", help="default: %(default)s")
    parser.add_argument("--severity", choices=SEVERITIES, default="mid", help="severity (%(default)s)")
    parser.add_argument("--seeds", type=int, default=4, help="runs of each (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")


def run(arguments: argparse.Namespace) -> int:
    """Run every fault and print a table in Markdown; return 1 if one missed what was asked for in most runs."""
    from twin_env.studies.chaos_run.run import run_experiment
    from twin_env.twin.twin import open_market

    unknown = [kind for kind in arguments.kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"KIND is {unknown[0]!r}, expected one of {', '.join(KINDS)}.")
    if arguments.seeds < 1:
        raise ValueError(f"--seeds is {arguments.seeds}, expected at least 1.")
    market = open_market(arguments.market, arguments.links)
    print("| fault | signal | asked | achieved | tolerance | as asked | back to normal after, s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    for kind in arguments.kinds or KINDS:
        fault = KINDS[kind].at(arguments.severity)
        radius = BlastRadius.model_validate(radius_for(fault))
        experiment = Experiment(title=kind, method=(fault,), blast_radius=radius)
        journals = [run_experiment(experiment, market, seed=seed).journal for seed in range(arguments.seeds)]
        rows += _rows(fault, journals)
        for row in rows[-len(journals[0].run[0].readings) :]:
            print(_line(row), flush=True)
    if arguments.json is not None:
        write_json(arguments.json, {"severity": arguments.severity, "rows": rows})
    return int(any(2 * row["met"] < row["runs"] for row in rows))


def _rows(fault: Fault, journals: list[Journal]) -> list[dict[str, Any]]:
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
