"""``twin bundle pack``: an evaluation in one file."""

import argparse
from pathlib import Path
from typing import Final

from twin_env.cli import options
from twin_env.cli.agents_package import require_agents

HELP: Final = "pack an evaluation: configuration, seeds, versions, hashes and figures"
EXAMPLES: Final = (
    "twin bundle pack runs/evaluation_1",
    "twin bundle pack runs/evaluation_1 --models --out ppo.bundle",
)
SUFFIX: Final = ".bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run of twin evaluate")
    options.add_out(parser, f"the file to write; RUN{SUFFIX} by default", metavar="FILE", type=options.output_file)
    parser.add_argument(
        "--models", action="store_true", help="include trained policies, which twin bundle verify loads"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle, say what is in it, and return 0."""
    require_agents()
    from agents.batteries.bundles import pack_evaluation
    from agents.batteries.evaluation_log import read_begun

    file = arguments.out or options.output_file(f"{arguments.run.resolve()}{SUFFIX}")
    manifest = pack_evaluation(read_begun(arguments.run), file, arguments.models)
    for figures in manifest.policies:
        print(f"{figures.policy}: {figures.headline}, {manifest.episodes} episodes")
    print(f"wrote {file}, {file.stat().st_size:,} bytes")
    return 0
