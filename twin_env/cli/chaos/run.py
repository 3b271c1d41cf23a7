"""``twin chaos run NAME|FILE``: run an experiment beside its paired baseline, and show the journal."""

import argparse
from typing import TYPE_CHECKING, Final

from twin_env.cli import options

if TYPE_CHECKING:
    from twin_env.chaos.experiment import Experiment

HELP: Final = "run an experiment beside the same market without it, and show what came of it"
EXAMPLES: Final = (
    "twin chaos run crash_and_feed_loss --plot chaos.png",
    "twin chaos run flash_crash.high --market es_like --seed 3 --json journal.json",
    "twin chaos run my_experiment.yaml --protections off",
)
PROTECTIONS: Final = ("on", "off", "market")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("experiment", metavar="NAME|FILE", help="a name of the library, or a YAML or JSON file")
    add_world(parser)
    parser.add_argument("--protections", choices=PROTECTIONS, help="of the venue; by default as the experiment says")
    add_outputs(parser, "the journal")


def add_world(parser: argparse.ArgumentParser) -> None:
    """Declare where an experiment happens."""
    options.add_market(parser, "mgc_2025")
    options.add_links(parser, "retail")
    options.add_seed(parser, "of the market")


def add_outputs(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare what is written of a run."""
    parser.add_argument("--plot", type=options.picture_file, metavar="FILE", help="draw the run (.png, .svg, .pdf)")
    options.add_json(parser, what)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment, show its journal, and return 0."""
    from twin_env.chaos.read import read_experiment

    experiment = read_experiment(arguments.experiment, arguments.market)
    if arguments.protections:
        experiment = experiment.model_copy(update={"protections": arguments.protections})
    run_and_show(experiment, arguments)
    return 0


def run_and_show(experiment: "Experiment", arguments: argparse.Namespace) -> None:
    """Run an experiment as the arguments say, show its journal, and write what they ask for."""
    from twin_env.report.journal import show_journal
    from twin_env.studies.chaos_run.plot import draw_run
    from twin_env.studies.chaos_run.run import run_experiment

    done = run_experiment(experiment, market=arguments.market, links=arguments.links, seed=arguments.seed)
    show_journal(done.journal)
    if arguments.json is not None:
        arguments.json.write(done.journal.model_dump_json(indent=2))
    if arguments.plot is not None:
        draw_run(done, arguments.plot)
