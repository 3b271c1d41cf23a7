"""``twin robustness``: what policies lose to faults of training, and to faults held out."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options
from twin_env.cli.agents_package import require_agents
from twin_env.cli.progress import Progress
from twin_env.cli.train import prepare_torch
from twin_env.files import write_json

if TYPE_CHECKING:
    from agents.batteries.robustness import Battery, Entry
    from agents.training.config import TrainConfig
    from twin_env.alpha.costs import Costs
    from twin_env.chaos.sampling.randomisation import SamplerConfig

HELP: Final = "compare what policies lose to faults they were trained with and to faults held out"
EXAMPLES: Final = (
    "twin robustness --policies twap_passive twap",
    "twin robustness --policies plain=runs/a,runs/b randomised=runs/c,runs/d --chaos heldout_price --episodes 400",
)
INTERRUPTED: Final = ", nothing was written"
CHAOS: Final = "heldout_price"
EPISODES: Final = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    options.add_policies(
        parser,
        required=True,
        help="rules, runs, models, with a name before '=' if wanted; commas join runs of one training; "
        "the first is the baseline",
    )
    options.add_config(parser, "that of the first trained policy")
    parser.set_defaults(chaos=CHAOS)
    options.add_seed(parser, "of the first episode and of its experiment; the next have the next ones")
    options.add_episodes(parser, "episodes of each split", EPISODES)
    options.add_torch(parser)
    options.add_out(parser, "folder of runs", metavar="FOLDER", default=options.RUNS)
    options.add_json(parser)


def read_config(arguments: argparse.Namespace, entries: "Sequence[Entry]") -> "TrainConfig":
    """Choose the environment: the file's, else that of the first trained policy, else the default; always calm."""
    from agents.policies.registry import RULE_POLICIES, trained_path
    from agents.training import runs
    from agents.training.config import load_train_config

    trained = (trained_path(name) for entry in entries for name in entry.members if name not in RULE_POLICIES)
    source = arguments.config or next((config for path in trained if (config := runs.read_run_config(path))), None)
    changes = options.config_changes(arguments, env_keys=("market", "links"))
    return load_train_config(source, **changes | {"env_config.chaos": None})


def run(arguments: argparse.Namespace) -> int:
    """Play, print, write, and return 0."""
    require_agents()
    from agents.batteries.robustness import Battery, check_unseen, draw_splits, read_entries
    from agents.batteries.stress import default_measure, horizon_of
    from agents.policies.registry import RULE_POLICIES
    from twin_env.chaos.sampling.randomisation import load_sampler_config

    entries = read_entries(arguments.policies)
    config, chaos = read_config(arguments, entries), load_sampler_config(arguments.chaos)
    check_unseen(entries, chaos.heldout)
    if any(name not in RULE_POLICIES for entry in entries for name in entry.members):
        prepare_torch(arguments)
    seeds = range(arguments.seed, arguments.seed + arguments.episodes)
    splits = draw_splits(chaos, seeds, horizon_of(config))
    battery = Battery(config, splits, seeds, default_measure(config), arguments.device)
    with Progress(battery.episodes(entries)) as progress:
        costs = battery.run(entries, progress.advance)
    file = write_figures(arguments, battery, chaos, costs)
    print_tables(battery, chaos, costs)
    print(f"\nFigures: {file}")
    return 0


def write_figures(
    arguments: argparse.Namespace, battery: "Battery", chaos: "SamplerConfig", costs: "list[Costs]"
) -> str:
    """Write what was found, and return where."""
    from agents.batteries.robustness import count_faults
    from agents.batteries.stress import UNITS
    from agents.training import runs
    from twin_env.alpha.costs import summarize
    from twin_env.provenance import describe_provenance

    data: dict[str, Any] = summarize(costs, UNITS[battery.measure]) | {
        "measure": battery.measure,
        "seeds": list(battery.seeds),
        "heldout": list(chaos.heldout),
        "faults": count_faults(battery.splits),
        "chaos": chaos.model_dump(mode="json"),
        "env": battery.config.env,
        "env_config": battery.config.env_config.model_dump(mode="json"),
        "provenance": describe_provenance(arguments.seed, arguments.command),
    }
    if arguments.json:
        arguments.json.write(data)
        return str(arguments.json)
    file = runs.create_run(arguments.out, "robustness") / "report.json"
    write_json(file, data)
    return str(file)


def print_tables(battery: "Battery", chaos: "SamplerConfig", costs: "list[Costs]") -> None:
    """Print what each policy paid, and the differences from the first."""
    from agents.batteries.stress import UNITS
    from twin_env.report.robustness import cost_table, difference_table

    held, seeds, unit = ", ".join(chaos.heldout) or "nothing", battery.seeds, UNITS[battery.measure]
    print(
        f"{battery.config.env}, {len(seeds)} episodes in each split, seeds {seeds[0]} to {seeds[-1]}, "
        f"held out: {held}\n"
    )
    cost_table(costs, unit).show()
    if len(costs) > 1:
        print()
        difference_table(costs, unit).show()
