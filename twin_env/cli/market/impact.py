"""``twin market impact``: inject large orders into a market and hold it against the laws of impact."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from twin_env.cli import options
from twin_env.cli.progress import Progress
from twin_env.config import load_config

if TYPE_CHECKING:
    from twin_env.studies.impact.study import Study

HELP: Final = "inject large orders into a market, fit the laws of market impact, say which of them it obeys"
EXAMPLES: Final = (
    "twin market impact mgc_2025",
    "twin market impact mgc_poisson --pairs 100 --json impact.json --plot impact.png",
)

EFFECTIVE_VOLUME_RATIOS: Final = {"MGC": 2.3e6 / 3e5}
"""By symbol: lots of all venues that make its price over its own. MGC follows GC, ten times its size."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from twin_env.studies.impact.study import Study

    study = Study()
    parser.add_argument("market", metavar="MARKET", help="a preset of configs/markets, or a YAML file")
    parser.add_argument(
        "--pairs", type=int, default=study.pairs, help="antithetic pairs per size (default %(default)s)"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=list(study.sizes_lots), metavar="LOTS", help="of metaorders, lots"
    )
    parser.add_argument(
        "--duration-s", type=float, default=study.duration_s, help="of a metaorder (default %(default)g)"
    )
    parser.add_argument(
        "--child-interval-s", type=float, default=study.child_interval_s, help="between children (default %(default)g)"
    )
    parser.add_argument(
        "--order-lots", type=int, default=study.order_lots, help="size compared with the law (default %(default)s)"
    )
    parser.add_argument(
        "--activity-s",
        type=float,
        default=study.activity_s,
        help="length of each of 8 runs that measure a day's volatility and volume (default %(default)g)",
    )
    parser.add_argument("--day-s", type=float, default=study.day_s, help="trading time of a day (default %(default)g)")
    parser.add_argument(
        "--effective-volume-ratio", type=float, help="lots of all venues that make the price, over the market's own"
    )
    options.add_seed(parser, "of the first pair; the next have the next ones")
    parser.add_argument("--workers", type=int, default=1, help="threads; the figures do not depend on it")
    options.add_json(parser)
    parser.add_argument("--plot", type=options.picture_file, metavar="FILE", help="draw them there (.png, .svg, .pdf)")


def run(arguments: argparse.Namespace) -> int:
    """Run the study, print its tables, write its files.

    Returns:
        0: a market that breaks laws is a finding, not a failure.
    """
    from twin_env.market.links import LinksConfig
    from twin_env.market.market import Market
    from twin_env.market.synthetic import MarketConfig
    from twin_env.provenance import describe_provenance
    from twin_env.report.impact import show_impact
    from twin_env.studies.impact.figure import save_figure
    from twin_env.studies.impact.study import run_study

    config = load_config(MarketConfig, arguments.market, folder="markets")
    market = Market(config, load_config(LinksConfig, "instant", folder="links"))
    study = _study(arguments, config.instrument.symbol)
    with Progress(study.steps, "steps") as progress:
        result, base = run_study(market, study, progress=lambda step: _begin(progress, step))
    show_impact(result, arguments.market)
    if arguments.json:
        made = describe_provenance(study.first_seed, arguments.command)
        settings = {"market": config.model_dump(mode="json"), "study": asdict(study)}
        arguments.json.write({"impact": result.to_json(), "config": settings, "provenance": made})
    if arguments.plot:
        save_figure(result, base, arguments.plot, arguments.market)
    return 0


def _study(arguments: argparse.Namespace, symbol: str) -> "Study":
    from twin_env.studies.impact.study import Study

    ratio = arguments.effective_volume_ratio
    return Study(
        sizes_lots=tuple(arguments.sizes),
        duration_s=arguments.duration_s,
        pairs=arguments.pairs,
        child_interval_s=arguments.child_interval_s,
        order_lots=arguments.order_lots,
        effective_volume_ratio=EFFECTIVE_VOLUME_RATIOS.get(symbol, 1.0) if ratio is None else ratio,
        activity_s=arguments.activity_s,
        day_s=arguments.day_s,
        first_seed=arguments.seed,
        workers=arguments.workers,
    )


def _begin(progress: Progress, step: str) -> None:
    progress.begin(step)
    progress.advance()
