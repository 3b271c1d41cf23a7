"""What callers of an environment may ask for beside an action: seeds, options of a reset, how much info."""

from collections.abc import Sequence
from typing import Any, Final, Literal, cast, get_args

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.experiment import Experiment
from twin_env.core.state.seed import draw_number, world_seed
from twin_env.envs.batch import Batch
from twin_env.envs.definition import EXPERIMENT, ResetOptions

InfoLevel = Literal["none", "episode", "step"]
RENDER_MODES: Final = ("ansi", "rgb_array")
RENDER_FPS: Final = 10


def check_info_level(level: str) -> InfoLevel:
    """Return a level of info.

    Raises:
        ValueError: It is none.
    """
    if level not in get_args(InfoLevel):
        raise ValueError(f"info_level={level!r} is not one of {list(get_args(InfoLevel))}")
    return cast(InfoLevel, level)


def check_render_mode(mode: str | None) -> str | None:
    """Return a render mode.

    Raises:
        ValueError: It is none.
    """
    if mode is not None and mode not in RENDER_MODES:
        raise ValueError(f"render_mode={mode!r} is not one of {list(RENDER_MODES)}")
    return mode


def check_counts(**counts: int | None) -> None:
    """Refuse numbers of rows, threads or steps that are none; ``None`` is no limit.

    Raises:
        ValueError: One is no integer of at least 1.
    """
    for name, count in counts.items():
        if count is not None and (not isinstance(count, int | np.integer) or count < 1):
            raise ValueError(f"{name}={count!r}, expected an integer of at least 1")


def number_episodes(
    randoms: list[np.random.Generator], chosen: NDArray[np.bool_], numbers: Sequence[int | None]
) -> NDArray[np.uint64]:
    """Settle the number of the next episode of each chosen row.

    Args:
        randoms: A generator for each row. That of a row whose number is given is replaced by one seeded with it.
        chosen: bool of shape ``(rows,)``; the generators of the others stay as they are.
        numbers: For each row, ``None`` to draw it.

    Returns:
        uint64 of shape ``(rows,)``: seeds of the worlds, zero where no episode begins.
    """
    seeds = np.zeros(len(randoms), np.uint64)
    for row in map(int, np.flatnonzero(chosen)):
        number = numbers[row]
        if number is not None:
            randoms[row] = gym.utils.seeding.np_random(number)[0]
        seeds[row] = world_seed(draw_number(randoms[row]) if number is None else number)
    return seeds


def split_experiment(options: dict[str, Any] | None) -> tuple[dict[str, Any] | None, Any]:
    """Return the options of a reset without what is to go wrong, and that."""
    if not options or EXPERIMENT not in options:
        return options, None
    return {key: value for key, value in options.items() if key != EXPERIMENT}, options[EXPERIMENT]


def experiment_info(experiment: Experiment) -> dict[str, str]:
    """Return what goes wrong in an episode as its reset's info says it: nothing, or the experiment as JSON."""
    return {f"chaos/{EXPERIMENT}": experiment.to_json()} if experiment.method else {}


def read_options(options: dict[str, Any] | None, batch: Batch) -> ResetOptions:
    """Return what the options of a reset ask for, the experiment aside.

    Raises:
        ValueError: A key is unknown or its value impossible.
    """
    options = dict(options or {})
    known = [option.name for option in batch.definition.reset_options]
    for key in options:
        if key not in known:
            raise ValueError(f"options key {key!r} is unknown, expected {' or '.join(map(repr, known))}")
    return batch.definition.read_options(options, batch.params)
