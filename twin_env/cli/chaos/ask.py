"""``python -m twin_env.chaos ask "SENTENCE"``: make an experiment of a sentence, tell how it was read, and run it."""

import argparse
from pathlib import Path

from twin_env.chaos.author import Context, PromptError, make_author
from twin_env.chaos.author.chain import AUTHORS
from twin_env.chaos.author.context import DEFAULT_MARKET
from twin_env.chaos.author.words import as_yaml, tell_experiment
from twin_env.chaos.experiment import Experiment
from twin_env.cli.chaos.run import run_and_show
from twin_env.files import write_text
from twin_env.market.moments import find_zone

HELP = "make an experiment of a sentence, tell how it was read, and run it if asked to"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("sentence", metavar="SENTENCE", help="what should go wrong, in plain English")
    parser.add_argument("--market", default=DEFAULT_MARKET, metavar="PRESET_OR_YAML", help="default: %(default)s")
    parser.add_argument("--links", default="retail", metavar="PRESET_OR_YAML", help="default: %(default)s")
    parser.add_argument("--zone", default="", metavar="IANA", help="of times without one; default: the instrument's")
    parser.add_argument("--seed", type=int, default=0, help="of the market; default: %(default)s")
    parser.add_argument(
        "--protections", choices=("on", "off", "market"), help="of the venue; default: as the words say"
    )
    parser.add_argument(
        "--author", choices=AUTHORS, default="auto", help="who reads the sentence; default: %(default)s"
    )
    parser.add_argument("--run", action="store_true", help="run it and show the journal")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the journal, or the experiment without --run")
    parser.add_argument("--save", type=Path, metavar="FILE.yaml", help="write the experiment")


def run(arguments: argparse.Namespace) -> int:
    """Read the sentence, print the experiment, run it if asked to, and return 0."""
    if arguments.plot is not None and not arguments.run:
        raise ValueError("--plot is given without --run, expected both: only a run can be drawn.")
    experiment = _write(arguments)
    _print(experiment)
    if arguments.save is not None:
        write_text(arguments.save, as_yaml(experiment))
    if arguments.run:
        run_and_show(experiment, arguments)
    elif arguments.json is not None:
        write_text(arguments.json, experiment.to_json() + "\n")
    return 0


def _write(arguments: argparse.Namespace) -> Experiment:
    if arguments.zone:
        find_zone(arguments.zone)
    context = Context.of(arguments.market, arguments.zone)
    compiled = make_author(arguments.author).write(arguments.sentence, context)
    if compiled.experiment is None:
        raise PromptError(compiled.problems)
    for warning in compiled.warnings:
        print(f"warning: {warning}")
    protections = arguments.protections or compiled.experiment.protections
    return compiled.experiment.model_copy(update={"protections": protections})


def _print(experiment: Experiment) -> None:
    for line in tell_experiment(experiment):
        print(line)
    if experiment.provenance.assumptions:
        print("\nAssumptions")
    for assumption in experiment.provenance.assumptions:
        print(f"  {assumption}")
    print(f"\n{as_yaml(experiment)}")
