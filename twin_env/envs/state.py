"""The state of an episode as bytes: to store, to send, to come back to.

Bytes hold a version, a fingerprint of layout and configuration, a checksum over all that follows, the row's world and
parent order, what it shows, and the generator that will name the next episodes. No code and no objects: reading them
runs nothing, and a state that is refused has changed nothing.
"""

import hashlib
import json
import struct
from typing import Any, Final

import numpy as np

from twin_env import __version__
from twin_env.chaos.experiment import Experiment
from twin_env.core.state.world import raw
from twin_env.envs.batch import Batch
from twin_env.twin.state import StateError

VERSION: Final = 4
_MAGIC: Final = b"TWIN"
_HEAD: Final = struct.Struct("<4sH16s16sII")
"""Magic, version, fingerprint, checksum of all that follows, bytes of the generator and of the experiment."""


def pack(batch: Batch, row: int, random: np.random.Generator) -> bytes:
    """Return the state of one row."""
    generator = json.dumps(random.bit_generator.state).encode()
    experiment = batch.experiments.current[row].to_json().encode()
    body = b"".join([generator, experiment, *(part[row].tobytes() for part in _parts(batch))])
    lengths = len(generator), len(experiment)
    return _HEAD.pack(_MAGIC, VERSION, _fingerprint(batch), _checksum(lengths, body), *lengths) + body


def unpack(state: Any, batch: Batch, row: int) -> np.random.Generator:
    """Write a state into one row and return its generator.

    Raises:
        StateError: The bytes are not a state, damaged, or that of another version, configuration or market; nothing is
            changed.
    """
    body, lengths = _checked(state, batch)
    parts = _parts(batch)
    place = sum(lengths)
    expected = place + sum(part[row].nbytes for part in parts)
    if len(body) != expected:
        raise StateError(f"state has {len(body)} bytes behind its head, expected {expected}")
    random = np.random.Generator(np.random.PCG64())
    random.bit_generator.state = json.loads(body[: lengths[0]])
    experiment = Experiment.model_validate_json(body[lengths[0] : place])
    # Everything was read: from here on nothing can be refused.
    for part in parts:
        part[row] = np.frombuffer(body, part.dtype, part[row].size, place).reshape(part[row].shape)
        place += part[row].nbytes
    batch.experiments.current[row] = experiment
    return random


def _checked(state: Any, batch: Batch) -> tuple[bytes, tuple[int, int]]:
    """Return what stands behind the head, and the lengths of its first two parts, if all of it is as it was packed."""
    if not isinstance(state, bytes | bytearray | memoryview):
        raise StateError(f"state is a {type(state).__name__}, expected the bytes that get_state() returned")
    data = bytes(state)
    if len(data) < _HEAD.size or data[:4] != _MAGIC:
        raise StateError("state is not one that get_state() returned: it does not begin with b'TWIN'")
    _, version, fingerprint, checksum, *lengths = _HEAD.unpack_from(data)
    if version != VERSION:
        raise StateError(f"state is of version {version}, expected {VERSION}")
    if fingerprint != _fingerprint(batch):
        raise StateError(
            "state is that of another configuration or version of twin_env, expected one of this environment"
        )
    body = data[_HEAD.size :]
    if _checksum((lengths[0], lengths[1]), body) != checksum:
        raise StateError("state is damaged: its checksum is another one")
    return body, (lengths[0], lengths[1])


def _checksum(lengths: tuple[int, int], body: bytes) -> bytes:
    return hashlib.blake2b(struct.pack("<2I", *lengths) + body, digest_size=16).digest()


def _parts(batch: Batch) -> tuple[Any, ...]:
    """Return the arrays that hold a row, each with a row per first index."""
    tasks = batch.tasks.view(np.uint8).reshape(batch.count, -1)
    numbers = batch.rewards[:, None], batch.status[:, None], batch.steps[:, None]
    return raw(batch.worlds), tasks, batch.observations, batch.infos, *numbers


def _fingerprint(batch: Batch) -> bytes:
    """Return a hash of whatever the meaning of the bytes depends on."""
    digest = hashlib.blake2b(digest_size=16)
    for text in (batch.config.model_dump_json(), str(batch.worlds.dtype), str(batch.tasks.dtype), __version__):
        digest.update(text.encode())
    digest.update(batch.market.digest)
    return digest.digest()
