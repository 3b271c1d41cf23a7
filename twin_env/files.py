"""Files and folders that appear whole or not at all.

What is written gets a temporary name beside its place, is flushed to the disk, and is renamed when it is finished. A
rename within a folder is atomic (POSIX ``rename``), so a reader, a crash or a full disk never meets half a file: there
is the old one or the new one. After an error nothing of the new one is left. Only a process that is killed outright
leaves its temporary file, ``.NAME.XXXXXXXX.part.SUFFIX``, which nobody reads.
"""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twin_env.config import ConfigError


class WriteError(ConfigError):
    """A file cannot be written where the user wants it: no room, no permission, no such place."""

    def __init__(self, path: Path, error: OSError) -> None:
        reason = error.strerror or str(error)
        super().__init__([f"{path}: cannot be written ({reason}), expected a place with room that can be written to."])


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses while a file is written into one sentence about it.

    Raises:
        WriteError: In place of an ``OSError`` of the block, which should do nothing but write.
    """
    try:
        yield
    except OSError as error:
        raise WriteError(path, error) from error


class Draft:
    """A file that is being written. The folders above it are created.

    :func:`whole_file` is the usual way to it. A writer that lives longer than a block keeps the draft itself.

    Args:
        path: Where the file is to be; a symbolic link is followed. What is there already and is no regular file, such
            as ``/dev/stdout``, is written to directly: there is nothing that could be renamed.

    Attributes:
        path: What to write to: in the same folder, with the same suffix. It does not exist yet.

    Raises:
        WriteError: The folders cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._wanted = path
        self._is_device = path.exists() and not path.is_file()
        self._place = path.resolve()
        self.path = path if self._is_device else _draft_of(self._place)
        with writing(path):
            self._place.parent.mkdir(parents=True, exist_ok=True)

    def keep(self) -> None:
        """Give the finished file its name.

        Raises:
            WriteError: The operating system refused; what was there is as it was.
        """
        if self._is_device:
            return
        with writing(self._wanted):
            _flush(self.path)
            os.replace(self.path, self._place)
            _flush(self._place.parent)

    def discard(self) -> None:
        """Remove what was written; does nothing after :meth:`keep`."""
        if not self._is_device:
            self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write a file to; it becomes ``path`` when the block ends without an error.

    Args:
        path: See :class:`Draft`.

    Yields:
        A path that does not exist; the block must create it, and do nothing but write.

    Raises:
        WriteError: The operating system refused to write; ``path`` is as it was.
    """
    draft = Draft(path)
    try:
        with writing(path):
            yield draft.path
        draft.keep()
    finally:
        draft.discard()


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; it becomes ``path`` when the block ends without an error.

    Args:
        path: Where the folder is to be; there must be nothing, or an empty folder.

    Yields:
        A new, empty folder beside it.

    Raises:
        WriteError: The operating system refused to write; nothing of the folder is left.
    """
    place = path.resolve()
    draft = _draft_of(place)
    with writing(path):
        try:
            draft.mkdir(parents=True)
            yield draft
            for file in draft.rglob("*"):
                _flush(file)
            os.replace(draft, place)
            _flush(place.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8), whole or not at all.

    Raises:
        WriteError: The operating system refused to write; ``path`` is as it was.
    """
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write data as JSON, indented by two, whole or not at all.

    Raises:
        WriteError: The operating system refused to write; ``path`` is as it was.
        TypeError: The data are no JSON; ``path`` is as it was.
    """
    write_text(path, json.dumps(data, indent=2) + "\n")


def _draft_of(place: Path) -> Path:
    # The suffix stays: numpy, stable-baselines3 and matplotlib append theirs, or choose a format by it. The random
    # part keeps two processes that write the same file apart: the last one to finish wins, with a whole file.
    return place.with_name(f".{place.stem}.{secrets.token_hex(4)}.part{place.suffix}")


def _flush(path: Path) -> None:
    """Force a file or the entries of a folder to the disk, so that a rename cannot overtake what it names."""
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    number = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
