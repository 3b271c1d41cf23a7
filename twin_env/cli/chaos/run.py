"""``python -m twin_env.chaos run NAME|FILE``: run an experiment beside its paired baseline, and show the journal."""

import argparse
from pathlib import Path

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.read import read_experiment
from twin_env.files import write_text

HELP = "run an experiment beside the same market without it, and show what came of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("experiment", metavar="NAME|FILE", help="a name of the library, or a YAML or JSON file")
    parser.add_argument("--market", default="mgc_2025", metavar="PRESET_OR_YAML", help="default: %(default)s")
    parser.add_argument("--links", default="retail", metavar="PRESET_OR_YAML", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the market; default: %(default)s")
    parser.add_argument(
        "--protections", choices=("on", "off", "market"), help="of the venue; default: as the experiment has them"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the journal")


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment, show its journal, and return 0."""
    experiment = read_experiment(arguments.experiment)
    if arguments.protections:
        experiment = experiment.model_copy(update={"protections": arguments.protections})
    run_and_show(experiment, arguments)
    return 0


def run_and_show(experiment: Experiment, arguments: argparse.Namespace) -> None:
    """Run an experiment as the arguments say, show its journal, and write what they ask for."""
    from twin_env.report.journal import show_journal
    from twin_env.studies.chaos_run.plot import draw_run
    from twin_env.studies.chaos_run.run import run_experiment

    done = run_experiment(experiment, market=arguments.market, links=arguments.links, seed=arguments.seed)
    show_journal(done.journal)
    if arguments.json is not None:
        write_text(arguments.json, done.journal.model_dump_json(indent=2) + "\n")
    if arguments.plot is not None:
        draw_run(done, arguments.plot)
