"""Results of episodes: collected, checked in integers, averaged with intervals."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.basis import Basis
from twin_env.alpha.decisions import CAUSES, opportunity_by_cause
from twin_env.alpha.journey import summarize_journey
from twin_env.alpha.markouts import summarize_markouts
from twin_env.alpha.objective import (
    DRIFT_BPS,
    FILLED_LOTS,
    FILLS,
    IS_BPS,
    NET_RESULT,
    SHORTFALL,
    SHORTFALL_WITHOUT_DRIFT,
    Objective,
)
from twin_env.alpha.parts import ALPHA_KEYS, FIRST_PART, SPLIT_NAMES
from twin_env.alpha.record import AlphaResult
from twin_env.alpha.trading import summarize_days, summarize_trips, trips_table
from twin_env.alpha.vwap import against_vwap_bps, others_vwap_ticks, vwap_ticks
from twin_env.core.ledger import EXECUTION, STRATEGY
from twin_env.statistics import LEVEL, Interval

SCHEMA: Final = 2
_MICRO: Final = 1e-6


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
        alpha: What its decisions and orders came to, where that was recorded.
    """

    seed: int
    info: Mapping[str, float]
    parts_micro: tuple[int, ...]
    wanted_lots: int
    reward: float
    steps: int
    first_observation: bytes
    event_hash: int
    alpha: AlphaResult | None = None

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
        if self.alpha is not None and self.alpha.split.micro != self.parts_micro:
            raise SumError(
                f"seed {self.seed}: the split from the recorded stream is {self.alpha.split.micro}, the ledger's is "
                f"{self.parts_micro}."
            )


@dataclass
class Result:
    """The episodes of one policy.

    Attributes:
        policy: Its name in tables.
        episodes: In the order of the seeds.
        timesteps: Steps it was trained for; 0 for a rule.
        source: Where a trained policy came from; empty for a rule.
        objective: What judges it: that of the environment it played in.
    """

    policy: str
    episodes: list[Episode]
    timesteps: int = 0
    source: str = ""
    objective: Objective = SHORTFALL_WITHOUT_DRIFT
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
        return self.values_of(SHORTFALL_WITHOUT_DRIFT)

    @property
    def knows_drift(self) -> bool:
        """Whether the market had an efficient price, so that drift could be told from the rest."""
        return bool(self.values(DRIFT_BPS).any())

    def values_of(self, objective: Objective) -> NDArray[np.float64]:
        """Return the value of an objective in each episode, float64 of shape ``(episodes,)``."""
        values = self.values(objective.key)
        return values - self.values(objective.control_key) if objective.control_key else values

    @property
    def worst(self) -> Episode:
        """The episode that cost most, or earned least, by what judges the policy."""
        values = self.values_of(self.objective)
        return self.episodes[int(values.argmax() if self.objective.lower_is_better else values.argmin())]

    @property
    def objective_title(self) -> str:
        """What judges the policy, in words."""
        control = self.objective.control_key
        known = control is not None and bool(self.values(control).any())
        return self.objective.title + (self.objective.control_title if known else "")

    @property
    def headline(self) -> str:
        """What judges the policy, in a few words with its mean."""
        mean = Interval.student(self.values_of(self.objective)).mean
        if self.objective.unit == "bps":
            return f"{self.objective_title} {mean:.3f} bps"
        return f"{self.objective_title} {mean:+.2f}"

    @property
    def filled_share(self) -> float:
        """Filled lots of all episodes over the lots that were to be traded; 1 if there were none."""
        wanted = sum(episode.wanted_lots for episode in self.episodes)
        return math.fsum(self.values(FILLED_LOTS)) / wanted if wanted else 1.0

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


def restate(result: Result, basis: Basis) -> Result:
    """Return a result whose split is told on another basis; net and shortfall are the same.

    Raises:
        ValueError: Its decisions and orders were not recorded.
    """
    return replace(result, episodes=[_restate(episode, basis) for episode in result.episodes], _cache={})


def _restate(episode: Episode, basis: Basis) -> Episode:
    if episode.alpha is None:
        raise ValueError(f"seed {episode.seed} was played without a record, expected one to tell another basis from")
    micro = basis.restate(episode.alpha).micro
    amounts = {key: amount * _MICRO for key, amount in zip(ALPHA_KEYS, micro, strict=True)}
    return replace(episode, parts_micro=micro, info={**episode.info, **amounts})


def objective_of(results: Sequence[Result]) -> tuple[Objective, str]:
    """Return what judges policies, and its title: with its control where that is known for any of them."""
    return results[0].objective, max((result.objective_title for result in results), key=len)


def difference(result: Result, baseline: Result, objective: Objective = SHORTFALL) -> Interval:
    """Return the mean paired difference of an objective, ``result`` minus ``baseline``, over their common seeds.

    With a control taken out of both it estimates the same mean, more precisely.
    """
    return Interval.student(result.values_of(objective) - baseline.values_of(objective))


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
        "objective": _describe_objective(results),
        "policies": [_summarize_policy(result) for result in results],
        "baseline": baseline.policy,
        "differences_is_bps": _differences(results, baseline, SHORTFALL),
        "differences_without_drift_bps": _differences(results, baseline, SHORTFALL_WITHOUT_DRIFT),
        "differences_net_ccy": _differences(results, baseline, NET_RESULT),
    }


def _summarize_vwap(each: Sequence[AlphaResult]) -> dict[str, Any]:
    """Return what fills cost beyond the market's VWAP, and beyond that of others; ``None`` where nothing filled."""
    return {name: interval and interval.to_json() for name, interval in vwap_intervals(each).items()}


def vwap_intervals(each: Sequence[AlphaResult]) -> dict[str, Interval | None]:
    """Return what fills cost beyond VWAP in bps, with (``market``) and without (``others``) own trades."""
    market = [against_vwap_bps(one.fills, vwap_ticks(one.traded)) for one in each]
    others = [against_vwap_bps(one.fills, others_vwap_ticks(one.traded, one.fills)) for one in each]
    known = {"market": [bps for bps in market if bps is not None], "others": [bps for bps in others if bps is not None]}
    return {name: Interval.student(values) if values else None for name, values in known.items()}


def _money(result: AlphaResult) -> int:
    """Return the money of half a tick of one lot, in 1e-6 of the currency."""
    return result.instrument.half_tick_micro


def _describe_objective(results: Sequence[Result]) -> dict[str, Any]:
    objective, title = objective_of(results)
    return {
        "name": objective.name,
        "title": title,
        "unit": objective.unit,
        "lower_is_better": objective.lower_is_better,
    }


def _differences(results: Sequence[Result], baseline: Result, objective: Objective) -> dict[str, Any]:
    return {
        result.policy: difference(result, baseline, objective).to_json() for result in results if result is not baseline
    }


def _summarize_policy(result: Result) -> dict[str, Any]:
    return {
        "policy": result.policy,
        "source": result.source,
        "timesteps": result.timesteps,
        "episodes": len(result.episodes),
        "alpha_ccy": {name: result.mean(key) for name, key in zip(SPLIT_NAMES, ALPHA_KEYS, strict=True)},
        "alpha_total_micro": dict(zip(SPLIT_NAMES, result.total_micro, strict=True)),
        "is_bps": Interval.student(result.values(IS_BPS)).to_json(),
        "without_drift_bps": Interval.student(result.without_drift_bps).to_json(),
        "filled_share": result.filled_share,
        "fills_per_episode": result.mean(FILLS),
        "steps_per_episode": sum(episode.steps for episode in result.episodes) / len(result.episodes),
        "mean_reward": result.mean_reward,
        "per_episode": {
            "is_bps": result.values(IS_BPS).tolist(),
            "drift_bps": result.values(DRIFT_BPS).tolist(),
            "net_ccy": result.values(NET_RESULT.key).tolist(),
            "strategy_ccy": result.values(ALPHA_KEYS[STRATEGY]).tolist(),
            "execution_ccy": result.values(ALPHA_KEYS[EXECUTION]).tolist(),
            "filled_lots": result.values(FILLED_LOTS).tolist(),
            "event_log_hash": [f"{episode.event_hash:016x}" for episode in result.episodes],
        },
        "event_logs_sha256": _digest(result),
        **_summarize_records(result),
    }


def _summarize_records(result: Result) -> dict[str, Any]:
    """Return what is known of decisions and orders; all of it is ``None`` where they were not recorded."""
    each = [episode.alpha for episode in result.episodes if episode.alpha is not None]
    if len(each) < len(result.episodes):
        return dict.fromkeys(("opportunity_ccy", "vwap_bps", "trips", "days", "markouts", "journey"))
    by_cause = [opportunity_by_cause(one.decisions, one.split.opportunity // _money(one)) for one in each]
    trips = trips_table([episode.seed for episode in result.episodes], each)
    return {
        "trips": {"summary": summarize_trips(trips), "list": trips} if result.objective is NET_RESULT else None,
        "opportunity_ccy": {
            cause: sum(of[cause] * _money(one) for of, one in zip(by_cause, each, strict=True)) * _MICRO / len(each)
            for cause in CAUSES
        },
        "vwap_bps": None if result.objective is NET_RESULT else _summarize_vwap(each),
        "days": summarize_days(each) if result.objective is NET_RESULT else None,
        "markouts": summarize_markouts([one.markouts for one in each]),
        "journey": summarize_journey([one.orders for one in each]),
    }


def _digest(result: Result) -> str:
    """Return one hash of all event logs of a policy: two evaluations that agree here saw the same markets."""
    logs = b"".join(episode.event_hash.to_bytes(8, "big") for episode in result.episodes)
    return hashlib.sha256(logs).hexdigest()


def tensorboard_scalars(result: Result) -> dict[str, float]:
    """Return the means under the tags of a training run: those of its episodes and of its evaluations."""
    every = {key: result.mean(key) for key in result.episodes[0].info}
    means = {key: mean for key, mean in every.items() if key.startswith(("alpha/", "exec/"))}
    means[result.objective.tag] = result.objective.value(every)
    return {
        **means,
        **{f"eval/{key}": mean for key, mean in means.items()},
        "eval/mean_reward": result.mean_reward,
        "rollout/ep_rew_mean": result.mean_reward,
    }
