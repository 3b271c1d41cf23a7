"""From a draft to an experiment. Nothing an author says passes a bound: all of it is derived again and told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from twin_env.chaos.author.amounts import Notes, RefusedError, read_field, spoken
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.draft import Draft, DraftedFault
from twin_env.chaos.author.slots import SIGNED, SLOTS, WORDS, is_move
from twin_env.chaos.author.times import read_when
from twin_env.chaos.experiment import MOST_FAULTS, BlastRadius, Experiment, Provenance, Targets
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.quantity import Quantity
from twin_env.config import ConfigError, load_config

LIKELY_PERCENT: Final = 5.0
EXTREME_PERCENT: Final = 20.0
LONGEST_FAULT_S: Final = 3660.0  # an hour, and the auction after it
_LONGEST_PROMPT: Final = 2000
_LONGEST_TITLE: Final = 200
_EXTREME: Final = re.compile(r"(?<!not )(?<!not an )(?<!nothing )(?<!less )\b(?:extreme|extremely)\b", re.IGNORECASE)
_UNTOLD: Final = ("kind", "id", "when", "toxicity")
Source = Literal["human", "library", "offline", "llm", "search", "sampler"]


@dataclass(frozen=True)
class Compiled:
    """What became of a draft.

    Attributes:
        experiment: ``None`` if it was refused.
        problems: Why, one sentence each.
        assumptions: What was read into the words, one sentence each.
        warnings: What the words ask for and may come out differently.
    """

    experiment: Experiment | None = None
    problems: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class _Notes:
    problems: Notes = field(default_factory=list)
    assumptions: Notes = field(default_factory=list)
    warnings: Notes = field(default_factory=list)


def compile_draft(
    draft: Draft, context: Context, *, prompt: str = "", source: Source = "offline", author: str = ""
) -> Compiled:
    """Turn what an author understood into an experiment, or say why not.

    Args:
        draft: By whichever author.
        context: The market.
        prompt: The sentence. Only it can allow moves beyond 5 % of the price, by the word 'extreme'.
        source: Which author it was, for the provenance.
        author: Its version.
    """
    notes = _Notes(assumptions=[_stopped(_clean(sentence)) for sentence in draft.assumptions])
    notes.problems += _refusals(draft, context)
    if notes.problems:
        return Compiled(problems=tuple(notes.problems))
    faults = _read_faults(draft, context, _EXTREME.search(prompt) is not None, notes)
    if notes.problems:
        return Compiled(problems=tuple(notes.problems), assumptions=tuple(notes.assumptions))
    provenance = Provenance(
        source=source, prompt=prompt[:_LONGEST_PROMPT], author=author, assumptions=tuple(notes.assumptions)
    )
    return _assemble(draft, faults, provenance, context, notes, _EXTREME.search(prompt) is not None)


def _refusals(draft: Draft, context: Context) -> Iterator[str]:
    if draft.refusal is not None:
        yield _stopped(_clean(draft.refusal))
    elif draft.unplaced:
        words = ", ".join(repr(_clean(word)) for word in draft.unplaced[:MOST_FAULTS])
        yield f"These words found no place: {words}, expected a sentence about faults and nothing else."
    if draft.symbol is not None and draft.symbol.upper() != context.symbol.upper():
        yield f"The symbol is {_clean(draft.symbol)!r}, expected {context.symbol}, which this market trades."
    if len(draft.faults) > MOST_FAULTS:
        yield f"There are {len(draft.faults)} faults, expected at most {MOST_FAULTS}."


def _assemble(
    draft: Draft, faults: list[Fault], provenance: Provenance, context: Context, notes: _Notes, extreme: bool
) -> Compiled:
    data = {
        "title": _clean(draft.title)[:_LONGEST_TITLE] or "Nothing goes wrong",
        "tags": tuple(dict.fromkeys(fault.kind for fault in faults)),
        "provenance": provenance,
        "targets": Targets(symbol=context.symbol),
        "protections": draft.protections,
        "method": tuple(faults),
        "blast_radius": _radius(extreme),
    }
    try:
        experiment = load_config(Experiment, data)
    except ConfigError as error:
        return Compiled(problems=tuple(error.problems), assumptions=tuple(notes.assumptions))
    return Compiled(experiment, (), tuple(notes.assumptions), tuple(notes.warnings))


def _radius(extreme: bool) -> BlastRadius:
    most = EXTREME_PERCENT if extreme else LIKELY_PERCENT
    return BlastRadius(max_move_percent=most, max_fault_s=LONGEST_FAULT_S)


def _read_faults(draft: Draft, context: Context, extreme: bool, notes: _Notes) -> list[Fault]:
    names = _names([fault.kind for fault in draft.faults])
    faults = []
    for drafted, name in zip(draft.faults, names, strict=True):
        try:
            fault = _read_fault(drafted, name, names, context, notes)
            _check_reach(fault, context, extreme, notes)
        except RefusedError as error:
            notes.problems.append(f"{name}: {error}.")
        except ConfigError as error:
            notes.problems += [f"{name}: {problem.partition(': ')[2] or problem}" for problem in error.problems]
        else:
            faults.append(fault)
    return faults


def _names(kinds: list[str]) -> list[str]:
    counts = [kinds[: index + 1].count(kind) for index, kind in enumerate(kinds)]
    return [kind if count == 1 else f"{kind}_{count}" for kind, count in zip(kinds, counts, strict=True)]


def _read_fault(drafted: DraftedFault, name: str, names: list[str], context: Context, notes: _Notes) -> Fault:
    model = KINDS[drafted.kind]
    said = _read_fields(drafted, context, notes.assumptions)
    start = {"kind": drafted.kind, **_severity_values(drafted, said, model, notes.assumptions)}
    fields = _nested({**start, **said, "id": name})
    timeless = load_config(model, fields)
    _note_defaults(timeless, name, said, notes.assumptions)
    when = read_when(drafted.when, timeless.lasts_s, names, context, notes.assumptions)
    return load_config(model, {**fields, "when": when})


def _severity_values(drafted: DraftedFault, said: dict[str, Any], model: type[Fault], notes: Notes) -> dict[str, Any]:
    """Return the values of the severity the words name, or of 'mid' for what the model has no default for."""
    if drafted.severity != "usual":
        notes.append(f"{drafted.kind}: what was not given is that of the severity {drafted.severity!r}.")
        return dict(model.severity_levels[drafted.severity])
    missing = {name for name, info in model.model_fields.items() if info.is_required()} - set(said) - {"kind"}
    return {name: value for name, value in model.severity_levels["mid"].items() if name in missing}


def _read_fields(drafted: DraftedFault, context: Context, notes: Notes) -> dict[str, Any]:
    slots, fields = SLOTS[drafted.kind], dict[str, Any]()
    for measure in drafted.measures:
        if measure.slot not in slots:
            raise RefusedError(
                f"it has no {measure.slot!r} for '{spoken(measure)}', expected one of {', '.join(slots)}"
            )
        if slots[measure.slot] in fields:
            raise RefusedError(f"its {measure.slot!r} is given twice, expected once")
        fields[slots[measure.slot]] = read_field(slots[measure.slot], measure, context, notes)
    sign = 1
    for word in drafted.words:
        known = WORDS.get(drafted.kind, {})
        if word not in known:
            raise RefusedError(f"{word!r} says nothing about it, expected one of {', '.join(known) or 'no such words'}")
        name, value = known[word]
        sign = value if name == "sign" else sign
        if fields.get(name, value) != value:
            raise RefusedError(f"{name!r} is said to be {fields[name]} and {value}, expected one of them")
        fields |= {name: value} if name not in ("", "sign") else {}
    if sign < 0:
        signed = SIGNED[drafted.kind]
        fields[signed] = -fields.get(signed, KINDS[drafted.kind].model_fields[signed].default)
    return fields


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    """Return dotted keys as mappings."""
    nested: dict[str, Any] = {}
    for name, value in fields.items():
        outer, _, inner = name.partition(".")
        nested[outer] = {**nested.get(outer, {}), inner: value} if inner else value
    return nested


def _note_defaults(fault: Fault, name: str, said: dict[str, Any], notes: Notes) -> None:
    given = {field.partition(".")[0] for field in said}
    left = [
        f"{field} {_shown(getattr(fault, field))}"
        for field in type(fault).model_fields
        if field not in given and field not in _UNTOLD and getattr(fault, field) is not None
    ]
    if left:
        notes.append(f"{name}: not said, so taken as {', '.join(left)}.")


def _shown(value: Any) -> str:
    if hasattr(value, "fraction"):
        return f"{value.fraction:.0%}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_reach(fault: Fault, context: Context, extreme: bool, notes: _Notes) -> None:
    if fault.lasts_s > LONGEST_FAULT_S:
        raise RefusedError(f"it lasts {fault.lasts_s:g} s, expected at most {LONGEST_FAULT_S:g} s")
    for name in type(fault).model_fields:
        value = getattr(fault, name)
        if isinstance(value, Quantity) and is_move(fault.kind, name):
            _check_move(value, context, extreme, notes)


def _check_move(move: Quantity, context: Context, extreme: bool, notes: _Notes) -> None:
    percent = _percent(move, context)
    most = EXTREME_PERCENT if extreme else LIKELY_PERCENT
    if percent is None:
        notes.warnings.append(f"The price of this history is not known yet, so {move} was not held against it.")
    elif percent > most * (1 + 1e-9):
        more = "" if extreme else f", or up to {EXTREME_PERCENT:g} % with the word 'extreme'"
        raise RefusedError(f"a move of {move} is {percent:.4g} % of the price, expected at most {most:g} %{more}")


def _percent(move: Quantity, context: Context) -> float | None:
    if move.unit in ("percent", "bps"):
        return move.value / (1.0 if move.unit == "percent" else 100.0)
    if not context.price:
        return None
    return 100.0 * move.value * context.scale.ticks_per(move.unit) * context.tick_size / context.price


def _clean(text: str) -> str:
    """Return a text from outside on one line, without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:500]


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
