"""Files that grow by lines with a checksum, so that whatever a crash leaves of the last one is known and cut off.

A line has eight hexadecimal digits (CRC-32 of what follows), a space, and a JSON object. It is written whole and
flushed, so a process that is killed leaves at most a torn last line.
"""

import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

_DIGITS: Final = 8


@dataclass(frozen=True)
class Lines:
    """What is in such a file.

    Attributes:
        records: The JSON objects of all whole lines.
        length: Bytes that they take.
        torn: Whether a line that was not written whole follows.
    """

    records: list[dict[str, Any]]
    length: int
    torn: bool


class DamageError(ValueError):
    """A line before the last does not fit its checksum, so that what follows it cannot be trusted. One sentence."""


def append_line(file: TextIO, record: Mapping[str, Any], *, default: Callable[[Any], Any] | None = None) -> None:
    """Write one record and flush it to the operating system.

    Args:
        file: Opened for appending, UTF-8, newlines as they are.
        record: Ready for JSON, but for what ``default`` turns into plain data.
        default: See :func:`json.dumps`.
    """
    text = json.dumps(record, separators=(",", ":"), allow_nan=False, default=default)
    file.write(f"{zlib.crc32(text.encode()):08x} {text}\n")
    file.flush()


def read_lines(path: Path) -> Lines:
    """Read a file up to its last whole line.

    Raises:
        OSError: It cannot be read.
        DamageError: It is damaged before its last line.
    """
    lines = path.read_bytes().split(b"\n")
    tail = lines.pop()  # empty where the last line was written whole
    texts = [_checked(line) for line in lines]
    damaged = next((number for number, text in enumerate(texts, 1) if text is None), None)
    is_last = damaged is not None and damaged == len(texts) and not tail and damaged > 1
    if damaged is not None and not is_last:
        raise DamageError(f"{path}: line {damaged} is damaged, expected a checksum and the JSON object it belongs to")
    whole = [text for text in texts if text is not None]
    length = sum(_DIGITS + 2 + len(text) for text in whole)
    return Lines([json.loads(text) for text in whole], length, bool(tail) or is_last)


def open_behind(path: Path, length: int) -> TextIO:
    """Open a file for appending behind its whole lines, and cut off what follows them."""
    with path.open("r+b") as file:
        file.truncate(length)
        os.fsync(file.fileno())
    return path.open("a", encoding="utf-8", newline="\n")


def _checked(line: bytes) -> bytes | None:
    """Return the JSON of a line, ``None`` if its checksum does not fit."""
    digits, text = line[:_DIGITS], line[_DIGITS + 1 :]
    try:
        return text if len(digits) == _DIGITS and int(digits, 16) == zlib.crc32(text) else None
    except ValueError:
        return None
