"""``twin bench``: measure speed against its goals."""

import argparse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from twin_env.cli import options

HELP: Final = "measure speed and print it beside its goals (in a checkout)"
EXAMPLES: Final = ("twin bench --json benchmarks/results.json",)
_ROOT: Final = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", metavar="FOLDER", help="folder of real data (TWIN_DATA_DIR by default)")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, write, and return 0.

    Raises:
        ValueError: The benchmarks are not there.
    """
    spec = find_spec("benchmarks")
    if spec is None or Path(str(spec.origin)).resolve().parent != _ROOT / "benchmarks":
        raise ValueError("the benchmarks are part of the repository and not installed, expected a checkout of it.")
    results = import_module("benchmarks.suite").measure(arguments.data)
    if arguments.json:
        arguments.json.write(results)
        print(f"written to {arguments.json}")
    return 0
