"""A tape as one file: rows, line numbers, facts. Written part by part, read as a memory map.

Layout: the rows as ``.npy``, the line numbers as ``.npy`` (or nothing), the facts as JSON, the length of the
JSON as 8 bytes, 8 bytes of magic. Both arrays start at a multiple of 64 bytes. What says that the file
is a tape comes last, so a file cut short is none.
"""

import contextlib
import io
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE
from twin_env.files import Draft, writing
from twin_env.market.data.tape import IntArray, Tape, TapeError, TapeReport

FORMAT: Final = 2
_MAGIC: Final = b"TWINTAPE"
_LINE: Final = np.dtype(np.int64)
_PART_ROWS: Final = 1 << 18


class TapeWriter:
    """Writes a tape part by part, in memory that does not grow with it.

    A context manager: without :meth:`finish` it leaves nothing behind.

    Args:
        path: The file to make, or to replace.
        has_lines: Whether rows come with line numbers.
    """

    def __init__(self, path: Path, *, has_lines: bool) -> None:
        self._path = path
        self._draft = Draft(path)
        with writing(path):
            self._rows: BinaryIO = self._draft.path.open("w+b")
        self._lines = tempfile.TemporaryFile(dir=path.parent) if has_lines else None  # noqa: SIM115
        self.restart()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for file in (self._rows, self._lines):
            if file is not None:
                with contextlib.suppress(OSError):  # of rows that are thrown away and no longer find room
                    file.close()
        self._draft.discard()

    def __len__(self) -> int:
        return self._count

    def restart(self) -> None:
        """Forget all rows."""
        self._count = 0
        self._kinds = np.zeros(1 + max(codes.KIND_NAMES), np.int64)
        self.start_ns = self.end_ns = 0
        for file, dtype in ((self._rows, MESSAGE), (self._lines, _LINE)):
            if file is not None:
                file.seek(0)
                file.truncate()
                _write_header(file, dtype, 0)

    @property
    def kinds(self) -> dict[str, int]:
        """Rows so far by kind name."""
        return {name: int(self._kinds[code]) for code, name in codes.KIND_NAMES.items() if self._kinds[code]}

    def append(self, rows: NDArray[np.void], lines: IntArray | None = None) -> None:
        """Add rows at the end of the tape.

        Args:
            rows: ``MESSAGE``; their ``seq`` is set here.
            lines: Line of the source of each row, int64.
        """
        if not len(rows):
            return
        part = rows.astype(MESSAGE)
        part["seq"] = np.arange(self._count + 1, self._count + len(rows) + 1)
        with writing(self._path):
            self._rows.write(part.tobytes())
            if self._lines is not None:
                self._lines.write(np.asarray(lines, _LINE).tobytes())
        self.start_ns = int(part["ts_ns"][0]) if self._count == 0 else self.start_ns
        self.end_ns = int(part["ts_ns"][-1])
        self._count += len(rows)
        self._kinds += np.bincount(part["kind"], minlength=len(self._kinds))

    def finish(self, **facts: Any) -> None:
        """Complete the file and give it its name.

        Args:
            facts: The fields of ``Tape`` other than rows and lines.
        """
        report = asdict(facts.pop("report"))
        text = json.dumps(
            {"format": FORMAT, "rows": self._count, "lines": self._lines is not None, **facts, "report": report}
        ).encode()
        with writing(self._path):
            _rewrite_header(self._rows, MESSAGE, self._count)
            if self._lines is not None:
                _rewrite_header(self._lines, _LINE, self._count)
                self._lines.seek(0)
                shutil.copyfileobj(self._lines, self._rows)
            self._rows.write(text + len(text).to_bytes(8, "little") + _MAGIC)
            self._rows.close()
        self._draft.keep()


def write_tape(tape: Tape, path: Path) -> None:
    """Write a tape to ``path``: whole, or not at all."""
    with TapeWriter(path, has_lines=tape.lines is not None) as writer:
        for first in range(0, len(tape), _PART_ROWS):
            part = slice(first, first + _PART_ROWS)
            writer.append(tape.rows[part], None if tape.lines is None else tape.lines[part])
        names = ("orders", "tick_size", "start_ns", "end_ns", "source", "levels", "report")
        writer.finish(**{name: getattr(tape, name) for name in names})


def read_tape(path: Path, *, check: bool = True) -> Tape:
    """Open what :func:`write_tape` wrote as a memory map.

    Args:
        path: The file.
        check: Check every row, which reads the whole file. False for a file of our own making.

    Raises:
        TapeError: The file is missing, is no tape, was written in another format, or a row breaks a rule.
    """
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected a tape written by write_tape")
    try:
        facts = _read_facts(path)
        if (version := facts.pop("format")) != FORMAT:
            raise TapeError(f"{path}: format is {version}, expected {FORMAT}: make the tape again")
        rows, end = _map(path, 0, MESSAGE, facts.pop("rows"))
        lines = _map(path, end, _LINE, len(rows))[0] if facts.pop("lines") else None
        report = TapeReport(**facts.pop("report"))
        return Tape(rows=rows, lines=lines, report=report, checked=not check, **facts)
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, TapeError):
            raise
        raise TapeError(f"{path}: is not a whole tape ({error}), expected a file of write_tape") from error


def _read_facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 16))
        tail = file.read()
        length = int.from_bytes(tail[:8], "little")
        if tail[8:] != _MAGIC or length > size - 16:
            raise ValueError("its end is missing")
        file.seek(size - 16 - length)
        facts: dict[str, Any] = json.loads(file.read(length))
    return facts


def _map(path: Path, start: int, dtype: np.dtype[Any], count: int) -> tuple[NDArray[Any], int]:
    """Map one array of a file; return it and the place behind it."""
    _write_header(header := io.BytesIO(), dtype, count)
    offset = start + header.tell()
    with path.open("rb") as file:
        file.seek(start)
        if file.read(header.tell()) != header.getvalue():
            raise ValueError("its rows have another layout")
    if count == 0:
        empty = np.zeros(0, dtype)
        empty.flags.writeable = False
        return empty, offset
    array: NDArray[Any] = np.asarray(np.memmap(path, dtype, "r", offset, (count,)))
    return array, offset + count * dtype.itemsize


def _write_header(file: Any, dtype: np.dtype[Any], count: int) -> None:
    """Write the header of an npy file; numpy leaves room for the number of rows to grow."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, header)


def _rewrite_header(file: BinaryIO, dtype: np.dtype[Any], count: int) -> None:
    file.seek(0)
    _write_header(file, dtype, count)
    file.seek(0, os.SEEK_END)
