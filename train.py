"""Train a policy with stable-baselines3: python train.py --config configs/train/quickstart.yaml.

Read it from top to bottom: arguments, configuration, environments, model, callbacks, training, files.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.training import runs
from agents.training.config import ON_POLICY, TrainConfig, load_train_config
from twin_env.cli import options as cli

SMOKE_STEPS = 64


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; flags are those of rl-baselines3-zoo, and override the configuration."""
    parser = cli.ArgumentParser(prog="train.py", description="Train an execution policy.")
    parser.add_argument("-conf", "--config", type=Path, help="training configuration (YAML); defaults without it")
    parser.add_argument("--algo", help="ppo, a2c, sac or dqn")
    parser.add_argument("--env", help="name of the environment")
    parser.add_argument("--env-kwargs", type=cli.key_value, nargs="+", help="key:value, as in task.lots:50")
    parser.add_argument("-params", "--hyperparams", type=cli.key_value, nargs="+", help="key:value, as in gamma:0.99")
    parser.add_argument("--seed", type=cli.natural)
    parser.add_argument("-n", "--n-timesteps", type=cli.positive, help="steps, all environments together")
    parser.add_argument("--n-envs", type=cli.positive)
    parser.add_argument("--eval-freq", type=cli.natural, help="steps between two evaluations, 0 for none")
    parser.add_argument("--eval-episodes", type=cli.positive)
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("runs"), help="folder of runs (%(default)s)")
    parser.add_argument("-tb", "--tensorboard-log", type=Path, help="folder for TensorBoard; the run's by default")
    parser.add_argument("--num-threads", type=cli.positive, default=1, help="threads of PyTorch (%(default)s)")
    parser.add_argument("--device", default="cpu", help="of PyTorch (%(default)s)")
    parser.add_argument("-P", "--progress", action="store_true", help="draw a bar also where there is no terminal")
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=0, help="1 prints each rollout's figures")
    parser.add_argument("--smoke", action="store_true", help="try the whole path in seconds, learn nothing")
    parser.add_argument("--json", type=cli.output_file, metavar="FILE", help="write the figures there too")
    return parser.parse_args(argv)


def read_config(args: argparse.Namespace) -> TrainConfig:
    """Combine the file with the flags; a flag that was given wins."""
    changes: dict[str, Any] = {}
    if args.smoke:
        algo = args.algo or load_train_config(args.config).algo
        sizes = {"ppo": {"n_steps": SMOKE_STEPS, "batch_size": SMOKE_STEPS, "n_epochs": 1}, "a2c": {"n_steps": 8}}
        changes = {"n_timesteps": 4 * SMOKE_STEPS, "n_envs": 2, "eval_freq": 2 * SMOKE_STEPS, "eval_episodes": 2}
        changes |= cli.overrides("hyperparams", list(sizes.get(algo, {}).items()))
    flags = ("algo", "env", "seed", "n_timesteps", "n_envs", "eval_freq", "eval_episodes")
    changes |= {name: getattr(args, name) for name in flags if getattr(args, name) is not None}
    changes |= cli.overrides("env_config", args.env_kwargs)
    changes |= cli.overrides("hyperparams", args.hyperparams)
    return load_train_config(args.config, **changes)


def train(args: argparse.Namespace, config: TrainConfig, command: Sequence[str]) -> int:
    """Train, write the run's folder, and return the exit code."""
    # They take seconds to import, and a mistyped flag should not.
    import torch
    from stable_baselines3.common import logger as sb3_logger
    from stable_baselines3.common.vec_env import VecNormalize

    from agents.training import callbacks, training
    from twin_env.alpha.objective import SHORTFALL
    from twin_env.files import write_json, write_text
    from twin_env.provenance import describe_provenance
    from twin_env.statistics import Interval

    started_s = time.perf_counter()
    # Threads of PyTorch wait for each other by spinning: on small networks and busy cores more are slower.
    torch.set_num_threads(args.num_threads)
    teacher = training.make_teacher(config)
    venv = training.make_training_envs(config, teacher)
    model = training.make_model(config, venv, args.device, args.verbose)
    evaluation_env = training.make_env(config.env, config.env_config)
    seeds = training.episode_seeds(config.seed, "evaluation", config.eval_episodes)

    # The folder, with all it takes to do this again.
    run = runs.create_run(args.log_folder, f"{config.algo}_{config.env}")
    runs.write_yaml(run / runs.CONFIG, config.model_dump(mode="json"))
    runs.write_yaml(run / runs.ARGUMENTS, {name: _plain(value) for name, value in vars(args).items()})
    write_text(run / runs.COMMAND, shlex.join(["python", *command]) + "\n")
    provenance = describe_provenance(config.seed, command) | {
        "torch_threads": args.num_threads,
        "device": str(model.device),
    }
    write_json(run / runs.PROVENANCE, provenance)
    board = args.tensorboard_log / run.name if args.tensorboard_log else run
    print(
        f"Training {config.algo} on {config.env}: {config.n_timesteps:,} steps in {config.n_envs} environments, "
        f"{args.num_threads} torch thread(s), {model.device}, seed {config.seed}; files in {run}",
        flush=True,
    )

    model.set_logger(sb3_logger.configure(str(board), ["tensorboard", "stdout"] if args.verbose else ["tensorboard"]))
    evaluation = callbacks.Evaluation(evaluation_env, seeds, config.eval_freq, run)
    progress = callbacks.Progress(config.n_timesteps, evaluation, args.progress or callbacks.is_terminal())
    figures = callbacks.EpisodeFigures(config)
    present = [figures, evaluation, progress] + ([teacher] if teacher else [])

    interrupted = False
    setup_s, started_s = time.perf_counter() - started_s, time.perf_counter()
    try:
        # One line of logs per rollout; algorithms that learn from every step count episodes instead.
        log_interval = 1 if config.algo in ON_POLICY else config.n_envs
        model.learn(config.n_timesteps, callback=present, log_interval=log_interval)
        if config.eval_freq:
            evaluation.evaluate()
    except KeyboardInterrupt:
        interrupted = True
        progress.close()
    trained_s = time.perf_counter() - started_s

    training.save_whole(model.save, run / runs.MODEL)
    if isinstance(venv, VecNormalize):
        training.save_whole(lambda path: venv.save(str(path)), run / runs.STATISTICS)
    if teacher:
        training.save_whole(teacher.save, run / runs.CURRICULUM)
    model.logger.close()
    venv.close()

    last = evaluation.results[-1] if evaluation.results else None
    if args.json:
        summary = {
            "schema": 1,
            "run": str(run),
            "tensorboard": str(board),
            "interrupted": interrupted,
            "timesteps": model.num_timesteps,
            "setup_s": setup_s,
            "train_s": trained_s,
            "steps_per_s": model.num_timesteps / trained_s,
            "evaluation_timesteps": last.timesteps if last else None,
            "evaluation_is_bps": Interval.student(last.judged_by(SHORTFALL)).to_json() if last else None,
            "evaluation_without_drift_bps": Interval.student(last.without_drift_bps).to_json() if last else None,
            "config": config.model_dump(mode="json"),
            "provenance": provenance,
        }
        write_json(args.json, summary)
    print(f"{model.num_timesteps:,} steps in {trained_s:.1f} s ({model.num_timesteps / trained_s:,.0f} steps/s)")
    if last:
        print(f"At step {last.timesteps:,}: {last.headline}, mean of {config.eval_episodes} episodes")
    print(f"{'Interrupted: the model as it was is saved' if interrupted else 'Saved'} in {run / runs.MODEL}")
    print(f"Evaluate:    python evaluate.py --policies {run}\nTensorBoard: tensorboard --logdir {board.parent}")
    return cli.INTERRUPTED if interrupted else 0


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = parse_arguments(argv)
    command = sys.argv if argv is None else ["train.py", *argv]
    interrupted = " before training began, there is no model"
    return cli.run("train.py", lambda: train(args, read_config(args), command), interrupted)


if __name__ == "__main__":
    sys.exit(main())
