"""A recorded episode on disk: a folder with its run file, ``episode.run``, and the Parquet tables made from it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.envs.recording.episode import DOOR, UNFINISHED, EpisodeError
from twin_env.envs.recording.replaying import replay_episode
from twin_env.envs.recording.tables import TABLES, Tables, make_tables
from twin_env.files import whole_folder
from twin_env.market.data.columns.files import polars
from twin_env.twin.run_file import Run, read_run

if TYPE_CHECKING:
    import polars as pl

RUN: Final = "episode.run"


@dataclass(frozen=True, eq=False)
class Replay:
    """A recorded episode that was played again.

    Attributes:
        facts: Those of :class:`~twin_env.envs.recording.replaying.EpisodeReplay`, and how many ``events`` there were.
        checks: Checkpoints that were compared.
        tables: Polars frames by name, as they came out now.
        mismatch: The first thing that differs, in a sentence; ``None`` where everything is the same.
    """

    facts: dict[str, Any]
    checks: int
    tables: Tables
    mismatch: str | None


def record(path: Path, folder: Path) -> None:
    """Play a run file again and make it, with its tables, a folder: whole, or not at all.

    Args:
        path: The run file of an episode.
        folder: Where to; must not be there.

    Raises:
        EpisodeError: It does not go as it went, or the folder exists.
    """
    if folder.exists():
        raise EpisodeError(f"{folder}: is there already, expected a new folder")
    again = replay_episode(read_run(path), with_notes=True)
    if again.mismatch is not None or again.notes is None:
        raise EpisodeError(str(again.mismatch))
    with whole_folder(folder) as draft:
        write_tables(make_tables(again.notes), draft)
        shutil.copyfile(path, draft / RUN)


def replay(path: str | Path, *, until_ns: int | None = None) -> Replay:
    """Play a recorded episode again and compare event hashes, rewards and, in a folder, every table.

    Args:
        path: A folder of :class:`~twin_env.envs.recording.wrapper.RecordEpisodes`, or the run file of an episode.
        until_ns: Where to stop: no step begins there or later. The tables of a folder are not compared then.

    Raises:
        EpisodeError: A table is missing or damaged, or the episode cannot be played by this version.
        RunFileError: There is no run file, or it is damaged.
    """
    path = Path(path)
    written = {} if until_ns is not None or not path.is_dir() else {name: read_table(path, name) for name in TABLES}
    again = replay_episode(read_run(run_path(path)), until_ns=until_ns, with_notes=True)
    assert again.notes is not None
    tables, mismatch = make_tables(again.notes), again.mismatch
    for name in written:
        mismatch = mismatch or _difference(path / f"{name}.parquet", written[name], tables[name])
    return Replay(again.facts | {"events": len(tables["events"])}, again.checks, tables, mismatch)


def run_path(path: Path) -> Path:
    """Return the run file of a folder, or the file itself."""
    return path / RUN if path.is_dir() else path


def read_header(folder: Path) -> dict[str, Any]:
    """Return what a recorded episode was made from, and how it ended as ``end``.

    Raises:
        EpisodeError: The folder is that of no episode.
        RunFileError: There is no run file in it, or it is damaged.
    """
    run = read_run(run_path(folder))
    if run.header.get("door") != DOOR:
        raise EpisodeError(f"{run.path}: is of {run.header.get('door')!r}, expected an episode of an environment")
    return run.header | {"end": _end_of(run)}


def read_table(folder: Path, name: str) -> "pl.DataFrame":
    """Return one table of a recorded episode.

    Raises:
        EpisodeError: It is missing or damaged.
    """
    pl, path = polars(), folder / f"{name}.parquet"
    try:
        return pl.read_parquet(path)  # type: ignore[no-any-return]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise EpisodeError(f"{path}: cannot be read ({error}), expected a table of RecordEpisodes") from error


def write_tables(tables: Tables, folder: Path) -> None:
    """Write tables as Parquet into a folder that is there."""
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")


def _end_of(run: Run) -> str:
    last = run.end or {}
    return str(last.get("end", UNFINISHED))


def _difference(path: Path, written: "pl.DataFrame", again: "pl.DataFrame") -> str | None:
    if written.equals(again) and written.schema == again.schema:
        return None
    found = next((c for c in again.columns if c not in written or not written[c].equals(again[c])), "number of columns")
    return f"{path}: {found} differs when the episode is played again, expected the table as it was recorded"
