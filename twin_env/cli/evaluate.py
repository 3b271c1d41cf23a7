"""``twin evaluate``: compare policies on the same episodes.

Read it from top to bottom: arguments, environment, policies, episodes, checks, tables, files.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import cost_studies, options
from twin_env.cli.agents_package import require_agents
from twin_env.cli.evaluation_depth import check_depth_maps, write_depth_maps
from twin_env.cli.evaluation_document import describe, explore_policies, find_trained
from twin_env.cli.evaluation_files import check_pictures, write_files
from twin_env.cli.progress import Progress
from twin_env.cli.resumed_evaluation import adopt_begun, open_log
from twin_env.cli.train import prepare_torch
from twin_env.config import ConfigError

if TYPE_CHECKING:
    from agents.batteries.evaluation_log import Begun, EvaluationLog
    from agents.policies.policy import Policy
    from agents.training.config import TrainConfig
    from twin_env.alpha.results import Result

HELP: Final = "compare policies on the same episodes"
EXAMPLES: Final = (
    "twin evaluate --latest",
    "twin evaluate --policies twap pov runs/ppo_TwinExecution-v0_1 --baseline twap --episodes 1000 --seed 100",
    "twin evaluate --env TwinTrading-v0 --chaos default --json -",
    "twin evaluate --report report.html --markdown tables.md --png pictures --explore 7",
    "twin evaluate --resume runs/evaluation_1",
)
INTERRUPTED: Final = ", twin evaluate --resume goes on with what was played"
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
    options.add_seed(parser, "of the first episode; the next have the next ones (0)", None)
    options.add_episodes(parser, f"episodes per policy ({EPISODES})", None)
    options.add_torch(parser)
    options.add_out(
        parser, "folder of runs, in which one is made for the results", metavar="FOLDER", default=options.RUNS
    )
    parser.add_argument("--smoke", action="store_true", help=f"{SMOKE_EPISODES} episodes per policy")
    parser.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="go on with an evaluation that was interrupted, as it was begun"
    )
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
    parser.add_argument(
        "--depth-maps", action="store_true", help="draw the worst episode of each policy in TensorBoard"
    )


def read_config(arguments: argparse.Namespace, trained: Sequence[Path]) -> "TrainConfig":
    """Choose the environment: the file's, else the first trained policy's, else the default."""
    from agents.training import runs
    from agents.training.config import load_train_config

    source = arguments.config or next((config for path in trained if (config := runs.read_run_config(path))), None)
    return load_train_config(source, **options.config_changes(arguments))


def make_policies(arguments: argparse.Namespace, env: Any, names: Sequence[str]) -> "list[Policy]":
    """Make every policy, before any plays, and tell what a reader should know of them."""
    from agents.policies.registry import make_policy

    policies = [make_policy(name, env, arguments.seed, arguments.device) for name in names]
    for note in filter(None, (getattr(policy, "note", "") for policy in policies)):
        print(note, file=sys.stderr, flush=True)
    return policies


def run_policies(
    env: Any, names: Sequence[str], policies: "Sequence[Policy]", seeds: Sequence[int], log: "EvaluationLog"
) -> "list[Result]":
    """Play every policy on the same seeds, but for the episodes that were played before."""
    from agents.batteries.evaluation_plan import label_policies
    from agents.policies.registry import RULE_POLICIES, trained_path
    from twin_env.alpha.results import Result

    results: list[Result] = []
    labels = label_policies(names)
    with Progress(sum(len(log.missing(label, seeds)) for label in labels)) as progress:
        for name, label, policy in zip(names, labels, policies, strict=True):
            started_s = time.perf_counter()
            if progress.is_drawn:
                progress.begin(label)
            episodes = log.play(env, policy, label, seeds, progress.advance)
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
    from twin_env.alpha.results import restate

    started_s = time.perf_counter()
    check_pictures(arguments)
    check_depth_maps(arguments)
    begun = adopt_begun(arguments)
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
    check_explored(arguments.explore, seeds_of(arguments))
    results, log = play(arguments, begun, config, env, names, baseline_name)
    basis = cost_studies.basis_of(arguments)
    results = [restate(result, basis) for result in results]
    baseline = results[names.index(baseline_name)]
    seeds = [episode.seed for episode in baseline.episodes]
    studies = cost_studies.run_studies(arguments, config, dict(zip(names, results, strict=True)), seeds)
    studies |= {"basis": basis.to_json(), "provenance": log.provenance}  # of the command that began it
    data = describe(arguments, config, env, results, baseline, studies)
    explored = explore_policies(arguments, env, names, results)
    env.close()
    print_tables(results, baseline, data["currency"], len(seeds))
    cost_studies.print_studies(studies, data["currency"])
    cost_studies.write_tables(arguments.tables, results)
    files = data | {"evaluation_s": time.perf_counter() - started_s}
    write_files(arguments, files, explored, results, log.folder)
    write_depth_maps(arguments, config, names, results, log.folder)
    return 0


def seeds_of(arguments: argparse.Namespace) -> range:
    """Return the seeds of the episodes."""
    count = arguments.episodes or (SMOKE_EPISODES if arguments.smoke else EPISODES)
    return range(arguments.seed, arguments.seed + count)


def play(
    arguments: argparse.Namespace,
    begun: "Begun | None",
    config: "TrainConfig",
    env: Any,
    names: Sequence[str],
    baseline: str,
) -> "tuple[list[Result], EvaluationLog]":
    """Play what is missing, keep it, and check everything."""
    from agents.batteries.evaluation_plan import make_plan

    seeds = seeds_of(arguments)
    policies = make_policies(arguments, env, names)
    print(
        f"{len(names)} policies on {config.env}, {len(seeds)} episodes each, seeds {seeds[0]} to {seeds[-1]}",
        flush=True,
    )
    plan = make_plan(config, env, names, seeds, baseline, arguments.seed)
    with open_log(arguments, begun, plan, names) as log:
        results = run_policies(env, names, policies, seeds, log)
        check_results(results, log)
    return results, log


def check_results(results: "Sequence[Result]", log: "EvaluationLog") -> None:
    """Check sums and pairs; where they are not exact, no episode is kept.

    Raises:
        SumError: Parts do not sum to their total.
        PairingError: Two policies did not get the same episodes.
    """
    from twin_env.alpha.results import check

    try:
        check(results)
    except ArithmeticError:
        log.discard()
        raise


def print_tables(results: "Sequence[Result]", baseline: "Result", currency: str, count: int) -> None:
    """Print the split of every policy, what was checked, and the differences from the baseline."""
    from twin_env.report.evaluation import difference_table, split_table, vwap_table

    print()
    split_table(results, currency).show()
    print(
        f"Sums: in all {count * len(results)} episodes the parts sum to execution, "
        "and strategy + execution to net, exactly."
    )
    print(f"Pairs: in all {count} seeds every policy's first observation is the same.\n")
    difference_table(results, baseline).show()
    if (table := vwap_table(results)) is not None:
        print()
        table.show()
