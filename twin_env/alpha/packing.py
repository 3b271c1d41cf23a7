"""What an episode came to as text, to be kept in a file of lines and read back exactly."""

import base64
import json
import zlib
from dataclasses import asdict
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

VERSION: Final = 1
_TABLES: Final = {"fills": FILL, "orders": ORDER, "decisions": DECISION}
_MOST_BYTES: Final = 1 << 28
_LENGTH: Final = 8


class PackingError(ValueError):
    """A text that is no packed result. One sentence."""


def pack_result(result: AlphaResult) -> str:
    """Return a result as text without line breaks; the instrument is not part of it."""
    arrays = [getattr(result, name) for name in _TABLES]
    arrays += [result.markouts.spread_earned, result.markouts.drift]
    head = {
        "version": VERSION,
        "begin_ns": result.begin_ns,
        "end_ns": result.end_ns,
        "split": result.split.micro,
        "trips": [asdict(trip) | {"split": trip.split.micro} for trip in result.trips],
        "horizons_s": result.markouts.horizons_s,
        "rows": [len(array) for array in arrays[: len(_TABLES)]],
    }
    text = json.dumps(head).encode()
    body = b"".join([len(text).to_bytes(_LENGTH, "little"), text, *(array.tobytes() for array in arrays)])
    return base64.b64encode(zlib.compress(body)).decode()


def unpack_result(text: str, instrument: Instrument) -> AlphaResult:
    """Return the result that :func:`pack_result` made a text of.

    Args:
        text: As it was returned.
        instrument: What was traded.

    Raises:
        PackingError: It is none, or that of another version.
    """
    try:
        stream = zlib.decompressobj()
        body = stream.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
        if not stream.eof:
            raise ValueError("cut short")
        length = int.from_bytes(body[:_LENGTH], "little")
        head = json.loads(body[_LENGTH : _LENGTH + length])
        if head["version"] != VERSION:
            raise PackingError(f"the result is of version {head['version']}, expected {VERSION}")
        return _read(head, body[_LENGTH + length :], instrument)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        if isinstance(error, PackingError):
            raise
        raise PackingError("the text is no packed result, expected one that was written with the episode") from None


def _read(head: dict[str, Any], body: bytes, instrument: Instrument) -> AlphaResult:
    place, tables = 0, {}
    for (name, dtype), rows in zip(_TABLES.items(), head["rows"], strict=True):
        tables[name] = np.frombuffer(body, dtype, rows, place)
        place += rows * dtype.itemsize
    fills, horizons = tables["fills"], tuple(head["horizons_s"])
    spread_earned: NDArray[np.float64] = np.frombuffer(body, np.float64, len(fills), place)
    drift = np.frombuffer(body, np.float64, len(fills) * len(horizons), place + spread_earned.nbytes)
    if place + spread_earned.nbytes + drift.nbytes != len(body):
        raise PackingError(f"the result has {len(body)} bytes of figures, expected those of its tables")
    lots, maker = fills["lots"].astype(np.int64), fills["maker"] == 1
    markouts = Markouts(
        horizons, spread_earned, drift.reshape(len(fills), len(horizons)), lots, maker, fills["counterparty"]
    )
    trips = [RoundTrip(**trip | {"split": Split(*trip["split"])}) for trip in head["trips"]]
    return AlphaResult(
        instrument, head["begin_ns"], head["end_ns"], Split(*head["split"]), **tables, trips=trips, markouts=markouts
    )
