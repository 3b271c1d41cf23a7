"""The one place that knows numba: the ``kernel`` decorator and where its cache lives.

numba keys a cached function by its own file alone: edit a function it calls in another file and the cached caller
goes on returning the old result (numba issue 8359); edit a comment above it and it is compiled again. Here the cache
folder is named by a hash of the *code* that all kernels of the package depend on (``kernel_source.py``), of the numba
version and of the flags that change code, and inside it a kernel is found by its name alone.
"""

import contextlib
import functools
import hashlib
import itertools
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from filelock import FileLock
from numba.core import caching as _caching
from numba.core import types
from numba.core.bytecode import FunctionIdentity

from twin_env.core.state.kernel_source import Slice
from twin_env.core.state.linking import is_supported, linked_kernel

# Nobody calls kernels from C: leaving that wrapper out makes a cold start shorter.
_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:
    i64 = int
else:
    i64 = np.int64  # kernels widen what they read: numba compiles a function once per integer width

_CONFIG: Any = numba.config  # its attributes are made at run time, out of a type checker's sight
caching: Any = _caching
_PACKAGE = Path(__file__).resolve().parents[2]
_LINKED = is_supported()


def _own_symbols() -> None:
    """Give this process symbol names that no other process uses.

    numba numbers functions and record types from 1 in every process and builds symbols from these numbers.
    Two processes that cache one function for two profiles thus give both versions the same symbol,
    and the linker of a third process, that loads both, calls one in place of the other.
    """
    FunctionIdentity._unique_ids = itertools.count(secrets.randbits(62))


_own_symbols()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_own_symbols)


_TEXTS: dict[int, tuple[Any, str]] = {}  # numba keeps every type it has made, and so does this


def _write_once(record: Any, write: Callable[[Any], str] = types.Record.__repr__) -> str:
    """Return the text of a record type, written when it is first asked for.

    numba asks at every pass of every function, for its events, and the text of a world's type is long.
    """
    if id(record) not in _TEXTS:
        _TEXTS[id(record)] = record, write(record)
    return _TEXTS[id(record)][1]


types.Record.__repr__ = _write_once  # type: ignore[method-assign]


def cache_root() -> Path:
    """Return the folder that holds one sub-folder of compiled code per cache key.

    ``TWIN_CACHE_DIR`` overrides the user's cache folder.
    """
    configured = os.environ.get("TWIN_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    root = Path(configured) if configured else Path.home() / ".cache"
    return root / "twin_env" / "kernels"


def cache_key() -> str:
    """Hash what the machine code depends on: the code of the kernels and all it uses, numba, flags.

    Finding that code takes a second or two, so the answer is kept in a file named by the bytes of the package.

    Returns:
        20 hexadecimal digits.
    """
    flags = f"{numba.__version__} {sys.version_info[:2]} {_CONFIG.BOUNDSCHECK} {_LINKED}".encode()
    bytes_now = _hash(flags, *_sources())
    known = cache_root().parent / "keys" / bytes_now
    if known.is_file():
        return known.read_text(encoding="ascii")
    key = _hash(flags, Slice(_PACKAGE, "core.state.jit.kernel").digest())
    if _hash(flags, *_sources()) != bytes_now:
        return key  # a file was saved meanwhile: the key is not that of the bytes
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time, nothing else
        known.parent.mkdir(parents=True, exist_ok=True)
        written = known.with_suffix(f".{os.getpid()}")
        written.write_text(key, encoding="ascii")
        written.replace(known)
    return key


def _sources() -> Iterator[bytes]:
    """Return names and contents of all files of the package, with a separator that occurs in neither."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        yield b"\0".join((path.relative_to(_PACKAGE).as_posix().encode(), path.read_bytes(), b""))


def _hash(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=10)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


_CACHE = cache_root() / cache_key()


def is_cached() -> bool:
    """Tell whether kernels were compiled before with today's sources."""
    return any(_CACHE.rglob("*.nbc"))


@functools.cache
def announce_compilation() -> None:
    """Say once, on stderr, that the first run compiles; silent when there is nothing to compile."""
    if not _CONFIG.DISABLE_JIT and not is_cached():
        print("twin_env: compiling its kernels, once per version (a minute or so) ...", file=sys.stderr, flush=True)


class _Locator(caching._CacheLocator):  # type: ignore[misc]
    """Where the machine code of a kernel is kept, and what makes it stale there.

    numba's own locators take the file's content as its stamp and the line of the function as a part of its name, so
    that a comment above it compiles it again. For code of the package the folder's key has said all; functions of
    other files that use the decorator are kept as numba does it.
    """

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._file = Path(file)
        self._line = function.__code__.co_firstlineno
        self._cache_path = str(_CACHE / self.get_suitable_cache_subpath(file))
        self.is_ours = self._file.resolve().is_relative_to(_PACKAGE) and "<" not in function.__qualname__

    def get_cache_path(self) -> str:
        """Return the folder of the functions of the file's folder."""
        return self._cache_path

    def get_source_stamp(self) -> str:
        """Return what has to be as it was for the code to be used."""
        return _CACHE.name if self.is_ours else hashlib.sha256(self._file.read_bytes()).hexdigest()

    def get_disambiguator(self) -> str:
        """Return what tells apart functions of one name and file; modules of the package have one of each."""
        return "kernel" if self.is_ours else str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "_Locator":
        """Return where a function of a file is kept."""
        locator = cls(function, file)
        locator.ensure_cache_path()
        return locator


class _Results(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_Locator]


class _Cache(caching.FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, with our places and one process at a time that adds to it.

    numba names a file of machine code by the next free number in the function's index. Two processes that
    compile one function for two profiles at the same time can pick the same number, and from then on
    one of them is served the other's code.
    """

    _impl_class = _Results

    def save_overload(self, signature: Any, data: Any) -> None:
        """Add machine code to the folder."""
        _CACHE.mkdir(parents=True, exist_ok=True)
        with FileLock(_CACHE / "saving.lock"):
            super().save_overload(signature, data)

    def _index_key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        """Leave out numba's hash of the byte code, which a docstring can change."""
        if self._impl.locator.is_ours:
            return signature, codegen.magic_tuple()
        return tuple(super()._index_key(signature, codegen))


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` with numba, cached under a key that covers all its callees.

    The function must also be valid plain Python: ``NUMBA_DISABLE_JIT=1`` runs it
    uncompiled, which is how coverage and the debugger see it.
    """
    linked = _LINKED and not _CONFIG.DISABLE_JIT
    compiled: Any = linked_kernel(function, _OPTIONS) if linked else numba.njit(**_OPTIONS)(function)
    if not _CONFIG.DISABLE_JIT and Path(function.__code__.co_filename).exists():
        compiled._cache = _Cache(function)
    return cast(Callable[P, R], _compiled_once(compiled))


def _compiled_once(compiled: Any) -> Any:
    """Keep numba from compiling a copy of a kernel for each literal it is called with.

    ``shrink(world, slot, 1)`` and ``shrink(world, slot, 2)`` have argument types of their
    own to numba, ``Literal[int](1)`` and ``(2)``; both are int64 here. That alone took a
    third off the cold start.
    """
    resolve = getattr(compiled, "get_call_template", None)
    if resolve is not None:
        compiled.get_call_template = lambda args, kws: resolve(tuple(map(types.unliteral, args)), kws)
    return compiled


def compiled_for(function: Callable[P, R], *arguments: Any) -> Callable[P, R]:
    """Return a kernel's machine code for arguments of these types, compiled now if it was not before.

    A call of the kernel itself looks at every array of every argument to find that code again, which for a batch takes
    longer than the rest of the call. Whoever calls the code must pass arguments of exactly these types: it does not
    look. With ``NUMBA_DISABLE_JIT=1`` it is the kernel itself.
    """
    compile_for = getattr(function, "compile", None)
    if compile_for is None:
        return function
    return cast(Callable[P, R], compile_for(tuple(map(numba.typeof, arguments))))


def signature_count(function: Any) -> int:
    """Return how many versions of a kernel this process holds (0 when uncompiled)."""
    return len(getattr(function, "signatures", ()))
