"""``twin chaos ask "SENTENCE"``: make an experiment of a sentence, tell how it was read, and run it."""

import argparse
from typing import TYPE_CHECKING, Final

from twin_env.cli import options
from twin_env.cli.chaos.run import PROTECTIONS, add_outputs, add_world, run_and_show
from twin_env.files import write_text

if TYPE_CHECKING:
    from twin_env.chaos.experiment import Experiment

HELP: Final = "make an experiment of a sentence, tell how it was read, and run it if asked to"
EXAMPLES: Final = (
    'twin chaos ask "Introduce a data feed disconnection for 7 seconds during the 10:00 ORB."',
    'twin chaos ask "flash crash of 15 points in 2 seconds" --run --plot crash.png --json journal.json',
    'twin chaos ask "drop the price 10 points in 2 seconds, then cut the feed for 3 seconds" --out crash.yaml',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from twin_env.chaos.author.chain import AUTHORS

    parser.add_argument("sentence", metavar="SENTENCE", help="what should go wrong, in plain English")
    add_world(parser)
    parser.add_argument("--zone", default="", metavar="IANA", help="of times without one; default: the instrument's")
    parser.add_argument("--protections", choices=PROTECTIONS, help="of the venue; by default as the words say")
    parser.add_argument("--author", choices=AUTHORS, default="auto", help="who reads the sentence (%(default)s)")
    parser.add_argument("--run", action="store_true", help="run it and show the journal")
    add_outputs(parser, "the journal, or the experiment without --run,")
    options.add_out(parser, "write the experiment there (YAML)", metavar="FILE", type=options.output_file)


def run(arguments: argparse.Namespace) -> int:
    """Read the sentence, print the experiment, run it if asked to, and return 0."""
    if arguments.plot is not None and not arguments.run:
        raise ValueError("--plot is given without --run, expected both: only a run can be drawn.")
    from twin_env.chaos.author.words import as_yaml

    experiment = _write(arguments)
    _print(experiment)
    if arguments.out is not None:
        write_text(arguments.out, as_yaml(experiment))
    if arguments.run:
        run_and_show(experiment, arguments)
    elif arguments.json is not None:
        arguments.json.write(experiment.to_json())
    return 0


def _write(arguments: argparse.Namespace) -> "Experiment":
    from twin_env.chaos.author import Context, PromptError, make_author
    from twin_env.market.moments import find_zone

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


def _print(experiment: "Experiment") -> None:
    from twin_env.chaos.author.words import as_yaml, describe_experiment

    for line in describe_experiment(experiment):
        print(line)
    if experiment.provenance.assumptions:
        print("\nAssumptions")
    for assumption in experiment.provenance.assumptions:
        print(f"  {assumption}")
    print(f"\n{as_yaml(experiment)}")
