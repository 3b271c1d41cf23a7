"""Checkpoints: folders from which training goes on as if it had never stopped.

One is written between two rollouts, where a model is between learning and acting. It holds the model with its
optimiser, and whatever else the next step depends on: the state of every environment, running statistics, generators
of random numbers, the replay buffer, and what stands beside training (evaluations, curriculum, figures not yet logged).
"""

import pickle
import random
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from agents.training import runs
from agents.training.training import ALGORITHMS
from twin_env.config import ConfigError
from twin_env.files import whole_folder
from twin_env.twin.state import StateError

TRAINING: Final = "training.pkl"
REPLAY_BUFFER: Final = "replay_buffer.npz"
_STATISTICS: Final = ("obs_rms", "ret_rms", "returns")
_NOISE: Final = ("exploration_mat", "exploration_matrices")  # of state-dependent exploration


class Resumable(Protocol):
    """What stands beside training and remembers something."""

    def state(self) -> Any:
        """Return what it remembers, to be pickled."""
        ...

    def restore(self, state: Any) -> None:
        """Remember what :meth:`state` returned."""
        ...


class Checkpoints(BaseCallback):
    """Write a checkpoint every so often, and drop the one before.

    Args:
        run: Folder of the run.
        every_steps: Steps, all environments together, between two; 0 for none.
        parts: What stands beside training, by name.
        resumed: State of the checkpoint that training goes on from.
    """

    def __init__(
        self, run: Path, every_steps: int, parts: Mapping[str, Resumable], resumed: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self._run = run
        self._every = every_steps
        self._parts = parts
        self._resumed = resumed
        self._next = every_steps

    def _on_training_start(self) -> None:
        if self._every:
            self._next = self._every * (self.num_timesteps // self._every + 1)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self._resumed is not None:
            # Only now: loading a model and starting a rollout draw random numbers themselves.
            _restore_randoms(self.model, self._resumed["randoms"])
            self._resumed = None
        elif self._every and self.num_timesteps >= self._next:
            self._next = self._every * (self.num_timesteps // self._every + 1)
            self.write()

    def write(self) -> Path:
        """Write a checkpoint, and return its folder."""
        before = runs.latest_checkpoint(self._run)
        folder = self._run / f"{runs.CHECKPOINT}{self.num_timesteps}"
        with whole_folder(folder) as draft:
            self._fill(draft)
        if before not in (None, folder):
            shutil.rmtree(before)
        return folder

    def _fill(self, folder: Path) -> None:
        write_policy(self.model, folder / runs.MODEL)
        shutil.copyfile(self._run / runs.CONFIG, folder / runs.CONFIG)
        buffer = getattr(self.model, "replay_buffer", None)
        if buffer is not None:
            _write_buffer(buffer, folder / REPLAY_BUFFER)
        state = {
            "environments": _environments_state(self.model.env),
            "randoms": _randoms_state(self.model),
            "log": _log_state(self.model),
            "parts": {name: part.state() for name, part in self._parts.items()},
        }
        (folder / TRAINING).write_bytes(pickle.dumps(state))


def write_policy(model: BaseAlgorithm, path: Path) -> None:
    """Save a model, with the running statistics of its environments as one more member of the zip file."""
    model.save(path)
    normalizer = model.get_vec_normalize_env()
    if normalizer is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(runs.STATISTICS, pickle.dumps(normalizer))


def drop_checkpoints(run: Path) -> None:
    """Remove what nobody needs once the run has finished."""
    while (checkpoint := runs.latest_checkpoint(run)) is not None:
        shutil.rmtree(checkpoint)


def read_checkpoint(
    folder: Path, algo: str, venv: VecMonitor | VecNormalize, device: str
) -> tuple[BaseAlgorithm, dict[str, Any]]:
    """Return a checkpoint's model, and the state for :class:`Checkpoints`; ``venv`` goes where it stood.

    Args:
        folder: Of the checkpoint. Its files can run code when they are loaded: load only what you trust.
        algo: Name of the algorithm.
        venv: Environments as they were made for the run.
        device: Where the model computes.

    Raises:
        ConfigError: A file is missing or damaged, or the environments are of another version.
    """
    try:
        model = ALGORITHMS[algo].load(folder / runs.MODEL, env=venv, device=device, force_reset=False)
        state: dict[str, Any] = pickle.loads((folder / TRAINING).read_bytes())
        _restore_environments(venv, state["environments"])
        buffer = getattr(model, "replay_buffer", None)
        if buffer is not None:
            _read_buffer(buffer, folder / REPLAY_BUFFER)
    except StateError as error:
        raise ConfigError([f"{folder}: was written by another version of twin_env ({error})."]) from error
    except (OSError, EOFError, KeyError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise ConfigError([f"{folder}: cannot be loaded ({error}), expected a whole checkpoint."]) from error
    return model, state


def restore_log(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Give the logger what was recorded and not yet written; the model has its logger."""
    for name, values in state["log"].items():
        getattr(model.logger, name).update(values)


def _log_state(model: BaseAlgorithm) -> dict[str, dict[str, Any]]:
    names = ("name_to_value", "name_to_count", "name_to_excluded")
    return {name: dict(getattr(model.logger, name)) for name in names}


def _environments_state(venv: Any) -> dict[str, Any]:
    monitor: Any = venv.venv if isinstance(venv, VecNormalize) else venv
    return {
        "rows": monitor.venv.get_state(),
        "monitor": (monitor.episode_returns, monitor.episode_lengths, monitor.episode_count),
        "statistics": {name: vars(venv)[name] for name in _STATISTICS if name in vars(venv)},
    }


def _restore_environments(venv: Any, state: dict[str, Any]) -> None:
    monitor: Any = venv.venv if isinstance(venv, VecNormalize) else venv
    monitor.venv.set_state(state["rows"])
    monitor.episode_returns, monitor.episode_lengths, monitor.episode_count = state["monitor"]
    vars(venv).update(state["statistics"])


def _randoms_state(model: BaseAlgorithm) -> dict[str, Any]:
    """Return where every generator stands that a learner draws from."""
    noise = vars(_noise_of(model)) if model.use_sde else {}
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state().numpy(),
        "cuda": [state.numpy() for state in torch.cuda.get_rng_state_all()],
        "actions": model.action_space.np_random.bit_generator.state,
        "noise": {name: noise[name] for name in _NOISE if name in noise},
    }


def _restore_randoms(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(torch.from_numpy(state["torch"]))
    torch.cuda.set_rng_state_all([torch.from_numpy(one) for one in state["cuda"]])
    model.action_space.np_random.bit_generator.state = state["actions"]
    if model.use_sde:
        vars(_noise_of(model)).update(state["noise"])


def _noise_of(model: Any) -> Any:
    """Return the distribution that holds the noise of state-dependent exploration."""
    return getattr(model, "actor", model.policy).action_dist


def _write_buffer(buffer: ReplayBuffer, path: Path) -> None:
    """Write the part of a replay buffer that is filled."""
    arrays = _arrays_of(buffer)
    filled = buffer.buffer_size if buffer.full else min(buffer.pos + 1, buffer.buffer_size)
    place = np.array([buffer.pos, buffer.full], np.int64)
    np.savez(path, place=place, **{name: array[:filled] for name, array in arrays.items()})


def _read_buffer(buffer: ReplayBuffer, path: Path) -> None:
    with np.load(path) as saved:
        for name, array in _arrays_of(buffer).items():
            array[: len(saved[name])] = saved[name]
        buffer.pos, buffer.full = int(saved["place"][0]), bool(saved["place"][1])


def _arrays_of(buffer: ReplayBuffer) -> dict[str, Any]:
    """Return a buffer's arrays by name; those of named observations are ``observations/NAME``."""
    arrays: dict[str, Any] = {}
    for name, value in vars(buffer).items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, dict):
            arrays |= {f"{name}/{key}": one for key, one in value.items() if isinstance(one, np.ndarray)}
    return arrays
