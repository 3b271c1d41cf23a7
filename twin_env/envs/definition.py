"""What a batch needs to know of the environment it is made of: one engine, several faces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import gymnasium as gym
import numpy as np

from twin_env.config import Config
from twin_env.core.state.layout import Dtype
from twin_env.envs.layout import Layout
from twin_env.envs.registration import face_of
from twin_env.market.market import Market

_NS_PER_S: Final = 1e9
ANY: Final = -(2**62)  # of a wish: the reset does not say
Wishes = tuple[int, ...]


@dataclass(frozen=True)
class Face:
    """One kind of environment.

    Attributes:
        name: In Gymnasium's registry.
        config: Its configuration's model, with at least ``market`` and ``links``.
        default: Configuration where none is given.
        task: Record of what a row is busy with.
        info_keys: Names of the numbers in an info.
        layout: Of a configuration's observations.
        action_space: Of one row.
        compile_rules: What the kernels need of a configuration, a record array of one.
        horizon_s: How long an episode of a configuration lasts, in seconds.
        read_wishes: Turns the options of a reset into numbers, ``ANY`` where they do not say.
        options: Names of these options.
        start_rows: Kernel ``(first, last, chosen, worlds, world_bytes, template_bytes, opening, tape, anchors, tasks,
            task_bytes, rules, programs, seeds, wishes, observations, infos, rewards, status)``: begins an episode in
            each chosen row from ``first`` to before ``last``.
        step_rows: Kernel ``(first, last, chosen, worlds, tasks, rules, tape, numbers, weights, observations, infos,
            rewards, status)``: carries out an action, int64 ``numbers`` or float64 ``weights``, and lets a step pass.
        mask_rows: Kernel ``(worlds, tasks, rules, masks)``: says which choices do something now.
    """

    name: str
    config: type[Config]
    default: Mapping[str, Any]
    task: Dtype
    info_keys: tuple[str, ...]
    layout: Callable[[Any], Layout]
    action_space: Callable[[Any], gym.Space[Any]]
    compile_rules: Callable[[Any, Market], Any]
    horizon_s: Callable[[Any], float]
    read_wishes: Callable[[Mapping[str, Any], Any], Wishes]
    options: tuple[str, ...]
    start_rows: Any
    step_rows: Any
    mask_rows: Any

    def __reduce__(self) -> tuple[Callable[[str], "Face"], tuple[str]]:
        """Let copies and pickles name the face instead of taking compiled code along."""
        return face_of, (self.name,)


def read_start_ns(start_s: Any, room_ns: int) -> int:
    """Return the start that a reset asks for, after the earliest; ``ANY`` if it does not.

    Args:
        start_s: The option.
        room_ns: Latest start; below 0 where all starts are the same.

    Raises:
        ValueError: There is no such start.
    """
    if start_s is None:
        return ANY
    if room_ns <= 0 and start_s != 0:
        raise ValueError(f"options['start_s']={start_s!r}, but these episodes always start at the same time")
    is_number = isinstance(start_s, int | float | np.integer | np.floating) and not isinstance(start_s, bool)
    if not is_number or not 0 <= start_s * _NS_PER_S <= max(room_ns, 0):
        raise ValueError(f"options['start_s']={start_s!r} is not a number between 0 and {room_ns / _NS_PER_S:.0f}")
    return round(float(start_s) * _NS_PER_S)
