"""What faults cost policies: in calm, of families that training may have met, and of families held out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.statistics import LEVEL, Interval

SCHEMA: Final = 1
CALM: Final = "calm"
TAIL: Final = 0.1
RESAMPLES: Final = 2000


@dataclass(frozen=True)
class Costs:
    """What the episodes of a policy cost.

    Attributes:
        policy: Its name in tables.
        sources: Rules or trained runs it stands for: one, or the same training with several seeds.
        by_split: Cost of each episode, float64 of shape ``(runs, episodes)``, on the same seeds in every split.
    """

    policy: str
    sources: tuple[str, ...]
    by_split: Mapping[str, NDArray[np.float64]]

    def damage(self, split: str) -> NDArray[np.float64]:
        """Return what each episode cost more than the same seed in calm, float64 of shape ``(runs, episodes)``."""
        return self.by_split[split] - self.by_split[CALM]

    def tail(self, split: str) -> float:
        """Return the mean of the worst tenth of all episodes of all runs (CVaR)."""
        return _tail(self.by_split[split])


@dataclass(frozen=True)
class Difference:
    """How much more a policy costs than the baseline in a split; all figures are paired by episode.

    Attributes:
        cost: Of the cost.
        damage: Of the damage.
        tail: Of the mean of the worst tenth; its interval is a bootstrap over episodes.
        cost_over_runs: Of the cost, the interval over pairs of runs; ``None`` where those are not several of each.
        damage_over_runs: Of the damage likewise.
    """

    cost: Interval
    damage: Interval
    tail: Interval
    cost_over_runs: Interval | None
    damage_over_runs: Interval | None

    @classmethod
    def of(cls, costs: Costs, baseline: Costs, split: str) -> "Difference":
        """Compare two policies; runs of each are paired in their order."""
        paid = costs.by_split[split], baseline.by_split[split]
        lost = costs.damage(split), baseline.damage(split)
        return cls(
            cost=over_episodes(*paid),
            damage=over_episodes(*lost),
            tail=over_resamples(*paid),
            cost_over_runs=over_runs(*paid),
            damage_over_runs=over_runs(*lost),
        )

    def to_json(self) -> dict[str, Any]:
        """Return what goes into JSON."""
        return {name: interval and interval.to_json() for name, interval in vars(self).items()}


def over_episodes(mine: NDArray[np.float64], theirs: NDArray[np.float64] | None = None) -> Interval:
    """Estimate a mean, or a paired difference, over episodes; several runs are averaged in each."""
    values = mine.mean(axis=0)
    return Interval.student(values if theirs is None else values - theirs.mean(axis=0))


def over_runs(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> Interval | None:
    """Estimate a paired difference over runs, so that the luck of a training is in its interval."""
    return Interval.student(mine.mean(axis=1) - theirs.mean(axis=1)) if len(mine) == len(theirs) > 1 else None


def over_resamples(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> Interval:
    """Estimate the paired difference of two tails over episodes, the interval by the percentile bootstrap."""
    episodes = mine.shape[1]
    picks = np.random.default_rng(0).integers(episodes, size=(RESAMPLES, episodes))
    gaps = [_tail(mine[:, pick]) - _tail(theirs[:, pick]) for pick in picks]
    return Interval.percentile(_tail(mine) - _tail(theirs), gaps, episodes)


def _tail(values: NDArray[np.float64]) -> float:
    """Return the mean of the worst tenth."""
    ordered = np.sort(values, axis=None)
    return float(ordered[-math.ceil(TAIL * len(ordered)) :].mean())


def compare(policies: Sequence[Costs]) -> dict[str, dict[str, Difference]]:
    """Return the differences from the first policy: by policy, then by split."""
    baseline, *others = policies
    return {
        costs.policy: {split: Difference.of(costs, baseline, split) for split in baseline.by_split} for costs in others
    }


def summarize(policies: Sequence[Costs], unit: str) -> dict[str, Any]:
    """Return everything the tables show, and the cost of every episode, ready for JSON."""
    return {
        "schema": SCHEMA,
        "unit": unit,
        "confidence": LEVEL,
        "tail": TAIL,
        "policies": [_summarize_policy(costs) for costs in policies],
        "baseline": policies[0].policy,
        "differences": {
            policy: {split: difference.to_json() for split, difference in differences.items()}
            for policy, differences in compare(policies).items()
        },
    }


def _summarize_policy(costs: Costs) -> dict[str, Any]:
    splits = {
        split: {
            "cost": over_episodes(values).to_json(),
            "damage": over_episodes(costs.damage(split)).to_json(),
            "tail": costs.tail(split),
            "per_episode": values.tolist(),
        }
        for split, values in costs.by_split.items()
    }
    return {"policy": costs.policy, "sources": list(costs.sources), "splits": splits}
