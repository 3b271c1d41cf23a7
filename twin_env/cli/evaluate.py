"""``twin evaluate``: compare policies on the same episodes.

Read it from top to bottom: arguments, environment, policies, episodes, checks, tables, files.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import cost_studies, options
from twin_env.cli.agents_package import require_agents
from twin_env.cli.evaluation_files import check_pictures, write_files
from twin_env.cli.progress import Progress
from twin_env.cli.train import prepare_torch
from twin_env.config import ConfigError

if TYPE_CHECKING:
    from agents.training.config import TrainConfig
    from twin_env.alpha.results import Result

HELP: Final = "compare policies on the same episodes"
EXAMPLES: Final = (
    "twin evaluate --latest",
    "twin evaluate --policies twap pov runs/ppo_TwinExecution-v0_1 --baseline twap --episodes 1000 --seed 100",
    "twin evaluate --env TwinTrading-v0 --chaos default --json -",
    "twin evaluate --report report.html --markdown tables.md --png pictures --explore 7",
)
INTERRUPTED: Final = ", nothing was written"
EPISODES: Final = 500
SMOKE_EPISODES: Final = 3
BASELINES: Final = ("twap_passive", "twap", "flat")  # the first of them that plays, unless another is named
FAILED: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    options.add_policies(parser, help="rules (see docs/policies.md), folders of runs, models; all rules by default")
    parser.add_argument(
        "--latest",
        nargs="?",
        type=Path,
        const=True,
        metavar="FOLDER",
        help="add the run of FOLDER (that of --out by default) that was trained last, in --env if that is given",
    )
    parser.add_argument("--baseline", metavar="NAME", help=f"what the others are compared with ({BASELINES[0]})")
    options.add_config(parser, "that of the first trained policy")
    options.add_seed(parser, "of the first episode; the next have the next ones")
    options.add_episodes(parser, f"episodes per policy ({EPISODES})", None)
    options.add_torch(parser)
    options.add_out(
        parser, "folder of runs, in which one is made for the results", metavar="FOLDER", default=options.RUNS
    )
    parser.add_argument("--smoke", action="store_true", help=f"{SMOKE_EPISODES} episodes per policy")
    options.add_json(parser)
    cost_studies.add_arguments(parser)
    parser.add_argument(
        "--report", type=options.output_file, metavar="FILE", help="write the HTML report there, not to the folder"
    )
    parser.add_argument("--markdown", type=options.output_file, metavar="FILE", help="write the tables as Markdown")
    parser.add_argument(
        "--png", type=options.output_folder, metavar="FOLDER", help="draw waterfall, comparison and markouts there"
    )
    parser.add_argument(
        "--explore",
        type=options.natural,
        nargs="+",
        default=[],
        metavar="SEED",
        help="episodes that the report shows moment by moment, beside the worst of each policy",
    )


def find_trained(arguments: argparse.Namespace) -> list[Path]:
    """Return the paths of the trained policies among the arguments, the latest run last."""
    from agents.policies.registry import RULE_POLICIES, trained_path
    from agents.training import runs

    paths = [trained_path(name) for name in arguments.policies or () if name not in RULE_POLICIES]
    if arguments.latest is not None:
        latest = runs.latest_run(arguments.out if arguments.latest is True else arguments.latest, _named_env(arguments))
        paths += [] if latest in paths else [latest]
    return paths


def _named_env(arguments: argparse.Namespace) -> str | None:
    """Return the environment that the arguments name, ``None`` if the policies are to say."""
    if arguments.env:
        return str(arguments.env)
    if not arguments.config:
        return None
    from agents.training.config import load_train_config

    return load_train_config(arguments.config).env


def read_config(arguments: argparse.Namespace, trained: Sequence[Path]) -> "TrainConfig":
    """Choose the environment: the file's, else the first trained policy's, else the default."""
    from agents.training import runs
    from agents.training.config import load_train_config

    source = arguments.config or next((config for path in trained if (config := runs.read_run_config(path))), None)
    return load_train_config(source, **options.config_changes(arguments))


def run_policies(arguments: argparse.Namespace, env: Any, names: Sequence[str], seeds: Sequence[int]) -> "list[Result]":
    """Play every policy on the same seeds."""
    from agents.batteries.rollouts import run_episodes
    from agents.policies.registry import RULE_POLICIES, make_policy, trained_path
    from agents.training import runs
    from twin_env.alpha.results import Result

    policies = {name: make_policy(name, env, arguments.seed, arguments.device) for name in names}  # before any plays
    for note in filter(None, (getattr(policy, "note", "") for policy in policies.values())):
        print(note, file=sys.stderr, flush=True)
    results: list[Result] = []
    with Progress(len(names) * len(seeds)) as progress:
        for name, policy in policies.items():
            started_s = time.perf_counter()
            label = name if name in RULE_POLICIES else runs.run_label(trained_path(name))
            if label in [result.policy for result in results]:  # runs of two folders
                label = "_".join(trained_path(name).parts).lstrip("/_")
            if progress.is_drawn:
                progress.begin(label)
            episodes = run_episodes(env, policy, seeds, progress.advance, record=True)
            timesteps = getattr(policy, "timesteps", 0)
            source = "" if name in RULE_POLICIES else str(trained_path(name))
            results.append(Result(label, episodes, timesteps, source, env.unwrapped.definition.objective))
            if not progress.is_drawn:
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


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, write tables and files, and return the exit code: 1 if a sum or a pair is not exact."""
    require_agents()
    from twin_env.alpha.results import PairingError, SumError

    try:
        return evaluate(arguments)
    except (SumError, PairingError) as error:
        print(f"twin evaluate: {error}", file=sys.stderr)
        return FAILED


def evaluate(arguments: argparse.Namespace) -> int:
    """Play, check, print and write; the exit code is 0."""
    from agents.batteries.explored import check_explored
    from agents.environments import make_env
    from agents.policies.registry import check_name, rules_for, trained_path
    from twin_env.alpha.results import check, restate

    started_s = time.perf_counter()
    check_pictures(arguments)
    for name in arguments.policies or ():
        check_name(name)
    trained = find_trained(arguments)
    config = read_config(arguments, trained)
    env: Any = make_env(config.env, config.env_config)
    names = list(dict.fromkeys(arguments.policies or rules_for(env)))
    names += [str(path) for path in trained if path not in map(trained_path, names)]
    baseline_name = choose_baseline(arguments.baseline, names)
    cost_studies.check(arguments, config, names)
    if trained:
        prepare_torch(arguments)
    count = arguments.episodes or (SMOKE_EPISODES if arguments.smoke else EPISODES)
    seeds = range(arguments.seed, arguments.seed + count)
    check_explored(arguments.explore, seeds)
    print(f"{len(names)} policies on {config.env}, {count} episodes each, seeds {seeds[0]} to {seeds[-1]}", flush=True)
    results = run_policies(arguments, env, names, seeds)
    check(results)
    basis = cost_studies.basis_of(arguments)
    results = [restate(result, basis) for result in results]
    baseline = results[names.index(baseline_name)]
    studies = cost_studies.run_studies(arguments, config, dict(zip(names, results, strict=True)), seeds)
    data = describe(arguments, config, env, results, baseline, studies | {"basis": basis.to_json()})
    explored = explore_policies(arguments, env, names, results)
    env.close()
    print_tables(results, baseline, data["currency"], count)
    cost_studies.write_tables(arguments.tables, results)
    write_files(arguments, data | {"evaluation_s": time.perf_counter() - started_s}, explored, results)
    return 0


def describe(
    arguments: argparse.Namespace,
    config: "TrainConfig",
    env: Any,
    results: "Sequence[Result]",
    baseline: "Result",
    studies: dict[str, Any],
) -> dict[str, Any]:
    """Return the document of the evaluation: its figures, what went wrong in its episodes, and how it was run."""
    from agents.batteries.explored import describe_experiments
    from twin_env.alpha.derived import derive
    from twin_env.alpha.results import summarize
    from twin_env.provenance import describe_provenance

    currency = env.unwrapped.market.instrument.currency
    data = summarize(results, baseline, currency) | studies
    data |= {
        "env": config.env,
        "env_config": config.env_config.model_dump(mode="json"),
        "reproduce": reproduce_options(arguments),
        "provenance": describe_provenance(arguments.seed, arguments.command),
    }
    if config.env_config.chaos is not None:
        data["experiments"] = describe_experiments(env, data["seeds"])
    return derive(data)


def reproduce_options(arguments: argparse.Namespace) -> list[str]:
    """Return the options that name the environment again, as they are typed."""
    from agents.training import runs

    source = arguments.config
    if source is None:  # the configuration was that of the first trained policy, if there was one
        folders = [path if path.is_dir() else path.parent for path in find_trained(arguments)]
        source = next((str(file) for folder in folders if (file := folder / runs.CONFIG).is_file()), None)
    named = {"--config": source, "--env": arguments.env}
    named |= {f"--{name}": getattr(arguments, name) for name in ("market", "links", "chaos")}
    typed = [word for option, value in named.items() if value is not None for word in (option, str(value))]
    settings = [f"{key}={json.dumps(value)}" for key, value in arguments.settings]
    return typed + (["--set", *settings] if settings else [])


def explore_policies(
    arguments: argparse.Namespace, env: Any, names: Sequence[str], results: "Sequence[Result]"
) -> list[dict[str, Any]]:
    """Play the worst episode of each policy again, and those that were asked for, and sample their moments."""
    from agents.batteries.explored import explore
    from agents.policies.registry import make_policy

    explored = []
    for name, result in zip(names, results, strict=True):
        policy = make_policy(name, env, arguments.seed, arguments.device)
        explored += explore(env, policy, result, arguments.explore)
    return explored


def print_tables(results: "Sequence[Result]", baseline: "Result", currency: str, count: int) -> None:
    """Print the split of every policy, what was checked, and the differences from the baseline."""
    from twin_env.report.evaluation import difference_table, split_table

    print()
    split_table(results, currency).show()
    print(
        f"Sums: in all {count * len(results)} episodes the parts sum to execution, "
        "and strategy + execution to net, exactly."
    )
    print(f"Pairs: in all {count} seeds every policy's first observation is the same.\n")
    difference_table(results, baseline).show()
