"""Run files: what a run was made from and every input it got, so that it can be played again byte for byte.

A run file is text, one record a line (:mod:`twin_env.checked_lines`). The first line is the header: format, versions,
configuration, seed. Each further line is one input with its nanosecond, or a checkpoint: the event hash at a moment. A
line is written whole and flushed before the input takes effect for anybody else, so a process that is killed leaves at
most a torn last line. Reading cuts a torn tail off; damage before the last line is refused, for what follows it would
be played on another market.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from twin_env.checked_lines import DamageError, Lines, append_line, open_behind, read_lines
from twin_env.config import Config

FORMAT: Final = 1


class RunFileError(ValueError):
    """A file that is no run file, is damaged, or cannot be played by this version. One sentence."""


@dataclass(frozen=True)
class Run:
    """A run file, read.

    Attributes:
        path: Where it was read.
        header: Its first line.
        inputs: All other lines, in order.
        torn: Whether a line that was not written whole was cut off at the end.
    """

    path: Path
    header: dict[str, Any]
    inputs: tuple[dict[str, Any], ...]
    torn: bool

    @property
    def end(self) -> dict[str, Any] | None:
        """The last checkpoint, ``None`` without any."""
        return next((line for line in reversed(self.inputs) if line["input"] in ("check", "end")), None)


class RunWriter:
    """Appends to a run file.

    Args:
        path: The file; it must not be there, unless ``resume`` says so.
        header: Its first line, without ``format``.
        sync: Whether every line is forced to the disk before it counts (a gateway's log), not only to the system.
        resume: Go on behind the last whole line of a file that is there; ``header`` is not written then.

    Raises:
        RunFileError: The file is there, or cannot be written.
    """

    def __init__(
        self, path: str | Path, header: Mapping[str, Any] | None, *, sync: bool = False, resume: bool = False
    ) -> None:
        self.path, self._sync = Path(path), sync
        try:
            if resume:
                read_run(self.path)  # refuses what is no run file
                self._file = open_behind(self.path, _read_lines(self.path).length)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("x", encoding="utf-8", newline="\n")
        except FileExistsError:
            raise RunFileError(f"{path}: is there already, expected a new file") from None
        except OSError as error:
            raise RunFileError(f"{path}: cannot be written ({error.strerror})") from None
        self._write({"format": FORMAT} | dict(header or {}))

    def note(self, at_ns: int, name: str, fields: Mapping[str, Any]) -> None:
        """Append one input.

        Args:
            at_ns: The market's time.
            name: What it is: ``submit``, ``cancel``, ``check``, ...
            fields: What else there is to say, ready for JSON.
        """
        self._write({"at_ns": at_ns, "input": name} | dict(fields))

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, record: Mapping[str, Any]) -> None:
        try:
            append_line(self._file, record, default=_plain)
            if self._sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise RunFileError(f"{self.path}: cannot be written ({error.strerror})") from None


def read_run(path: str | Path) -> Run:
    """Read a run file.

    Raises:
        RunFileError: There is none, it is damaged before its last line, or of a format this version does not play.
    """
    found = _read_lines(Path(path))
    records = found.records
    if not records or "format" not in records[0]:
        raise RunFileError(f"{path}: line 1 is no header, expected a run file")
    if records[0]["format"] != FORMAT:
        number = records[0]["format"]
        raise RunFileError(
            f"{path}: is of format {number!r}, expected {FORMAT}: play it with the version that wrote it"
        )
    return Run(Path(path), records[0], tuple(records[1:]), found.torn)


def _read_lines(path: Path) -> Lines:
    """Return what is in a file.

    Raises:
        RunFileError: It cannot be read, or is damaged before its last line.
    """
    try:
        return read_lines(path)
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read ({error.strerror}), expected a run file") from None
    except DamageError as error:
        raise RunFileError(str(error)) from None


def _plain(value: Any) -> Any:
    """Return what JSON does not know as something it does."""
    if isinstance(value, Config):
        return value.model_dump(mode="json")
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in a run file")
