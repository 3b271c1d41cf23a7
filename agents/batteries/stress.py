"""Look for the experiments that hurt a policy most: python -m agents.batteries.stress --policy twap.

The policy plays every seed twice, with the experiment and without: damage is the difference, so what the market would
have cost anyway is taken out.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import numpy as np
import yaml
from numpy.typing import NDArray
from tqdm import tqdm

from agents.batteries.rollouts import play
from agents.policies.policy import Policy
from agents.policies.registry import RULES, check_name, make_policy, trained_path
from agents.training import runs
from agents.training.config import TrainConfig, load_train_config
from agents.training.training import make_env
from twin_env.alpha.objective import NET_RESULT, SHORTFALL, SHORTFALL_WITHOUT_DRIFT, Objective
from twin_env.alpha.results import Episode
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.sampling.randomisation import load_sampler_config
from twin_env.cli import options as cli
from twin_env.config import load_config
from twin_env.envs.registration import definition_of
from twin_env.files import write_text
from twin_env.report.search import show_search
from twin_env.studies.search.result import SearchReport
from twin_env.studies.search.space import MOST_KINDS, Space
from twin_env.studies.search.study import Settings, run_study

Measure = Literal["without_drift", "shortfall", "net"]
OBJECTIVES: Final[dict[Measure, Objective]] = {
    cast(Measure, objective.name): objective for objective in (SHORTFALL_WITHOUT_DRIFT, SHORTFALL, NET_RESULT)
}
UNITS: Final[dict[Measure, str]] = {name: objective.unit for name, objective in OBJECTIVES.items()}
FAULTS: Final = "default"
PROGRAM: Final = "agents.batteries.stress"


def cost_of(episode: Episode, measure: Measure) -> float:
    """Return what an episode cost.

    Args:
        episode: It.
        measure: ``without_drift`` is the shortfall less the efficient price's drift, as reports compare policies, bps;
            ``shortfall`` is all of it, bps; ``net`` is what was lost, account currency.
    """
    return OBJECTIVES[measure].cost(episode.info)


class Damage:
    """What an experiment costs a policy, by seed: the score of a search.

    Attributes:
        measure: What cost means.
        episodes: Played so far, those without the experiment included.
    """

    def __init__(self, env: Any, policy: Policy, measure: Measure, tell: Callable[[], object] = lambda: None) -> None:
        self.measure = measure
        self.episodes = 0
        self._env = env
        self._policy = policy
        self._tell = tell
        self._calm: dict[int, float] = {}

    def __call__(self, experiment: Experiment, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return the damage in the episode of each seed."""
        return np.array([self._play(seed, experiment) - self._calm_cost(seed) for seed in seeds], np.float64)

    def _calm_cost(self, seed: int) -> float:
        """Return the cost without an experiment, played once."""
        if seed not in self._calm:
            self._calm[seed] = self._play(seed, None)
        return self._calm[seed]

    def _play(self, seed: int, experiment: Experiment | None) -> float:
        options = {"experiment": experiment} if experiment else None
        cost = cost_of(play(self._env, self._policy, seed, options), self.measure)
        self.episodes += 1
        self._tell()
        return cost


def damage_of(
    config: TrainConfig,
    policy: str,
    *,
    measure: Measure | None = None,
    seed: int = 0,
    device: str = "cpu",
    tell: Callable[[], object] = lambda: None,
) -> Damage:
    """Return the score of experiments against a policy.

    Args:
        config: Names the environment, and says how it is made.
        policy: A rule's name, or the path of a trained model.
        measure: Of cost; by default the shortfall without drift of a parent order, the net result of a trader.
        seed: Of the policy's own random numbers.
        device: Where a trained model computes.
        tell: Is called after every episode.

    Raises:
        ConfigError: There is no such policy, or it does not fit the environment.
    """
    env = make_env(config.env, config.env_config)
    chosen = measure or default_measure(config)
    return Damage(env, make_policy(policy, env, seed, device), chosen, tell)


def default_measure(config: TrainConfig) -> Measure:
    """Return what cost means in an environment."""
    return cast(Measure, definition_of(config.env).objective.name)


def horizon_of(config: TrainConfig) -> float:
    """Return the length of an episode in seconds, as the environment itself has it."""
    return definition_of(config.env).horizon_s(config.env_config)


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    defaults = Settings()
    parser = cli.ArgumentParser(prog=PROGRAM, description="Look for the experiments that hurt a policy most.")
    parser.add_argument("--policy", required=True, metavar="NAME|RUN|ZIP", help=f"a rule ({', '.join(RULES)}), a model")
    parser.add_argument("-conf", "--config", type=Path, help="training configuration whose environment to use")
    parser.add_argument("--env", help="name of the environment")
    parser.add_argument("--env-kwargs", type=cli.key_value, nargs="+", help="key:value, as in links:adversarial")
    parser.add_argument("--faults", default=FAULTS, help="preset of configs/chaos, or a file: what is searched")
    parser.add_argument("--most-faults", type=cli.positive, default=MOST_KINDS, help="in an experiment (%(default)s)")
    parser.add_argument(
        "--budget", type=cli.positive, default=defaults.budget, help="episodes of the search (%(default)s)"
    )
    parser.add_argument("--radius", type=float, nargs="+", default=list(defaults.radii), help="standard deviations")
    parser.add_argument("--limit", type=float, help="damage that counts as broken: look for the nearest such failure")
    parser.add_argument("--measure", choices=get_args(Measure), help="what cost means")
    parser.add_argument("--seed", type=cli.natural, default=defaults.seed, help="of the search (%(default)s)")
    parser.add_argument("--first-seed", type=cli.natural, default=defaults.first_seed, help="of the episodes")
    parser.add_argument("--failures", type=cli.natural, default=defaults.failures, help="to report (%(default)s)")
    parser.add_argument("--fresh", type=cli.positive, default=defaults.fresh_seeds, help="episodes of each figure")
    parser.add_argument("--device", default="cpu", help="of PyTorch (%(default)s)")
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("runs"), help="folder of runs (%(default)s)")
    parser.add_argument("--json", type=cli.output_file, metavar="FILE", help="write the report there")
    return parser.parse_args(argv)


def read_config(args: argparse.Namespace) -> TrainConfig:
    """Choose the environment: the file's, else the trained policy's, else the default."""
    changes = {"env": args.env} if args.env else {}
    changes |= cli.overrides("env_config", args.env_kwargs)
    trained = None if args.policy in RULES else runs.read_run_config(trained_path(args.policy))
    return load_train_config(args.config or trained, **changes)


def read_settings(args: argparse.Namespace) -> Settings:
    """Return how to search."""
    data = {
        "budget": args.budget,
        "radii": args.radius,
        "seed": args.seed,
        "first_seed": args.first_seed,
        "failures": args.failures,
        "fresh_seeds": args.fresh,
        "limit": args.limit,
    }
    return load_config(Settings, data)


def write_experiments(report: SearchReport) -> None:
    """Write each failure where its command looks for it."""
    plain = Experiment(title="plain").model_dump(mode="json")
    for failure in report.failures:
        data = failure.experiment.model_dump(mode="json")
        kept = {key: value for key, value in data.items() if value != plain[key] or key == "schema_version"}
        write_text(Path(failure.file), yaml.safe_dump(kept, sort_keys=False))


def stress(args: argparse.Namespace) -> int:
    """Search, print, write, and return the exit code."""
    check_name(args.policy)
    config, settings = read_config(args), read_settings(args)
    space = Space.of(load_sampler_config(args.faults), horizon_of(config), args.most_faults)
    with tqdm(unit="episode", leave=False, disable=not sys.stderr.isatty()) as bar:
        damage = damage_of(config, args.policy, measure=args.measure, device=args.device, tell=bar.update)
        folder = runs.create_run(args.log_folder, "stress")
        unit = UNITS[damage.measure]
        tell = bar.set_description if not bar.disable else lambda step: print(step, flush=True)
        report = run_study(damage, space, settings, unit=unit, folder=str(folder / "found"), tell=tell)
    write_experiments(report)
    file = args.json or folder / "report.json"
    write_text(file, report.model_dump_json(indent=2) + "\n")
    print(f"\n{args.policy} in {config.env}, {damage.episodes} episodes\n")
    show_search(report)
    print(f"\nFigures:     {file}\nExperiments: {folder / 'found'}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = parse_arguments(argv)
    return cli.run(PROGRAM, lambda: stress(args), ", no report was written")


if __name__ == "__main__":
    sys.exit(main())
