"""The seed rule: one number names one episode, in every command and every environment.

* The number that a user types is the seed of the world, unchanged. The core derives the stream of each subsystem from
  it by key (:func:`twin_env.core.state.rng.stream_key`), the draws of a task (its side, its size, its start) included.
* Row ``i`` of a batch that is seeded with ``s`` plays the episode of number ``s + i``.
* An episode that nobody seeded draws its number from the generator of its row: an integer below ``DRAWN_BELOW``, small
  enough for a float to hold exactly, so that it survives an ``info`` and a table.
* What is random outside the world (the experiment of an episode, a policy that samples) has streams of its own, keyed
  by the same number and the name of the purpose: :func:`stream_seed`. Nobody's draws shift when somebody else is added.

So the number in any table, given to any ``reset(seed=...)`` or ``--seed``, plays the same market again.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

MAX_SEED: Final = 2**63 - 1
DRAWN_BELOW: Final = 2**31

EXPERIMENT: Final = "experiment"
POLICY: Final = "policy"
"""Purposes of streams outside the world."""


def check_seed(seed: Any) -> int:
    """Return a seed as a plain integer.

    Raises:
        ValueError: It is no integer from 0 to ``MAX_SEED``.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed={seed!r}, expected an integer from 0 to {MAX_SEED} (2^63 - 1)")
    return int(seed)


def world_seed(seed: int) -> np.uint64:
    """Return the seed of the world that is the episode of a number.

    Raises:
        ValueError: It is no integer from 0 to ``MAX_SEED``.
    """
    return np.uint64(check_seed(seed))


def episode_numbers(seed: int | Sequence[int | None] | None, rows: int) -> list[int | None]:
    """Return the number of each row's next episode, as the seed of a batch says it.

    Args:
        seed: Of the first row, the others follow by ones; or one for each row; ``None`` for numbers that are drawn.
        rows: How many there are.

    Returns:
        One for each row, ``None`` where the row draws it by :func:`draw_number`.

    Raises:
        ValueError: There is not one for each row, or one is out of range.
    """
    if seed is None:
        return [None] * rows
    if isinstance(seed, Sequence | np.ndarray):
        if len(seed) != rows:
            raise ValueError(f"seed has {len(seed)} entries, expected one for each of the {rows} rows")
        return [None if one is None else check_seed(one) for one in seed]
    first = check_seed(seed)
    check_seed(first + rows - 1)
    return list(range(first, first + rows))


def draw_number(random: np.random.Generator) -> int:
    """Draw the number of an episode that nobody seeded."""
    return int(random.integers(DRAWN_BELOW))


def stream_seed(seed: int, purpose: str) -> int:
    """Return the seed of a stream outside the world, for one purpose in the episode of a number.

    Args:
        seed: The episode's number.
        purpose: Name of the stream, such as ``POLICY``.

    Returns:
        An integer from 0 to ``MAX_SEED``: 63 bits of a BLAKE2b hash of both.
    """
    digest = hashlib.blake2b(check_seed(seed).to_bytes(8, "little") + purpose.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") & MAX_SEED
