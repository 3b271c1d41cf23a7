"""``twin chaos schema``: the forms of experiments and journals, as JSON Schema."""

import argparse
from pathlib import Path
from typing import Final

from twin_env.cli import options
from twin_env.files import write_text

HELP: Final = "write the JSON Schemas of experiments and journals"
EXAMPLES: Final = ("twin chaos schema", "twin chaos schema --out docs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    options.add_out(parser, "the folder to write them to", metavar="FOLDER", default=Path())


def run(arguments: argparse.Namespace) -> int:
    """Write both files, name them, and return 0."""
    from twin_env.chaos.schema import MODELS, schema_text

    for name in MODELS:
        path = arguments.out / name
        write_text(path, schema_text(name))
        print(path)
    return 0
