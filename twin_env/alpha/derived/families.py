"""Results by what went wrong in an episode."""

from typing import Any, Final

import numpy as np

from twin_env.alpha.derived.comparison import baseline_of, in_words
from twin_env.alpha.derived.objective import Judge, Row
from twin_env.statistics import Interval

CALM: Final = "nothing went wrong"


def by_family(document: Row, objective: Judge) -> list[dict[str, Any]]:
    """Return a row per family of faults; an episode counts in each family that its experiment has.

    Args:
        document: With ``experiments``: by episode, the ``families`` of its faults. Without it there are no rows.
        objective: What judges the episodes.
    """
    experiments = document.get("experiments")
    if not experiments:
        return []
    families = [set(experiment["families"]) or {CALM} for experiment in experiments]
    names = sorted(set.union(*families), key=lambda name: (name != CALM, name))
    return [
        {"family": name, **_family(document, objective, [name in of_episode for of_episode in families])}
        for name in names
    ]


def _family(document: Row, objective: Judge, chosen: list[bool]) -> dict[str, Any]:
    mask = np.array(chosen, np.bool_)
    values = [objective.values(policy)[mask] for policy in document["policies"]]
    place = baseline_of(document)
    rows = []
    for number, (policy, own) in enumerate(zip(document["policies"], values, strict=True)):
        difference = None if number == place else Interval.student(own - values[place])
        rows.append(
            {
                "policy": policy["policy"],
                "value": Interval.student(own).to_json(),
                "difference": None if difference is None else difference.to_json(),
                "words": "baseline" if difference is None else in_words(difference, objective.lower_is_better),
            }
        )
    return {"episodes": int(mask.sum()), "policies": rows}
