"""The offline author: a sentence to a draft by rules, the same every time, or a refusal that names the words."""

import difflib
import re
import unicodedata
from typing import Final, Literal

from twin_env.chaos.author.clauses import Clause, find_references, read_clauses
from twin_env.chaos.author.clocks import Clocks
from twin_env.chaos.author.compile import Compiled, compile_draft
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.draft import Draft, refuse
from twin_env.chaos.author.fill import fill_clause, share_durations
from twin_env.chaos.author.kinds import VOCABULARY, find_kinds
from twin_env.chaos.author.moments import MomentFinder
from twin_env.chaos.author.numbers import Amounts
from twin_env.chaos.author.symbols import Symbols
from twin_env.chaos.experiment import MOST_FAULTS
from twin_env.chaos.faults import KINDS

VERSION: Final = "grammar 1"
LONGEST_PROMPT: Final = 2000
MOST_DIGITS: Final = 15
_TOO_MANY_DIGITS: Final = re.compile(rf"[\d.,]{{{MOST_DIGITS + 1},}}")
_NOTHING: Final = re.compile(
    r"(?:please )?(?:do nothing(?: at all)?|nothing(?: happens| goes wrong)?|no faults?(?: at all)?|just run(?: it)?|"
    r"leave (?:the market|<sym>|it) alone|an? (?:quiet|calm|normal|ordinary) (?:market|day|session)|"
    r"an? experiment without faults?)"
)
_ORDERS_TO_ME: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.]*\b"
    r"(?:rules?|instructions?|prompts?|limits?|bounds|above|previous)\b"
    r"|\bsystem prompts?\b|\byou are now\b|\bjailbreak\b|\b(?:api|secret) keys?\b|\b(?:pretend|act as)\b"
)
_IDLE: Final = (
    "simultaneously first a an the someone somebody of in on to for with and at by is are be it its it's their "
    "this that these there which will would should can could i me my we our you please let lets simulate "
    "simulates simulation introduce inject create make makes cause causes run test add apply show give have has "
    "happen happens see so just now some any new sudden suddenly period scenario experiment event situation case "
    "usual usually normal normally level levels than from into fault faults chaos try want like need do does "
    "using use market price prices also about them goes go going gets get being been under per exactly long "
    "lasting lasts last takes taking take over total roughly approximately around each all size sized amount "
    "worth place start starts starting begin begins beginning trigger triggers triggering imagine suppose stress "
    "trading session time times whole entire"
)
_FILLER: Final = frozenset(_IDLE.split())
_PROTECTIONS: Final = r"(?:venue |exchange )?protections?"
_OFF: Final = re.compile(
    rf"\b(?:with |and )?(?:the )?(?:without (?:any )?{_PROTECTIONS}|no {_PROTECTIONS}|{_PROTECTIONS} (?:\w+ed )?off)\b"
)
_ON: Final = re.compile(rf"\b(?:with |and )?(?:the )?(?:{_PROTECTIONS} (?:\w+ed )?on|with {_PROTECTIONS})\b")
_SHORTEST_TYPO: Final = 5
_HINTS: Final = {
    "latency": "'feed latency' or 'order latency'",
    "delay": "'feed delay' or 'order delay'",
    "outage": "'feed outage', 'gateway outage' or 'exchange outage'",
    "disconnection": "'feed disconnection' or 'gateway disconnection'",
    "disconnect": "'disconnect the feed' or 'disconnect the gateway'",
    "loss": "'packet loss' or 'ack loss'",
    "liquidity": "'liquidity drought'",
    "news": "'flash crash', 'gap' or 'volatility'",
}
_UNKNOWN_CONDITION: Final = re.compile(
    r"\b(?:(?:if|when|while|once|as soon as|whenever) (?:i am|i'm|we are|my position is) (?:net )?(?:long|short)"
    r"|(?:each|every) time(?: (?:i|my|the|it|a|an|we)\b[\w ]{0,30})?|whenever\b(?: [\w']+){0,4})"
)
_CONDITIONS: Final = (
    "expected one such as 'while a position is open', 'after the first fill' or 'when I lose $200': a fault begins "
    "once, or 'every 5 minutes'."
)
_EXAMPLE: Final = "'flash crash of 15 points in 2 seconds' or 'feed disconnection for 7 seconds'"


class GrammarAuthor:
    """Understands sentences by a lexicon of faults, units, times and joiners, without a model and without a network."""

    def write(self, prompt: str, context: Context) -> Compiled:
        """Return what became of a sentence."""
        draft = self.draft(prompt, context)
        return compile_draft(draft, context, prompt=prompt, source="offline", author=VERSION)

    def draft(self, prompt: str, context: Context) -> Draft:
        """Return what was understood; whatever could change the meaning and found no place makes it a refusal."""
        return check_sentence(prompt) or _Reading(_plain(prompt), context).draft()


def check_sentence(prompt: str) -> Draft | None:
    """Return the refusal of what no author should look at: nothing, too much, or orders to the author."""
    text = _plain(prompt)
    if not text:
        return refuse(f"The sentence is empty, expected a fault such as {_EXAMPLE}.")
    if len(prompt) > LONGEST_PROMPT:
        return refuse(f"The sentence has {len(prompt)} characters, expected at most {LONGEST_PROMPT}.")
    digits = _TOO_MANY_DIGITS.search(text)
    if digits:
        return refuse(f"A number has {len(digits[0])} digits, expected at most {MOST_DIGITS}.")
    order = _ORDERS_TO_ME.search(text.lower())
    if order:
        return refuse(f"{order[0]!r} is an instruction and no fault, expected one such as {_EXAMPLE}.", [order[0]])
    return None


def says_nothing(prompt: str) -> bool:
    """Tell whether a sentence asks for nothing to happen."""
    return _NOTHING.fullmatch(_plain(prompt).lower().rstrip(".! ")) is not None


class _Reading:
    """One sentence being read."""

    def __init__(self, text: str, context: Context) -> None:
        self.context = context
        self.symbols = Symbols(context.symbol, _FILLER)
        self.amounts, self.clocks = Amounts(), Clocks()
        text = self._mark_all(self.symbols.mark(text).lower())
        text = self.amounts.mark(self.clocks.mark(text))
        text = re.sub(
            r"(<m\d+>) (?:of )?(?:the |its |their )?(?:usual|normal) (?:depth|size|volume)\b", r"\1 usual", text
        )
        self.text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text).strip(" .!?")
        self.text = re.sub(r"\s+", " ", re.sub(r"[\"`()!?]|(?<=>)-|(?<!\w)'|'(?!\w)", " ", self.text))
        self.taken: list[tuple[int, int]] = []
        self.protections = self._find_protections()

    def draft(self) -> Draft:
        """Return what was understood."""
        if _NOTHING.fullmatch(self.text):
            return self._accept([], [])
        unknown = _UNKNOWN_CONDITION.search(self.text)
        if unknown:
            return refuse(f"{unknown[0]!r} is no condition that a fault can wait for, {_CONDITIONS}", [unknown[0]])
        moments = MomentFinder(self.amounts, self.clocks, self.context).find(self.text)
        self.taken += [(one.begin, one.end) for one in moments]
        kinds = find_kinds(self.text, self.taken)
        if not kinds:
            return self._refuse_rest("No fault is named", self._rest(self.taken) + self._unused([]))
        kinds = find_kinds(self.text, self.taken + find_references(self.text, kinds))
        clauses = read_clauses(self.text, kinds, moments, self.amounts)
        if len(clauses) > MOST_FAULTS:
            return refuse(f"There are {len(clauses)} faults, expected at most {MOST_FAULTS}.")
        faults = share_durations(clauses, [fill_clause(clause, self.amounts) for clause in clauses])
        claimed = self.taken + [span for clause in clauses for span in clause.spans]
        rest = self._rest(claimed) + self._unused(clauses)
        if rest:
            return self._refuse_rest("The sentence was not understood", rest)
        notes = [note for clause in clauses for note in clause.notes]
        vague = re.search(r"\b(?:about|around|roughly|approximately) (?=<m)", self.text)
        notes += [f"'{vague[0].strip()}' read as exactly that."] if vague else []
        return self._accept([*self.clocks.notes, *self.amounts.notes, *notes], clauses).model_copy(
            update={"faults": faults}
        )

    def _accept(self, notes: list[str], clauses: list[Clause]) -> Draft:
        title = ", ".join(clause.kind.replace("_", " ") for clause in clauses).capitalize() or "Nothing goes wrong"
        return Draft(
            title=title,
            symbol=self.symbols.named,
            protections=self.protections,
            faults=[],
            assumptions=notes,
            unplaced=[],
            refusal=None,
        )

    def _mark_all(self, text: str) -> str:
        """Write 'all makers' as '100 percent of makers', and 'arrive twice' as 'duplicated'."""
        text = re.sub(r"\bwhat (?:happens )?(?:if|when)\b", "", text)
        text = re.sub(
            r"(?<=\bof )(?:the |its |their )?(?:usual|normal) (?:depth|spreads?|volatility|liquidity)\b", "usual", text
        )
        text = re.sub(r"\b(?:arrives?|comes?|sent|delivered)(?: in)? twice\b", "duplicated", text)
        text = re.sub(
            r"\b(?:once|when|by|via|with) (?:the )?gap(?: is)? (?:noticed|seen|detect\w+|recovery)", "by noticing", text
        )
        text = re.sub(r"\bevery (?=(?:second|minute|hour)\b)", "every 1 ", text)
        noun = r"(?:(?:market )?makers|packets|messages|requests|orders|acks|reports|updates|fills)"
        return re.sub(rf"\b(?:all|every) (?:of )?(?:the |my )?(?={noun}\b)", "100 percent of ", text)

    def _find_protections(self) -> Literal["market", "on", "off"]:
        off, on = _OFF.search(self.text), _ON.search(self.text)
        self.taken += [match.span() for match in (off, on) if match]
        return "off" if off else "on" if on else "market"

    def _rest(self, claimed: list[tuple[int, int]]) -> list[str]:
        """Return the content words that nothing claimed."""
        words = re.finditer(
            r"[a-z0-9$%&][\w$%&'.-]*|-\S+", re.sub(r"<[a-z]+\d*>", lambda mark: " " * len(mark[0]), self.text)
        )
        found = [match for match in words if not any(begin <= match.start() < end for begin, end in claimed)]
        return [match[0].rstrip(".") for match in found if match[0].rstrip(".") not in _FILLER]

    def _unused(self, clauses: list[Clause]) -> list[str]:
        """Return the amounts and times that found no place."""
        used = {index for clause in clauses for index in clause.used}
        for begin, end in self.taken:
            used |= {int(index) for index in re.findall(r"<m(\d+)>", self.text[begin:end])}
        odd = [words for clause in clauses for words in clause.odd]
        amounts = [words for index, words in enumerate(self.amounts.words) if index not in used]
        covered = "".join(self.text[begin:end] for begin, end in self.taken)
        times = [one.words for index, one in enumerate(self.clocks.times) if f"<t{index}>" not in covered]
        days = [day for index, day in enumerate(self.clocks.days) if f"<d{index}>" not in covered]
        return odd + amounts + times + days

    def _spoken(self, text: str) -> str:
        """Return a part of the marked text as the sentence has it."""
        times = [one.words for one in self.clocks.times]
        words = {"m": self.amounts.words, "t": times, "d": self.clocks.days}
        return re.sub(r"<([mtd])(\d+)>", lambda mark: words[mark[1]][int(mark[2])], text)

    def _refuse_rest(self, why: str, rest: list[str]) -> Draft:
        words = list(dict.fromkeys(self._spoken(words) for words in rest))[:8]
        placed = f": could not place {', '.join(repr(word) for word in words)}" if words else ""
        near = _nearest(words)
        expected = f"did you mean {near}?" if near else f"expected a fault such as {_EXAMPLE}."
        return refuse(f"{why}{placed}, {expected}", words)


def _plain(text: str) -> str:
    """Return a text with one kind of space, quote, dash and digit."""
    text = unicodedata.normalize("NFKC", text)
    for odd, plain in (("−", "-"), ("–", "-"), ("—", ", "), ("×", "x"), ("’", "'"), ("“", '"'), ("”", '"')):  # noqa: RUF001
        text = text.replace(odd, plain)
    text = text.replace("<", " less than ").replace(">", " more than ")  # marks have these brackets
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _nearest(words: list[str]) -> str:
    known = sorted(VOCABULARY | {kind.replace("_", " ") for kind in KINDS})
    for word in words:
        if word in _HINTS:
            return _HINTS[word]
        if len(word) < _SHORTEST_TYPO or not word.isalpha():
            continue
        close = difflib.get_close_matches(word, known, n=1, cutoff=0.8)
        if close and close[0] != word:
            return repr(close[0])
    return ""
