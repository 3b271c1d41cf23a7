"""Compare policies on the same episodes: python evaluate.py --latest.

Read it from top to bottom: arguments, environment, policies, episodes, checks, tables, files.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from agents.batteries.rollouts import play_all
from agents.policies.registry import RULES, check_name, make_policy, rules_for, trained_path
from agents.training import runs
from agents.training.config import TrainConfig, load_train_config
from twin_env.alpha.results import PairingError, Result, SumError, check, summarize, tensorboard_scalars
from twin_env.cli import options as cli
from twin_env.config import ConfigError
from twin_env.files import write_json, write_text
from twin_env.provenance import describe_provenance
from twin_env.report.evaluation import difference_table, split_table
from twin_env.report.html import write_report
from twin_env.report.tensorboard import write_scalars

EPISODES = 500
SMOKE_EPISODES = 3
BASELINES = ("twap_passive", "twap", "flat")  # the first of them that plays, unless another is named
FAILED = 1


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; flags are those of rl-baselines3-zoo where it has them."""
    parser = cli.ArgumentParser(prog="evaluate.py", description="Compare execution policies on the same episodes.")
    parser.add_argument(
        "--policies",
        nargs="+",
        metavar="NAME|RUN|ZIP",
        help=f"rules ({', '.join(RULES)}), folders of runs, models; all rules by default",
    )
    parser.add_argument(
        "--latest",
        nargs="?",
        type=Path,
        const=True,
        metavar="FOLDER",
        help="add the run of FOLDER (the log folder by default) that was trained last, in --env if that is given",
    )
    parser.add_argument("--baseline", help="policy the others are compared with (twap_passive)")
    parser.add_argument(
        "-conf",
        "--config",
        type=Path,
        help="training configuration whose environment to use; by default that of the first trained policy",
    )
    parser.add_argument("--env", help="name of the environment")
    parser.add_argument("--env-kwargs", type=cli.key_value, nargs="+", help="key:value, as in links:adversarial")
    parser.add_argument("--seed", type=cli.natural, default=0, help="of the first episode; the next have the next ones")
    parser.add_argument("-n", "--n-eval-episodes", type=cli.positive, help=f"episodes per policy ({EPISODES})")
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("runs"), help="folder of runs (%(default)s)")
    parser.add_argument("--num-threads", type=cli.positive, default=1, help="threads of PyTorch (%(default)s)")
    parser.add_argument("--device", default="cpu", help="of PyTorch (%(default)s)")
    parser.add_argument("--smoke", action="store_true", help=f"{SMOKE_EPISODES} episodes per policy")
    parser.add_argument(
        "--json", type=cli.output_file, metavar="FILE", help="write the figures there, not to the run's folder"
    )
    parser.add_argument("--report", type=cli.output_file, metavar="FILE", help="write the HTML report there instead")
    return parser.parse_args(argv)


def find_trained(args: argparse.Namespace) -> list[Path]:
    """Return the paths of the trained policies among the arguments, the latest run last."""
    paths = [trained_path(name) for name in args.policies or () if name not in RULES]
    if args.latest is not None:
        latest = runs.latest_run(args.log_folder if args.latest is True else args.latest, _named_env(args))
        paths += [] if latest in paths else [latest]
    return paths


def _named_env(args: argparse.Namespace) -> str | None:
    """Return the environment that the arguments name, ``None`` if the policies are to say."""
    if args.env:
        return str(args.env)
    return load_train_config(args.config).env if args.config else None


def read_config(args: argparse.Namespace, trained: Sequence[Path]) -> TrainConfig:
    """Choose the environment: the file's, else the first trained policy's, else the default."""
    changes = {"env": args.env} if args.env else {}
    changes |= cli.overrides("env_config", args.env_kwargs)
    source = args.config or next((config for path in trained if (config := runs.read_run_config(path))), None)
    return load_train_config(source, **changes)


def play_policies(args: argparse.Namespace, env: Any, names: Sequence[str], seeds: Sequence[int]) -> list[Result]:
    """Play every policy on the same seeds."""
    policies = {name: make_policy(name, env, args.seed, args.device) for name in names}  # all, before any plays
    for note in filter(None, (getattr(policy, "note", "") for policy in policies.values())):
        print(note, file=sys.stderr, flush=True)
    results: list[Result] = []
    with tqdm(total=len(names) * len(seeds), unit="episode", leave=False, disable=not sys.stderr.isatty()) as bar:
        for name, policy in policies.items():
            started_s = time.perf_counter()
            label = name if name in RULES else runs.run_label(trained_path(name))
            if label in [result.policy for result in results]:  # runs of two folders
                label = "_".join(trained_path(name).parts).lstrip("/_")
            bar.set_description(label)
            episodes = play_all(env, policy, seeds, bar.update)
            timesteps = getattr(policy, "timesteps", 0)
            source = "" if name in RULES else str(trained_path(name))
            results.append(Result(label, episodes, timesteps, source, env.unwrapped.definition.objective))
            if bar.disable:
                print(f"{label}: {len(seeds)} episodes in {time.perf_counter() - started_s:.1f} s", flush=True)
    return results


def choose_baseline(wanted: str | None, names: Sequence[str]) -> str:
    """Return the policy to compare with.

    Raises:
        ConfigError: The one that was asked for does not play.
    """
    if wanted is not None and wanted not in names:
        raise ConfigError([f"--baseline {wanted!r} is not among the policies, expected one of {', '.join(names)}."])
    return wanted or next((name for name in BASELINES if name in names), names[0])


def evaluate(args: argparse.Namespace, command: Sequence[str]) -> int:
    """Evaluate, write tables and files, and return the exit code."""
    started_s = time.perf_counter()
    for name in args.policies or ():
        check_name(name)
    trained = find_trained(args)
    config = read_config(args, trained)
    env = make_env(config)
    names = list(dict.fromkeys(args.policies or rules_for(env)))
    names += [str(path) for path in trained if path not in map(trained_path, names)]
    baseline_name = choose_baseline(args.baseline, names)
    if trained:
        import torch

        torch.set_num_threads(args.num_threads)
    count = args.n_eval_episodes or (SMOKE_EPISODES if args.smoke else EPISODES)
    seeds = range(args.seed, args.seed + count)
    print(f"{len(names)} policies on {config.env}, {count} episodes each, seeds {seeds[0]} to {seeds[-1]}", flush=True)

    results = play_policies(args, env, names, seeds)
    check(results)
    baseline = results[names.index(baseline_name)]
    currency = env.unwrapped.market.instrument.currency
    env.close()

    print()
    split_table(results, currency).show()
    print(
        f"Sums: in all {count * len(results)} episodes the parts sum to execution, "
        "and strategy + execution to net, exactly."
    )
    print(f"Pairs: in all {count} seeds every policy's first observation is the same.\n")
    difference_table(results, baseline).show()

    folder = runs.create_run(args.log_folder, "evaluation")
    provenance = describe_provenance(args.seed, command)
    data = summarize(results, baseline, currency) | {
        "env": config.env,
        "env_config": config.env_config.model_dump(mode="json"),
        "evaluation_s": time.perf_counter() - started_s,
        "provenance": provenance,
    }
    results_file, report_file = args.json or folder / "results.json", args.report or folder / "report.html"
    write_json(results_file, data)
    shown = yaml.safe_dump(data["env_config"], sort_keys=False)
    write_text(report_file, write_report(results, baseline, currency, provenance, shown))
    # Rules draw as horizontal lines beside a curve of training, under the same tags.
    steps = (0, max([1, *(result.timesteps for result in results)]))
    for result in results:
        write_scalars(folder / result.policy, tensorboard_scalars(result), steps)
    print(f"\nFigures:     {results_file}\nReport:      {report_file}")
    print(f"TensorBoard: tensorboard --logdir {args.log_folder}")
    return 0


def make_env(config: TrainConfig) -> Any:
    """Make the environment the policies play in."""
    import gymnasium as gym

    return gym.make(config.env, config=config.env_config.model_dump(mode="json"), disable_env_checker=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = parse_arguments(argv)
    command = sys.argv if argv is None else ["evaluate.py", *argv]
    try:
        return cli.run("evaluate.py", lambda: evaluate(args, command), ", nothing was written")
    except (SumError, PairingError) as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
