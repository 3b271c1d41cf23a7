"""``python -m twin_env.envs.recording``: play a recorded episode again, or draw it."""

import argparse
import sys
from pathlib import Path

import polars as pl

from twin_env.envs.recording.depth_map import draw_depth_map
from twin_env.envs.recording.folder import replay


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 the input was refused, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        return _replay(arguments) if arguments.command == "replay" else _draw(arguments)
    except ValueError as error:  # EpisodeError among them: the input is wrong, not the program
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (KeyError, TypeError, pl.exceptions.PolarsError) as error:
        print(f"error: {arguments.folder}: a table is damaged ({error}), expected those of an episode", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m twin_env.envs.recording", description=__doc__)
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    again = chosen.add_parser("replay", help="play an episode again and compare everything")
    again.add_argument("folder", type=Path, help="of the recorded episode")
    draw = chosen.add_parser("draw", help="draw an episode's depth map")
    draw.add_argument("folder", type=Path, help="of the recorded episode")
    draw.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="picture to make (.png)")
    draw.add_argument(
        "--between", type=float, nargs=2, metavar=("FROM_S", "TO_S"), help="seconds since the reset (all of them)"
    )
    return parser


def _replay(arguments: argparse.Namespace) -> int:
    facts = replay(arguments.folder).facts
    print(f"{facts['env']}, {facts['end']}: {facts['steps']} steps, {facts['events']:,} events")
    print(f"event hash {facts['event_hash']}: the same, and so is every table")
    return 0


def _draw(arguments: argparse.Namespace) -> int:
    between_s = None if arguments.between is None else tuple(arguments.between)
    draw_depth_map(arguments.folder, arguments.output, between_s=between_s)
    print(f"wrote {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
