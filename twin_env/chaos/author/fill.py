"""One clause as a drafted fault: every amount to the slot that its unit and the words around it call for."""

import math
import re
from collections.abc import Iterator
from typing import Final, get_args

from twin_env.chaos.author.amounts import spoken
from twin_env.chaos.author.clauses import Clause
from twin_env.chaos.author.draft import NO_TIME, SIZE_UNITS, TIME_UNITS, Amount, DraftedFault, Measure, SlotName, Word
from twin_env.chaos.author.numbers import Amounts
from twin_env.chaos.author.slots import SLOTS, WORDS

_SEVERITIES: Final = {
    "extreme": r"extreme(?:ly)?",
    "high": (
        r"severe(?:ly)?|huge|massive|heav(?:y|ily)|violent(?:ly)?|brutal|big|large|"
        r"strong(?:ly)?|bad(?:ly)?|major"
    ),
    "mid": r"moderate(?:ly)?|medium",
    "low": r"mild(?:ly)?|slight(?:ly)?|small|minor|light(?:ly)?|little",
}
_WORDS: Final[dict[Word, str]] = {
    "up": r"up|upwards?|higher|more|too (?:many|high)",
    "down": r"down|downwards?|lower|fewer|less|too (?:few|low)",
    "both": r"both (?:sides|ways|directions)",
    "buy": r"(?:on |of |from )?(?:the )?(?:bids?(?: side)?|buy(?: side|ing|s|ers?)?)(?: order)?",
    "sell": (
        r"(?:on |of |from )?(?:the )?(?:asks?(?: side)?|offers?(?: side)?|sell(?: side|"
        r"ing|s|ers?)?)(?: order)?"
    ),
    "requests": r"requests?|orders|outgoing|outbound",
    "reports": r"reports?|acks?|acknowledge?ments?|fills?|inbound|incoming|executions?",
    "ahead": r"ahead|fast|forwards?",
    "behind": r"behind|slow|backwards?|back|late",
    "snapshot": (
        r"(?:,? ?(?:and )?(?:it )?(?:recover(?:s|y|ing)?|come back) )?(?:by|with|"
        r"via|from|through) (?:an? )?snapshots?(?: recovery)?|snapshot recovery"
    ),
    "gap": r",? ?(?:and )?(?:it )?(?:recover(?:s|y|ing)? )?by noticing",
    "never": (
        r"(?:,? ?(?:and |it )?(?:never|does not|without|no) ?(?:recover(?:s|y|ing)?|"
        r"com(?:es|ing) back))"
    ),
    "keep_orders": (
        r"(?:,? ?(?:and |with )?(?:no|without) (?:cancel on disconnect|cod)|,? ?(?:and )?keep(?:s|"
        r"ing)? (?:my |the |all )?orders|cod off|orders (?:stay|survive|are kept))"
    ),
    "cancel_orders": (
        r"(?:,? ?(?:and |with )?(?:cancel on disconnect|cod)(?: on)?|,? ?(?:and |with )?(?:my |the )?orders "
        r"(?:are )?cancell?ed|,? ?(?:and )?cancel(?:s|"
        r"ling|ing)? (?:all )?(?:my |the )?orders)"
    ),
    "one_way": r"(?:without|no) revers(?:al|ing)|(?:that |and )?does not reverse",
    "linear": r"linear(?:ly)?|steadily",
    "convex": r"convex(?:ly)?|accelerating",
    "smooth": r"smooth(?:ly)?",
    "step": r"at once|instantly|in one step",
}
_TIMED: Final = (*TIME_UNITS, "none")
_BEFORE: Final[tuple[tuple[SlotName, tuple[str, ...], str], ...]] = (
    ("chance", ("percent",), r"(?:with )?(?:an? )?(?:probability|chance)(?: of)? "),
    ("half_life", TIME_UNITS, r"half life (?:of |is )?"),
    (
        "hold",
        _TIMED,
        (
            r"(?:hold(?:s|ing)?|stay(?:s|ing)?|remain(?:s|ing)?|kept|keep(?:s|ing)?)(?: it|"
            r" the price)?(?: down| up| there)?(?: for)? "
        ),
    ),
    ("pause", _TIMED, r"auction (?:of |for |lasting )?|paus(?:e|es|ing) (?:of |for |trading for )?"),
    (
        "give_back",
        ("percent", "times"),
        (
            r"(?:,? ?(?:and )?then )?(?:retrac(?:e|es|ing)|recover(?:s|ing)?|giv(?:e|es|ing) back|bounc(?:e|"
            r"es|ing)(?: back)?|recovery of|retracement of|recoup(?:s|ing)?) "
        ),
    ),
    ("left", ("percent",), r"leaving "),
    ("interval", TIME_UNITS, r"(?:every|gaps? of|apart by|spaced) "),
    ("fall", _TIMED, r"(?:in|within|over|inside|taking|takes|across)(?: just| only| about| the space of)? "),
    (
        "duration",
        _TIMED,
        (
            r"(?:for|lasting|lasts?|over|during|within|in|period of|duration of|next|"
            r"of)(?: about| around| the next| the)? "
        ),
    ),
)
_AFTER: Final[tuple[tuple[SlotName, tuple[str, ...], str], ...]] = (
    ("chance", ("percent",), r" (?:chance|probability)"),
    (
        "give_back",
        ("percent", "times"),
        (
            r" (?:of it back|back|retrace(?:ment)?|recovery|recovers|of (?:it|the move|"
            r"that) (?:back|comes back))"
        ),
    ),
    ("left", ("percent",), r" of (?:the )?(?:makers|liquidity) (?:left|stay|remains?)"),
    ("pause", TIME_UNITS, r" (?:re ?opening |call )?(?:auction|pauses?)"),
    ("interval", TIME_UNITS, r" (?:apart|between)"),
    ("hold", TIME_UNITS, r" hold"),
    ("distance", SIZE_UNITS, r" (?:behind|away|from|off|below)(?: from)?(?: the)?(?: touch| market| best)?"),
)
_MAIN: Final[tuple[tuple[SlotName, tuple[str, ...]], ...]] = (
    ("move", (*SIZE_UNITS, "none")),
    ("distance", SIZE_UNITS),
    ("multiple", ("times", "percent", "none")),
    ("share", ("percent", "times", "none")),
    ("rate", ("per_s", "none")),
    ("lots", ("lots",)),
    ("count", ("count", "none")),
    ("delay", _TIMED),
    ("duration", _TIMED),
    ("fall", _TIMED),
)
_BACK: Final = re.compile(
    r"(?:retrac|recover|giv(?:e|es|ing) back|bounc|com(?:e|es|ing) back)[a-z ]*(?:<m\d+> )?(?:of it |back )?"
    r"(?:in|within|over) $"
)
_LEVEL_BEFORE: Final = re.compile(r"\b(?:to|at|only|just|leaving|leaves)(?: about| around| only| just)? $")
_LEVEL_AFTER: Final = re.compile(r" (?:usual|remains?|(?:is )?left|stays?)\b")
_FALLS: Final = re.compile(
    r"\b(?:drop(?:s|ped|ping)?|fall(?:s|ing)?|fell|decreas(?:e|es|ed|ing)|shrink(?:s|ing)?|declin(?:e|es|ed|ing)|"
    r"los(?:e|es|ing)|lower(?:s|ed)?|less|down|thin(?:s|ned)?|dr(?:y|ies|ied)(?: up)?|disappear(?:s|ed)?|"
    r"vanish(?:es|ed)?|evaporat(?:e|es|ed)|gone|pulled|withdrawn|removed|reduc(?:e|es|ed)|collaps(?:e|es|ed))\b"
)
_RISES: Final = re.compile(
    r"\b(?:ris(?:e|es|ing)|rose|increas(?:e|es|ed|ing)|widen(?:s|ed|ing)?|grow(?:s|ing)?|jump(?:s|ed)?|surg(?:e|es|ed)|"
    r"spik(?:e|es|ed)|climb(?:s|ed)?|up|higher|more|wider|raise(?:s|d)?)\b"
)
_NEARLY: Final = math.log2(20.0)  # half-lives until a twentieth of the way is left
_MARK: Final = re.compile(r"<m(\d+)>")


def fill_clause(clause: Clause, amounts: Amounts) -> DraftedFault:
    """Return the fault of a clause, and note in the clause what found a place."""
    taken = [(begin - clause.begin, end - clause.begin) for begin, end in clause.spans]
    measures = list(_measures(clause, amounts))
    words = list(dict.fromkeys(_words(clause, taken)))
    severity = _severity(clause)
    if {"requests", "reports"} <= set(words) and "both" in WORDS[clause.kind]:
        words = ["both"]
    if clause.window is not None:
        return _velocity(clause, measures, amounts)
    return DraftedFault.model_validate(
        {"kind": clause.kind, "severity": severity, "measures": measures, "words": words, "when": clause.when}
    )


def share_durations(clauses: list[Clause], faults: list[DraftedFault]) -> list[DraftedFault]:
    """Give "for 5 seconds" at the end of "cut the feed and halt trading for 5 seconds" to all that "and" joins to it.

    Args:
        clauses: Of the sentence.
        faults: Of the clauses.
    """
    shared = list(faults)
    for index in range(len(clauses) - 1, 0, -1):
        left, right = clauses[index - 1], clauses[index]
        given = [one for one in shared[index].measures if one.slot == "duration"]
        times = {one.slot for one in shared[index - 1].measures} & {"duration", "hold", "fall"}
        if right.is_beside and given and not times and SLOTS[left.kind].get("duration"):
            shared[index - 1] = shared[index - 1].model_copy(
                update={"measures": [*shared[index - 1].measures, given[0]]}
            )
            spoken_time = spoken(Amount(value=given[0].value, unit=given[0].unit))
            left.notes.append(f"'{spoken_time}' read as the duration of {left.kind} too.")
    return shared


def _claim(clause: Clause, begin: int, end: int) -> None:
    clause.spans.append((clause.begin + begin, clause.begin + end))


def _measures(clause: Clause, amounts: Amounts) -> Iterator[Measure]:
    given: set[SlotName] = set()
    marks = _MARK.finditer(clause.text)
    for match in sorted(marks, key=lambda mark: amounts.found[int(mark[1])].unit == "none"):  # bare numbers come last
        index = int(match[1])
        if index in clause.used or _is_elsewhere(clause, match):
            continue
        slot = _slot(clause, match, amounts.found[index], given)
        if slot == "chance" and "share" in SLOTS[clause.kind] and "share" not in given:
            slot = "share"  # the chance of each message is what the fault itself is about
        if slot:
            given.add(slot)
            clause.used.add(index)
            amount = _relative(clause, slot, match, amounts.found[index])
            yield Measure(value=amount.value, unit=amount.unit, slot=slot)


def _is_elsewhere(clause: Clause, match: re.Match[str]) -> bool:
    """Tell whether an amount belongs to a phrase that says when."""
    return any(begin <= clause.begin + match.start() < end for begin, end in clause.moments)


def _slot(clause: Clause, match: re.Match[str], amount: Amount, given: set[SlotName]) -> SlotName | None:
    slots = SLOTS[clause.kind]
    before, after = clause.text[: match.start()], clause.text[match.end() :]
    if "half_life" in slots and amount.unit in TIME_UNITS and _BACK.search(before):
        return "half_life" if "half_life" not in given else None
    for slot, units, words in _AFTER:
        found = re.match(words + r"\b", after)
        if found and slot in slots and amount.unit in units and slot not in given:
            _claim(clause, match.end(), match.end() + found.end())
            return slot
    for slot, units, words in _BEFORE:
        found = re.search(rf"(?:^|\b){words}$", before)
        if found and slot in slots and amount.unit in units and slot not in given and _fits(clause, slot, found[0]):
            _claim(clause, found.start(), match.start())
            return slot
    if (
        clause.kind in ("flash_crash", "flash_rally")
        and re.search(r"(?:for|lasting) $", before)
        and amount.unit in _TIMED
    ):
        clause.notes.append(f"'for {amount.value:g} {amount.unit}' read as how long the price is kept there.")
        return "hold" if "hold" not in given else None
    return next((slot for slot, units in _MAIN if slot in slots and amount.unit in units and slot not in given), None)


def _fits(clause: Clause, slot: SlotName, words: str) -> bool:
    """Tell whether words before an amount mean the slot in this kind: a pause is a halt's own length."""
    if slot == "pause":
        return clause.kind == "velocity_logic" or "auction" in words
    if slot == "duration" and "delay" in SLOTS[clause.kind]:
        return words.startswith(("for", "last", "over", "during", "period", "duration"))
    return True


def _relative(clause: Clause, slot: SlotName, match: re.Match[str], amount: Amount) -> Amount:
    """Return 'by 50 %' as 1.5 times, or as half where something shrinks; 'half of them' as 50 %."""
    before = clause.text[: match.start()]
    if slot == "half_life" and _BACK.search(before):
        half = Amount(value=round(amount.value / _NEARLY, 9), unit=amount.unit)
        clause.notes.append(
            f"'back in {spoken(amount)}' read as 19/20 of the way by then: half of it in {spoken(half)}."
        )
        return half
    if slot in ("share", "give_back") and amount.unit == "times":
        return Amount(value=100.0 * amount.value, unit="percent")
    if slot != "multiple" or amount.unit != "percent":
        return amount
    sign = _change(clause, before, clause.text[match.end() :])
    if sign == 0:
        return amount
    changed = Amount(value=round(1.0 + sign * amount.value / 100.0, 9), unit="times")
    way = "more" if sign > 0 else "less"
    clause.notes.append(f"'{amount.value:g} %' read as {amount.value:g} % {way}: {changed.value:g} times the usual.")
    return changed


def _change(clause: Clause, before: str, after: str) -> int:
    """Return whether a percentage is a rise (1), a fall (-1), or a level (0): "to 80 %" and "80 % of the usual" are.

    What it is follows from the verb; without one, "by" says that it is a change.
    """
    if _LEVEL_BEFORE.search(before) or _LEVEL_AFTER.match(after):
        return 0
    if _FALLS.search(clause.text):
        return -1
    if _RISES.search(clause.text):
        return 1
    if re.search(r"\bby $", before):
        return -1 if clause.kind == "liquidity_drought" else 1
    return 0


def _words(clause: Clause, taken: list[tuple[int, int]]) -> Iterator[Word]:
    """Return the words a kind knows, the longest phrases first, none within another."""
    named = [] if clause.kind in ("ack_duplication", "order_delay") else [*taken]
    found = [
        (match, word)
        for word in get_args(Word)
        if word in WORDS.get(clause.kind, {})
        for match in re.finditer(rf"(?:^|(?<=[\s,]))(?:{_WORDS[word]})(?!\w)", clause.text)
    ]
    for match, word in sorted(found, key=lambda one: one[0].start() - one[0].end()):
        if all(match.end() <= begin or match.start() >= end for begin, end in named):
            named.append(match.span())
            _claim(clause, *match.span())
            yield word


def _severity(clause: Clause) -> str:
    """Return the severity that is named; of 'an extremely large crash' the extreme one."""
    found = [
        (severity, match)
        for severity, words in _SEVERITIES.items()
        for match in re.finditer(rf"\b(?:very |really )?(?:{words})\b", clause.text)
    ]
    for severity, match in found:
        if severity == found[0][0] or severity == "high":
            _claim(clause, *match.span())
    return found[0][0] if found else "usual"


def _velocity(clause: Clause, measures: list[Measure], amounts: Amounts) -> DraftedFault:
    """Return 'halt for 5 s after a 1 % move in 10 s' as what it is: a rule of the venue."""
    move, window = clause.when.threshold, amounts.found[clause.window or 0]
    if clause.kind != "trading_halt" or move is None:
        clause.odd.append(f"in {amounts.words[clause.window or 0]}")
    else:
        clause.notes.append("'a halt after a move in a time' read as the venue's rule that pauses on any such move.")
        measures = [
            Measure(value=one.value, unit=one.unit, slot="pause" if one.slot == "duration" else one.slot)
            for one in measures
        ]
        measures.append(Measure(value=move.value, unit=move.unit, slot="move"))
        measures.append(Measure(value=window.value, unit=window.unit, slot="fall"))
    return DraftedFault(kind="velocity_logic", severity="usual", measures=measures, words=[], when=NO_TIME)
