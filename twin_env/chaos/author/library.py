"""The author of named events: "replay the 2014 gold flash crash" is an experiment of the library and no new one."""

import difflib
import re
from dataclasses import dataclass
from typing import Final

from twin_env.chaos.author.compile import Compiled
from twin_env.chaos.author.context import Context
from twin_env.chaos.experiment import LIBRARY, LIBRARY_PREFIX, Experiment, load_experiment
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

    def __init__(self, folder: str = LIBRARY) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return the names of the library."""
        return preset_names(self.folder)

    def load(self, name: str) -> Experiment:
        """Return one experiment of the library.

        Raises:
            ConfigError: Its file is wrong.
        """
        return load_experiment(f"{LIBRARY_PREFIX}{name}")

    def is_asked(self, prompt: str) -> bool:
        """Tell whether a sentence asks for an event that was, and not for one that it describes."""
        text = prompt.lower().strip()
        if _ASKS.search(text) or text.removeprefix(LIBRARY_PREFIX) in self.names():
            return True
        wanted = _words(text)
        return bool(_YEAR.search(text)) and any(wanted <= entry.words for entry in self._entries())

    def write(self, prompt: str, context: Context) -> Compiled:
        """Return the experiment a sentence asks for, or say which there are."""
        name = prompt.strip().lower().removeprefix(LIBRARY_PREFIX)
        entries = self._entries()
        found = [entry for entry in entries if entry.name == name] or _matches(_words(prompt.lower()), entries)
        if len(found) != 1:
            return Compiled(problems=(self._which(prompt, found),))
        experiment = found[0].experiment
        if experiment.targets.symbol not in (None, context.symbol):
            symbol = experiment.targets.symbol
            return Compiled(problems=(f"{found[0].name} is written for {symbol}, expected {context.symbol}.",))
        provenance = experiment.provenance.model_copy(update={"prompt": prompt[:2000]})
        note = f"'{' '.join(prompt.split())[:80]}' read as the library's {found[0].name!r}: {experiment.title}."
        provenance = provenance.model_copy(update={"assumptions": (*provenance.assumptions, note)})
        return Compiled(experiment.model_copy(update={"provenance": provenance}), assumptions=(note,))

    def _entries(self) -> list[Entry]:
        return [self._entry(name) for name in self.names()]

    def _entry(self, name: str) -> Entry:
        experiment = self.load(name)
        spoken = f"{name} {experiment.title} {' '.join(experiment.tags)} {experiment.provenance.date}"
        return Entry(name, experiment, _words(spoken.lower()))

    def _which(self, prompt: str, found: list[Entry]) -> str:
        names = [entry.name for entry in found] or self.names()
        asked = " ".join(prompt.split())[:80]
        if found:
            return f"{asked!r} may be {' or '.join(names)}, expected one of them by name."
        close = difflib.get_close_matches(asked.lower(), names, n=1)
        near = f" (did you mean {close[0]!r}?)" if close else ""
        known = ", ".join(names) or "none, as it is empty"
        return f"{asked!r} is no event of the library{near}, expected one of {known}."


def _words(text: str) -> frozenset[str]:
    words = re.findall(r"[a-z]+|\d+", text)
    return frozenset(_ALIASES.get(word, word) for word in words if word not in _FILLER)


def _matches(wanted: frozenset[str], entries: list[Entry]) -> list[Entry]:
    """Return the entries that have all words asked for."""
    return [entry for entry in entries if wanted and wanted <= entry.words]
