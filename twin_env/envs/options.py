"""What callers of an environment may ask for beside an action: seeds, options of a reset, how much info."""

from collections.abc import Sequence
from typing import Any, Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.experiment import Experiment
from twin_env.envs.batch import Batch
from twin_env.envs.definition import Wishes

InfoLevel = Literal["none", "episode", "step"]
EXPERIMENT: Final = "experiment"
RENDER_MODES: Final = ("ansi", "rgb_array")


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


def take_experiment(options: dict[str, Any] | None) -> tuple[dict[str, Any] | None, Any]:
    """Return the options of a reset without what is to go wrong, and that."""
    if not options or EXPERIMENT not in options:
        return options, None
    return {key: value for key, value in options.items() if key != EXPERIMENT}, options[EXPERIMENT]


def tell_experiment(experiment: Experiment) -> dict[str, str]:
    """Return what goes wrong in an episode as its reset's info says it: nothing, or the experiment as JSON."""
    return {f"chaos/{EXPERIMENT}": experiment.to_json()} if experiment.method else {}


def read_options(options: dict[str, Any] | None, batch: Batch) -> Wishes:
    """Return what the options of a reset ask for.

    Raises:
        ValueError: A key is unknown or its value impossible.
    """
    options = dict(options or {})
    known = batch.face.options
    for key in options:
        if key not in known:
            expected = " or ".join(map(repr, (*known, EXPERIMENT)))
            raise ValueError(f"options key {key!r} is unknown, expected {expected}")
    return batch.face.read_wishes(options, batch.rules)
