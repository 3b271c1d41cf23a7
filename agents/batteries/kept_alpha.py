"""What decisions and orders of an episode came to, as plain data and back, exactly."""

import base64
import dataclasses
import io
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.decisions import DECISION
from twin_env.alpha.fills import FILL
from twin_env.alpha.markouts import Markouts
from twin_env.alpha.orders import ORDER
from twin_env.alpha.record import AlphaResult
from twin_env.alpha.round_trips import RoundTrip
from twin_env.alpha.split import Split
from twin_env.market.instrument import Instrument

_TABLES: Final = {"fills": FILL, "orders": ORDER, "decisions": DECISION}


def encode_alpha(alpha: AlphaResult) -> dict[str, Any]:
    """Return what an episode came to, ready for JSON but for its instrument, which all episodes share."""
    markouts = {field.name: getattr(alpha.markouts, field.name) for field in dataclasses.fields(Markouts)}
    return {
        "begin_ns": int(alpha.begin_ns),
        "end_ns": int(alpha.end_ns),
        "split": _encode_split(alpha.split),
        "traded": list(alpha.traded),
        "trips": [_encode_trip(trip) for trip in alpha.trips],
        "markouts": {
            name: _encode_array(value) if isinstance(value, np.ndarray) else list(value)
            for name, value in markouts.items()
        },
        **{name: _encode_table(getattr(alpha, name)) for name in _TABLES},
    }


def decode_alpha(data: Mapping[str, Any], instrument: Instrument) -> AlphaResult:
    """Return what :func:`encode_alpha` was given."""
    markouts: dict[str, Any] = {
        name: _decode_array(value) if isinstance(value, str) else tuple(value)
        for name, value in data["markouts"].items()
    }
    return AlphaResult(
        instrument=instrument,
        begin_ns=data["begin_ns"],
        end_ns=data["end_ns"],
        split=Split(**data["split"]),
        traded=tuple(data["traded"]),
        trips=[RoundTrip(**trip | {"split": Split(**trip["split"])}) for trip in data["trips"]],
        markouts=Markouts(**markouts),
        **{name: np.frombuffer(_unpack(data[name]), dtype).copy() for name, dtype in _TABLES.items()},
    )


def _encode_split(split: Split) -> dict[str, int]:
    return {name: int(amount) for name, amount in dataclasses.asdict(split).items()}


def _encode_trip(trip: RoundTrip) -> dict[str, Any]:
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in vars(trip).items()}
    return plain | {"split": _encode_split(trip.split)}


def _encode_table(rows: NDArray[np.void]) -> str:
    """Return records as text; the bytes between their fields, which nobody set, are zero."""
    clean = np.zeros(rows.shape, rows.dtype)
    for name in rows.dtype.names or ():
        clean[name] = rows[name]
    return _pack(clean.tobytes())


def _encode_array(values: NDArray[Any]) -> str:
    """Return an array of numbers as text, in numpy's own format."""
    file = io.BytesIO()
    np.lib.format.write_array(file, values, allow_pickle=False)
    return _pack(file.getvalue())


def _decode_array(text: str) -> NDArray[Any]:
    values: NDArray[Any] = np.lib.format.read_array(io.BytesIO(_unpack(text)), allow_pickle=False)
    return values


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _unpack(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
