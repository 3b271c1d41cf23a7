"""``twin stress``: look for the experiments that hurt a policy most."""

import argparse
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twin_env.cli import options
from twin_env.cli.agents_package import require_agents
from twin_env.cli.progress import Progress
from twin_env.cli.train import prepare_torch
from twin_env.config import dump_yaml, load_config
from twin_env.files import write_text

if TYPE_CHECKING:
    from agents.training.config import TrainConfig
    from twin_env.studies.search.result import SearchReport
    from twin_env.studies.search.study import Settings

HELP: Final = "look for the experiments that hurt a policy most"
EXAMPLES: Final = (
    "twin stress --policy twap",
    "twin stress --policy twap --set task.side=buy --budget 1200 --radius 1 2 3 --limit 5",
    "twin stress --policy runs/ppo_TwinExecution-v0_1 --chaos severe --json report.json",
)
INTERRUPTED: Final = ", no report was written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from agents.batteries.stress import UNITS
    from twin_env.studies.search.space import MOST_KINDS
    from twin_env.studies.search.study import Settings

    defaults = Settings()
    parser.add_argument("--policy", required=True, metavar="NAME|RUN|ZIP", help="a rule, a run's folder, a model")
    options.add_config(parser, "that of the trained policy")
    parser.set_defaults(chaos="default")
    parser.add_argument(
        "--most-faults",
        type=options.positive,
        default=MOST_KINDS,
        metavar="N",
        help="faults in an experiment (%(default)s)",
    )
    parser.add_argument(
        "--budget", type=options.positive, default=defaults.budget, metavar="N", help="episodes searched (%(default)s)"
    )
    parser.add_argument(
        "--radius", type=float, nargs="+", default=list(defaults.radii), metavar="SD", help="how unusual, in deviations"
    )
    parser.add_argument("--limit", type=float, help="damage that counts as broken: look for the nearest such failure")
    parser.add_argument("--measure", choices=tuple(UNITS), help="what cost means; by default what reports compare")
    parser.add_argument(
        "--failures", type=options.natural, default=defaults.failures, metavar="N", help="to report (%(default)s)"
    )
    parser.add_argument(
        "--fresh",
        type=options.positive,
        default=defaults.fresh_seeds,
        metavar="N",
        help="episodes a figure (%(default)s)",
    )
    options.add_seed(parser, "of the search", defaults.seed)
    parser.add_argument(
        "--first-seed",
        type=options.natural,
        default=defaults.first_seed,
        metavar="N",
        help="of the first episode; the next have the next ones (%(default)s)",
    )
    options.add_torch(parser)
    options.add_out(parser, "folder of runs", metavar="FOLDER", default=options.RUNS)
    options.add_json(parser, "the report")


def read_config(arguments: argparse.Namespace) -> "TrainConfig":
    """Choose the environment: the file's, else the trained policy's, else the default."""
    from agents.policies.registry import RULE_POLICIES, trained_path
    from agents.training import runs
    from agents.training.config import load_train_config

    trained = None if arguments.policy in RULE_POLICIES else runs.read_run_config(trained_path(arguments.policy))
    changes = options.config_changes(arguments, env_keys=("market", "links"))  # chaos is what is searched
    return load_train_config(arguments.config or trained, **changes)


def read_settings(arguments: argparse.Namespace) -> "Settings":
    """Return how to search."""
    from twin_env.studies.search.study import Settings

    data = {
        "budget": arguments.budget,
        "radii": arguments.radius,
        "seed": arguments.seed,
        "first_seed": arguments.first_seed,
        "failures": arguments.failures,
        "fresh_seeds": arguments.fresh,
        "limit": arguments.limit,
    }
    return load_config(Settings, data)


def write_experiments(report: "SearchReport") -> None:
    """Write each failure where its command looks for it."""
    from twin_env.chaos.experiment import Experiment

    plain = Experiment(title="plain").model_dump(mode="json")
    for failure in report.failures:
        data = failure.experiment.model_dump(mode="json")
        kept = {key: value for key, value in data.items() if value != plain[key] or key == "schema_version"}
        write_text(Path(failure.file), dump_yaml(kept))


def replay_command(policy: str, folder: Path, file: str, seed: int) -> str:
    """Return the command that plays one policy in one world, with one experiment, in the episode of one seed."""
    words = ["twin", "evaluate", "--policies", policy, "--config", str(folder / "config.yml"), "--chaos", file]
    return shlex.join([*words, "--seed", str(seed), "--episodes", "1"])


def run(arguments: argparse.Namespace) -> int:
    """Search, print, write, and return 0."""
    require_agents()
    from agents.batteries.stress import UNITS, damage_of, horizon_of
    from agents.policies.registry import RULE_POLICIES, check_name
    from agents.training import runs
    from twin_env.chaos.sampling.randomisation import load_sampler_config
    from twin_env.report.search import show_search
    from twin_env.studies.search.space import Space
    from twin_env.studies.search.study import Naming, run_study

    check_name(arguments.policy)
    config, settings = read_config(arguments), read_settings(arguments)
    space = Space.of(load_sampler_config(arguments.chaos), horizon_of(config), arguments.most_faults)
    if arguments.policy not in RULE_POLICIES:
        prepare_torch(arguments)
    folder = runs.create_run(arguments.out, "stress")
    runs.write_yaml(folder / runs.CONFIG, config.model_dump(mode="json"))
    with Progress() as progress:
        damage = damage_of(
            config, arguments.policy, measure=arguments.measure, device=arguments.device, tell=progress.advance
        )
        naming = Naming(UNITS[damage.measure], str(folder / "found"), partial(replay_command, arguments.policy, folder))
        report = run_study(damage, space, settings, naming, tell=progress.begin)
    write_experiments(report)
    if arguments.json:
        arguments.json.write(report.model_dump_json(indent=2))
    else:
        write_text(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    print(f"\n{arguments.policy} in {config.env}, {damage.episodes} episodes\n")
    show_search(report)
    print(f"\nFigures:     {arguments.json or folder / 'report.json'}\nExperiments: {folder / 'found'}")
    return 0
