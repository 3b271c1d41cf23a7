"""Train a policy with stable-baselines3: python train.py --config configs/train/quickstart.yaml.

Read it from top to bottom: arguments, configuration, environments, model, callbacks, training, files.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.training import runs
from agents.training.config import TrainConfig, load_train_config
from twin_env.cli import options as cli

if TYPE_CHECKING:
    from agents.training.session import Outcome, Session

SMOKE_STEPS = 64
OVERRIDES = ("algo", "env", "seed", "n_timesteps", "n_envs", "eval_freq", "eval_episodes", "checkpoint_every_steps")
CONFIGURATION = ("config", "env_kwargs", "hyperparams", "smoke", *OVERRIDES)  # flags that say what is trained


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; flags are those of rl-baselines3-zoo, and override the configuration."""
    parser = cli.ArgumentParser(prog="train.py", description="Train an execution policy.")
    parser.add_argument("-conf", "--config", type=Path, help="training configuration (YAML); defaults without it")
    parser.add_argument("--algo", help="ppo, a2c, sac or dqn")
    parser.add_argument("--env", help="name of the environment")
    parser.add_argument("--env-kwargs", type=cli.key_value, nargs="+", help="key:value, as in task.lots:50")
    parser.add_argument("-params", "--hyperparams", type=cli.key_value, nargs="+", help="key:value, as in gamma:0.99")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on from the last checkpoint of a run's folder")
    parser.add_argument("--seed", type=cli.natural)
    parser.add_argument("-n", "--n-timesteps", type=cli.positive, help="steps, all environments together")
    parser.add_argument("--n-envs", type=cli.positive)
    parser.add_argument("--eval-freq", type=cli.natural, help="steps between two evaluations, 0 for none")
    parser.add_argument("--eval-episodes", type=cli.positive)
    parser.add_argument("--checkpoint-every-steps", type=cli.natural, help="steps between checkpoints, 0 for none")
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("runs"), help="folder of runs (%(default)s)")
    parser.add_argument("-tb", "--tensorboard-log", type=Path, help="folder for TensorBoard; the run's by default")
    parser.add_argument("--num-threads", type=cli.positive, default=1, help="threads of PyTorch (%(default)s)")
    parser.add_argument("--device", default="cpu", help="of PyTorch: cpu, cuda or auto (%(default)s)")
    parser.add_argument("-P", "--progress", action="store_true", help="draw a bar also where there is no terminal")
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=0, help="1 prints each rollout's figures")
    parser.add_argument("--smoke", action="store_true", help="try the whole path in seconds, learn nothing")
    parser.add_argument("--json", type=cli.output_file, metavar="FILE", help="write the figures there too")
    args = parser.parse_args(argv)
    changed = [name for name in CONFIGURATION if args.resume and getattr(args, name)]
    if changed:
        flag = changed[0].replace("_", "-")
        parser.error(f"--resume goes on with the run's own configuration, which --{flag} cannot change")
    return args


def read_config(args: argparse.Namespace) -> TrainConfig:
    """Combine the file with the flags; a flag that was given wins."""
    changes: dict[str, Any] = {}
    if args.smoke:
        algo = args.algo or load_train_config(args.config).algo
        sizes = {"ppo": {"n_steps": SMOKE_STEPS, "batch_size": SMOKE_STEPS, "n_epochs": 1}, "a2c": {"n_steps": 8}}
        changes = {"n_timesteps": 4 * SMOKE_STEPS, "n_envs": 2, "eval_freq": 2 * SMOKE_STEPS, "eval_episodes": 2}
        changes |= {"checkpoint_every_steps": 2 * SMOKE_STEPS}
        changes |= cli.overrides("hyperparams", list(sizes.get(algo, {}).items()))
    changes |= {name: getattr(args, name) for name in OVERRIDES if getattr(args, name) is not None}
    changes |= cli.overrides("env_config", args.env_kwargs)
    changes |= cli.overrides("hyperparams", args.hyperparams)
    return load_train_config(args.config, **changes)


def train(args: argparse.Namespace, command: Sequence[str]) -> int:
    """Train, write the run's folder, and return the exit code."""
    started_s = time.perf_counter()
    config = runs.read_resumable(args.resume)[0] if args.resume else read_config(args)
    print(
        f"Training {config.algo} on {config.env}: {config.n_timesteps:,} steps in {config.n_envs} environments, "
        f"seed {config.seed}; starting (minutes the first time, when kernels compile)",
        flush=True,
    )
    # They take seconds to import, and a mistyped flag should not.
    from agents.training.callbacks import is_terminal
    from agents.training.session import Options, begin, resume

    options = Options(
        args.log_folder,
        args.tensorboard_log,
        args.num_threads,
        args.device,
        args.progress or is_terminal(),
        args.verbose,
        command,
        {name: _plain(value) for name, value in vars(args).items()},
    )
    session = resume(args.resume, options) if args.resume else begin(config, options)
    threads = session.provenance["torch_threads"]
    print(f"{threads} torch thread(s) on {session.device}; files in {session.run}", flush=True)
    if session.resumed_at is not None:
        print(f"Going on from the checkpoint of step {session.resumed_at:,}", flush=True)
    for rule in session.draw_rules():
        print(f"{rule.policy}: {rule.headline}, on the episodes of the evaluations", flush=True)
    setup_s = time.perf_counter() - started_s
    outcome = session.learn()
    if args.json:
        runs.write_text(args.json, json.dumps(_summary(session, outcome, setup_s), indent=2) + "\n")
    _tell(session, outcome)
    return cli.INTERRUPTED if outcome.interrupted else 0


def _summary(session: "Session", outcome: "Outcome", setup_s: float) -> dict[str, Any]:
    """Return the figures of ``--json``."""
    from twin_env.alpha.results import Interval

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
        "evaluation_is_bps": Interval.of(last.values("exec/is_bps")).as_dict() if last else None,
        "evaluation_without_drift_bps": Interval.of(last.without_drift_bps).as_dict() if last else None,
        "config": session.config.model_dump(mode="json"),
        "provenance": session.provenance,
    }


def _tell(session: "Session", outcome: "Outcome") -> None:
    """Print what training came to, and what to do next."""
    run, last = session.run, outcome.last
    print(f"{outcome.steps:,} steps in {outcome.train_s:.1f} s ({outcome.steps / outcome.train_s:,.0f} steps/s)")
    if last:
        print(f"At step {last.timesteps:,}: {last.headline}, mean of {session.config.eval_episodes} episodes")
    print(f"{'Interrupted: the model as it was is saved' if outcome.interrupted else 'Saved'} in {run / runs.MODEL}")
    if outcome.interrupted and runs.latest_checkpoint(run):
        print(f"Go on:       python train.py --resume {run}")
    print(f"Evaluate:    python evaluate.py --policies {run}\nTensorBoard: tensorboard --logdir {session.board.parent}")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = parse_arguments(argv)
    command = sys.argv if argv is None else ["train.py", *argv]
    interrupted = " before training began, there is no model"
    return cli.run("train.py", lambda: train(args, command), interrupted)


if __name__ == "__main__":
    sys.exit(main())
