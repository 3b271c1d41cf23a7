"""Which faults a sentence names, and where."""

import re
from typing import Final

from twin_env.chaos.author.lexicon import PHRASES
from twin_env.chaos.faults import KINDS

_ALL: Final = [
    (kind, re.compile(rf"(?<!\w)(?:an? )?(?:{phrase})(?!\w)"))
    for kind in KINDS
    for phrase in (kind.replace("_", " "), *PHRASES[kind])
]
VOCABULARY: Final = frozenset(
    re.findall(r"[a-z]{2,}", " ".join(phrase for phrases in PHRASES.values() for phrase in phrases))
)


def find_kinds(text: str, taken: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
    """Return where which kinds are named: the longest phrases first, none over another or over what is taken."""
    found = {(*match.span(), kind) for kind, pattern in _ALL for match in pattern.finditer(text)}
    chosen: list[tuple[int, int, str]] = []
    for begin, end, kind in sorted(found, key=lambda one: (one[0] - one[1], one)):
        if all(end <= first or begin >= last for first, last in [*taken, *((one[0], one[1]) for one in chosen)]):
            chosen.append((begin, end, kind))
    return sorted(chosen)
