"""Playing the run file of an episode again, step by step, compared with what the first play left."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twin_env.chaos.experiment import load_experiment
from twin_env.envs.batch import Batch
from twin_env.envs.episode_status import RUNNING
from twin_env.envs.options import read_options
from twin_env.envs.recording.episode import DOOR, UNFINISHED, EpisodeError
from twin_env.envs.recording.notes import Notes
from twin_env.envs.registration import definition_of
from twin_env.twin.run_file import Run
from twin_env.version import __version__

_THIS: Final = np.ones(1, np.bool_)
_WRONG: Final = (KeyError, TypeError, ValueError, AttributeError)  # what content that nobody wrote ends in


@dataclass(frozen=True, eq=False)
class EpisodeReplay:
    """An episode that was played again.

    Attributes:
        batch: The batch of one, where the episode ended.
        facts: ``env``, ``end``, ``seed``, ``options``, ``steps``, ``event_hash``, ``split_micro``, ``info``.
        checks: Checkpoints that were compared.
        mismatch: The first that differs, in a sentence, and where the replay stopped; ``None`` if all are the same.
        notes: What its tables are made from; ``None`` where they were not asked for.
    """

    batch: Batch
    facts: dict[str, Any]
    checks: int
    mismatch: str | None
    notes: Notes | None


def replay_episode(run: Run, *, until_ns: int | None = None, with_notes: bool = False) -> EpisodeReplay:
    """Play an episode again.

    Args:
        run: The run file, with ``door`` ``environment``.
        until_ns: Where to stop: no step begins there or later. By default at the last line.
        with_notes: Whether to watch it and note what tables are made from.

    Raises:
        EpisodeError: The file is no episode's, or its market is not what it was: data, presets or version changed.
    """
    player = _Player(run, with_notes)
    for number, line in enumerate(run.inputs, 2):
        if until_ns is not None and line.get("input") == "action" and line["at_ns"] >= until_ns:
            break
        try:
            player.play(line)
        except EpisodeError:
            raise
        except _WRONG as error:
            raise EpisodeError(f"{run.path}: line {number} cannot be played ({_one_line(error)})") from error
        if player.mismatch is not None:
            break
    return EpisodeReplay(player.batch, player.facts(), player.checks, player.mismatch, player.notes)


class _Player:
    """A batch of one that is given the lines of a run file."""

    def __init__(self, run: Run, with_notes: bool) -> None:
        self.checks = 0
        self.mismatch: str | None = None
        self._run = run
        self._steps, self._end = 0, UNFINISHED
        self.batch = self._open()
        self.notes = Notes(self.batch) if with_notes else None
        self._reader = self.batch.reader(0)

    def play(self, line: dict[str, Any]) -> None:
        """Do what one line says; sets ``mismatch`` where it left something else than it did.

        Raises:
            EpisodeError: There is no such line.
        """
        known: dict[str, Callable[[dict[str, Any]], str | None]] = {
            "action": self._act,
            "inject": self._inject,
            "check": self._compare,
            "end": self._finish,
        }
        if line["input"] not in known:
            raise EpisodeError(f"{self._run.path}: input {line['input']!r} is unknown, expected {', '.join(known)}")
        self.mismatch = known[line["input"]](line)

    def facts(self) -> dict[str, Any]:
        """Return what there is to say of the episode."""
        header, batch = self._run.header, self.batch
        ledger = self._reader.ledger()
        return {
            "env": header["env"],
            "end": self._end,
            "seed": header["seed"],
            "options": header["options"],
            "steps": self._steps,
            "event_hash": f"{self._reader.event_hash:016x}",
            "split_micro": {name.removesuffix("_micro"): ledger[name] for name in ledger if name.endswith("_micro")},
            "info": batch.definition.info.as_dict(batch.infos[0]),
        }

    def _open(self) -> Batch:
        """Return a batch of one with the episode just begun."""
        header, path = self._run.header, self._run.path
        if header.get("door") != DOOR:
            raise EpisodeError(f"{path}: is of {header.get('door')!r}, expected an episode of an environment")
        try:
            definition = definition_of(header["env"])
            batch = Batch(definition, definition.load_config(header["config"]))
            if batch.market.history_hash != header["history_hash"]:
                raise EpisodeError(
                    f"{path}: its market is another one now (written by version {header['version']}, this is "
                    f"{__version__}), expected the same data"
                )
            options = read_options(header["options"], batch)
            experiment = load_experiment(header["experiment"])
            batch.start(_THIS, np.array([header["seed"]], np.uint64), options, [experiment])
        except EpisodeError:
            raise
        except _WRONG as error:
            raise EpisodeError(f"{path}: line 1 cannot be played ({_one_line(error)})") from error
        return batch

    def _act(self, line: dict[str, Any]) -> str | None:
        batch = self.batch
        self._steps += 1
        if batch.status[0] != RUNNING:
            return f"{self._run.path}: the episode is over before step {self._steps} when played again"
        action = np.array([line["numbers"]], batch.given.dtype).reshape((1, *(batch.action_space.shape or ())))
        batch.step(_THIS, batch.check(action, _THIS))
        if self.notes is not None:
            self.notes.note(batch.given[0])
        return None

    def _inject(self, line: dict[str, Any]) -> None:
        self.batch.experiments.inject(self.batch.worlds, 0, load_experiment(line["experiment"]))

    def _compare(self, line: dict[str, Any]) -> str | None:
        """Compare what the latest step, or the reset, left."""
        self.checks += 1
        at, path = f"step {self._steps}", self._run.path
        event_hash, reward = f"{self._reader.event_hash:016x}", float(self.batch.rewards[0])
        if event_hash != line["event_hash"]:
            return (
                f"{path}: {at} has event hash {event_hash} when played again, expected {line['event_hash']}: actions, "
                "configuration, data or version are not those of the episode"
            )
        if "reward" in line and reward != line["reward"]:
            return f"{path}: {at} has reward {reward!r} when played again, expected {line['reward']!r}"
        same_layout = self._run.header["layout_hash"] == self.batch.market.layout_hash
        if same_layout and "digest" in line and line["digest"] != self._reader.digest:
            return f"{path}: {at} leaves other bytes of the world when played again, expected {line['digest']}"
        return None

    def _finish(self, line: dict[str, Any]) -> str | None:
        self._end = line["end"]
        return self._compare(line)


def _one_line(error: Exception) -> str:
    text = "; ".join(getattr(error, "problems", None) or str(error).splitlines())
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError | AttributeError) else text
