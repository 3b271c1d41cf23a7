"""``twin market realism``: how much of a real market a market has."""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from twin_env.cli import options
from twin_env.cli.progress import Progress
from twin_env.config import load_config, preset_names

if TYPE_CHECKING:
    from twin_env.market.synthetic import MarketConfig
    from twin_env.report.tables import Table
    from twin_env.studies.realism.distances import Distance
    from twin_env.studies.realism.recording import Recording
    from twin_env.studies.realism.registry import Measurement
    from twin_env.studies.realism.scores import Band, FigureScore, MetricScore

HELP: Final = "score how realistic a market is"
EXAMPLES: Final = (
    "twin market realism mgc_2025",
    "twin market realism my_market.yaml --against mgc_2025 --json score.json --plot score.png",
    "twin market realism mgc_2025 --episodes 2 --hours 1 --days 0",
)

_DAY_HOURS: Final = 24.0
_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True)
class Source:
    """What is scored.

    Attributes:
        name: As the user wrote it.
        market: Its configuration; ``None`` for a saved recording.
        plan: What to record: seed, hours, start (``None`` for the market's own), one entry per recording.
        kept: The saved recording, if it is one.
    """

    name: str
    market: "MarketConfig | None"
    plan: tuple[tuple[int, float, int | None], ...] = ()
    kept: "Recording | None" = None

    def __len__(self) -> int:
        return 1 if self.kept is not None else len(self.plan)

    def recordings(self, on_done: Callable[[], None]) -> "Iterator[Recording]":
        """Make one recording after another."""
        from twin_env.studies.realism.recording import record_market

        if self.kept is not None:
            yield self.kept
            on_done()
        for seed, hours, start_ns in self.plan:
            assert self.market is not None
            yield record_market(self.market, seed, hours, start_ns, name=self.name)
            on_done()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "source",
        help=f"a market ({', '.join(preset_names('markets'))}), a market's YAML file, or a saved recording (.npz)",
    )
    parser.add_argument(
        "--bands", default="mgc_2025", help=f"{', '.join(preset_names('realism'))} or a YAML file (mgc_2025)"
    )
    parser.add_argument(
        "--against", metavar="SOURCE", help="also measure how far it is from this one, seed by seed alike"
    )
    parser.add_argument(
        "--levels",
        type=options.positive,
        metavar="K",
        help="hold both against each other through the best K prices a side (as many as either source shows)",
    )
    options.add_episodes(parser, "recordings of a synthetic market", 8)
    options.add_seed(parser, "of the first recording; the next have the next ones")
    parser.add_argument("--hours", type=_above_zero, default=6.0, help="length of each (6)")
    parser.add_argument(
        "--from-hour",
        type=int,
        choices=range(24),
        default=8,
        metavar="HOUR",
        help="where recordings of a synthetic market begin: hour of the day in New York (8)",
    )
    parser.add_argument(
        "--days",
        type=options.natural,
        default=2,
        help="recordings of 24 h from 18:00 in New York, for figures that need a day (2)",
    )
    parser.add_argument(
        "--extra",
        nargs="+",
        type=_extra,
        default=[],
        metavar="FIGURE=VALUE[,VALUE]",
        help="values of figures measured elsewhere, as in impact_exponent=0.52",
    )
    options.add_json(parser, "every figure")
    parser.add_argument(
        "--plot", type=options.output_file, metavar="FILE", help="draw both sources into this file (.png, .svg, .pdf)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Record, measure, score, print; 0 whatever the score says."""
    if arguments.levels is not None and arguments.against is None:
        raise ValueError(
            f"--levels is {arguments.levels} without --against, expected both: scores look at the whole book"
        )
    from twin_env.studies.realism.distances import compare
    from twin_env.studies.realism.scores import load_bands, score_measurements
    from twin_env.studies.realism.window import common_levels

    bands = load_bands(arguments.bands)
    source = _open(arguments.source, arguments)
    reference = None if arguments.against is None else _open(arguments.against, arguments)
    first, measured = _measure(source)
    scores = score_measurements(measured, bands, dict(arguments.extra))
    _table(source, scores, arguments.bands).show()
    _show_total(scores)
    document = _document(arguments, source, measured, scores)
    shown = [first]
    if reference is not None:
        other, other_measured = _measure(reference)
        levels = common_levels(first, other, arguments.levels)
        distances = compare(first, other, levels=levels)
        _distance_table(source.name, reference.name, levels, distances).show()
        document["reference"] = _describe(reference, other_measured)
        document["reference_metrics"] = [one.to_json() for one in score_measurements(other_measured, bands)]
        document["levels"] = levels
        document["distances"] = [one.to_json() for one in distances]
        shown.append(other)
    if arguments.json is not None:
        arguments.json.write(document)
    if arguments.plot is not None:
        from twin_env.studies.realism.picture import draw

        draw(shown, arguments.plot)
    return 0


def _extra(text: str) -> tuple[str, list[float]]:
    name, _, values = text.partition("=")
    try:
        return name, [float(value) for value in values.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no figure with values, expected NAME=VALUE[,VALUE]") from None


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no length, expected a number above 0")
    return value


def _open(name: str, arguments: argparse.Namespace) -> Source:
    """Find out what a source is and plan its recordings. A history is the same for every seed: one recording."""
    from twin_env.market.links import LinksConfig
    from twin_env.market.market import Market
    from twin_env.market.synthetic import MarketConfig
    from twin_env.studies.realism.recording import Recording

    if name.endswith(".npz"):
        kept = Recording.load(Path(name))
        return Source(name, None, kept=replace(kept, name=Path(name).stem))
    market = load_config(MarketConfig, name, folder="markets")
    compiled = Market(market, load_config(LinksConfig, "instant", folder="links"))
    if compiled.last_ns is not None:
        return Source(name, market, ((arguments.seed, arguments.hours, None),))
    seeds = range(arguments.seed, arguments.seed + arguments.episodes)
    days = range(arguments.seed, arguments.seed + arguments.days)
    start_ns = _latest_hour_ns(compiled.first_ns, 18)
    active_ns = _latest_hour_ns(compiled.first_ns, arguments.from_hour)
    plan = [(seed, arguments.hours, active_ns) for seed in seeds]
    return Source(name, market, (*plan, *((seed, _DAY_HOURS, start_ns) for seed in days)))


def _latest_hour_ns(now_ns: int, hour: int) -> int:
    """Return when it was last this hour of the day in New York."""
    now = datetime.fromtimestamp(now_ns // _NS_PER_S, UTC).astimezone(ZoneInfo("America/New_York"))
    start = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if start > now:
        start -= timedelta(days=1)
    return int(start.timestamp()) * _NS_PER_S


def _measure(source: Source) -> "tuple[Recording, list[Measurement]]":
    """Record and measure one after another; only the first recording is kept."""
    from twin_env.studies.realism.registry import measure

    first: Recording | None = None
    measured: list[Measurement] = []
    with Progress(len(source), "recordings") as progress:
        if progress.is_drawn:
            progress.begin(source.name)
        for recording in source.recordings(progress.advance):
            first = first or recording
            measured.append(measure(recording))
            if not progress.is_drawn:
                progress.begin(f"{source.name}: {len(measured)}/{len(source)} measured")
    assert first is not None
    return first, measured


def _table(source: Source, scores: "Sequence[MetricScore]", bands: str) -> "Table":
    from twin_env.report.tables import Column, Table

    rows = [
        [f"{one.row:2d} {one.name}" if number == 0 else "", figure.name, *_cells(figure)]
        for one in scores
        for number, figure in enumerate(one.figures)
    ]
    figure, unit = Column("figure", left=True), Column("unit", left=True)
    columns: list[str | Column] = ["", figure, "value", unit, "band", "in band", "seeds"]
    return Table(f"{source.name} against {bands}", columns, rows)


def _cells(figure: "FigureScore") -> list[str]:
    seeds = f"{figure.seeds_in_band}/{figure.seeds}" if figure.seeds else ""
    if math.isnan(figure.value):
        return ["none", figure.unit, _show_band(figure.band), "no", seeds]
    return [f"{figure.value:.3f}", figure.unit, _show_band(figure.band), "yes" if figure.in_band else "no", seeds]


def _show_band(band: "Band") -> str:
    low, high = band
    if low is None or high is None:
        return f"{low:g} up" if low is not None else f"up to {high:g}"
    return f"{low:g} to {high:g}"


def _show_total(scores: "Sequence[MetricScore]") -> None:
    passed, inside = sum(one.passed for one in scores), sum(one.in_band for one in scores)
    print(f"{passed} of {len(scores)} rows pass; the means of {inside} are in band.")
    for one in scores:
        for figure in one.figures:
            if figure.reason:
                print(f"  {figure.name}: {figure.reason}")


def _distance_table(name: str, reference: str, levels: int | None, distances: "Sequence[Distance]") -> "Table":
    from twin_env.report.tables import INTERVAL, Table, interval_cells

    rows = [
        [
            one.name,
            *interval_cells(one.l1, ".4f"),
            *interval_cells(one.wasserstein, ".4f"),
        ]
        for one in distances
    ]
    seen = "" if levels is None else f", both through {levels} level{'s' if levels > 1 else ''} a side"
    return Table(f"{name} from {reference}{seen}", ["", "L1", INTERVAL, "Wasserstein", INTERVAL], rows)


def _describe(source: Source, measured: "Sequence[Measurement]") -> dict[str, Any]:
    recordings = [{"seed": seed, "hours": hours, "start_ns": start_ns} for seed, hours, start_ns in source.plan]
    return {
        "source": source.name,
        "config": None if source.market is None else source.market.model_dump(mode="json"),
        "recordings": recordings or [{"seed": None, "hours": source.kept and source.kept.hours}],
        "figures": [
            {name: None if math.isnan(value) else value for name, value in one.values.items()} for one in measured
        ],
    }


def _document(
    arguments: argparse.Namespace, source: Source, measured: "Sequence[Measurement]", scores: "Sequence[MetricScore]"
) -> dict[str, Any]:
    from twin_env.provenance import describe_provenance

    return {
        **_describe(source, measured),
        "bands": arguments.bands,
        "seeds": arguments.episodes,
        "hours": arguments.hours,
        "metrics": [one.to_json() for one in scores],
        "passed": sum(one.passed for one in scores),
        "in_band": sum(one.in_band for one in scores),
        "provenance": describe_provenance(arguments.seed, arguments.command),
    }
