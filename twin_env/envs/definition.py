"""What an environment states about itself: the one object from which everything else learns what it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import gymnasium as gym
import numpy as np

from twin_env.alpha.objective import Objective
from twin_env.config import Config, load_config
from twin_env.core.state.layout import Dtype
from twin_env.envs.info import InfoSchema
from twin_env.envs.layout import Layout
from twin_env.envs.registration import definition_of
from twin_env.envs.rows import RowKernels
from twin_env.envs.task import NOT_GIVEN
from twin_env.market.market import Market

_NS_PER_S: Final = 1e9
PRESETS: Final = "environments"  # folder of presets of whole environments
ResetOptions = tuple[int, ...]
"""The options of a reset as kernels read them, ``NOT_GIVEN`` where it does not say."""


@dataclass(frozen=True)
class ResetOption:
    """A key of ``reset(options=...)``.

    Attributes:
        name: The key.
        type: Of its value, in words.
        choices: Values it may have; empty where a range says it.
        meaning: What it fixes.
    """

    name: str
    type: str
    choices: tuple[str, ...]
    meaning: str


EXPERIMENT: Final = "experiment"
EXPERIMENT_OPTION: Final = ResetOption(
    EXPERIMENT,
    "an experiment: a model, its keys, a file, library:NAME or a sentence",
    (),
    "what goes wrong in this episode, instead of what the configuration says",
)


@dataclass(frozen=True)
class EnvDefinition:
    """One kind of environment: ``env.unwrapped.definition``, or :func:`definition_of` by its name.

    Attributes:
        name: In Gymnasium's registry.
        config: Its configuration's model, with at least ``market``, ``links``, ``task``, ``action`` and ``chaos``.
        objectives: What may judge an episode, by info of its last step; the first is the headline.
        info: Every number of an info, with its unit and meaning.
        ordered_lots: Info keys that sum to the lots which an episode was to trade.
        reset_options: What ``reset(options=...)`` takes.
        task: Record of what a row is busy with.
        layout: Layout of a configuration's observations.
        action_space: Space of one row's actions, by ``config.action``.
        compile_params: What the kernels need of a configuration in its market, a record array of one.
        read_options: Turns the options of a reset into numbers for the kernels, given what ``compile_params`` made.
        longest_ns: How long an episode of a configuration lasts at most in its market, in nanoseconds.
        rows: The kernels that start, step and mask rows.
    """

    name: str
    config: type[Config]
    objectives: tuple[Objective, ...]
    info: InfoSchema
    ordered_lots: tuple[str, ...]
    reset_options: tuple[ResetOption, ...]
    task: Dtype
    layout: Callable[[Any], Layout]
    action_space: Callable[[Any], gym.Space[Any]]
    compile_params: Callable[[Any, Market], Any]
    read_options: Callable[[Mapping[str, Any], Any], ResetOptions]
    longest_ns: Callable[[Any, Market], int]
    rows: RowKernels

    @property
    def objective(self) -> Objective:
        """What judges a policy unless somebody asks for another."""
        return self.objectives[0]

    @property
    def default(self) -> Any:
        """The configuration where none is given."""
        return self.config()

    @property
    def codecs(self) -> tuple[str, ...]:
        """Names of the action codecs, as ``action.codec`` takes them."""
        models = get_args(self.config.model_fields["action"].annotation)
        return tuple(get_args(model.model_fields["codec"].annotation)[0] for model in models)

    def objective_named(self, name: str) -> Objective:
        """Return an objective by its name.

        Raises:
            ValueError: The environment has none of this name.
        """
        for objective in self.objectives:
            if objective.name == name:
                return objective
        known = ", ".join(objective.name for objective in self.objectives)
        raise ValueError(f"objective={name!r} is not one of {known}")

    def load_config(self, source: str | Path | Mapping[str, Any] | Any | None = None, **overrides: Any) -> Any:
        """Return a configuration.

        Args:
            source: A preset's name, a path, a mapping, a model, or ``None``; what it does not say is the default.
            overrides: Single keys; dots reach into mappings.

        Raises:
            ConfigError: One sentence for each problem.
        """
        return load_config(self.config, source, folder=PRESETS, **overrides)

    def horizon_s(self, config: Any, market: Market | None = None) -> float:
        """Return how long an episode of a configuration lasts at most, in seconds, a session to its close included.

        Args:
            config: Of the environment.
            market: The market it is played in, if it is there already.
        """
        return self.longest_ns(config, market or Market(config.market, config.links)) / _NS_PER_S

    def wanted_lots(self, info: Mapping[str, float]) -> int:
        """Return the lots that an episode was to trade, from the info of its last step."""
        return round(sum(info[key] for key in self.ordered_lots))

    def __reduce__(self) -> tuple[Callable[[str], "EnvDefinition"], tuple[str]]:
        """Let copies and pickles name the definition instead of taking compiled code along."""
        return definition_of, (self.name,)


def read_start_ns(start_s: Any, room_ns: int) -> int:
    """Return the start that a reset asks for, after the earliest; ``NOT_GIVEN`` if it does not.

    Args:
        start_s: The option.
        room_ns: Latest start; below 0 where all starts are the same.

    Raises:
        ValueError: There is no such start.
    """
    if start_s is None:
        return NOT_GIVEN
    if room_ns <= 0 and start_s != 0:
        raise ValueError(f"options['start_s']={start_s!r}, but these episodes always start at the same time")
    is_number = isinstance(start_s, int | float | np.integer | np.floating) and not isinstance(start_s, bool)
    if not is_number or not 0 <= start_s * _NS_PER_S <= max(room_ns, 0):
        raise ValueError(f"options['start_s']={start_s!r} is not a number between 0 and {room_ns / _NS_PER_S:.0f}")
    return round(float(start_s) * _NS_PER_S)
