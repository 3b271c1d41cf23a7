"""The author of named events: "replay the 2014 gold flash crash" is an experiment of the library and no new one."""

import difflib
import re
from dataclasses import dataclass
from typing import Final

from twin_env.chaos import library
from twin_env.chaos.author.compile import Compiled
from twin_env.chaos.author.context import Context
from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.config import preset_names

_ASKS: Final = re.compile(r"\b(?:replay|re-?run|re-?enact|reproduce|repeat|relive|historical|library)\b")
_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")
_IDLE: Final = (
    "the a an of in on at from our my please play run load start experiment event library replay rerun re enact "
    "reenact reproduce repeat relive historical market simulate me us for and day to big famous real"
)
_FILLER: Final = frozenset(_IDLE.split())
_ALIASES: Final = {"gc": "gold", "mgc": "gold", "es": "mini", "emini": "mini", "outage": "outage", "crashes": "crash"}


@dataclass(frozen=True)
class Entry:
    """One experiment of the library, and the words it goes by."""

    name: str
    experiment: Experiment
    words: frozenset[str]


class LibraryAuthor:
    """Finds experiments of the library by name, by title and tags, and by the year of the event."""

    def is_asked(self, prompt: str) -> bool:
        """Tell whether a sentence asks for an event that was, and not for one that it describes."""
        text = prompt.lower().strip()
        if _ASKS.search(text) or text.removeprefix(library.PREFIX) in library.names():
            return True
        wanted = _words(text)
        return bool(_YEAR.search(text)) and any(wanted <= entry.words for entry in _entries())

    def write(self, prompt: str, context: Context) -> Compiled:
        """Return the experiment a sentence asks for, or say which there are."""
        name = prompt.strip().lower().removeprefix(library.PREFIX)
        if name in library.names():
            return _compiled(name, load_experiment(name), prompt, context)
        found = _matches(_words(prompt.lower()), _entries())
        if len(found) != 1:
            return Compiled(problems=(_which(prompt, found),))
        return _compiled(found[0].name, found[0].experiment, prompt, context)


def _compiled(name: str, experiment: Experiment, prompt: str, context: Context) -> Compiled:
    """Return an experiment of the library with the sentence that asked for it, if it is for this market."""
    symbol = experiment.targets.symbol
    if symbol not in (None, context.symbol):
        return Compiled(problems=(f"{name} is written for {symbol}, expected {context.symbol}.",))
    note = f"'{_short(prompt)}' read as the library's {name!r}: {experiment.title}."
    said = {"prompt": prompt[:2000], "assumptions": (*experiment.provenance.assumptions, note)}
    provenance = experiment.provenance.model_copy(update=said)
    return Compiled(experiment.model_copy(update={"provenance": provenance}), assumptions=(note,))


def _entries() -> list[Entry]:
    """Return the experiments that are kept in files."""
    return [_entry(name) for name in preset_names(library.FOLDER)]


def _entry(name: str) -> Entry:
    experiment = load_experiment(name)
    spoken = f"{name} {experiment.title} {' '.join(experiment.tags)} {experiment.provenance.date}"
    return Entry(name, experiment, _words(spoken.lower()))


def _which(prompt: str, found: list[Entry]) -> str:
    asked = _short(prompt)
    if found:
        return f"{asked!r} may be {' or '.join(entry.name for entry in found)}, expected one of them by name."
    close = difflib.get_close_matches(asked.lower(), library.names(), n=3, cutoff=0.4)
    near = f" (did you mean {' or '.join(repr(name) for name in close)}?)" if close else ""
    return f"{asked!r} is no event of the library{near}, expected one that 'twin chaos list' shows."


def _short(prompt: str) -> str:
    """Return the beginning of a sentence on one line, without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in prompt).split())[:80]


def _words(text: str) -> frozenset[str]:
    words = re.findall(r"[a-z]+|\d+", text)
    return frozenset(_ALIASES.get(word, word) for word in words if word not in _FILLER)


def _matches(wanted: frozenset[str], entries: list[Entry]) -> list[Entry]:
    """Return the entries that have all words asked for."""
    return [entry for entry in entries if wanted and wanted <= entry.words]
