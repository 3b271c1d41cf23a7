"""What callers of an environment may ask for beside an action: seeds, options of a reset, how much info."""

from collections.abc import Sequence
from typing import Any, Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from twin_env.envs.batch import ANY_START, Batch
from twin_env.envs.rules import ANY_SIDE, NO_END, SIDES

InfoLevel = Literal["none", "episode", "step"]
_NS_PER_S: Final = 1e9
_KEYS: Final = ("side", "start_s")


def check_info_level(level: str) -> InfoLevel:
    """Return a level of info.

    Raises:
        ValueError: It is none.
    """
    if level not in get_args(InfoLevel):
        raise ValueError(f"info_level={level!r} is not one of {list(get_args(InfoLevel))}")
    return cast(InfoLevel, level)


def draw_seeds(randoms: Sequence[np.random.Generator], chosen: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Draw what names the random streams of an episode, for each chosen row from its own generator.

    Returns:
        uint64 of shape ``(rows,)``, zero for the others, whose generators stay as they are.
    """
    seeds = np.zeros(len(randoms), np.uint64)
    for row, (random, wanted) in enumerate(zip(randoms, chosen, strict=True)):
        if wanted:
            seeds[row] = random.integers(2**63)
    return seeds


def read_options(options: dict[str, Any] | None, batch: Batch) -> tuple[int, int]:
    """Return the side and the start that the options of a reset ask for, ``ANY_SIDE`` and ``ANY_START`` without.

    Raises:
        ValueError: A key is unknown or its value impossible.
    """
    options = dict(options or {})
    for key in options:
        if key not in _KEYS:
            raise ValueError(f"options key {key!r} is unknown, expected 'side' or 'start_s'")
    side = options.get("side")
    if side is not None and side not in ("buy", "sell"):
        raise ValueError(f"options['side']={side!r} is not 'buy' or 'sell'")
    return ANY_SIDE if side is None else SIDES[side], _start_ns(options.get("start_s"), batch)


def _start_ns(start_s: float | None, batch: Batch) -> int:
    room_ns = int(batch.rules["room_ns"][0])
    if start_s is None or room_ns == NO_END:
        return ANY_START
    if not 0 <= start_s * _NS_PER_S <= room_ns:
        raise ValueError(f"options['start_s']={start_s} is not between 0 and {room_ns / _NS_PER_S:.0f}")
    return round(start_s * _NS_PER_S)
