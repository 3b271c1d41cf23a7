"""Compare what policies lose to faults they may have met and to faults they cannot have (``twin robustness``).

Every policy plays every seed in calm, with an experiment of the families of training, and with one of those held out.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agents.batteries.rollouts import play
from agents.batteries.stress import UNITS, Measure, cost_of, default_measure, horizon_of
from agents.policies.policy import Policy
from agents.policies.registry import RULES, check_name, make_policy, trained_path
from agents.training import runs
from agents.training.config import TrainConfig, load_train_config
from agents.training.training import make_env
from twin_env.alpha.costs import CALM, Costs, summarize
from twin_env.chaos.experiment import NOTHING, Experiment
from twin_env.chaos.sampling.randomisation import SamplerConfig, load_sampler_config
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.cli import options as cli
from twin_env.config import ConfigError
from twin_env.files import write_json
from twin_env.provenance import describe_provenance
from twin_env.report.robustness import cost_table, difference_table

PROGRAM: Final = "agents.batteries.robustness"
CHAOS: Final = "heldout_price"
EPISODES: Final = 400
Splits = Mapping[str, Sequence[Experiment]]


@dataclass(frozen=True)
class Entry:
    """A policy to compare.

    Attributes:
        label: Its name in tables.
        members: A rule, or runs of the same training with several seeds.
    """

    label: str
    members: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Entry":
        """Read ``[LABEL=]POLICY[,POLICY...]``.

        Raises:
            ConfigError: There is no such policy.
        """
        label, _, names = text.rpartition("=")
        members = tuple(names.split(","))
        for name in members:
            check_name(name)
        return cls(label or (members[0] if members[0] in RULES else runs.run_label(trained_path(members[0]))), members)


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = cli.ArgumentParser(prog=PROGRAM, description="Compare what policies lose to faults, held-out ones too.")
    parser.add_argument(
        "--policies",
        nargs="+",
        required=True,
        metavar="[LABEL=]POLICY[,POLICY]",
        help=f"rules ({', '.join(RULES)}), runs, models; commas join runs of one training; the first is the baseline",
    )
    parser.add_argument("--chaos", default=CHAOS, help="preset of configs/chaos, or a file, with families held out")
    parser.add_argument("-n", "--episodes", type=cli.positive, default=EPISODES, help="of each split (%(default)s)")
    parser.add_argument("-conf", "--config", type=Path, help="training configuration whose environment to use")
    parser.add_argument("--env", help="name of the environment")
    parser.add_argument("--env-kwargs", type=cli.key_value, nargs="+", help="key:value, as in links:adversarial")
    parser.add_argument("--seed", type=cli.natural, default=0, help="of the first episode, and of its experiments")
    parser.add_argument("--device", default="cpu", help="of PyTorch (%(default)s)")
    parser.add_argument("--num-threads", type=cli.positive, default=1, help="threads of PyTorch (%(default)s)")
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("runs"), help="folder of runs (%(default)s)")
    parser.add_argument("--json", type=cli.output_file, metavar="FILE", help="write the figures there")
    return parser.parse_args(argv)


def read_entries(texts: Sequence[str]) -> list[Entry]:
    """Return the policies to compare.

    Raises:
        ConfigError: There is no such policy, or two have the same name.
    """
    entries = [Entry.read(text) for text in texts]
    for label, count in Counter(entry.label for entry in entries).items():
        if count > 1:
            raise ConfigError([f"--policies has {count} called {label!r}, expected names, as in plain=RUN other=RUN."])
    return entries


def read_config(args: argparse.Namespace, entries: Sequence[Entry]) -> TrainConfig:
    """Choose the environment: the file's, else that of the first trained policy, else the default; always calm."""
    trained = (trained_path(name) for entry in entries for name in entry.members if name not in RULES)
    source = args.config or next((config for path in trained if (config := runs.read_run_config(path))), None)
    changes = {"env": args.env} if args.env else {}
    changes |= cli.overrides("env_config", args.env_kwargs)
    return load_train_config(source, **changes | {"env_config.chaos": None})


def check_unseen(entries: Sequence[Entry], heldout: Sequence[str]) -> None:
    """Check that no policy was trained with what is held out here.

    Raises:
        ConfigError: One was.
    """
    for name in (name for entry in entries for name in entry.members if name not in RULES):
        config = runs.read_run_config(trained_path(name))
        seen = sorted(families_of(config) & set(heldout)) if config else []
        if seen:
            raise ConfigError(
                [f"{name}: was trained with faults of {', '.join(seen)}, expected none of what {PROGRAM} holds out."]
            )


def families_of(config: TrainConfig) -> set[str]:
    """Return the families of faults that episodes of a training may have."""
    chaos: SamplerConfig | Experiment | None = config.env_config.chaos
    if chaos is None:
        return set()
    return {part.family for part in (chaos.templates() if isinstance(chaos, SamplerConfig) else chaos.method)}


def draw_splits(chaos: SamplerConfig, seeds: Sequence[int], horizon_s: float) -> Splits:
    """Draw an experiment per split and seed; every one has a fault, for calm is a split of its own."""
    splits: dict[str, Sequence[Experiment]] = {CALM: [NOTHING] * len(seeds)}
    for split in ("train", "heldout") if chaos.heldout else ("train",):
        sampler = Sampler(load_sampler_config(chaos, split=split, calm_share=0.0))
        splits[split] = [sampler.draw(seed, horizon_s).experiment for seed in seeds]
    return splits


def play_splits(
    env: Any, policy: Policy, splits: Splits, seeds: Sequence[int], measure: Measure, tell: Callable[[], object]
) -> dict[str, NDArray[np.float64]]:
    """Return the cost of every episode: by split, float64 of shape ``(episodes,)``."""
    costs: dict[str, NDArray[np.float64]] = {}
    for split, experiments in splits.items():
        costs[split] = np.zeros(len(seeds))
        for number, (seed, experiment) in enumerate(zip(seeds, experiments, strict=True)):
            costs[split][number] = cost_of(play(env, policy, seed, {"experiment": experiment}), measure)
            tell()
    return costs


def play_entries(
    args: argparse.Namespace, config: TrainConfig, entries: Sequence[Entry], splits: Splits, measure: Measure
) -> list[Costs]:
    """Play every policy in every split on the same seeds."""
    env = make_env(config.env, config.env_config)
    seeds = range(args.seed, args.seed + args.episodes)
    made = [[make_policy(name, env, args.seed, args.device) for name in entry.members] for entry in entries]
    count = sum(map(len, made)) * len(splits) * len(seeds)
    found = []
    with tqdm(total=count, unit="episode", leave=False, disable=not sys.stderr.isatty()) as bar:
        for entry, policies in zip(entries, made, strict=True):
            played = [play_splits(env, policy, splits, seeds, measure, bar.update) for policy in policies]
            by_split = {split: np.array([costs[split] for costs in played]) for split in splits}
            found.append(Costs(entry.label, entry.members, by_split))
    env.close()
    return found


def count_faults(splits: Splits) -> dict[str, dict[str, int]]:
    """Return how many faults of each kind the episodes of each split have."""
    return {
        split: dict(sorted(Counter(fault.kind for experiment in drawn for fault in experiment.method).items()))
        for split, drawn in splits.items()
    }


def compare(args: argparse.Namespace, command: Sequence[str]) -> int:
    """Play, print, write, and return the exit code."""
    entries = read_entries(args.policies)
    config, chaos = read_config(args, entries), load_sampler_config(args.chaos)
    check_unseen(entries, chaos.heldout)
    if any(name not in RULES for entry in entries for name in entry.members):
        import torch

        torch.set_num_threads(args.num_threads)
    seeds = range(args.seed, args.seed + args.episodes)
    splits, measure = draw_splits(chaos, seeds, horizon_of(config)), default_measure(config)
    policies = play_entries(args, config, entries, splits, measure)
    file = args.json or runs.create_run(args.log_folder, "robustness") / "report.json"
    data = summarize(policies, UNITS[measure]) | {
        "measure": measure,
        "seeds": list(seeds),
        "heldout": list(chaos.heldout),
        "faults": count_faults(splits),
        "chaos": chaos.model_dump(mode="json"),
        "env": config.env,
        "env_config": config.env_config.model_dump(mode="json"),
        "provenance": describe_provenance(args.seed, command),
    }
    write_json(file, data)
    held = ", ".join(chaos.heldout) or "nothing"
    print(f"{config.env}, {args.episodes} episodes in each split, seeds {seeds[0]} to {seeds[-1]}, held out: {held}\n")
    cost_table(policies, UNITS[measure]).show()
    if len(policies) > 1:
        print()
        difference_table(policies, UNITS[measure]).show()
    print(f"\nFigures: {file}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = parse_arguments(argv)
    command = sys.argv if argv is None else [PROGRAM, *argv]
    return cli.run(PROGRAM, lambda: compare(args, command), ", nothing was written")


if __name__ == "__main__":
    sys.exit(main())
