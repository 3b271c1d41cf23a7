"""The run file of an episode: what it was made from, every input, and what each step left to compare with.

Its header names environment, configuration, market, seed, options of the reset and the experiment. Its lines are
``action`` (the numbers the simulator was given), ``inject`` (an experiment, its times counted from there), ``check``
(event hash and reward after a step, the event hash alone after the reset) and ``end``.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from twin_env.envs.row_reader import RowReader
from twin_env.envs.single import TwinEnv
from twin_env.provenance import describe_provenance
from twin_env.twin.run_file import RunFileError, RunWriter
from twin_env.version import __version__

DOOR: Final = "environment"
TERMINATED: Final = "terminated"
TRUNCATED: Final = "truncated"
UNFINISHED: Final = "unfinished"


class EpisodeError(RunFileError):
    """An episode that cannot be recorded or played again. One sentence: what, where, value, what was expected."""


class EpisodeWriter:
    """Writes the run file of one episode of a single environment, from its reset to its end.

    The file is made with the first step: an episode in which nothing is done leaves none. It is written line by line
    as the episode goes, so that a process which is killed leaves all that was played.

    Args:
        path: The file; it must not be there.
        core: The environment, just reset.
        options: Of its reset; the experiment of the episode is taken from the environment.
    """

    def __init__(self, path: Path, core: TwinEnv, options: dict[str, Any]) -> None:
        self.path = path
        self.steps = 0
        self._core = core
        self._reader = core.batch.reader(0)
        self._header = _header(core, self._reader, options)
        self._reset_ns, self._reset_hash = self._reader.now_ns, self._reader.event_hash
        self._begin_ns = self._reset_ns
        self._injected = 0
        self._file: RunWriter | None = None

    def step(self) -> None:
        """Write what was injected before the latest step of the environment, its action, and what it left.

        Raises:
            EpisodeError: The environment did more, or other, than one step since the last call.
            RunFileError: The file cannot be written.
        """
        batch = self._core.batch
        self.steps += 1
        played = int(batch.steps[0])
        if played != self.steps:
            raise EpisodeError(
                f"{self.path.stem}: the simulator is at step {played} and the wrapper at {self.steps}, expected no "
                "wrapper inside that steps or resets by itself"
            )
        file = self._open()
        self._write_injections(file, self._begin_ns)
        file.note(self._begin_ns, "action", {"numbers": batch.given[0].tolist()})
        self._begin_ns = self._reader.now_ns
        file.note(self._begin_ns, "check", _check(self._reader.event_hash) | {"reward": float(batch.rewards[0])})

    def end(self, end: str) -> bool:
        """Write how the episode ended and close the file; return whether there is one."""
        if self._file is None:
            return False
        self._write_injections(self._file, self._begin_ns)
        left = {"end": end, "steps": self.steps} | _check(self._reader.event_hash) | {"digest": self._reader.digest}
        self._file.note(self._begin_ns, "end", left)
        self._file.close()
        return True

    def discard(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._file.close()
            self.path.unlink(missing_ok=True)

    def _open(self) -> RunWriter:
        if self._file is None:
            self._file = RunWriter(self.path, self._header)
            self._file.note(self._reset_ns, "check", _check(self._reset_hash))
        return self._file

    def _write_injections(self, file: RunWriter, until_ns: int) -> None:
        """Write what was injected up to a time and is not written yet."""
        fresh = self._core.batch.experiments.injected[0][self._injected :]
        for one in fresh:
            if one.at_ns > until_ns:
                return
            file.note(one.at_ns, "inject", {"experiment": one.experiment.model_dump(mode="json")})
            self._injected += 1


def _header(core: TwinEnv, reader: RowReader, options: dict[str, Any]) -> dict[str, Any]:
    experiment = core.experiment
    return {
        "door": DOOR,
        "version": __version__,
        "env": core.definition.name,
        "config": core.config.model_dump(mode="json"),
        "history_hash": core.market.history_hash,
        "layout_hash": core.market.layout_hash,
        "seed": reader.seed,
        "start_ns": reader.now_ns,
        "options": {key: _plain(value) for key, value in options.items()},
        "experiment": experiment.model_dump(mode="json"),
        "made_with": describe_provenance(reader.seed, sys.argv),
    }


def _check(event_hash: int) -> dict[str, str]:
    return {"event_hash": f"{event_hash:016x}"}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
