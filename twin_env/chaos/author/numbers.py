"""Numbers and their units in a sentence: "fifteen", "15-pt", "1.5k", "half a percent", "250ms", "five times", "$15"."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from twin_env.chaos.author.draft import Amount

_LARGEST: Final = 1e300  # of numbers that are written with an exponent: refused later, by the field they are for

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL: Final = {word: value for value, word in enumerate(_ONES.split())} | {
    word: 10 * tens for tens, word in enumerate(_TENS.split(), 2)
}
_LARGE: Final = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_NUMBER_WORD: Final = "|".join(sorted([*_SMALL, *_LARGE], key=len, reverse=True))
_WORDS: Final = rf"(?:an? (?=hundred|thousand|million))?(?:{_NUMBER_WORD})(?:(?:[ -]| and )(?:{_NUMBER_WORD}))*"
_DIGITS: Final = r"(?<!\w)(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:k(?![a-z]))?|\.\d+)"
_HALVES: Final = r"\b(?:a )?half\b(?: of an?\b| an?\b)?|\b(?:a )?quarter of an?\b"
_ONE: Final = (
    r"\b(?:an?|one)(?= (?:second|sec|minute|min|hour|millisecond|percent|tick|point|sigma|contract|lot)\b"
    r"(?! (?:feed|data|order|flash|crash|rally|halt)))"
)
_NUMBER: Final = (
    rf"(?:(?<![\w.)%-])-\s?|minus |negative )?(?:{_DIGITS})(?: and a half)?|(?:minus |negative )?\b(?:{_WORDS})"
    rf"\b(?: and a half)?"
)
_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "usd_per_contract": r"(?:dollars?|usd|bucks) (?:per|an?) (?:contract|lot)",
        "per_s": (
            r"(?:(?:messages|msgs|orders|requests|quotes|updates|cancels) ?)?"
            r"(?:per sec(?:ond)?|a sec(?:ond)?|/ ?s)"
        ),
        "points": r"points?|pts?|handles?",
        "ticks": r"ticks?",
        "percent": r"%|percent|per cent|pct",
        "bps": r"basis points?|bps?",
        "sigma": r"sigmas?|standard deviations?|sds?",
        "spreads": r"spreads?(?= (?:up|down|in|within|over|for|amplitude|wide|$)|[,.]|$)",
        "dollars": r"dollars?|usd|bucks",
        "us": r"microseconds?|us",
        "ms": r"milliseconds?|millis|ms",
        "min": r"minutes?|mins?",
        "s": r"seconds?|secs?|s",
        "h": r"hours?|hrs?|h",
        "times": r"x|times|fold",
        "lots": r"lots?|contracts?",
        "count": r"bursts?|levels?|layers?",
    }
)
_UNIT: Final = "|".join(f"(?P<{unit}>{pattern})" for unit, pattern in _UNITS.items())
_MEASURE: Final = re.compile(
    rf"(?P<between>\bbetween )?(?P<cur>-?\$ ?)?(?P<num>{_NUMBER}|{_HALVES}|{_ONE})"
    rf"(?:(?P<mid> ?%| ?[a-z]{{1,10}})?(?(between) and |(?: ?- ?| to ))\$?(?P<high>{_NUMBER}))?"
    rf"(?:[ -]?(?:{_UNIT})(?![a-z]))?(?P<per> (?:per|an?) (?:contract|lot)\b)?(?P<plus> and a half\b)?"
)
_FACTORS: Final = {
    "doubled": 2, "doubles": 2, "doubling": 2, "double": 2, "twice": 2, "twofold": 2, "tripled": 3, "triples": 3,
    "tripling": 3, "triple": 3, "thrice": 3, "threefold": 3, "quadrupled": 4, "quadruples": 4, "quadruple": 4,
    "fivefold": 5, "tenfold": 10, "halves": 0.5, "halved": 0.5, "halve": 0.5,
}  # fmt: skip
_FACTOR: Final = re.compile(rf"\b(?:{'|'.join(_FACTORS)})\b")


def read_number(text: str) -> float:
    """Return the value of a number in digits or words."""
    text = text.strip()
    sign = -1.0 if re.match(r"-|minus |negative ", text) else 1.0
    text = re.sub(r"^(?:-\s?|minus |negative )", "", text)
    if "quarter" in text:
        return 0.25
    if text.endswith(" and a half"):
        return sign * (read_number(text.removesuffix(" and a half")) + 0.5)
    if "half" in text:
        return 0.5
    if text in ("a", "an"):
        return 1.0
    if re.match(r"[\d.]", text):
        return sign * float(text.rstrip("k").replace(",", "")) * (1000.0 if text.endswith("k") else 1.0)
    return sign * _read_words(re.findall(r"[a-z]+", text))


def _read_words(words: list[str]) -> float:
    total, current = 0, 0
    for word in words:
        if word in ("thousand", "million"):
            total, current = total + max(1, current) * _LARGE[word], 0
        elif word == "hundred":
            current = max(1, current) * 100
        else:
            current += _SMALL.get(word, 0)
    return float(total + current)


class Amounts:
    """The amounts of one sentence; in its text each is replaced by ``<m0>``, ``<m1>`` and so on.

    Attributes:
        found: Amounts by number.
        words: How the sentence had them.
        notes: What was read into ranges.
    """

    def __init__(self) -> None:
        self.found: list[Amount] = []
        self.words: list[str] = []
        self.notes: list[str] = []

    def mark(self, text: str) -> str:
        """Return a lower-case text with its amounts replaced."""
        text = re.sub(r"\ba couple(?: of)? ", self._couple, text)
        text = _MEASURE.sub(self._measure, text)
        return _FACTOR.sub(lambda match: self._keep(_FACTORS[match[0]], "times", match[0]), text)

    def _couple(self, match: re.Match[str]) -> str:
        self.notes.append("'a couple' read as 2.")
        return "2 "

    def _measure(self, match: re.Match[str]) -> str:
        if match["high"] and match.string[: match.start()].endswith("from "):
            return match[0]  # from one value to another is a change and no range
        unit = next((unit for unit in _UNITS if match[unit]), "none")
        value = read_number(match["num"])
        if unit == "none" and "half" in match["num"] and not match["num"].endswith("and a half"):
            unit = "times"
        if match["cur"]:
            unit = "usd_per_contract" if match["per"] else "dollars"
            value = -value if match["cur"].startswith("-") else value
        if match["high"]:
            value = self._middle(value, read_number(match["high"]), match[0])
            unit = unit if self._is_same(match["mid"], unit) else "none"
        value += 0.5 if match["plus"] else 0.0
        ending = "" if match["per"] is None or match["cur"] else match["per"]
        return self._keep(value, unit, match[0].strip()) + ending

    def _is_same(self, words: str | None, unit: str) -> bool:
        return words is None or re.fullmatch(_UNITS.get(unit, ""), words.strip()) is not None

    def _middle(self, low: float, high: float, words: str) -> float:
        middle = (low + high) / 2.0
        self.notes.append(f"'{words.strip()}' read as its middle, {middle:g}.")
        return middle

    def _keep(self, value: float, unit: str, words: str) -> str:
        self.found.append(Amount.model_validate({"value": min(value, _LARGEST), "unit": unit}))
        self.words.append(words)
        return f"<m{len(self.found) - 1}>"
