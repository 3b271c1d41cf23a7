"""``impact``: inject large orders into a market and hold it against the laws of impact."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from twin_env.config import load_config
from twin_env.files import write_json
from twin_env.market.links import LinksConfig
from twin_env.market.market import Market
from twin_env.market.synthetic import MarketConfig
from twin_env.provenance import describe_provenance
from twin_env.report.impact import show_impact
from twin_env.studies.impact.figure import save_figure
from twin_env.studies.impact.study import Study, run_study

HELP: Final = "inject large orders into a market, fit the laws of market impact, say which of them it obeys"

EFFECTIVE_VOLUME_RATIOS: Final = {"MGC": 2.3e6 / 3e5}
"""By symbol: lots of all venues that make its price over its own. MGC follows GC, ten times its size."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    study = Study()
    parser.add_argument("market", metavar="MARKET", help="a preset of configs/markets, or a YAML file")
    parser.add_argument(
        "--pairs", type=int, default=study.pairs, help="antithetic pairs per size (default %(default)s)"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(study.sizes_lots), metavar="LOTS")
    parser.add_argument("--duration-s", type=float, default=study.duration_s, help="of a metaorder")
    parser.add_argument("--child-interval-s", type=float, default=study.child_interval_s, help="between children")
    parser.add_argument("--order-lots", type=int, default=study.order_lots, help="size that is compared with the law")
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
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=1, help="threads; the figures do not depend on it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them there (.png, .svg, .pdf)")


def run(arguments: argparse.Namespace) -> int:
    """Run the study, print its tables, write its files.

    Returns:
        0: a market that breaks laws is a finding, not a failure.
    """
    config = load_config(MarketConfig, arguments.market, folder="markets")
    market = Market(config, load_config(LinksConfig, "instant", folder="links"))
    study = _study(arguments, config.instrument.symbol)
    with tqdm(total=study.steps, disable=not sys.stderr.isatty(), leave=False) as bar:
        result, base = run_study(market, study, progress=lambda step: _tell(bar, step))
    show_impact(result, arguments.market)
    if arguments.json:
        made = describe_provenance(study.first_seed, sys.argv)
        settings = {"market": config.model_dump(mode="json"), "study": asdict(study)}
        write_json(arguments.json, {"impact": result.to_json(), "config": settings, "provenance": made})
    if arguments.plot:
        save_figure(result, base, arguments.plot, arguments.market)
    return 0


def _study(arguments: argparse.Namespace, symbol: str) -> Study:
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


def _tell(bar: Any, step: str) -> None:
    """Show which step begins: a bar on a terminal, a line elsewhere."""
    if bar.disable:
        print(step, file=sys.stderr, flush=True)
    else:
        bar.set_description(step)
        bar.update()
