"""A recorded episode on disk: a folder with ``episode.json`` and a Parquet file per table."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from twin_env.envs.batch import Batch
from twin_env.envs.recording.episode import Episode, EpisodeError
from twin_env.envs.recording.replay import play_again
from twin_env.envs.recording.tables import TABLES, Tables
from twin_env.envs.registration import definition_of
from twin_env.files import whole_folder, write_json
from twin_env.market.data.columns.files import polars
from twin_env.provenance import describe_provenance

if TYPE_CHECKING:
    import polars as pl

SCHEMA: Final = 1
FACTS: Final = "episode.json"


@dataclass(frozen=True, eq=False)
class Replay:
    """A recorded episode that was played again and went as it went.

    Attributes:
        facts: What ``episode.json`` says.
        tables: Polars frames by name, equal to those of the folder.
    """

    facts: dict[str, Any]
    tables: Tables


def record(episode: Episode, folder: Path) -> None:
    """Play an episode again and write it to ``folder``: whole, or not at all.

    Raises:
        EpisodeError: It does not go as it went, a step made more events than a recording keeps, or the folder exists.
    """
    if folder.exists():
        raise EpisodeError(f"{folder}: is there already, expected a new folder")
    batch, tables = play_again(episode, str(folder))
    with whole_folder(folder) as draft:
        for name, table in tables.items():
            table.write_parquet(draft / f"{name}.parquet")
        write_json(draft / FACTS, _facts(episode, batch, tables))


def replay(folder: str | Path) -> Replay:
    """Play a recorded episode again and compare: events, rewards, infos, observations, every table.

    Args:
        folder: Made by :class:`~twin_env.envs.recording.wrapper.RecordEpisodes`.

    Raises:
        EpisodeError: The folder is no whole recording, or the episode does not go as it went; says where.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    tables = {name: read_table(folder, name) for name in TABLES}
    try:
        _, again = play_again(_read_episode(facts, tables["steps"]), str(folder))
    except EpisodeError:
        raise
    except (KeyError, TypeError, ValueError, polars().exceptions.PolarsError) as error:
        found = "; ".join(str(error).splitlines())
        raise EpisodeError(
            f"{folder}: is no recorded episode ({found}), expected a folder of RecordEpisodes"
        ) from error
    for name, table in again.items():
        _compare(folder, name, tables[name], table)
    return Replay(facts, again)


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what ``episode.json`` says.

    Raises:
        EpisodeError: There is none, or it is of another schema.
    """
    path = folder / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        schema = facts["schema"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EpisodeError(
            f"{path}: cannot be read ({type(error).__name__}), expected a folder of RecordEpisodes"
        ) from error
    if schema != SCHEMA:
        raise EpisodeError(f"{path}: schema is {schema}, expected {SCHEMA}: record the episode again")
    return dict(facts)


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


def _facts(episode: Episode, batch: Batch, tables: Tables) -> dict[str, Any]:
    last = tables["ledger"].row(-1, named=True)
    return {
        "schema": SCHEMA,
        "env": episode.env,
        "end": episode.end,
        "seed": episode.seed,
        "options": episode.options,
        "steps": len(episode.actions),
        "events": len(tables["events"]),
        "event_hash": f"{episode.hashes[-1]:016x}",
        "split_micro": {name.removesuffix("_micro"): last[name] for name in last if name.endswith("_micro")},
        "info": batch.definition.info.as_dict(batch.infos[0]),
        "config": episode.config.model_dump(mode="json"),
        "made_with": describe_provenance(episode.seed, sys.argv),
    }


def _read_episode(facts: dict[str, Any], steps: "pl.DataFrame") -> Episode:
    numbers = [name for name in steps.columns if name.startswith("action_")]
    played = steps.slice(1)
    return Episode(
        env=facts["env"],
        config=definition_of(facts["env"]).load_config(facts["config"]),
        seed=facts["seed"],
        options=facts["options"],
        actions=np.stack([played[name].to_numpy() for name in numbers], axis=1),
        rewards=played["reward"].to_numpy(),
        hashes=tuple(int(text, 16) for text in steps["event_hash"]),
        end=facts["end"],
    )


def _compare(folder: Path, name: str, written: "pl.DataFrame", again: "pl.DataFrame") -> None:
    if written.equals(again) and written.schema == again.schema:
        return
    found = next((c for c in again.columns if c not in written or not written[c].equals(again[c])), "number of columns")
    raise EpisodeError(
        f"{folder / name}.parquet: {found} differs when the episode is played again, expected the table as it was "
        "recorded"
    )
