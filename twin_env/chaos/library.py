"""The library of experiments: black swans and compound templates in files, and every kind of fault at four severities.

A file of ``configs/chaos/library`` is an experiment by its name. Beside the files stands each kind of fault by itself
at each severity, ``flash_crash.high``; those are made of :attr:`Fault.severity_levels`, not kept in files.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault, Severity
from twin_env.config import ConfigError, preset_names

FOLDER: Final = "chaos/library"
PREFIX: Final = "library:"
BLACK_SWANS: Final = "black_swan"
COMPOUNDS: Final = "compound"
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_DEFAULT_SEVERITY: Final[Severity] = "mid"
_QUIET_S: Final = 10.0  # before the fault, so that there is a market to compare with
_SUGGESTED: Final = 3
_DATED: Final = re.compile(r"_\d{4}_\d{2}(_\d{2})?$")


def find(name: str) -> str | Mapping[str, Any]:
    """Find an experiment of the library.

    Args:
        name: Of a file, of a kind (at ``mid``), or a kind and a severity: ``flash_crash.high``.

    Returns:
        What ``load_config`` takes: the name of the file, or the keys of the experiment. The model itself is not
        known here: it is made of what this module finds.

    Raises:
        ConfigError: There is no such experiment; the sentence has the nearest names.
    """
    if name in preset_names(FOLDER):
        return name
    found = _kind_and_severity(name)
    if found is None:
        shown = "one that 'twin chaos list' shows"
        raise ConfigError([f"library: there is no experiment {name!r}{_nearest(name)}, expected {shown}."])
    return _at_severity(*found)


def names() -> list[str]:
    """Return the names of all experiments, those in files first, then every kind at each severity."""
    return [*preset_names(FOLDER), *(name for kind in KINDS for name in _severity_names(kind))]


def families() -> dict[str, list[str]]:
    """Return the names of all experiments by family: black swans, compounds, then the families of faults."""
    files = preset_names(FOLDER)
    found = {
        BLACK_SWANS: [name for name in files if _DATED.search(name)],
        COMPOUNDS: [name for name in files if not _DATED.search(name)],
    }
    for kind, fault in KINDS.items():
        found.setdefault(fault.family, []).extend(_severity_names(kind))
    return found


def _severity_names(kind: str) -> list[str]:
    return [f"{kind}.{severity}" for severity in SEVERITIES]


def _kind_and_severity(name: str) -> tuple[str, Severity] | None:
    """Return the kind and the severity that a name means; ``None`` if it means none."""
    kind, dot, word = name.partition(".")
    severity = next((known for known in SEVERITIES if known == word), None if dot else _DEFAULT_SEVERITY)
    return (kind, severity) if kind in KINDS and severity is not None else None


def _at_severity(kind: str, severity: Severity) -> dict[str, Any]:
    fault = KINDS[kind].at(severity)
    method = {"kind": kind, "when": {"at": "offset", "seconds": _QUIET_S}, **KINDS[kind].severity_levels[severity]}
    words = fault.describe()
    return {
        "title": f"{kind.replace('_', ' ').capitalize()}, {severity}",
        "description": f"{words[0].upper()}{words[1:]}.",
        "tags": ["severity", fault.family, severity],
        "provenance": {
            "source": "library",
            "author": f"severity levels of {kind}",
            "assumptions": ["Severity levels are choices of this library, not measurements of an event."],
        },
        "method": [method],
        "blast_radius": radius_for(fault),
    }


def radius_for(fault: Fault) -> dict[str, float]:
    """Return the keys of a blast radius in which a fault by itself has room, however long it lasts."""
    return {"max_fault_s": fault.lasts_s} if fault.lasts_s else {}


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, [*names(), *KINDS], n=_SUGGESTED)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
