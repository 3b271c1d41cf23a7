"""``twin replay``: play a recorded episode again, and compare everything."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from twin_env.cli import options

HELP: Final = "play a recorded episode again and compare everything"
EXAMPLES: Final = ("twin replay recordings/episode_000000",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of the recorded episode")
    options.add_json(parser, "what was played")


def run(arguments: argparse.Namespace) -> int:
    """Play the episode, say that it is the same, and return 0."""
    from twin_env.envs.recording.folder import replay

    with damage_refused(arguments.folder):
        facts = replay(arguments.folder).facts
    print(f"{facts['env']}, {facts['end']}: {facts['steps']} steps, {facts['events']:,} events")
    print(f"event hash {facts['event_hash']}: the same, and so is every table")
    if arguments.json:
        arguments.json.write(facts)
    return 0


@contextmanager
def damage_refused(folder: Path) -> Iterator[None]:
    """Turn what reading a damaged table ends in into one sentence.

    Raises:
        ValueError: A table is damaged.
    """
    import polars as pl

    try:
        yield
    except (KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{folder}: a table is damaged ({error}), expected those of an episode.") from error
