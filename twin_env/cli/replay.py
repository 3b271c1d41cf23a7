"""``twin replay``: play a run file again, and say whether it went as it went."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options

if TYPE_CHECKING:
    from twin_env.twin.run_file import Run

HELP: Final = "play a run file, or a recorded episode, again and compare everything"
EXAMPLES: Final = (
    "twin replay recordings/episode_000000",
    "twin replay desk.run --until 90 --tables tables",
)
DIFFERS: Final = 1
_NS_PER_S: Final = 1e9

Played = tuple[dict[str, Any], str | None]
"""Facts of a replay, and the first thing that differs, in a sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("path", type=Path, metavar="FILE|FOLDER", help="a run file, or the folder of an episode")
    parser.add_argument(
        "--until", type=_seconds, metavar="SECONDS", help="stop so long after the start (the end of the file)"
    )
    parser.add_argument(
        "--tables", type=_new_folder, metavar="DIR", help="write what happened as Parquet tables into a new folder"
    )
    options.add_json(parser, "what was played")


def run(arguments: argparse.Namespace) -> int:
    """Play the file; return 0 if it went as it went, 1 if not."""
    from twin_env.envs.recording.episode import DOOR
    from twin_env.envs.recording.folder import run_path
    from twin_env.twin.run_file import RunFileError, read_run

    path, tables = arguments.path, arguments.tables
    source = read_run(run_path(path))
    players = {DOOR: _play_episode, "twin": _play_twin}
    door = source.header.get("door")
    if door not in players:
        raise RunFileError(f"{source.path}: is of {door!r}, expected a run of {' or '.join(players)}")
    facts, mismatch = players[door](path, source, _until_ns(source, arguments.until), tables)
    facts = {"file": str(source.path), "door": door} | facts | {"is_same": mismatch is None, "mismatch": mismatch}
    _say(facts, source, tables)
    if arguments.json:
        arguments.json.write(facts)
    return 0 if mismatch is None else DIFFERS


@contextmanager
def damage_refused(folder: Path) -> Iterator[None]:
    """Turn what reading a damaged table ends in into one sentence.

    Raises:
        ValueError: A table is damaged.
    """
    try:
        yield
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder}: a table is damaged ({error}), expected those of an episode.") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "polars":  # which need not be installed
            raise
        raise ValueError(f"{folder}: a table is damaged ({error}), expected those of an episode.") from error


def _play_episode(path: Path, source: "Run", until_ns: int | None, tables: Path | None) -> Played:
    from twin_env.envs.recording.folder import replay, write_tables
    from twin_env.envs.recording.replaying import replay_episode
    from twin_env.files import whole_folder

    if not path.is_dir() and tables is None:
        again = replay_episode(source, until_ns=until_ns)
        return again.facts | {"checks": again.checks}, again.mismatch
    with damage_refused(path):
        replayed = replay(path, until_ns=until_ns)
    if tables is not None:
        with whole_folder(tables) as draft:
            write_tables(replayed.tables, draft)
    compared = path.is_dir() and until_ns is None
    return replayed.facts | {"checks": replayed.checks, "tables_compared": compared}, replayed.mismatch


def _play_twin(path: Path, source: "Run", until_ns: int | None, tables: Path | None) -> Played:
    from twin_env.core.stream import ALL_PLANES
    from twin_env.files import whole_folder
    from twin_env.twin.plane_tables import plane_tables
    from twin_env.twin.replay import replay_run

    replayed = replay_run(source, until_ns=until_ns, planes=0 if tables is None else ALL_PLANES)
    twin = replayed.twin
    if tables is not None:
        with whole_folder(tables) as draft:
            for name, table in plane_tables(twin.events()).items():
                table.write_parquet(draft / f"{name}.parquet")
    facts = {
        "seed": twin.seed,
        "inputs": len(source.inputs),
        "seconds": (twin.now_ns - twin.start_ns) / _NS_PER_S,
        "checks": replayed.checks,
        "event_hash": f"{twin.event_hash:016x}",
        "position_lots": twin.desk.position_lots,
    }
    return facts, replayed.mismatch


def _say(facts: dict[str, Any], source: "Run", tables: Path | None) -> None:
    """Print what was played and whether it is the same."""
    if "env" in facts:
        events = f", {facts['events']:,} events" if "events" in facts else ""
        print(f"{facts['env']}, {facts['end']}: {facts['steps']} steps{events}")
    else:
        print(f"Twin, seed {facts['seed']}: {facts['seconds']:g} s, {facts['inputs']} lines")
    if source.torn:
        print(f"{source.path}: its last line was not written whole and is left out")
    compared = f"event hash {facts['event_hash']}"
    if facts["mismatch"] is not None:
        print(facts["mismatch"])
    elif facts["checks"] == 0:
        print(f"{compared}: there is no checkpoint to compare it with")
    else:
        print(f"{compared}: the same{', and so is every table' if facts.get('tables_compared') else ''}")
    if tables is not None:
        print(f"wrote {tables}")


def _until_ns(source: "Run", until_s: float | None) -> int | None:
    if until_s is None:
        return None
    from twin_env.twin.run_file import RunFileError

    start_ns = source.header.get("start_ns")
    if not isinstance(start_ns, int):
        raise RunFileError(f"{source.path}: line 1 names no start, expected start_ns")
    return start_ns + round(until_s * _NS_PER_S)


def _seconds(text: str) -> float:
    """Read a time of at least 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds of at least 0")
    return seconds


def _new_folder(text: str) -> Path:
    """Read the path of a folder to be made, and refuse now what would fail after the replay."""
    path = Path(text)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise argparse.ArgumentTypeError(f"{text!r} is there already, expected a new folder")
    return path
