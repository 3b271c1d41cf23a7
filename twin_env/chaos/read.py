"""Read an experiment from whatever names one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twin_env.chaos.experiment import Experiment, load_experiment


def read_experiment(source: str | Path | Mapping[str, Any] | Experiment) -> Experiment:
    """Return an experiment by a model, its keys, a file, ``library:NAME`` or a sentence in plain words.

    Raises:
        ConfigError: It is none, or not understood.
    """
    if isinstance(source, str) and " " in source.strip() and not Path(source).is_file():
        from twin_env.chaos.author import write_experiment  # only who writes sentences pays for the grammar

        return write_experiment(source)
    return load_experiment(source)
