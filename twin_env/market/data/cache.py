"""Tapes kept on disk: made once from their source, then opened as memory maps."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from twin_env.core.state.jit import cache_root
from twin_env.core.state.layout import MESSAGE
from twin_env.market.data.tape import Tape, TapeError
from twin_env.market.data.tape_file import FORMAT, read_tape

_READ_BYTES: Final = 1 << 20
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_OWN: Final = ("tape*.py", "cache.py")  # whoever makes a tape, it passes through these


def tape_cache_dir() -> Path:
    """Return the default folder of cached tapes: beside the compiled kernels, ``TWIN_CACHE_DIR`` overrides it."""
    return cache_root().parent / "tapes"


def cached_tape(
    files: Sequence[Path],
    arguments: object,
    readers: Iterable[str],
    write: Callable[[Path], None],
    cache_dir: Path | None = None,
) -> Tape:
    """Open the cached tape of some files, making it first if there is none.

    The name holds a SHA-256 of everything the tape depends on: the files, byte by byte, the arguments, the source
    of the reader and the layout of a row. A file with such a name is always whole: it gets it when it is finished.

    Args:
        files: What the tape is made from; the first gives the readable part of the name.
        arguments: What else it depends on; anything with a ``repr`` that tells.
        readers: File patterns of the reader's modules in ``twin_env/market/data``.
        write: Makes the tape at a path (``write_tape`` or a ``TapeWriter``).
        cache_dir: Default: :func:`tape_cache_dir`.

    Returns:
        The tape, as a memory map.

    Raises:
        TapeError: From ``write``.
    """
    folder = tape_cache_dir() if cache_dir is None else cache_dir
    stem = _UNSAFE.sub("_", files[0].name)[:80]
    path = folder / f"{stem}-{cache_key(files, arguments, readers)}.tape"
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


def cache_key(files: Iterable[Path], arguments: object, readers: Iterable[str]) -> str:
    """Hash what a tape depends on; 32 hexadecimal digits. A missing file is left to the reader."""
    digest = hashlib.sha256(repr((FORMAT, MESSAGE.descr, arguments)).encode())
    folder = Path(__file__).parent
    modules = sorted({path for pattern in (*readers, *_OWN) for path in folder.glob(pattern)})
    for path in (*files, *modules):
        digest.update(path.name.encode())
        digest.update(file_hash(path) if path.is_file() else b"")
    return digest.hexdigest()[:32]


def file_hash(path: Path) -> bytes:
    """Return the SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return digest.digest()
