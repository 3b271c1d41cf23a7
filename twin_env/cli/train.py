"""``twin train``: train a policy with stable-baselines3, and write the folder of the run.

Read it from top to bottom: arguments, configuration, environments, model, callbacks, training, files.
"""

import argparse
import json
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options
from twin_env.cli.agents_package import require_agents

if TYPE_CHECKING:
    from agents.training.callbacks import Evaluation
    from agents.training.config import TrainConfig
    from agents.training.teacher import Teacher

HELP: Final = "train a policy with stable-baselines3"
EXAMPLES: Final = (
    "twin train --config quickstart",
    "twin train --config quickstart --seed 7 -n 500000 --links adversarial --set task.lots=50 hyperparams.gamma=0.99",
    "twin train --env TwinTrading-v0 --algo dqn --set action.codec=positions --smoke",
)
INTERRUPTED: Final = " before training began, there is no model"
SMOKE_STEPS: Final = 64
_FLAGS: Final = ("algo", "seed", "n_timesteps", "n_envs", "eval_freq", "eval_episodes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; those of the algorithm have the names of rl-baselines3-zoo."""
    options.add_config(parser, "20 lots of mgc_2025 in two minutes")
    parser.add_argument("--algo", help="ppo, a2c, sac or dqn")
    options.add_seed(parser, "names every random number of the run", None)
    parser.add_argument(
        "-n", "--n-timesteps", type=options.positive, metavar="N", help="steps, all environments together"
    )
    parser.add_argument("--n-envs", type=options.positive, metavar="N", help="environments stepped side by side")
    parser.add_argument(
        "--eval-freq", type=options.natural, metavar="N", help="steps between two evaluations, 0 for none"
    )
    parser.add_argument("--eval-episodes", type=options.positive, metavar="N", help="episodes of each evaluation")
    options.add_torch(parser)
    options.add_out(parser, "folder of runs", metavar="FOLDER", default=options.RUNS)
    parser.add_argument("--tensorboard-log", type=Path, metavar="FOLDER", help="for TensorBoard; the run's by default")
    parser.add_argument("--progress", action="store_true", help="draw a bar also where there is no terminal")
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=0, help="1 prints each rollout's figures")
    parser.add_argument("--smoke", action="store_true", help="try the whole path in seconds, learn nothing")
    options.add_json(parser)


def read_config(arguments: argparse.Namespace) -> "TrainConfig":
    """Combine the file with the flags; a flag that was given wins."""
    from agents.training.config import load_train_config

    changes: dict[str, Any] = {}
    if arguments.smoke:
        algo = arguments.algo or load_train_config(arguments.config).algo
        sizes = {"ppo": {"n_steps": SMOKE_STEPS, "batch_size": SMOKE_STEPS, "n_epochs": 1}, "a2c": {"n_steps": 8}}
        changes = {"n_timesteps": 4 * SMOKE_STEPS, "n_envs": 2, "eval_freq": 2 * SMOKE_STEPS, "eval_episodes": 2}
        changes |= {f"hyperparams.{key}": value for key, value in sizes.get(algo, {}).items()}
    changes |= {name: getattr(arguments, name) for name in _FLAGS if getattr(arguments, name) is not None}
    return load_train_config(arguments.config, **changes | options.config_changes(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Train, write the run's folder, and return the exit code."""
    require_agents()
    config = read_config(arguments)
    # PyTorch and compiled kernels take their time, and nobody should wonder whether anything happens.
    print(f"{config.algo} on {config.env}, {config.n_timesteps:,} steps, seed {config.seed}: preparing ...", flush=True)
    return train(arguments, config)


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        interrupted: Whether somebody stopped it.
        timesteps: Steps done.
        setup_s: Time before the first of them.
        train_s: Time for them.
    """

    interrupted: bool
    timesteps: int
    setup_s: float
    train_s: float

    @property
    def steps_per_s(self) -> float:
        """Steps a second, evaluations included."""
        return self.timesteps / self.train_s


def train(arguments: argparse.Namespace, config: "TrainConfig") -> int:
    """Train as the configuration says, and return the exit code."""
    # They take seconds to import, and a mistyped flag should not.
    from stable_baselines3.common import logger as sb3_logger

    from agents.environments import make_env
    from agents.training import callbacks, runs, training
    from twin_env.report.provenance import describe_provenance

    started_s = time.perf_counter()
    prepare_torch(arguments)
    teacher = training.make_teacher(config)
    venv = training.make_training_envs(config, teacher)
    model = training.make_model(config, venv, arguments.device, arguments.verbose)
    evaluation_env = make_env(config.env, config.env_config)
    seeds = training.episode_seeds(config.seed, "evaluation", config.eval_episodes)
    provenance = describe_provenance(config.seed, arguments.command) | {
        "torch_threads": arguments.num_threads,
        "device": str(model.device),
    }
    run_folder = runs.create_run(arguments.out, f"{config.algo}_{config.env}")
    try:
        write_inputs(run_folder, arguments, config, provenance)
        board = arguments.tensorboard_log / run_folder.name if arguments.tensorboard_log else run_folder
        print(
            f"Training {config.algo} on {config.env}: {config.n_timesteps:,} steps in {config.n_envs} environments, "
            f"{arguments.num_threads} torch thread(s), {model.device}, seed {config.seed}; files in {run_folder}",
            flush=True,
        )
        formats = ["tensorboard", "stdout"] if arguments.verbose else ["tensorboard"]
        model.set_logger(sb3_logger.configure(str(board), formats))
        evaluation = callbacks.Evaluation(evaluation_env, seeds, config.eval_freq, run_folder)
        done = learn(arguments, config, model, evaluation, teacher, time.perf_counter() - started_s)
        save(run_folder, model, venv, teacher)
    except OSError:  # the disk is full, or gone
        clean_up(run_folder)
        raise
    if arguments.json:
        summary = summarize(done, evaluation) | {
            "run": str(run_folder),
            "tensorboard": str(board),
            "config": config.model_dump(mode="json"),
            "provenance": provenance,
        }
        arguments.json.write(summary)
    report(done, evaluation, run_folder, board)
    return 130 if done.interrupted else 0


def prepare_torch(arguments: argparse.Namespace) -> None:
    """Tell PyTorch its threads, and check its device.

    Raises:
        ValueError: There is no such device here; stable-baselines3 would take the CPU without a word.
    """
    import torch

    # Threads of PyTorch wait for each other by spinning: on small networks and busy cores more are slower.
    torch.set_num_threads(arguments.num_threads)
    if arguments.device == "auto":
        return
    try:
        torch.empty(0, device=arguments.device)
    except (AssertionError, RuntimeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"--device is {arguments.device!r}, which PyTorch cannot use here ({reason}), expected cpu."
        ) from None


def write_inputs(
    folder: Path, arguments: argparse.Namespace, config: "TrainConfig", provenance: dict[str, Any]
) -> None:
    """Write all it takes to do this again."""
    from agents.training import runs

    given = {name: value for name, value in vars(arguments).items() if name != "command"}
    given["settings"] = dict(arguments.settings)
    runs.write_yaml(folder / runs.CONFIG, config.model_dump(mode="json"))
    runs.write_yaml(folder / runs.ARGUMENTS, {name: _plain(value) for name, value in given.items()})
    (folder / runs.COMMAND).write_text(shlex.join(arguments.command) + "\n", encoding="utf-8")
    (folder / runs.PROVENANCE).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


def learn(
    arguments: argparse.Namespace,
    config: "TrainConfig",
    model: Any,
    evaluation: "Evaluation",
    teacher: "Teacher | None",
    setup_s: float,
) -> Trained:
    """Let the model learn until the end, or until somebody stops it."""
    from agents.training import callbacks
    from agents.training.config import ON_POLICY

    progress = callbacks.Progress(config.n_timesteps, evaluation, arguments.progress or callbacks.is_terminal())
    present = [callbacks.EpisodeFigures(config), evaluation, progress] + ([teacher] if teacher else [])
    interrupted, started_s = False, time.perf_counter()
    try:
        # One line of logs per rollout; algorithms that learn from every step count episodes instead.
        log_interval = 1 if config.algo in ON_POLICY else config.n_envs
        model.learn(config.n_timesteps, callback=present, log_interval=log_interval)
        if config.eval_freq:
            evaluation.evaluate()
    except KeyboardInterrupt:
        interrupted = True
        progress.close()
    return Trained(interrupted, model.num_timesteps, setup_s, time.perf_counter() - started_s)


def save(folder: Path, model: Any, venv: Any, teacher: "Teacher | None") -> None:
    """Save what was learned."""
    from stable_baselines3.common.vec_env import VecNormalize

    from agents.training import runs, training

    training.save_whole(model.save, folder / runs.MODEL)
    if isinstance(venv, VecNormalize):
        training.save_whole(lambda path: venv.save(str(path)), folder / runs.STATISTICS)
    if teacher:
        training.save_whole(teacher.save, folder / runs.CURRICULUM)
    model.logger.close()
    venv.close()


def clean_up(folder: Path) -> None:
    """Remove drafts from a run's folder, and the folder too if no model is whole in it."""
    from agents.training import runs

    for draft in folder.glob(".*.part*"):
        draft.unlink(missing_ok=True)
    if not any((folder / name).is_file() for name in (runs.MODEL, runs.BEST_MODEL)):
        shutil.rmtree(folder, ignore_errors=True)


def summarize(done: Trained, evaluation: "Evaluation") -> dict[str, Any]:
    """Return the figures of a training, ready for JSON."""
    from twin_env.alpha.results import Interval

    last = evaluation.results[-1] if evaluation.results else None
    return {
        "schema": 1,
        "interrupted": done.interrupted,
        "timesteps": done.timesteps,
        "setup_s": done.setup_s,
        "train_s": done.train_s,
        "steps_per_s": done.steps_per_s,
        "evaluation_timesteps": last.timesteps if last else None,
        "evaluation_is_bps": Interval.of(last.values("exec/is_bps")).as_dict() if last else None,
        "evaluation_without_drift_bps": Interval.of(last.without_drift_bps).as_dict() if last else None,
    }


def report(done: Trained, evaluation: "Evaluation", folder: Path, board: Path) -> None:
    """Print what came of it, and the commands that go on from here."""
    from agents.training import runs

    print(f"{done.timesteps:,} steps in {done.train_s:.1f} s ({done.steps_per_s:,.0f} steps/s)")
    if evaluation.results:
        last = evaluation.results[-1]
        print(f"At step {last.timesteps:,}: {last.headline}, mean of {len(last.episodes)} episodes")
    print(f"{'Interrupted: the model as it was is saved' if done.interrupted else 'Saved'} in {folder / runs.MODEL}")
    print(f"Evaluate:    twin evaluate --policies {folder}\nTensorBoard: twin board {board.parent}")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | dict) else str(value)
