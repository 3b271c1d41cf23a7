"""The episodes of an evaluation, kept as they are played, so that one that was interrupted goes on where it stopped."""

import base64
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TextIO

from filelock import FileLock, Timeout

from agents.batteries.evaluation_plan import Plan, check_same
from agents.batteries.kept_alpha import decode_alpha, encode_alpha
from agents.batteries.rollouts import run_episode
from agents.policies.policy import Policy
from agents.training import runs
from twin_env.alpha.results import Episode
from twin_env.checked_lines import DamageError, append_line, open_behind, read_lines
from twin_env.config import ConfigError
from twin_env.envs.episode_alpha import EpisodeAlpha
from twin_env.files import writing
from twin_env.market.instrument import Instrument

EPISODES: Final = "episodes.log"
FORMAT: Final = 1
_LOCK: Final = ".episodes.lock"


@dataclass(frozen=True)
class Begun:
    """An evaluation that was begun.

    Attributes:
        folder: Of its run.
        plan: What it plays.
        arguments: Options that it was begun with, by name.
        provenance: Command line, versions and machine that it was begun with.
        episodes: Label of the policy and episode, as they were played.
        length: Bytes of the file up to its last whole line.
    """

    folder: Path
    plan: Plan
    arguments: dict[str, Any]
    provenance: dict[str, Any]
    episodes: tuple[tuple[str, Episode], ...]
    length: int


class EvaluationLog:
    """Plays episodes that were not played yet, and keeps each as soon as it is over.

    Attributes:
        folder: Of the run.
        provenance: Command line, versions and machine that the evaluation was begun with.
    """

    def __init__(
        self, folder: Path, provenance: dict[str, Any], played: Mapping[str, list[Episode]], length: int
    ) -> None:
        self.folder, self.provenance = folder, provenance
        self._played = dict(played)
        self._lock = FileLock(folder / _LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError([f"{folder}: another process plays this evaluation, expected one at a time."]) from None
        self._file: TextIO = open_behind(folder / EPISODES, length)

    @classmethod
    def begin(cls, folder: Path, plan: Plan, arguments: Mapping[str, Any], provenance: dict[str, Any]) -> Self:
        """Begin an evaluation in a new folder of a run.

        Args:
            folder: Of runs.
            plan: What is played.
            arguments: Options to go on with, by name; ready for JSON.
            provenance: Of :func:`twin_env.provenance.describe_provenance`.
        """
        run = runs.create_run(folder, "evaluation")
        header = {"format": FORMAT, "plan": plan, "arguments": dict(arguments), "provenance": provenance}
        with writing(run / EPISODES), (run / EPISODES).open("x", encoding="utf-8", newline="\n") as file:
            append_line(file, header)
        return cls(run, provenance, {}, (run / EPISODES).stat().st_size)

    @classmethod
    def resume(cls, begun: Begun, plan: Plan) -> Self:
        """Go on with an evaluation.

        Raises:
            ConfigError: It was begun with another plan, what it played is not of its plan, or it is being played.
        """
        check_same(begun.folder, begun.plan, plan)
        return cls(begun.folder, begun.provenance, sort_episodes(begun), begun.length)

    def missing(self, policy: str, seeds: Sequence[int]) -> Sequence[int]:
        """Return the seeds that a policy has not played."""
        return seeds[len(self._played.get(policy, [])) :]

    def play(
        self, env: Any, policy: Policy, label: str, seeds: Sequence[int], tell: Callable[[], object]
    ) -> list[Episode]:
        """Return the episodes of a policy: those that were kept, and those that are played now.

        Args:
            env: Where.
            policy: Who.
            label: Its name in tables.
            seeds: Of all its episodes.
            tell: Called after each that is played now.

        Raises:
            WriteError: There is no room to keep an episode.
        """
        episodes = list(self._played.get(label, []))
        alpha = EpisodeAlpha(env.unwrapped.batch)
        for seed in self.missing(label, seeds):
            episode = run_episode(env, policy, seed, alpha=alpha)
            with writing(self.folder / EPISODES):
                append_line(self._file, {"policy": label} | encode_episode(episode))
            episodes.append(episode)
            tell()
        return episodes

    def discard(self) -> None:
        """Remove the run, whose episodes cannot be used."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Let others go on; closing twice does nothing."""
        self._file.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_begun(folder: Path) -> Begun:
    """Read what was kept of an evaluation.

    Raises:
        ConfigError: There is none, it is damaged, or another version wrote it.
    """
    try:
        lines = read_lines(folder / EPISODES)
    except OSError:
        raise ConfigError([f"{folder}: holds no {EPISODES}, expected the folder of a run of twin evaluate."]) from None
    except DamageError as error:
        raise ConfigError([f"{error}."]) from None
    header = lines.records[0] if lines.records else {}
    if header.get("format") != FORMAT:
        raise ConfigError([f"{folder / EPISODES}: line 1 is no header of format {FORMAT}, expected an evaluation's."])
    instrument = Instrument.model_validate(header["plan"]["env_config"]["market"]["instrument"])
    episodes = tuple((line["policy"], decode_episode(line, instrument)) for line in lines.records[1:])
    return Begun(folder, header["plan"], header["arguments"], header["provenance"], episodes, lines.length)


def encode_episode(episode: Episode) -> dict[str, Any]:
    """Return an episode as plain data; numbers come back exactly as they were."""
    return {
        "seed": episode.seed,
        "info": {key: None if math.isnan(value) else float(value) for key, value in episode.info.items()},
        "parts_micro": list(map(int, episode.parts_micro)),
        "wanted_lots": int(episode.wanted_lots),
        "reward": episode.reward,
        "steps": episode.steps,
        "first_observation": base64.b64encode(episode.first_observation).decode(),
        "event_hash": f"{episode.event_hash:016x}",
        "alpha": None if episode.alpha is None else encode_alpha(episode.alpha),
    }


def decode_episode(line: Mapping[str, Any], instrument: Instrument) -> Episode:
    """Return the episode of :func:`encode_episode`."""
    return Episode(
        seed=line["seed"],
        info={key: math.nan if value is None else value for key, value in line["info"].items()},
        parts_micro=tuple(line["parts_micro"]),
        wanted_lots=line["wanted_lots"],
        reward=line["reward"],
        steps=line["steps"],
        first_observation=base64.b64decode(line["first_observation"]),
        event_hash=int(line["event_hash"], 16),
        alpha=None if line["alpha"] is None else decode_alpha(line["alpha"], instrument),
    )


def sort_episodes(begun: Begun) -> dict[str, list[Episode]]:
    """Return the episodes by policy.

    Raises:
        ConfigError: One is not where the plan has it.
    """
    first, count = begun.plan["seeds"]["first"], begun.plan["seeds"]["episodes"]
    planned = [(label, first + place) for label in begun.plan["policies"] for place in range(count)]
    found = [(label, episode.seed) for label, episode in begun.episodes]
    if found != planned[: len(found)]:
        raise ConfigError(
            [f"{begun.folder / EPISODES}: holds other episodes than its plan, expected those of one run."]
        )
    played: dict[str, list[Episode]] = {}
    for label, episode in begun.episodes:
        played.setdefault(label, []).append(episode)
    return played
