"""Messages from anywhere, as the exchange takes them."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.layout import MESSAGE

_FIELDS: Final = MESSAGE.names or ()


def as_messages(array: Any) -> NDArray[np.void]:
    """Return an array as ``layout.MESSAGE`` records: itself if it is one, else a view or a copy of it.

    ``np.save`` and ``np.load`` keep the fields of an array and lose that they are a record; other tools leave their own
    widths and gaps. numba compiles for the exact layout, so this is where they are made one.

    Args:
        array: Structured array with the fields of ``layout.MESSAGE``, in any order; shape ``(messages,)``.

    Raises:
        ValueError: A field is missing, unknown, no integer, or does not fit.
    """
    dtype = getattr(array, "dtype", None)
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.names is None:
        found = f"an array of {dtype} with {array.ndim} dimensions" if isinstance(array, np.ndarray) else type(array)
        raise ValueError(f"messages is {found}, expected one dimension of records with {', '.join(_FIELDS)}")
    if array.dtype == MESSAGE:  # fields, widths and gaps; not whether it is a record
        return array if array.dtype.type is np.record and array.dtype.isalignedstruct else array.view(MESSAGE)
    if set(array.dtype.names) != set(_FIELDS):
        differ = sorted(set(array.dtype.names) ^ set(_FIELDS))
        raise ValueError(f"messages has other fields ({', '.join(differ)}), expected {', '.join(_FIELDS)}")
    messages = np.zeros(len(array), MESSAGE)
    for name in _FIELDS:
        messages[name] = _fitting(name, array[name])
    return messages


def _fitting(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return the values of a field, all of which have a place in it."""
    limits = np.iinfo(MESSAGE[name])
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise ValueError(f"messages.{name} is {values.dtype}, expected integers")
    beyond = (values < limits.min) | (values > limits.max)
    if beyond.any():
        row = int(beyond.argmax())
        raise ValueError(f"messages[{row}].{name} is {values[row]}, expected {limits.min} to {limits.max}")
    return values
