"""``twin record draw``: the depth map of a recorded episode."""

import argparse
from pathlib import Path
from typing import Final

from twin_env.cli import options
from twin_env.cli.replay import damage_refused

HELP: Final = "draw a recorded episode's depth map"
EXAMPLES: Final = ("twin record draw recordings/episode_000000 --out depth_map.png --between 5 15",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of the recorded episode")
    options.add_out(parser, "the picture to make (.png)", metavar="FILE", required=True, type=options.output_file)
    parser.add_argument(
        "--between", type=float, nargs=2, metavar=("FROM_S", "TO_S"), help="seconds since the reset (all of them)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Draw, name the picture, and return 0."""
    from twin_env.envs.recording.depth_map import draw_depth_map

    between_s = None if arguments.between is None else tuple(arguments.between)
    with damage_refused(arguments.folder):
        draw_depth_map(arguments.folder, arguments.out, between_s=between_s)
    print(f"wrote {arguments.out}")
    return 0
