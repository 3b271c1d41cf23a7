"""``twin chaos show NAME``: one experiment, in words and as it is written."""

import argparse
from typing import Final

from twin_env.cli import options

HELP: Final = "show one experiment: words, sources, faults, YAML"
EXAMPLES: Final = (
    "twin chaos show gold_2014_01_06",
    "twin chaos show flash_crash.extreme --json -",
    "twin chaos show my_experiment.yaml",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="of the library, as flash_crash.high or es_2010_05_06; or a file")
    options.add_json(parser, "the whole experiment, defaults included,")


def run(arguments: argparse.Namespace) -> int:
    """Print the experiment and return 0."""
    from twin_env.chaos.experiment import load_experiment
    from twin_env.report.experiment import faults_table, paragraphs, to_yaml
    from twin_env.report.tables import open_console

    experiment = load_experiment(arguments.name)
    if arguments.json:
        whole = experiment.model_dump(mode="json")
        arguments.json.write({"hash": experiment.hash, "words": experiment.describe(), "experiment": whole})
        return 0
    console = open_console()
    for paragraph in paragraphs(experiment):
        console.print(paragraph, markup=False)
    faults_table(experiment).show()
    print(to_yaml(experiment), end="")
    return 0
