"""Results of episodes: collected, checked in integers, averaged with intervals."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.headline import headline_of
from twin_env.alpha.parts import FIRST_PART, SPLIT_NAMES

SCHEMA: Final = 1
LEVEL: Final = 0.95


class SumError(ArithmeticError):
    """Parts of an episode's result do not sum to their total."""


class PairingError(ArithmeticError):
    """Policies that were to be compared on the same episodes did not get the same ones."""


@dataclass(frozen=True)
class Episode:
    """One episode of one policy.

    Attributes:
        seed: What the environment was reset with.
        info: The info of the last step.
        parts_micro: The split in 1e-6 of the account currency, in the order of ``SPLIT_NAMES``.
        wanted_lots: Lots that were to be traded: of the parent order, or of everything that was decided.
        reward: Sum over the steps.
        steps: Decisions taken.
        first_observation: Bytes of it: the same for every policy.
        event_hash: Of everything the exchange did.
    """

    seed: int
    info: Mapping[str, float]
    parts_micro: tuple[int, ...]
    wanted_lots: int
    reward: float
    steps: int
    first_observation: bytes
    event_hash: int

    def check_sums(self) -> None:
        """Check that parts sum to execution, and strategy and execution to net, in integers.

        Net comes from cash, position and fees, which the ledger books apart from the parts.

        Raises:
            SumError: They do not.
        """
        net, strategy, execution = self.parts_micro[:FIRST_PART]
        for total, terms, names in (
            (execution, sum(self.parts_micro[FIRST_PART:]), "the parts of execution"),
            (net, strategy + execution, "strategy + execution"),
        ):
            if total != terms:
                raise SumError(f"seed {self.seed}: {names} sum to {terms} micro, their total is {total}.")


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % confidence interval by Student's t; both ends ``None`` for a single number."""

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.float64]) -> "Interval":
        """Estimate the mean of independent values."""
        from scipy.special import stdtrit  # takes longer to import than all the rest

        numbers = np.asarray(values, np.float64)
        mean, count = math.fsum(numbers) / len(numbers), len(numbers)
        if count < 2:
            return cls(mean, None, None)
        half = float(stdtrit(count - 1, 0.5 + LEVEL / 2.0) * numbers.std(ddof=1) / math.sqrt(count))
        return cls(mean, mean - half, mean + half)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)

    def as_dict(self) -> dict[str, float | None]:
        """Return what goes into JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass
class Result:
    """The episodes of one policy.

    Attributes:
        policy: Its name in tables.
        episodes: In the order of the seeds.
        timesteps: Steps it was trained for; 0 for a rule.
        source: Where a trained policy came from; empty for a rule.
    """

    policy: str
    episodes: list[Episode]
    timesteps: int = 0
    source: str = ""
    _cache: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def values(self, key: str) -> NDArray[np.float64]:
        """Return the final value of an info key in each episode, float64 of shape ``(episodes,)``."""
        if key not in self._cache:
            self._cache[key] = np.array([episode.info[key] for episode in self.episodes], np.float64)
        return self._cache[key]

    def mean(self, key: str) -> float:
        """Return the mean over episodes of the final value of an info key."""
        return math.fsum(self.values(key)) / len(self.episodes)

    @property
    def without_drift_bps(self) -> NDArray[np.float64]:
        """Shortfall of each episode less its drift: the same mean, and far less of the market's luck."""
        return self.values("exec/is_bps") - self.values("exec/drift_bps")

    @property
    def knows_drift(self) -> bool:
        """Whether the market had an efficient price, so that drift could be told from the rest."""
        return bool(self.values("exec/drift_bps").any())

    @property
    def trades_freely(self) -> bool:
        """Whether the policy chose what to trade, so that the net result judges it and not the shortfall."""
        return "trade/orders" in self.episodes[0].info

    @property
    def headline(self) -> str:
        """What judges the policy in a few words: the mean net result, or the shortfall, without drift where known."""
        if self.trades_freely:
            return f"net result {self.mean('alpha/net'):+.2f}"
        values, what = self.values("exec/is_bps"), "shortfall"
        if self.knows_drift:
            values, what = self.without_drift_bps, "shortfall without drift"
        return f"{what} {Interval.of(values).mean:.3f} bps"

    @property
    def filled_share(self) -> float:
        """Filled lots of all episodes over the lots that were to be traded; 1 if there were none."""
        wanted = sum(episode.wanted_lots for episode in self.episodes)
        return math.fsum(self.values("exec/filled_lots")) / wanted if wanted else 1.0

    @property
    def mean_reward(self) -> float:
        """Mean over episodes of the sum of rewards."""
        return math.fsum(episode.reward for episode in self.episodes) / len(self.episodes)

    @property
    def total_micro(self) -> tuple[int, ...]:
        """The split summed over episodes, in integers."""
        return tuple(map(sum, zip(*(episode.parts_micro for episode in self.episodes), strict=True)))


def check(results: Sequence[Result]) -> None:
    """Check every sum, and that all policies played the same episodes.

    Raises:
        SumError: Parts do not sum to their total.
        PairingError: The seeds or the first observations of two policies differ.
    """
    for result in results:
        for episode, reference in zip(result.episodes, results[0].episodes, strict=True):
            episode.check_sums()
            if (episode.seed, episode.first_observation) != (reference.seed, reference.first_observation):
                raise PairingError(
                    f"Seed {episode.seed} of {result.policy} and seed {reference.seed} of {results[0].policy} "
                    "do not begin with the same observation."
                )


def judged(results: Sequence[Result]) -> tuple[str, list[NDArray[np.float64]]]:
    """Return what judges policies, in words with its unit, and its values for each: one per episode."""
    if any(result.trades_freely for result in results):
        return "net result, account currency", [result.values("alpha/net") for result in results]
    if any(result.knows_drift for result in results):
        return "shortfall without drift, bps", [result.without_drift_bps for result in results]
    return "shortfall, bps", [result.values("exec/is_bps") for result in results]


def difference(result: Result, baseline: Result) -> Interval:
    """Return the mean paired difference of shortfalls, ``result`` minus ``baseline``, over their common seeds."""
    return Interval.of(result.values("exec/is_bps") - baseline.values("exec/is_bps"))


def difference_without_drift(result: Result, baseline: Result) -> Interval:
    """Return the same with the drift of each taken out: an estimate of the same mean, more precise."""
    return Interval.of(result.without_drift_bps - baseline.without_drift_bps)


def difference_net(result: Result, baseline: Result) -> Interval:
    """Return the mean paired difference of net results, in account currency."""
    return Interval.of(result.values("alpha/net") - baseline.values("alpha/net"))


def summarize(results: Sequence[Result], baseline: Result, currency: str) -> dict[str, Any]:
    """Return everything the tables show, and each episode's own figures, ready for JSON.

    Args:
        results: One per policy, on the same seeds.
        baseline: The one the others are compared with.
        currency: Of every amount whose key ends in ``_ccy``.
    """
    return {
        "schema": SCHEMA,
        "currency": currency,
        "confidence": LEVEL,
        "seeds": [episode.seed for episode in baseline.episodes],
        "sums_exact": True,  # or check() had raised
        "policies": [_summarize_policy(result) for result in results],
        "baseline": baseline.policy,
        "differences_is_bps": {
            result.policy: difference(result, baseline).as_dict() for result in results if result is not baseline
        },
        "differences_without_drift_bps": {
            result.policy: difference_without_drift(result, baseline).as_dict()
            for result in results
            if result is not baseline
        },
        "differences_net_ccy": {
            result.policy: difference_net(result, baseline).as_dict() for result in results if result is not baseline
        },
    }


def _summarize_policy(result: Result) -> dict[str, Any]:
    return {
        "policy": result.policy,
        "source": result.source,
        "timesteps": result.timesteps,
        "episodes": len(result.episodes),
        "alpha_ccy": {name: result.mean(f"alpha/{name}") for name in SPLIT_NAMES},
        "alpha_total_micro": dict(zip(SPLIT_NAMES, result.total_micro, strict=True)),
        "is_bps": Interval.of(result.values("exec/is_bps")).as_dict(),
        "without_drift_bps": Interval.of(result.without_drift_bps).as_dict(),
        "filled_share": result.filled_share,
        "fills_per_episode": result.mean("exec/fills"),
        "steps_per_episode": sum(episode.steps for episode in result.episodes) / len(result.episodes),
        "mean_reward": result.mean_reward,
        "per_episode": {
            "is_bps": result.values("exec/is_bps").tolist(),
            "drift_bps": result.values("exec/drift_bps").tolist(),
            "net_ccy": result.values("alpha/net").tolist(),
            "execution_ccy": result.values("alpha/execution").tolist(),
            "filled_lots": result.values("exec/filled_lots").tolist(),
            "event_log_hash": [f"{episode.event_hash:016x}" for episode in result.episodes],
        },
        "event_logs_sha256": _digest(result),
    }


def _digest(result: Result) -> str:
    """Return one hash of all event logs of a policy: two evaluations that agree here saw the same markets."""
    logs = b"".join(episode.event_hash.to_bytes(8, "big") for episode in result.episodes)
    return hashlib.sha256(logs).hexdigest()


def tensorboard_scalars(result: Result) -> dict[str, float]:
    """Return the means under the tags of a training run: those of its episodes and of its evaluations."""
    every = {key: result.mean(key) for key in result.episodes[0].info}
    means = {key: mean for key, mean in every.items() if key.startswith(("alpha/", "exec/"))}
    means |= [headline_of(every)]
    return {
        **means,
        **{f"eval/{key}": mean for key, mean in means.items()},
        "eval/mean_reward": result.mean_reward,
        "rollout/ep_rew_mean": result.mean_reward,
    }
