"""The state of a running market as bytes: to store, to send, to come back to.

Bytes hold a version, a checksum over all that follows, what the meaning of the rest depends on, and the world. No code
and no objects: reading them runs nothing, and a state that is refused has changed nothing.
"""

import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from typing import Any, Final

from twin_env.chaos.experiment import Experiment
from twin_env.market.market import Market
from twin_env.twin.orders import OrderEntry, OrderLog

VERSION: Final = 1
_MAGIC: Final = b"TWINRUN"
_HEAD: Final = struct.Struct("<7sH16sI")  # magic, version, checksum, bytes of the description


class StateError(ValueError):
    """Bytes that are no state of this market or environment. One sentence: what was found, what was expected."""


@dataclass(frozen=True)
class Standing:
    """Where a running market stands, beside the bytes of its world.

    Attributes:
        seed: Of its world.
        start_ns: When its desk began to see and to act.
        experiment: What goes wrong.
        log: The desk's orders.
    """

    seed: int
    start_ns: int
    experiment: Experiment
    log: OrderLog


def pack(market: Market, standing: Standing, world: Any) -> bytes:
    """Return a state; ``world`` is the bytes of the world, uint8."""
    described = {
        "market": _identity(market),
        "seed": standing.seed,
        "start_ns": standing.start_ns,
        "experiment": standing.experiment.model_dump(mode="json"),
        "orders": [asdict(entry) for entry in standing.log.entries.values()],
    }
    text = json.dumps(described).encode()
    body: bytes = text + world.tobytes()
    return _HEAD.pack(_MAGIC, VERSION, _checksum(len(text), body), len(text)) + body


def unpack(state: Any, market: Market, world: Any) -> Standing:
    """Write a state into the bytes of a world of the same market, and return the rest of it.

    Raises:
        StateError: The bytes are no state, damaged, or that of another market or version; nothing is changed.
    """
    if not isinstance(state, bytes | bytearray | memoryview) or len(state) < _HEAD.size:
        raise StateError("state is not one that Twin.state() returned: it is too short")
    data = bytes(state)
    magic, version, checksum, length = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise StateError(f"state is not one that Twin.state() returned: it does not begin with {_MAGIC!r}")
    if version != VERSION:
        raise StateError(f"state is of version {version}, expected {VERSION}")
    body = data[_HEAD.size :]
    if _checksum(length, body) != checksum:
        raise StateError("state is damaged: its checksum is another one")
    described, kept = json.loads(body[:length]), body[length:]
    if described["market"] != _identity(market) or len(kept) != len(world):
        raise StateError("state is that of another market, configuration or version, expected one of this market")
    experiment, log = Experiment.model_validate(described["experiment"]), OrderLog()
    for entry in described["orders"]:
        log.add(OrderEntry(**entry))
    world[:] = memoryview(kept).cast("B")
    return Standing(described["seed"], described["start_ns"], experiment, log)


def _identity(market: Market) -> list[str]:
    """Return what the meaning of a world's bytes depends on."""
    configured = json.dumps([market.config.model_dump(mode="json"), market.links.model_dump(mode="json")])
    return [hashlib.blake2b(configured.encode(), digest_size=16).hexdigest(), market.history_hash, market.layout_hash]


def _checksum(length: int, body: bytes) -> bytes:
    return hashlib.blake2b(length.to_bytes(4, "little") + body, digest_size=16).digest()
