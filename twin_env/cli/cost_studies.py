"""What ``twin evaluate`` finds out beside the comparison: cost ladder, capacity, counterfactual, tables of fills."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin_env.config import ConfigError
from twin_env.market.data.columns.files import polars

if TYPE_CHECKING:
    from agents.training.config import TrainConfig
    from twin_env.alpha.basis import Basis
    from twin_env.alpha.results import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--basis",
        choices=("ordered", "executed"),
        default="ordered",
        help="tell the split of all lots that were decided (Perold), or of those that filled (Kissell) (%(default)s)",
    )
    parser.add_argument(
        "--desired-price",
        choices=("mid", "touch"),
        default="mid",
        help="what a decision to trade at once wishes for: the mid it saw, or the other side's touch (%(default)s)",
    )
    parser.add_argument(
        "--ladder", metavar="NAME", help="what each step from a perfect fill to the real market costs this policy"
    )
    parser.add_argument(
        "--assumed-friction",
        type=float,
        metavar="CCY",
        help="what a backtest charges for a round trip of one lot, to stand beside what it cost here",
    )
    parser.add_argument("--capacity", metavar="NAME", help="this policy at 1, 2, 4 and 8 times its lots")
    parser.add_argument(
        "--counterfactual", metavar="NAME", help="this policy beside the same markets without its messages"
    )
    parser.add_argument(
        "--tables", type=Path, metavar="FOLDER", help="write fills, orders, decisions and trips there, as Parquet"
    )


def basis_of(arguments: argparse.Namespace) -> "Basis":
    """Return what the split is told of."""
    from twin_env.alpha.basis import Basis

    return Basis(arguments.basis, arguments.desired_price)


def check(arguments: argparse.Namespace, config: "TrainConfig", names: Sequence[str]) -> None:
    """Check before anything plays that what is to be studied can be.

    Raises:
        ConfigError: It cannot.
    """
    from agents.batteries.capacity import check_sizes

    for option in ("ladder", "capacity", "counterfactual"):
        name = getattr(arguments, option)
        if name is not None and name not in names:
            raise ConfigError([f"--{option} {name!r} is not among the policies, expected one of {', '.join(names)}."])
    if arguments.assumed_friction is not None and arguments.ladder is None:
        raise ConfigError(["--assumed-friction stands beside a measured one, expected --ladder NAME with it."])
    if arguments.tables is not None and arguments.tables.exists():
        raise ConfigError([f"--tables {str(arguments.tables)!r} is there already, expected a folder to be made."])
    if arguments.tables is not None:
        polars()
    if arguments.capacity is not None:
        check_sizes(config, arguments.capacity)


def run_studies(
    arguments: argparse.Namespace, config: "TrainConfig", results: "dict[str, Result]", seeds: Sequence[int]
) -> dict[str, Any]:
    """Play and measure what was asked for; the figures go beside the comparison's, ``None`` where not asked for.

    Args:
        arguments: Of the command.
        config: Of the environment.
        results: Of the policies, by the name that was given.
        seeds: Of the episodes.
    """
    return {
        "ladder": _ladder(arguments, config, results, seeds),
        "capacity": _capacity(arguments, config, seeds),
        "counterfactual": _counterfactual(arguments, config, seeds),
    }


def _ladder(
    arguments: argparse.Namespace, config: "TrainConfig", results: "dict[str, Result]", seeds: Sequence[int]
) -> dict[str, Any] | None:
    from agents.batteries.cost_ladder import cost_ladder, round_trip_friction

    name = arguments.ladder
    if name is None:
        return None
    played, calm = results[name], _play_calm(config, name, seeds)
    rungs = cost_ladder(played) if calm is None else cost_ladder(calm, played)
    measured = round_trip_friction(played)
    friction = measured and {"assumed_ccy": arguments.assumed_friction, "measured_ccy": measured.to_json()}
    return {"policy": played.policy, "unit": "ccy", "rungs": [rung.to_json() for rung in rungs], "friction": friction}


def _play_calm(config: "TrainConfig", name: str, seeds: Sequence[int]) -> "Result | None":
    """Play a policy without faults; ``None`` where nothing goes wrong in the environment anyway."""
    from agents.batteries.rollouts import run_episodes
    from agents.environments import make_env
    from agents.policies.registry import make_policy
    from twin_env.alpha.results import Result

    if config.env_config.chaos is None:
        return None
    calm = config.env_config.model_copy(update={"chaos": None})
    print(f"{name} without faults ...", file=sys.stderr, flush=True)
    env: Any = make_env(config.env, calm)
    episodes = run_episodes(env, make_policy(name, env), seeds, record=True)
    env.close()
    return Result(name, episodes, objective=env.unwrapped.definition.objective)


def _capacity(arguments: argparse.Namespace, config: "TrainConfig", seeds: Sequence[int]) -> dict[str, Any] | None:
    from agents.batteries.capacity import SIZES, capacity

    name = arguments.capacity
    if name is None:
        return None
    print(f"{name} at {', '.join(map(str, SIZES))} times its lots ...", file=sys.stderr, flush=True)
    points = capacity(config, name, seeds)
    unit = points[0].result.objective.unit
    return {"policy": name, "unit": unit, "points": [point.to_json() for point in points]}


def _counterfactual(
    arguments: argparse.Namespace, config: "TrainConfig", seeds: Sequence[int]
) -> dict[str, Any] | None:
    from agents.batteries.counterfactual import play_replicas, summarize_replicas
    from agents.environments import make_env
    from agents.policies.registry import make_policy

    name = arguments.counterfactual
    if name is None:
        return None
    print(f"{name} beside markets without it ...", file=sys.stderr, flush=True)
    env: Any = make_env(config.env, config.env_config)
    replicas = play_replicas(env, make_policy(name, env), seeds)
    env.close()
    return {"policy": name, "unit": "ccy"} | summarize_replicas(replicas)


def print_studies(studies: dict[str, Any], currency: str) -> None:
    """Print ladder, friction, capacity and counterfactual, as far as they were played."""
    from twin_env.report.cost_studies import study_tables

    for table in study_tables(studies, currency):
        print()
        table.show()


def write_tables(folder: Path | None, results: "Sequence[Result]") -> None:
    """Write the tables of every policy into a folder of its name; ``None`` for no folder."""
    from twin_env.alpha.tables import alpha_tables
    from twin_env.alpha.tables import write_tables as write_parquet

    if folder is None:
        return
    for result in results:
        kept = [(episode.seed, episode.alpha) for episode in result.episodes if episode.alpha is not None]
        write_parquet(folder / result.policy, alpha_tables([seed for seed, _ in kept], [alpha for _, alpha in kept]))
