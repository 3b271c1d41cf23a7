"""``twin chaos list``: the experiments of the library, or the kinds of faults."""

import argparse
from typing import Final

from twin_env.cli import options
from twin_env.config import ConfigError

HELP: Final = "list the experiments of the library, or the kinds of faults"
EXAMPLES: Final = ("twin chaos list", "twin chaos list --kinds", "twin chaos list --json -")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--kinds", action="store_true", help="list the kinds of faults and their severities instead")
    shape = parser.add_mutually_exclusive_group()
    options.add_json(shape, "the list, instead of printing it,")
    shape.add_argument("--markdown", action="store_true", help="print the black swans and their sources as Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Print the list and return 0."""
    from twin_env.chaos import library
    from twin_env.report.library import (
        black_swans_markdown,
        experiment_rows,
        experiments_table,
        kind_rows,
        kinds_table,
    )

    if arguments.markdown and arguments.kinds:
        raise ConfigError(["--markdown is given with --kinds, expected one of them: it has the black swans."])
    if arguments.markdown:
        print(black_swans_markdown())
        return 0
    rows = list(kind_rows() if arguments.kinds else experiment_rows())
    if arguments.json:
        arguments.json.write(rows)
        return 0
    (kinds_table(rows) if arguments.kinds else experiments_table(rows)).show()
    if not arguments.kinds:
        severities = "|".join(library.SEVERITIES)
        print(f"Beside these: each of the kinds by itself as KIND.{severities}; twin chaos list --kinds has them.")
    return 0
