"""``twin market calibrate``: fit a synthetic market, or a model of fills, to data."""

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options
from twin_env.config import load_config, preset_names
from twin_env.files import write_text

if TYPE_CHECKING:
    from twin_env.market.instrument import Instrument
    from twin_env.studies.calibration import Estimate, Fit, MetricDistance
    from twin_env.studies.realism.recording import Recording

HELP: Final = "fit a synthetic market to a source, or a model of fills to a file of them"
EXAMPLES: Final = (
    "twin market calibrate recorded.yaml --out my_market.yaml",
    "twin market calibrate day.npz --instrument mgc --model poisson --json fit.json",
    "twin market calibrate --fills fills.csv",
)

_FILLS: Final = "fills"
_A_DAY: Final = 24.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from twin_env.studies.calibration.fit import BUDGET_S, CHECKS, PRIOR, ROUNDS

    parser.add_argument(
        "source",
        nargs="*",
        metavar="SOURCE",
        help="a market's YAML file or preset, or a saved recording (.npz); or: fills FILE",
    )
    parser.add_argument("--fills", type=Path, metavar="FILE", help="fit the model of fills to this file instead")
    options.add_out(parser, "write the fitted market there (YAML)", metavar="FILE", type=options.output_file)
    options.add_json(parser, "every figure")
    parser.add_argument("--model", choices=("anchored", "poisson"), default="anchored", help="which flow (anchored)")
    parser.add_argument("--prior", default=PRIOR, help="market that says what the source does not (%(default)s)")
    parser.add_argument("--instrument", metavar="NAME", help="what is traded, for a saved recording: a preset or file")
    parser.add_argument("--lot-size", type=int, metavar="UNITS", help="units of the source per lot (by itself)")
    parser.add_argument("--hours", type=float, default=_A_DAY, help="of the source, from its start (%(default)g)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the second stage, 0 for none (%(default)s)")
    parser.add_argument("--budget-s", type=float, default=BUDGET_S, help="time for the second stage (%(default)g)")
    parser.add_argument("--checks", type=int, default=CHECKS, help="simulations the fit is measured by (%(default)s)")
    parser.add_argument("--against", nargs="+", default=[], metavar="SOURCE", help="hold the fit against these, too")
    options.add_seed(parser, "of the search and the simulations")


def run(arguments: argparse.Namespace) -> int:
    """Fit, print what was found, write the files."""
    from twin_env.provenance import describe_provenance
    from twin_env.studies.calibration import CalibrationError, calibrate, to_yaml

    fills = _fills_file(arguments)
    if fills is not None:
        return _run_fills(fills, arguments.json)
    if len(arguments.source) != 1:
        raise CalibrationError(f"calibrate was given {len(arguments.source)} sources, expected one, or: fills FILE")
    recording, instrument = _open(arguments.source[0], arguments)
    fit = calibrate(
        recording,
        instrument,
        model=arguments.model,
        prior=arguments.prior,
        lot_size=arguments.lot_size,
        rounds=arguments.rounds,
        budget_s=arguments.budget_s,
        checks=arguments.checks,
        against=[_open(name, arguments)[0] for name in arguments.against],
        seed=arguments.seed,
        progress=_say,
    )
    _show(fit)
    if arguments.out is not None:
        write_text(arguments.out, to_yaml(fit))
    if arguments.json is not None:
        arguments.json.write(fit.to_json() | {"provenance": describe_provenance(arguments.seed, arguments.command)})
    return 0


def _fills_file(arguments: argparse.Namespace) -> Path | None:
    if arguments.fills is not None:
        return Path(arguments.fills)
    if arguments.source[:1] == [_FILLS] and len(arguments.source) == 2:
        return Path(arguments.source[1])
    return None


def _run_fills(path: Path, output: options.JsonOutput | None) -> int:
    from twin_env.studies.calibration.fills import calibrate_fills  # a fit of a market does not need it

    (output or options.JsonOutput(options.STDOUT)).write(calibrate_fills(path).to_json())
    return 0


def _open(name: str, arguments: argparse.Namespace) -> "tuple[Recording, Instrument]":
    """Read or record a source, and say what is traded there."""
    from twin_env.market.instrument import Instrument
    from twin_env.market.synthetic import MarketConfig
    from twin_env.studies.calibration import CalibrationError
    from twin_env.studies.realism.recording import Recording, record_market

    if name.endswith(".npz"):
        recording = Recording.load(Path(name))
        if arguments.instrument is None:
            raise CalibrationError(
                f"{name}: a recording does not say what is traded, expected --instrument with one of "
                f"{', '.join(preset_names('instruments'))}, or a file"
            )
        instrument = load_config(Instrument, arguments.instrument, folder="instruments")
        end_ns = min(recording.start_ns + round(arguments.hours * 3.6e12), recording.end_ns)
        return replace(recording.between(recording.start_ns, end_ns), name=Path(name).stem), instrument
    market = load_config(MarketConfig, name, folder="markets")
    recording = record_market(market, arguments.seed, arguments.hours, name=Path(name).stem)
    return recording, market.instrument


def _show(fit: "Fit") -> None:
    from twin_env.report.tables import Table

    rows = [
        [one.key, _shown(one.value), f"{one.error:.3g}" if math.isfinite(one.error) else "", _origin(one)]
        for one in fit.estimates
    ]
    Table(f"{fit.source['name']}: {fit.model}", ["parameter", "value", "error", "from"], rows).show()
    against = {fit.source["name"]: fit.quality} | fit.against
    columns = ["metric", *(f"{name} {kind}" for name in against for kind in ("L1", "W1"))]
    lines = [_cells(parts) for parts in zip(*against.values(), strict=True)]
    means = ["mean", *(f"{value:.3f}" for found in against.values() for value in _means(found))]
    Table("distance of simulations", columns, [*lines, means], {len(lines) - 1}).show()


def _origin(estimate: "Estimate") -> str:
    return "source" if estimate.fitted else "prior"


def _shown(value: Any) -> str:
    return f"{len(value)} values" if isinstance(value, tuple) and len(value) > 4 else str(value)


def _cells(parts: "tuple[MetricDistance, ...]") -> list[str]:
    return [parts[0].name, *(f"{value:.3f}" for part in parts for value in (part.l1, part.wasserstein))]


def _means(found: "list[MetricDistance]") -> tuple[float, float]:
    import numpy as np

    l1, wasserstein = ([getattr(one, name) for one in found] for name in ("l1", "wasserstein"))
    return float(np.nanmean(l1)), float(np.nanmean(wasserstein))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
