"""Read an experiment from whatever names one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.chaos.faults.base import Fault
from twin_env.config import ConfigError
from twin_env.config.errors import show
from twin_env.market.synthetic import MarketConfig

INJECTED: Final = "Injected"
"""Title of an experiment that is given as faults alone."""


def read_experiment(source: Any, market: MarketConfig | str | None = None) -> Experiment:
    """Return an experiment by whatever names one.

    Args:
        source: A model, its keys, a fault or its keys, a list of faults, a file, ``library:NAME``, or a sentence in
            plain words: a text with a space in it, unless a file has that name.
        market: The one that a sentence is about; the default market if not given.

    Raises:
        ConfigError: It is none, or not understood.
    """
    if isinstance(source, str) and " " in source.strip() and not _is_file(source):
        from twin_env.chaos.author import Context, write_experiment  # only who writes sentences pays for the grammar

        return write_experiment(source, None if market is None else Context.of(market))
    if isinstance(source, Fault):
        return Experiment(title=INJECTED, method=(source,))
    if isinstance(source, Mapping) and "kind" in source:
        return load_experiment({"title": INJECTED, "method": [dict(source)]})
    if isinstance(source, list | tuple):
        return load_experiment({"title": INJECTED, "method": list(source)})
    if not isinstance(source, str | Path | Mapping | Experiment):
        raise ConfigError([f"The experiment is {show(source)}, expected a fault, an experiment, or what names one."])
    return load_experiment(source)


def _is_file(text: str) -> bool:
    """Tell whether a text is the path of a file; one that no path can be is not."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a character that no name has
        return False
