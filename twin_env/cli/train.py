"""``twin train``: train a policy with stable-baselines3, and write the folder of the run.

Read it from top to bottom: arguments, configuration, training, what came of it.
"""

import argparse
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options
from twin_env.cli.agents_package import require_agents
from twin_env.config import ConfigError
from twin_env.extras import missing

if TYPE_CHECKING:
    from agents.training.config import TrainConfig
    from agents.training.session import Options, Outcome, Session

HELP: Final = "train a policy with stable-baselines3"
EXAMPLES: Final = (
    "twin train --config quickstart",
    "twin train --config quickstart --seed 7 -n 500000 --links adversarial --set task.lots=50 hyperparams.gamma=0.99",
    "twin train --env TwinTrading-v0 --algo dqn --set action.codec=positions --smoke",
    "twin train --resume runs/ppo_TwinExecution-v0_1",
)
INTERRUPTED: Final = " before training began, there is no model"
SMOKE_STEPS: Final = 64
_FLAGS: Final = ("algo", "seed", "n_timesteps", "n_envs", "eval_freq", "eval_episodes", "checkpoint_every_steps")
_CONFIGURATION: Final = ("config", "env", "market", "links", "chaos", "settings", "smoke", *_FLAGS)
"""Flags that say what is trained: a run that goes on keeps its own."""


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
    parser.add_argument(
        "--checkpoint-every-steps", type=options.natural, metavar="N", help="steps between checkpoints, 0 for none"
    )
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on from the last checkpoint of a run's folder")
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
        changes |= {"checkpoint_every_steps": 2 * SMOKE_STEPS}
        changes |= {f"hyperparams.{key}": value for key, value in sizes.get(algo, {}).items()}
    changes |= {name: getattr(arguments, name) for name in _FLAGS if getattr(arguments, name) is not None}
    return load_train_config(arguments.config, **changes | options.config_changes(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Train, write the run's folder, and return the exit code."""
    require_agents()
    from agents.training.runs import read_resumable

    if arguments.resume:
        _refuse_changes(arguments)
    config = read_resumable(arguments.resume)[0] if arguments.resume else read_config(arguments)
    # PyTorch and compiled kernels take their time, and nobody should wonder whether anything happens.
    print(
        f"Training {config.algo} on {config.env}: {config.n_timesteps:,} steps in {config.n_envs} environments, "
        f"seed {config.seed}; starting (minutes the first time, when kernels compile)",
        flush=True,
    )
    return train(arguments, config)


def _refuse_changes(arguments: argparse.Namespace) -> None:
    """Refuse flags that would change what a run that goes on is.

    Raises:
        ConfigError: There is one.
    """
    for name in _CONFIGURATION:
        if getattr(arguments, name, None):
            flag = "set" if name == "settings" else name.replace("_", "-")
            raise ConfigError([f"--{flag} is given with --resume, which goes on with the run's own configuration."])


def train(arguments: argparse.Namespace, config: "TrainConfig") -> int:
    """Train as the configuration says, or go on with a run, and return the exit code."""
    started_s = time.perf_counter()
    # They take seconds to import, and a mistyped flag should not.
    from agents.training.session import begin, resume

    prepare_torch(arguments)
    wanted = _options_of(arguments)
    session = resume(arguments.resume, wanted) if arguments.resume else begin(config, wanted)
    try:
        threads = session.provenance["torch_threads"]
        print(f"{threads} torch thread(s) on {session.device}; files in {session.run}", flush=True)
        if session.resumed_at is not None:
            print(f"Going on from the checkpoint of step {session.resumed_at:,}", flush=True)
        if find_spec("matplotlib") is None:
            print(f"No pictures in TensorBoard: {missing('matplotlib')}", flush=True)
        for rule in session.draw_rules():
            print(f"{rule.policy}: {rule.headline}, on the episodes of the evaluations", flush=True)
        setup_s = time.perf_counter() - started_s
        outcome = session.learn()
    except (OSError, ConfigError):  # the disk is full, or gone
        clean_up(session.run)
        raise
    if arguments.json:
        arguments.json.write(summarize(session, outcome, setup_s))
    report(session, outcome)
    return 130 if outcome.interrupted else 0


def _options_of(arguments: argparse.Namespace) -> "Options":
    """Return how the run is carried out, beside its configuration."""
    from agents.training.callbacks import is_terminal
    from agents.training.session import Options

    given = {name: value for name, value in vars(arguments).items() if name != "command"}
    given["settings"] = dict(arguments.settings)
    return Options(
        log_folder=arguments.out,
        tensorboard_log=arguments.tensorboard_log,
        num_threads=arguments.num_threads,
        device=arguments.device,
        bar=arguments.progress or is_terminal(),
        verbose=arguments.verbose,
        command=arguments.command,
        arguments={name: _plain(value) for name, value in given.items()},
    )


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


def clean_up(folder: Path) -> None:
    """Remove drafts from a run's folder, and the folder too if no model is whole in it."""
    from agents.training import runs

    for draft in folder.glob(".*.part*"):
        draft.unlink(missing_ok=True)
    if not any((folder / name).is_file() for name in (runs.MODEL, runs.BEST_MODEL)):
        shutil.rmtree(folder, ignore_errors=True)


def summarize(session: "Session", outcome: "Outcome", setup_s: float) -> dict[str, Any]:
    """Return the figures of a training, ready for JSON."""
    from twin_env.alpha.objective import SHORTFALL
    from twin_env.statistics import Interval

    last = outcome.last
    return {
        "schema": 1,
        "run": str(session.run),
        "tensorboard": str(session.board),
        "interrupted": outcome.interrupted,
        "resumed_at": session.resumed_at,
        "timesteps": outcome.timesteps,
        "setup_s": setup_s,
        "train_s": outcome.train_s,
        "steps_per_s": outcome.steps / outcome.train_s,
        "evaluation_timesteps": last.timesteps if last else None,
        "evaluation_is_bps": Interval.student(last.values_of(SHORTFALL)).to_json() if last else None,
        "evaluation_without_drift_bps": Interval.student(last.without_drift_bps).to_json() if last else None,
        "config": session.config.model_dump(mode="json"),
        "provenance": session.provenance,
    }


def report(session: "Session", outcome: "Outcome") -> None:
    """Print what came of it, and the commands that go on from here."""
    from agents.training import runs

    folder, last = session.run, outcome.last
    print(f"{outcome.steps:,} steps in {outcome.train_s:.1f} s ({outcome.steps / outcome.train_s:,.0f} steps/s)")
    if last:
        print(f"At step {last.timesteps:,}: {last.headline}, mean of {len(last.episodes)} episodes")
    print(f"{'Interrupted: the model as it was is saved' if outcome.interrupted else 'Saved'} in {folder / runs.MODEL}")
    if outcome.interrupted and runs.latest_checkpoint(folder):
        print(f"Go on:       twin train --resume {folder}")
    print(f"Evaluate:    twin evaluate --policies {folder}\nTensorBoard: twin board {session.board.parent}")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | dict) else str(value)
