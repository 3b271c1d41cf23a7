"""Tapes kept on disk: made once from their source, then opened as memory maps."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from twin_env.core.state.jit import cache_root
from twin_env.core.state.layout import MESSAGE
from twin_env.market.data.tape import Tape, TapeError
from twin_env.market.data.tape_file import FORMAT, read_tape

_READ_BYTES: Final = 1 << 20
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SHARED: Final = ("tape*.py", "tables.py", "cache.py")  # whoever makes a tape, it passes through these


def tape_cache_dir() -> Path:
    """Return the default folder of cached tapes: beside the compiled kernels, ``TWIN_CACHE_DIR`` overrides it."""
    return cache_root().parent / "tapes"


def cached_tape(
    files: Sequence[Path],
    arguments: object,
    package: str,
    write: Callable[[Path], None],
    cache_dir: Path | None = None,
) -> Tape:
    """Open the cached tape of some files, making it first if there is none.

    The name holds a SHA-256 of everything the tape depends on: the files, byte by byte, the arguments, the source
    of the reader and the layout of a row. A file with such a name is always whole: it gets it when it is finished.

    Args:
        files: What the tape is made from; the first gives the readable part of the name.
        arguments: What else it depends on; anything with a ``repr`` that tells.
        package: The reader's package; its modules and those of the packages in its ``NEEDS`` are its source.
        write: Makes the tape at a path (``write_tape`` or a ``TapeWriter``).
        cache_dir: Default: :func:`tape_cache_dir`.

    Returns:
        The tape, as a memory map.

    Raises:
        TapeError: From ``write``.
    """
    folder = tape_cache_dir() if cache_dir is None else cache_dir
    stem = _UNSAFE.sub("_", files[0].name)[:80]
    path = folder / f"{stem}-{cache_key(files, arguments, package)}.tape"
    if path.is_file():
        try:
            return read_tape(path, check=False)
        except TapeError:
            path.unlink(missing_ok=True)  # damaged since: made again
    folder.mkdir(parents=True, exist_ok=True)
    write(path)
    try:
        return read_tape(path)
    except TapeError:
        path.unlink(missing_ok=True)
        raise


def cache_key(files: Iterable[Path], arguments: object, package: str) -> str:
    """Hash what a tape depends on; 32 hexadecimal digits. A missing file is left to the reader."""
    digest = hashlib.sha256(repr((FORMAT, MESSAGE.descr, arguments)).encode())
    for path in (*files, *reader_modules(package)):
        digest.update(path.name.encode())
        digest.update(file_hash(path) if path.is_file() else b"")
    return digest.hexdigest()[:32]


def reader_modules(package: str) -> list[Path]:
    """Return the source files that decide which tape a reader makes: its own, those it needs, what all share."""
    folder = Path(__file__).parent
    shared = {path for pattern in _SHARED for path in folder.glob(pattern)}
    own = {path for name in _with_needs(package) for place in import_module(name).__path__ for path in _modules(place)}
    return sorted(shared | own)


def _with_needs(package: str) -> set[str]:
    """Return a package and, by their ``NEEDS``, all that it is built on."""
    found, left = set[str](), [package]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += getattr(import_module(name), "NEEDS", ())
    return found


def _modules(place: str) -> Iterator[Path]:
    return Path(place).glob("*.py")


def file_hash(path: Path) -> bytes:
    """Return the SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return digest.digest()
