"""What follows from the document of an evaluation: figures that reports show and nobody has to compute again.

A document is the mapping that :func:`twin_env.alpha.results.summarize` returns, with what a command adds. Everything
here reads documents alone, so a file that was written long ago gets the same figures.
"""

from collections.abc import Mapping
from typing import Any

from twin_env.alpha.derived.comparison import compare, judge
from twin_env.alpha.derived.distribution import distribute
from twin_env.alpha.derived.families import by_family
from twin_env.alpha.derived.objective import read_objective
from twin_env.alpha.derived.trading import describe_trading
from twin_env.alpha.derived.worst import list_worst

__all__ = ["derive"]


def derive(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with ``derived``: comparison, verdict, distributions, worst episodes, trading, families.

    Args:
        document: Of an evaluation; what it has under ``derived`` is replaced.
    """
    objective = read_objective(document)
    comparison = compare(document, objective)
    distributions = distribute(document, objective)
    return {
        **document,
        "derived": {
            "objective": objective.to_json(),
            "comparison": comparison,
            "verdict": judge(comparison, objective),
            "distributions": distributions,
            "worst": list_worst(document, objective),
            "trading": describe_trading(document),
            "families": by_family(document, objective),
        },
    }
