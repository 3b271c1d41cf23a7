"""Compare what policies lose to faults they may have met and to faults they cannot have (``twin robustness``).

Every policy plays every seed in calm, with an experiment of the families of training, and with one of those held out.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.batteries.rollouts import run_episode
from agents.batteries.stress import Measure, cost_of
from agents.environments import make_env
from agents.policies.policy import Policy
from agents.policies.registry import RULE_POLICIES, check_name, make_policy, trained_path
from agents.training import runs
from agents.training.config import TrainConfig
from twin_env.alpha.costs import CALM, Costs
from twin_env.chaos.experiment import NOTHING, Experiment
from twin_env.chaos.sampling.randomisation import SamplerConfig, load_sampler_config
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import ConfigError

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
        return cls(
            label or (members[0] if members[0] in RULE_POLICIES else runs.run_label(trained_path(members[0]))), members
        )


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


def check_unseen(entries: Sequence[Entry], heldout: Sequence[str]) -> None:
    """Check that no policy was trained with what is held out here.

    Raises:
        ConfigError: One was.
    """
    for name in (name for entry in entries for name in entry.members if name not in RULE_POLICIES):
        config = runs.read_run_config(trained_path(name))
        seen = sorted(families_of(config) & set(heldout)) if config else []
        if seen:
            raise ConfigError(
                [f"{name}: was trained with faults of {', '.join(seen)}, expected none of what is held out here."]
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


def run_splits(
    env: Any, policy: Policy, splits: Splits, seeds: Sequence[int], measure: Measure, tell: Callable[[], object]
) -> dict[str, NDArray[np.float64]]:
    """Return the cost of every episode: by split, float64 of shape ``(episodes,)``."""
    costs: dict[str, NDArray[np.float64]] = {}
    for split, experiments in splits.items():
        costs[split] = np.zeros(len(seeds))
        for number, (seed, experiment) in enumerate(zip(seeds, experiments, strict=True)):
            costs[split][number] = cost_of(run_episode(env, policy, seed, {"experiment": experiment}), measure)
            tell()
    return costs


@dataclass(frozen=True)
class Battery:
    """What every policy plays.

    Attributes:
        config: Names the environment, and says how it is made.
        splits: An experiment a seed, by split.
        seeds: Of the episodes, the same in every split.
        measure: What cost means.
        device: Where trained policies compute.
    """

    config: TrainConfig
    splits: Splits
    seeds: Sequence[int]
    measure: Measure
    device: str = "cpu"

    def episodes(self, entries: Sequence[Entry]) -> int:
        """Return how many episodes the policies play."""
        return sum(len(entry.members) for entry in entries) * len(self.splits) * len(self.seeds)

    def run(self, entries: Sequence[Entry], tell: Callable[[], object] = lambda: None) -> list[Costs]:
        """Play every policy in every split, and ``tell`` after each episode."""
        env = make_env(self.config.env, self.config.env_config)
        made = [[make_policy(name, env, self.seeds[0], self.device) for name in entry.members] for entry in entries]
        found = []
        for entry, policies in zip(entries, made, strict=True):
            played = [run_splits(env, one, self.splits, self.seeds, self.measure, tell) for one in policies]
            by_split = {split: np.array([costs[split] for costs in played]) for split in self.splits}
            found.append(Costs(entry.label, entry.members, by_split))
        env.close()
        return found


def count_faults(splits: Splits) -> dict[str, dict[str, int]]:
    """Return how many faults of each kind the episodes of each split have."""
    return {
        split: dict(sorted(Counter(fault.kind for experiment in drawn for fault in experiment.method).items()))
        for split, drawn in splits.items()
    }
