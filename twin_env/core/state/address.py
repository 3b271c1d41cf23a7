"""Records at an address: how a kernel reaches memory that is not part of its world."""

import ctypes
from typing import Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from twin_env.core.state.layout import Dtype

_CONFIG: Any = numba.config  # its attributes are made at run time, out of a type checker's sight
_NUMBA: Any = numba

if _CONFIG.DISABLE_JIT:

    def records_at(address: int, count: int, dtype: Dtype) -> Any:
        """Return ``count`` records of ``dtype`` that begin at ``address``, as an array that shares the memory."""
        held = (ctypes.c_uint8 * (int(count) * dtype.itemsize)).from_address(int(address))
        return np.ctypeslib.as_array(held).view(dtype)

else:

    def _pointer(_: Any, address: Any) -> Any:
        """Turn an int64 into the pointer that ``carray`` wants: numba has no cast of its own for that."""

        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], cgutils.voidptr_t)

        return types.voidptr(types.int64), generate

    _as_pointer: Any = intrinsic(_pointer)
    carray: Any = _NUMBA.carray

    @numba.njit(inline="always")
    def records_at(address: int, count: int, dtype: Dtype) -> Any:
        """Return ``count`` records of ``dtype`` that begin at ``address``, as an array that shares the memory."""
        return carray(_as_pointer(address), count, dtype)
