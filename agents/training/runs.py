"""Folders of runs, laid out as rl-baselines3-zoo does."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.training.config import TrainConfig, load_train_config
from twin_env.config import ConfigError, dump_yaml, read_yaml
from twin_env.files import write_text

MODEL: Final = "model.zip"
BEST_MODEL: Final = "best_model.zip"
STATISTICS: Final = "vecnormalize.pkl"
CONFIG: Final = "config.yml"
ARGUMENTS: Final = "args.yml"
COMMAND: Final = "command.txt"
PROVENANCE: Final = "provenance.json"
CURRICULUM: Final = "curriculum.json"
EVALUATIONS: Final = "evaluations.npz"
CHECKPOINT: Final = "checkpoint_"  # and the step
RULES_FOLDER: Final = "rules"


@dataclass(frozen=True)
class FoundModel:
    """A model of a run.

    Attributes:
        file: The zip file.
        note: One sentence on a run that has not finished, and what of it is there; empty for others.
    """

    file: Path
    note: str = ""


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
    """Return the run whose model was saved last, finished or not.

    Args:
        folder: Of runs.
        env: Name of the environment it was trained in; any by default.

    Raises:
        ConfigError: There is none.
    """
    places = (MODEL, BEST_MODEL, f"{CHECKPOINT}*/{MODEL}")
    models = [model for place in places for model in folder.glob(f"*/{place}")]
    models.sort(key=lambda model: -model.stat().st_mtime_ns)
    for run in (folder / model.relative_to(folder).parts[0] for model in models):
        if env is None or _trained_in(run) == env:
            return run
    of = f" of {env}" if models else ""
    raise ConfigError([f"{folder}: holds no trained run{of}, expected one made by twin train."])


def _trained_in(run: Path) -> str | None:
    config = read_run_config(run)
    return config.env if config else None


def latest_checkpoint(run: Path) -> Path | None:
    """Return the folder of a run's last checkpoint; they are whole, or under another name."""
    found = {int(name[1]): path for path in run.glob("*") if (name := re.fullmatch(rf"{CHECKPOINT}(\d+)", path.name))}
    return found[max(found)] if found else None


def read_resumable(run: Path) -> tuple[TrainConfig, Path]:
    """Return the configuration of a run and its last checkpoint.

    Raises:
        ConfigError: It is no run, has finished, or was stopped before its first checkpoint.
    """
    config = read_run_config(run) if run.is_dir() else None
    checkpoint = latest_checkpoint(run)
    if config is None:
        raise ConfigError([f"{run}: holds no {CONFIG}, expected the folder of a run of twin train."])
    if checkpoint is None:
        found = "has finished" if (run / MODEL).is_file() else "was stopped before its first checkpoint"
        raise ConfigError([f"{run}: {found}, there is nothing to go on from."])
    return config, checkpoint


def find_model(path: Path) -> FoundModel:
    """Return the model to play: a file as it is; of a run the one at its end, else the one trained longest.

    Raises:
        ConfigError: There is none; says what is there instead.
    """
    if not path.is_dir():
        if not path.is_file():
            raise ConfigError([f"{path}: there is no such file, expected a trained model or the folder of a run."])
        return FoundModel(path)
    checkpoint = latest_checkpoint(path)
    if checkpoint is None and (path / MODEL).is_file():
        return FoundModel(path / MODEL)
    places = [path / MODEL, path / BEST_MODEL] if checkpoint is None else [checkpoint / MODEL, path / MODEL]
    models = [model for model in places if model.is_file()]
    if not models:
        there = ", ".join(sorted(file.name for file in path.iterdir())) or "nothing"
        raise ConfigError(
            [f"{path}: holds no {MODEL}, no checkpoint and no {BEST_MODEL}, only {there}; expected a trained run."]
        )
    return _describe_unfinished(path, max(models, key=_steps_of))


def _describe_unfinished(run: Path, model: Path) -> FoundModel:
    played = model.relative_to(run)
    note = f"{run}: training has not finished, {played} of step {_steps_of(model):,} plays"
    if model.name != BEST_MODEL and (run / BEST_MODEL).is_file():
        note += f" ({BEST_MODEL} of step {_steps_of(run / BEST_MODEL):,} is there too)"
    if latest_checkpoint(run) is None:
        return FoundModel(model, f"{note}; there is no checkpoint to go on from.")
    return FoundModel(model, f"{note}; twin train --resume {run} goes on.")


def _steps_of(model: Path) -> int:
    """Return for how many steps a model was trained, without loading it; 0 if it does not say."""
    try:
        with zipfile.ZipFile(model) as archive:
            return int(json.loads(archive.read("data"))["num_timesteps"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return 0


def read_run_config(path: Path) -> TrainConfig | None:
    """Return what a run was trained with, from its folder or a model in it; ``None`` if nothing tells."""
    file = (path if path.is_dir() else path.parent) / CONFIG
    return load_train_config(file) if file.is_file() else None


def read_arguments(run: Path) -> dict[str, Any]:
    """Return the flags that a run began with."""
    return read_yaml(run / ARGUMENTS)


def run_label(path: Path) -> str:
    """Return a short name of a run or a model: ``ppo_3`` for run 3 of PPO, in any environment."""
    folder = path if path.is_dir() else path.parent
    config = read_run_config(path)
    label = folder.name.replace(f"_{config.env}_", "_") if config else folder.name
    return label if path.is_dir() or path.name == MODEL else f"{label}_{path.stem}"


def write_yaml(path: Path, data: dict[str, Any]) -> None:
    """Write a mapping as YAML, keys in the order given."""
    write_text(path, dump_yaml(data))
