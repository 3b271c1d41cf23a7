"""What is said of a configuration that is refused: where, what was found, what was expected."""

import difflib
from collections.abc import Iterable
from typing import Any, Final

_SHOWN_CHARACTERS: Final = 60


class ConfigError(ValueError):
    """A configuration that was refused.

    Attributes:
        problems: One sentence each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def show(value: Any) -> str:
    """Return a value as sentences quote it."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def one_of(names: Iterable[str]) -> str:
    """Return names as what was expected."""
    listed = ", ".join(names)
    return f"one of {listed}" if listed else "none, as there are none"


def did_you_mean(name: str | int, known: Iterable[str]) -> str:
    """Return the nearest of the known names in brackets, or nothing where none is near."""
    close = difflib.get_close_matches(str(name), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def stopped(sentence: str) -> str:
    """Return a sentence with its full stop."""
    return sentence if sentence.endswith(".") else f"{sentence}."
