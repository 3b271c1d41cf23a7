"""The one seed rule.

A run has one number, the user's seed. It is the seed of the world: ``core`` derives every random stream of the market,
of the wires, of faults and of the task from it, each by a key of its own (``core.state.rng``). Whatever else draws (a
policy, a sampler of experiments) derives its generator here, from the same number and its purpose. So the number that a
table prints, typed into any command, an environment's ``reset`` or a ``Twin``, gives the same market.
"""

import hashlib
from typing import Any, Final

import numpy as np

LARGEST_SEED: Final = 2**63 - 1
_DRAWN_BELOW: Final = 2**31  # of episodes that nobody named: exact as a float, short enough to type


def world_seed(seed: Any) -> int:
    """Return the seed of a world, the user's number itself.

    Raises:
        ValueError: It is no integer from 0 to 2^63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"seed={seed!r}, expected an integer from 0 to {LARGEST_SEED}")
    return int(seed)


def draw_seed(random: np.random.Generator) -> int:
    """Return the number of an episode that nobody named."""
    return int(random.integers(_DRAWN_BELOW))


def stream_seed(seed: int, purpose: str) -> int:
    """Return the seed of a generator outside the world, for what ``purpose`` names (``policy``, ``experiment``)."""
    digest = hashlib.blake2b(f"{world_seed(seed)} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
