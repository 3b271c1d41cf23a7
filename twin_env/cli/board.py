"""``twin board``: TensorBoard on all runs."""

import argparse
from pathlib import Path
from typing import Final

from twin_env.cli import options

HELP: Final = "open TensorBoard on a folder of runs"
EXAMPLES: Final = ("twin board", "twin board runs --port 6007")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", nargs="?", type=Path, default=options.RUNS, metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--port", type=options.natural, default=6006, metavar="N", help="of the page (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until somebody stops it.

    Raises:
        ValueError: There is no such folder.
    """
    if not arguments.folder.is_dir():
        raise ValueError(f"{arguments.folder}: is no folder, expected one of runs that twin train has written.")
    from tensorboard.program import TensorBoard

    board = TensorBoard()
    board.configure(logdir=str(arguments.folder), port=arguments.port)
    return int(board.main())
