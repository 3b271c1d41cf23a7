"""One sentence as clauses, one for each fault, and how they are joined: "then", "while", "during", "after", "and"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

from twin_env.chaos.author.draft import NO_TIME, TIME_UNITS, Amount, DraftedTime
from twin_env.chaos.author.moments import FREE, Moment
from twin_env.chaos.author.numbers import Amounts

Relation = Literal["with", "after"]
_M: Final = r"<m(\d+)>"
_THAT: Final = r"(?:(?:that|this|it|which)\b|the (?:crash|rally|halt|outage|chop|gap|disconnection|move)\b(?! of| by))"
_REFERENCE: Final = re.compile(rf"(?:{FREE}<m(\d+)> )?\b(after|during|before) {_THAT}")
_STOP: Final = r"[,;.]? ?"
_NEXT: Final = re.compile(
    rf"{_STOP}(?:and )?(?:then|next|finally|afterwards?)(?:,? (?:after )?{_M}(?: later)?)?\b,?"
    rf"|{_STOP}followed(?:,? {_M} later,?)? by\b|{_STOP}(?:and )?{_M} later\b,?"
    rf"|{_STOP}(?:and )?(?:{FREE}{_M} )?after {_THAT},?|,? ?\bbefore(?= )"
)
_BESIDE: Final = re.compile(
    rf"{_STOP}(?:and |all )?(?:at the same time(?: as)?|simultaneously|together|meanwhile|during {_THAT}|"
    rf"while {_THAT} "
    r"(?:happens|goes on|lasts))(?: with)?,?|[,;]? ?\b(?:along with|as well as|combined with|together with|plus|"
    r"and also|and|with|where|in which)\b|[,;.:]"
)
_DURING: Final = re.compile(
    rf"(?:{_M} into|\b(?:during|while|when|as soon as|amid|amidst|in the middle of|throughout)\b)"
    rf"(?! {_THAT} (?:happens|goes|lasts))"
)
_FOLLOWING: Final = re.compile(rf"(?:{FREE}{_M} )?\b(?:after|following|once)\b")
_SAME_TIME: Final = "read as at the same time"
_AGAIN: Final = {
    ("chop", "spread_widening"), ("trading_halt", "auction_reopen"), ("exchange_outage", "auction_reopen"),
    ("spread_widening", "chop"),
}  # fmt: skip


def find_references(text: str, kinds: list[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """Return where 'after the crash' and its like speak of a fault that was named before."""
    return [match.span() for match in _REFERENCE.finditer(text) if match.start() > kinds[0][1]]


@dataclass
class Clause:
    """The part of a sentence about one fault.

    Attributes:
        kind: Of fault.
        text: The part, marks and all.
        begin: Where it begins in the sentence.
        spans: What of the sentence it accounts for.
        when: It begins.
        notes: What was read into the words.
        used: Numbers of the amounts that found a place.
        named: Where its kind is named.
        timed: Whether the sentence says when, and not only by 'and'.
        odd: Phrases that say when although another did.
        moments: Where in the sentence phrases say when.
        window: Number of the amount that says in which time an awaited move must happen.
        is_beside: Whether "and", or nothing but a comma, joins it to the clause before.
    """

    kind: str
    text: str
    begin: int
    spans: list[tuple[int, int]]
    when: DraftedTime = NO_TIME
    notes: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    named: int = 0
    timed: bool = False
    odd: list[str] = field(default_factory=list)
    moments: list[tuple[int, int]] = field(default_factory=list)
    window: int | None = None
    is_beside: bool = False


@dataclass(frozen=True)
class _Joint:
    """What stands between two faults: who waits for whom, and how long."""

    begin: int
    end: int
    relation: Relation
    waits: Literal["left", "right"]
    loose: bool
    amount: int | None = None
    words: str = ""


def read_clauses(text: str, kinds: list[tuple[int, int, str]], moments: list[Moment], amounts: Amounts) -> list[Clause]:
    """Return the clauses of a sentence.

    Args:
        text: Marked.
        kinds: Where which kinds are named.
        moments: Phrases that say when.
        amounts: Of the sentence.
    """
    joints = [_joint(text, left, right, moments, amounts) for left, right in pairwise(kinds)]
    spans = [(one.begin, one.end) for one in moments]
    front = _front(text, kinds, moments)
    clauses: list[Clause] = []
    for index, (begin, end, kind) in enumerate(kinds):
        joint = joints[index - 1] if index else None
        first = joint.begin if joint else 0
        last = joints[index].begin if index < len(joints) else len(text)
        if joint and clauses and _is_same(clauses[-1], kind, joint, text[first:last]):
            _merge(clauses[-1], text, joint, (begin, end), last)
            continue
        clause = Clause(kind, text[first:last], first, [(begin, end)], named=begin, moments=spans)
        clauses.append(clause)
        if joint:
            _join(clauses, joint, front if len(clauses) == 2 else None, amounts)
    for moment in moments:
        _place(clauses, moment, text)
    for match in _REFERENCE.finditer(text):
        _refer(clauses, match, amounts)
    _share_moment(clauses, moments, text)
    return clauses


def _share_moment(clauses: list[Clause], moments: list[Moment], text: str) -> None:
    """Give a time at the end of "double volatility and triple spreads from 10:05" to all that "and" joins to it."""
    for left, right in reversed([*pairwise(clauses)]):
        trailing = [one for one in moments if right.named < one.begin and one.when == right.when]
        if right.is_beside and right.timed and trailing and not left.timed:
            left.when, left.timed, left.window = right.when, True, right.window
            left.notes.append(f"'{_plain(text, trailing[0]).strip()}' read as for {left.kind} too.")


def _refer(clauses: list[Clause], match: re.Match[str], amounts: Amounts) -> None:
    """Read 'after the crash' at the end of a later clause."""
    index, clause = next(one for one in reversed([*enumerate(clauses)]) if one[1].begin <= match.start() or not one[0])
    if index == 0 or clause.timed or match[2] == "before":
        return
    delay = amounts.found[int(match[1])] if match[1] else None
    if delay is not None and delay.unit not in TIME_UNITS:
        return
    relation = "with" if match[2] == "during" else "after"
    clause.when = NO_TIME.model_copy(update={"at": relation, "fault": index - 1, "delay": delay})
    clause.timed = True
    clause.notes = [note for note in clause.notes if _SAME_TIME not in note]
    clause.spans.append(match.span())
    clause.used |= {int(match[1])} if match[1] else set()


def _is_same(clause: Clause, kind: str, joint: _Joint, text: str) -> bool:
    """Tell whether another word for a fault, or for a part of it, speaks of the clause before."""
    if not joint.loose:
        return False
    if (clause.kind, kind) in _AGAIN or kind == clause.kind:
        return kind != clause.kind or not (re.search(r"<m\d+>", clause.text) and re.search(r"<m\d+>", text))
    return False


def _merge(clause: Clause, text: str, joint: _Joint, span: tuple[int, int], last: int) -> None:
    if clause.kind == "spread_widening":
        clause.kind = "chop"
    clause.text = text[clause.begin : last]
    clause.spans += [span, (joint.begin, joint.end)]


def _joint(
    text: str, left: tuple[int, int, str], right: tuple[int, int, str], moments: list[Moment], amounts: Amounts
) -> _Joint:
    """Return the joint between two faults: the last one that stands there."""
    between = [
        joint
        for joint in _joints(text, left[1], right[0], amounts)
        if not any(one.begin <= joint.begin < one.end for one in moments)
    ]
    firm = [joint for joint in between if not joint.loose]
    return (firm or between or [_Joint(right[0], right[0], "with", "right", True)])[-1]


def _joints(text: str, begin: int, end: int, amounts: Amounts) -> Iterator[_Joint]:
    patterns: tuple[tuple[re.Pattern[str], Relation, Literal["left", "right"], bool], ...] = (
        (_BESIDE, "with", "right", True),
        (_DURING, "with", "left", False),
        (_FOLLOWING, "after", "left", False),
        (_NEXT, "after", "right", False),
    )
    for pattern, relation, waits, loose in patterns:
        for match in pattern.finditer(text, begin, end):
            amount = next((int(group) for group in match.groups() if group), None)
            if amount is not None and amounts.found[amount].unit not in TIME_UNITS:
                continue
            loose_one = loose and "same time" not in match[0] and "simultan" not in match[0]
            yield _Joint(match.start(), match.end(), relation, waits, loose_one, amount, match[0].strip(" ,;."))


def _front(text: str, kinds: list[tuple[int, int, str]], moments: list[Moment]) -> Relation | None:
    """Return how the rest waits for the first fault of 'during a crash, cut the feed' and 'after a halt, ...'."""
    opening = text[: kinds[0][0]]
    match = re.match(r"(?:(during|while|when|as soon as|as|amid)|(after|following|once)) ", opening)
    if match is None or any(one.begin == 0 for one in moments) or len(kinds) < 2:
        return None
    return "with" if match[1] else "after"


def _join(clauses: list[Clause], joint: _Joint, front: Relation | None, amounts: Amounts) -> None:
    left, right = len(clauses) - 2, len(clauses) - 1
    delay: Amount | None = amounts.found[joint.amount] if joint.amount is not None else None
    waiting, other = (right, left) if joint.waits == "right" else (left, right)
    relation = front or joint.relation
    if front:
        waiting, other = right, left
        clauses[left].spans.append((0, clauses[left].named))
    clauses[waiting].when = NO_TIME.model_copy(update={"at": relation, "fault": other, "delay": delay})
    clauses[right].spans.append((joint.begin, joint.end))
    if joint.amount is not None:
        clauses[left].used.add(joint.amount)
        clauses[right].used.add(joint.amount)
    clauses[waiting].timed = not joint.loose or front is not None
    clauses[right].is_beside = joint.loose and front is None
    if joint.begin == joint.end and not front:
        clauses[right].odd.append(clauses[right].kind.replace("_", " "))
    elif joint.loose and not front:
        clauses[right].notes.append(_beside(clauses[left].kind, clauses[right].kind, joint.words))


def _beside(left: str, right: str, words: str) -> str:
    return f"'{words or ','}' {_SAME_TIME}: {right} begins with {left}."


def _plain(text: str, moment: Moment) -> str:
    return re.sub(r"<\w+>", "…", text[moment.begin : moment.end])


def _place(clauses: list[Clause], moment: Moment, text: str) -> None:
    """Give a phrase that says when to the clause it stands in, or to the one that this waits for."""
    clause = next((one for one in reversed(clauses) if one.begin <= moment.begin), clauses[0])
    if moment.when.at == "offset" and clause.when.at in ("with", "after") and clause.when.delay is None:
        clause.when = clause.when.model_copy(update={"delay": moment.when.delay})
        if not clause.timed:
            other = clauses[clause.when.fault or 0].kind
            clause.notes = [note for note in clause.notes if _SAME_TIME not in note]
            clause.notes.append(f"'{_plain(text, moment)}' of {clause.kind} read as counted from when {other} begins.")
        return
    if clause.timed and clause.when.at == "with" and clause.when.fault is not None:
        clause = clauses[clause.when.fault]
    if clause.timed:
        clause.odd.append(text[moment.begin : moment.end])
        return
    clause.notes = [note for note in clause.notes if _SAME_TIME not in note] + list(moment.notes)
    clause.when, clause.timed, clause.window = moment.when, True, moment.window
