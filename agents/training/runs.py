"""Folders of runs, laid out as rl-baselines3-zoo does."""

import re
from pathlib import Path
from typing import Any, Final

from agents.training.config import TrainConfig, load_train_config
from twin_env.config import ConfigError, dump_yaml

MODEL: Final = "model.zip"
BEST_MODEL: Final = "best_model.zip"
STATISTICS: Final = "vecnormalize.pkl"
CONFIG: Final = "config.yml"
ARGUMENTS: Final = "args.yml"
COMMAND: Final = "command.txt"
PROVENANCE: Final = "provenance.json"
CURRICULUM: Final = "curriculum.json"
EVALUATIONS: Final = "evaluations.npz"


def create_run(folder: Path, name: str) -> Path:
    """Create ``folder/name_n`` with the next free n, also when others do so at the same time.

    Raises:
        ConfigError: The folder cannot be written.
    """
    numbers = [
        int(match[1]) for path in folder.glob("*") if (match := re.fullmatch(rf"{re.escape(name)}_(\d+)", path.name))
    ]
    number = max(numbers, default=0) + 1
    while True:
        run = folder / f"{name}_{number}"
        try:
            run.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise ConfigError([f"{run}: cannot be created ({error.strerror}), expected a writable folder."]) from None
        else:
            return run


def latest_run(folder: Path, env: str | None = None) -> Path:
    """Return the run whose model was saved last.

    Args:
        folder: Of runs.
        env: Name of the environment it was trained in; any by default.

    Raises:
        ConfigError: There is none.
    """
    models = sorted(folder.glob(f"*/{MODEL}"), key=lambda model: -model.stat().st_mtime_ns)
    for model in models:
        if env is None or _trained_in(model) == env:
            return model.parent
    of = f" of {env}" if models else ""
    raise ConfigError([f"{folder}: holds no trained run{of}, expected one made by train.py."])


def _trained_in(model: Path) -> str | None:
    config = read_run_config(model)
    return config.env if config else None


def read_run_config(path: Path) -> TrainConfig | None:
    """Return what a run was trained with, from its folder or a model in it; ``None`` if nothing tells."""
    file = (path if path.is_dir() else path.parent) / CONFIG
    return load_train_config(file) if file.is_file() else None


def run_label(path: Path) -> str:
    """Return a short name of a run or a model: ``ppo_3`` for run 3 of PPO, in any environment."""
    folder = path if path.is_dir() else path.parent
    config = read_run_config(path)
    label = folder.name.replace(f"_{config.env}_", "_") if config else folder.name
    return label if path.is_dir() or path.name == MODEL else f"{label}_{path.stem}"


def write_text(path: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_yaml(path: Path, data: dict[str, Any]) -> None:
    """Write a mapping as YAML, keys in the order given."""
    path.write_text(dump_yaml(data), encoding="utf-8")
