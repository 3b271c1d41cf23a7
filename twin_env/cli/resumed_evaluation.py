"""How ``twin evaluate --resume`` goes on: with the options it was begun with, where the line names no others."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agents.batteries.evaluation_log import Begun, EvaluationLog

_KEPT: Final = ("config", "env", "market", "links", "chaos", "settings", "policies", "baseline", "seed", "episodes")


def adopt_begun(arguments: argparse.Namespace) -> "Begun | None":
    """Give options that the line does not name the values of the evaluation that goes on, or those of a new one.

    Returns:
        What was begun; ``None`` for a new evaluation.

    Raises:
        ConfigError: There is no evaluation in the folder, or it cannot be read.
    """
    begun = None
    if arguments.resume is not None:
        from agents.batteries.evaluation_log import read_begun

        begun = read_begun(arguments.resume)
        arguments.out = arguments.resume.absolute().parent
        for name in _KEPT:
            if getattr(arguments, name) in (None, []) and not (name == "episodes" and arguments.smoke):
                setattr(arguments, name, begun.arguments[name])
    arguments.seed = arguments.seed or 0
    return begun


def open_log(
    arguments: argparse.Namespace, begun: "Begun | None", plan: dict[str, Any], names: Sequence[str]
) -> "EvaluationLog":
    """Return where episodes are kept: in a new run's folder, or in that of the evaluation that goes on.

    Raises:
        ConfigError: The evaluation that was begun has another plan, or the folder cannot be written.
    """
    from agents.batteries.evaluation_log import EvaluationLog
    from twin_env.provenance import describe_provenance

    if begun is not None:
        return EvaluationLog.resume(begun, plan)
    kept = {name: _plain(getattr(arguments, name)) for name in _KEPT}
    kept |= {"policies": list(names), "baseline": plan["baseline"], "episodes": plan["seeds"]["episodes"]}
    log = EvaluationLog.begin(arguments.out, plan, kept, describe_provenance(arguments.seed, arguments.command))
    print(f"Episodes are kept in {log.folder}: if this is interrupted, twin evaluate --resume {log.folder} goes on.")
    return log


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
