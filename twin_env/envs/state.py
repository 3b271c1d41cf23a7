"""The state of an episode as bytes: to store, to send, to come back to.

Bytes hold a version, a fingerprint of layout and configuration, the row's world and parent order, what it shows, and
the generator that will name the next episodes. No code and no objects: reading them runs nothing.
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

VERSION: Final = 3
_MAGIC: Final = b"TWIN"
_HEAD: Final = struct.Struct("<4sH16sII")  # magic, version, fingerprint, bytes of the generator, of the experiment


class StateError(ValueError):
    """Bytes that are not a state of this environment. One sentence: what was found, what was expected."""


def pack(batch: Batch, row: int, random: np.random.Generator) -> bytes:
    """Return the state of one row."""
    generator = json.dumps(random.bit_generator.state).encode()
    experiment = batch.experiments.current[row].to_json().encode()
    head = _HEAD.pack(_MAGIC, VERSION, _fingerprint(batch), len(generator), len(experiment))
    return b"".join([head, generator, experiment, *(part[row].tobytes() for part in _parts(batch))])


def unpack(state: bytes, batch: Batch, row: int) -> np.random.Generator:
    """Write a state into one row and return its generator.

    Raises:
        StateError: The bytes are not a state, or that of another version, configuration or market.
    """
    if not isinstance(state, bytes | bytearray) or len(state) < _HEAD.size or state[:4] != _MAGIC:
        raise StateError("state is not one that get_state() returned: it does not begin with b'TWIN'")
    _, version, fingerprint, length, experiment_length = _HEAD.unpack_from(state)
    if version != VERSION:
        raise StateError(f"state is of version {version}, expected {VERSION}")
    if fingerprint != _fingerprint(batch):
        raise StateError(
            "state is that of another configuration or version of twin_env, expected one of this environment"
        )
    parts = _parts(batch)
    expected = _HEAD.size + length + experiment_length + sum(part[row].nbytes for part in parts)
    if len(state) != expected:
        raise StateError(f"state has {len(state)} bytes, expected {expected}")
    place = _HEAD.size + length + experiment_length
    for part in parts:
        size = part[row].nbytes
        part[row] = np.frombuffer(state, part.dtype, part[row].size, place).reshape(part[row].shape)
        place += size
    batch.experiments.current[row] = Experiment.model_validate_json(
        state[_HEAD.size + length : _HEAD.size + length + experiment_length]
    )
    random = np.random.Generator(np.random.PCG64())
    random.bit_generator.state = json.loads(state[_HEAD.size : _HEAD.size + length])
    return random


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
