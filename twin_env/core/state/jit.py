"""The one place that knows numba: the ``kernel`` decorator and where its cache lives.

numba keys a cached function by its own file alone: edit a function it calls in
another file and the cached caller goes on returning the old result (numba
issue 8359). The cache folder is therefore named by a hash of *every* source file
that holds kernels, of the numba version and of the flags that change code.
"""

import functools
import hashlib
import itertools
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from filelock import FileLock
from numba.core import types
from numba.core.bytecode import FunctionIdentity

# Nobody calls kernels from C: leaving that wrapper out makes a cold start shorter.
_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:
    i64 = int
else:
    i64 = np.int64  # kernels widen what they read: numba compiles a function once per integer width

_CONFIG: Any = numba.config  # its attributes are made at run time, out of a type checker's sight
_PACKAGE = Path(__file__).resolve().parents[2]


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


def _kernel_sources() -> list[Path]:
    """Return every source file of the package that can change compiled code."""
    compiled = [p for p in _PACKAGE.rglob("*.py") if b"core.state.jit import" in p.read_bytes()]
    return sorted({*compiled, *(_PACKAGE / "core").rglob("*.py")})


def cache_key(sources: list[Path] | None = None) -> str:
    """Hash what the machine code depends on: kernel sources, numba, flags.

    Args:
        sources: Files to hash; all kernel sources of the package by default.

    Returns:
        20 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=10)
    digest.update(f"{numba.__version__} {sys.version_info[:2]} {_CONFIG.BOUNDSCHECK}".encode())
    for path in _kernel_sources() if sources is None else sources:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_root() -> Path:
    """Return the folder that holds one sub-folder of compiled code per cache key.

    ``TWIN_CACHE_DIR`` overrides the user's cache folder.
    """
    configured = os.environ.get("TWIN_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    root = Path(configured) if configured else Path.home() / ".cache"
    return root / "twin_env" / "kernels"


_CACHE = cache_root() / cache_key()


def is_cached() -> bool:
    """Tell whether kernels were compiled before with today's sources."""
    return any(_CACHE.rglob("*.nbc"))


@functools.cache
def announce_compilation() -> None:
    """Say once, on stderr, that the first run compiles; silent when there is nothing to compile."""
    if not _CONFIG.DISABLE_JIT and not is_cached():
        print("twin_env: compiling its kernels, once per version (a minute or so) ...", file=sys.stderr, flush=True)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` with numba, cached under a key that covers all its callees.

    The function must also be valid plain Python: ``NUMBA_DISABLE_JIT=1`` runs it
    uncompiled, which is how coverage and the debugger see it.
    """
    before = _CONFIG.CACHE_DIR
    _CONFIG.CACHE_DIR = str(_CACHE)  # read by numba while decorating, and only then
    try:
        compiled = numba.njit(**_OPTIONS)(function)
    finally:
        _CONFIG.CACHE_DIR = before
    return cast(Callable[P, R], _saved_alone(_compiled_once(compiled)))


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


def _saved_alone(compiled: Any) -> Any:
    """Let one process at a time add to the cache.

    numba names a file of machine code by the next free number in the function's index. Two processes that
    compile one function for two profiles at the same time can pick the same number, and from then on
    one of them is served the other's code.
    """
    cached = getattr(compiled, "_cache", None)
    save = getattr(cached, "save_overload", None)
    if save is not None:

        def save_alone(signature: Any, data: Any) -> None:
            _CACHE.mkdir(parents=True, exist_ok=True)
            with FileLock(_CACHE / "saving.lock"):
                save(signature, data)

        compiled._cache.save_overload = save_alone
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
