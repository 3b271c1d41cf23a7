"""A training run from its first step, or its last checkpoint, to its files."""

import json
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from agents.environments import make_env
from agents.training import board, callbacks, checkpoints, runs, training
from agents.training.config import ON_POLICY, TrainConfig
from agents.training.curriculum_callback import CurriculumCallback
from twin_env.alpha.results import Result
from twin_env.config import ConfigError
from twin_env.files import write_json
from twin_env.provenance import describe_provenance


@dataclass(frozen=True)
class Options:
    """How a run is carried out, beside its configuration.

    Attributes:
        log_folder: Folder of runs.
        tensorboard_log: Folder for TensorBoard; the run's own by default.
        num_threads: Of PyTorch. They wait for each other by spinning: on small networks and busy cores more are slower.
        device: Of PyTorch.
        bar: Draw a progress bar instead of printing lines.
        verbose: 1 prints each rollout's figures, 2 what stable-baselines3 has to say besides.
        command: Words of the command line, to be kept.
        arguments: Values of the flags, likewise.
    """

    log_folder: Path = Path("runs")
    tensorboard_log: Path | None = None
    num_threads: int = 1
    device: str = "cpu"
    bar: bool = False
    verbose: int = 0
    command: Sequence[str] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What training came to.

    Attributes:
        timesteps: Steps of the model, all environments together.
        steps: Of them in this process.
        train_s: Wall clock they took.
        interrupted: Ctrl-C ended it.
        last: Latest evaluation; ``None`` without one.
    """

    timesteps: int
    steps: int
    train_s: float
    interrupted: bool
    last: Result | None


@dataclass
class _Learner:
    """What learns, and where."""

    model: BaseAlgorithm
    venv: VecMonitor | VecNormalize
    curriculum_callback: CurriculumCallback | None


class Session:
    """A run that is ready to train.

    Attributes:
        run: Its folder.
        board: Its folder in TensorBoard.
        config: The run's configuration.
        device: Where the model computes.
        provenance: Seed, versions and machine of this process.
        resumed_at: Step of the checkpoint it goes on from; ``None`` for a new run.
    """

    def __init__(
        self, run: Path, config: TrainConfig, options: Options, learner: _Learner, resumed: dict[str, Any] | None = None
    ) -> None:
        self.run = run
        self.config = config
        self.board = options.tensorboard_log / run.name if options.tensorboard_log else run
        self.device = str(learner.model.device)
        self.provenance = describe_provenance(config.seed, options.command)
        self.provenance |= {"torch_threads": options.num_threads, "device": self.device}
        self.resumed_at = learner.model.num_timesteps if resumed else None
        self._model, self._venv, self._curriculum_callback = learner.model, learner.venv, learner.curriculum_callback
        self._env: gym.Env[Any, Any] = make_env(config.env, config.env_config)
        seeds = self._seeds = training.episode_seeds(config.seed, "evaluation", config.eval_episodes)
        self._evaluation = callbacks.Evaluation(self._env, seeds, config.eval_freq, run)
        self._progress = callbacks.Progress(config.n_timesteps, self._evaluation, options.bar)
        parts: dict[str, checkpoints.Resumable] = {"evaluation": self._evaluation}
        if self._curriculum_callback is not None:
            parts["curriculum_callback"] = self._curriculum_callback
        self._checkpoints = checkpoints.Checkpoints(run, config.checkpoint_every_steps, parts, resumed)
        self._model.set_logger(board.make_logger(self.board, options.verbose > 0, self.resumed_at))
        if resumed is not None:
            checkpoints.restore_log(self._model, resumed)
            for name, part in parts.items():
                part.restore(resumed["parts"][name])

    def draw_rules(self) -> list[Result]:
        """Draw the rules over the whole training in TensorBoard; nothing without evaluations, or if they are there."""
        if not self.config.eval_freq or self.resumed_at is not None:
            return []
        return board.draw_rules(self._env, self._seeds, self.board / runs.RULES_FOLDER, self.config.n_timesteps)

    def learn(self) -> Outcome:
        """Train to the end, or until Ctrl-C, and write the model; a run that finished keeps no checkpoint."""
        first, started_s = self._model.num_timesteps, time.perf_counter()
        interrupted = False
        try:
            self._learn()
        except KeyboardInterrupt:
            interrupted = True
            self._progress.close()
        train_s = time.perf_counter() - started_s
        self._save()
        if not interrupted:
            checkpoints.drop_checkpoints(self.run)
        self._model.logger.close()
        self._venv.close()
        done = self._model.num_timesteps
        return Outcome(done, done - first, train_s, interrupted, self._evaluation.last)

    def _learn(self) -> None:
        # Checkpoints come after whatever draws or logs at the start of a rollout.
        present: list[BaseCallback] = [callbacks.EpisodeFigures(self.config), self._evaluation]
        present += [self._curriculum_callback] if self._curriculum_callback is not None else []
        present += [self._checkpoints, self._progress]
        # One line of logs per rollout; algorithms that learn from every step count episodes instead.
        log_interval = 1 if self.config.algo in ON_POLICY else self.config.n_envs
        self._model.learn(
            self.config.n_timesteps - self._model.num_timesteps,
            callback=present,
            log_interval=log_interval,
            reset_num_timesteps=self.resumed_at is None,
        )
        if self.config.eval_freq:
            self._evaluation.evaluate()

    def _save(self) -> None:
        training.save_whole(lambda path: checkpoints.write_policy(self._model, path), self.run / runs.MODEL)
        normalizer = self._model.get_vec_normalize_env()
        if normalizer is not None:
            training.save_whole(lambda path: normalizer.save(str(path)), self.run / runs.STATISTICS)
        if self._curriculum_callback is not None:
            training.save_whole(self._curriculum_callback.save, self.run / runs.CURRICULUM)


def begin(config: TrainConfig, options: Options) -> Session:
    """Make the environments, the model and the run's folder, with all it takes to do this again.

    Raises:
        ConfigError: A hyperparameter or the device is refused, or the folder cannot be written.
    """
    device = training.check_device(options.device)
    torch.set_num_threads(options.num_threads)
    curriculum_callback = training.make_curriculum_callback(config)
    venv = training.make_training_envs(config, curriculum_callback)
    model = training.make_model(config, venv, device, options.verbose)
    run = runs.create_run(options.log_folder, f"{config.algo}_{config.env}")
    try:
        runs.write_yaml(run / runs.CONFIG, config.model_dump(mode="json"))
        runs.write_yaml(run / runs.ARGUMENTS, dict(options.arguments))
        _keep_command(run, options)
        session = Session(run, config, options, _Learner(model, venv, curriculum_callback))
        write_json(run / runs.PROVENANCE, session.provenance)
    except (OSError, ConfigError):  # the disk is full, or gone
        shutil.rmtree(run, ignore_errors=True)
        raise
    return session


def resume(run: Path, options: Options) -> Session:
    """Go on from a run's last checkpoint, on the threads, the device and the board it began with.

    Raises:
        ConfigError: There is no checkpoint, it is damaged, or of another version.
    """
    config, checkpoint = runs.read_resumable(run)
    options = _options_of(run, options)
    torch.set_num_threads(options.num_threads)
    curriculum_callback = training.make_curriculum_callback(config)
    venv = training.make_training_envs(config, curriculum_callback)
    model, state = checkpoints.read_checkpoint(checkpoint, config.algo, venv, training.check_device(options.device))
    _keep_command(run, options)
    return Session(run, config, options, _Learner(model, venv, curriculum_callback), state)


def _options_of(run: Path, options: Options) -> Options:
    """Return options with those that a run began with."""
    try:
        began = json.loads((run / runs.PROVENANCE).read_text(encoding="utf-8"))
        board_folder = runs.read_arguments(run).get("tensorboard_log")
        return replace(
            options,
            num_threads=began["torch_threads"],
            device=began["device"],
            tensorboard_log=Path(board_folder) if board_folder else None,
        )
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError([f"{run}: {runs.PROVENANCE} cannot be read ({error}), expected that of the run."]) from error


def _keep_command(run: Path, options: Options) -> None:
    with (run / runs.COMMAND).open("a", encoding="utf-8") as file:
        file.write(shlex.join(options.command) + "\n")
