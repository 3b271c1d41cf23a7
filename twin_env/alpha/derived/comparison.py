"""Policies against the baseline, paired by episode, and what that amounts to."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from twin_env.alpha.derived.objective import Judge, Row
from twin_env.statistics import Interval
from twin_env.statistics.interval import Floats

NO_DIFFERENCE: Final = "no difference shown"
_WORDS: Final = {True: ("costs less", "costs more"), False: ("earns less", "earns more")}
"""By whether lower is better: what a difference below and above zero means."""


def baseline_of(document: Row) -> int:
    """Return the place of the baseline among the policies."""
    return [policy["policy"] for policy in document["policies"]].index(document["baseline"])


def compare(document: Row, objective: Judge) -> dict[str, Any]:
    """Return a row per policy: its mean, and its difference from the baseline in the objective and in money."""
    place = baseline_of(document)
    baseline = document["policies"][place]
    rows = [
        _compare_one(policy, None if policy is baseline else baseline, objective) for policy in document["policies"]
    ]
    return {"baseline": place, "rows": rows}


def _compare_one(policy: Row, baseline: Row | None, objective: Judge) -> dict[str, Any]:
    row: dict[str, Any] = {
        "policy": policy["policy"],
        "value": Interval.student(objective.values(policy)).to_json(),
        "net_ccy": Interval.student(_net(policy)).to_json(),
        "difference": None,
        "net_difference_ccy": None,
        "words": "baseline",
    }
    if baseline is None:
        return row
    difference = Interval.student(objective.values(policy) - objective.values(baseline))
    return row | {
        "difference": difference.to_json(),
        "net_difference_ccy": Interval.student(_net(policy) - _net(baseline)).to_json(),
        "words": in_words(difference, objective.lower_is_better),
    }


def in_words(difference: Interval, lower_is_better: bool) -> str:
    """Say what the interval of a difference supports."""
    return _WORDS[lower_is_better][difference.mean > 0.0] if difference.excludes_zero else NO_DIFFERENCE


def judge(comparison: Mapping[str, Any], objective: Judge) -> dict[str, Any]:
    """Return which policy did best, and which difference says how sure that is.

    Returns:
        ``best`` is the place of the policy with the best mean. ``compared`` is the place of the row whose difference
        from the baseline tells of it: its own, or that of the runner-up where the baseline is best; ``None`` for a
        single policy. ``excludes_zero`` is whether the interval of that difference does.
    """
    rows, baseline = comparison["rows"], comparison["baseline"]
    costs = np.array([row["value"]["mean"] for row in rows]) * (1.0 if objective.lower_is_better else -1.0)
    order = [int(place) for place in np.argsort(costs, kind="stable")]
    compared = next((place for place in order if place != baseline), None) if order[0] == baseline else order[0]
    difference = rows[compared]["difference"] if compared is not None else None
    return {
        "best": order[0],
        "best_is_baseline": order[0] == baseline,
        "compared": compared,
        "excludes_zero": difference is not None and excludes_zero(difference),
    }


def excludes_zero(interval: Mapping[str, Any]) -> bool:
    """Tell whether an interval of a document lies on one side of zero; one without ends does not."""
    low, high = interval["low"], interval["high"]
    return (low is not None and low > 0.0) or (high is not None and high < 0.0)


def _net(policy: Row) -> Floats:
    return np.array(policy["per_episode"]["net_ccy"], np.float64)
