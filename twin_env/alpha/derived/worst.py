"""The worst episodes of each policy, with the command that plays one again."""

from typing import Any, Final

import numpy as np

from twin_env.alpha.derived.objective import Judge, Row

MOST_WORST: Final = 5


def list_worst(document: Row, objective: Judge) -> list[dict[str, Any]]:
    """Return for each policy its worst episodes by the objective, the worst first."""
    return [
        {"policy": policy["policy"], "episodes": _worst_of(document, policy, objective)}
        for policy in document["policies"]
    ]


def _worst_of(document: Row, policy: Row, objective: Judge) -> list[dict[str, Any]]:
    values, order = objective.values(policy), np.argsort(-objective.costs(policy), kind="stable")
    episodes = policy["per_episode"]
    return [
        {
            "seed": document["seeds"][place],
            "value": float(values[place]),
            "net_ccy": episodes["net_ccy"][place],
            "execution_ccy": episodes["execution_ccy"][place],
            "command": _command(document, policy, document["seeds"][place]),
        }
        for place in order[:MOST_WORST].tolist()
    ]


def _command(document: Row, policy: Row, seed: int) -> list[str] | None:
    """Return what to type to play one episode again; ``None`` where the document does not know its options."""
    options = document.get("reproduce")
    if options is None:
        return None
    name = policy["source"] or policy["policy"]
    return ["twin", "evaluate", *options, "--policies", name, "--seed", str(seed), "--episodes", "1"]
