"""Drafts and what the compiler makes of them: every kind and slot, strict schemas, and what is refused."""

import json
from typing import get_args

import pytest
from pydantic import ValidationError

from twin_env.chaos.author.compile import compile_draft
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.draft import NO_TIME, Draft, DraftedFault, Measure, SlotName, Word
from twin_env.chaos.author.slots import SIGNED, SLOTS, WORDS
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Severity
from twin_env.chaos.when import OnEvent

MGC = Context()
UNITS = {
    "move": (2, "points"), "fall": (2, "s"), "hold": (500, "ms"), "give_back": (50, "percent"), "half_life": (1, "s"),
    "duration": (1, "min"), "multiple": (0.5, "times"), "activity": (2, "times"), "refill": (50, "percent"),
    "share": (25, "percent"), "chance": (50, "percent"), "left": (20, "percent"), "herding": (60, "percent"),
    "rate": (50, "per_s"),
    "lots": (5, "lots"), "count": (3, "count"), "interval": (200, "ms"), "delay": (100, "ms"), "pause": (4, "s"),
    "distance": (7, "ticks"),
}  # fmt: skip


def draft_of(*faults: DraftedFault, **keys: object) -> Draft:
    base = {
        "title": "A test", "symbol": None, "protections": "market", "faults": list(faults), "assumptions": [],
        "unplaced": [], "refusal": None,
    }  # fmt: skip
    return Draft.model_validate(base | keys)


def fault_of(kind: str, *measures: tuple[str, float, str], severity: str = "usual", words: tuple[str, ...] = ()):
    filled = [Measure(slot=slot, value=value, unit=unit) for slot, value, unit in measures]
    return DraftedFault(kind=kind, severity=severity, measures=filled, words=list(words), when=NO_TIME)


def test_every_kind_has_slots_and_they_are_fields():
    assert set(SLOTS) == set(KINDS)
    for kind, slots in SLOTS.items():
        assert set(slots) <= set(get_args(SlotName))
        assert {field.partition(".")[0] for field in slots.values()} <= set(KINDS[kind].model_fields)


def test_every_number_of_every_kind_has_a_slot():
    without = {"ramp", "side", "direction", "recovery", "reverse", "cancel_on_disconnect"}  # words say these
    for kind, model in KINDS.items():
        fields = set(model.model_fields) - {"kind", "id", "when"} - without
        assert fields == {field for field in SLOTS[kind].values() if "." not in field}, kind


@pytest.mark.parametrize("kind", KINDS)
def test_all_slots_of_every_kind_arrive(kind):
    measures = [(slot, *UNITS[slot]) for slot in SLOTS[kind]]
    if kind in ("spread_widening", "chop"):
        measures = [(slot, 5 if slot == "multiple" else value, unit) for slot, value, unit in measures]
    compiled = compile_draft(draft_of(fault_of(kind, *measures)), MGC)
    fault = compiled.experiment.method[0]
    assert fault.kind == kind
    assert fault.toxicity == 0.5
    assert getattr(fault, "duration_s", 60.0) == 60.0
    assert compiled.problems == ()


@pytest.mark.parametrize("kind", WORDS)
def test_all_words_of_every_kind_arrive(kind):
    for word, (field, value) in WORDS[kind].items():
        assert word in get_args(Word)
        fault = compile_draft(draft_of(fault_of(kind, words=(word,))), MGC).experiment.method[0]
        if field == "sign":
            assert getattr(fault, SIGNED[kind]) * value > 0
        elif field:
            outer, _, inner = field.partition(".")
            found = getattr(fault, outer)
            assert (getattr(found, inner) if inner else found) == value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("severity", get_args(Severity))
def test_every_severity_of_every_kind_can_be_asked_for(kind, severity):
    compiled = compile_draft(draft_of(fault_of(kind, severity=severity)), MGC)
    assert compiled.experiment is not None, compiled.problems
    expected = KINDS[kind].at(severity, id=kind)
    assert compiled.experiment.method[0].model_dump(exclude={"when"}) == expected.model_dump(exclude={"when"})


def test_the_schema_is_flat_strict_and_without_defaults():
    schema = Draft.model_json_schema()
    text = json.dumps(schema)
    assert '"default"' not in text
    assert set(schema["$defs"]) == {"Amount", "DraftedFault", "DraftedTime", "Measure"}
    for model in (schema, *schema["$defs"].values()):
        assert set(model["required"]) == set(model["properties"])
        assert model["additionalProperties"] is False
        assert sum("anyOf" in field for field in model["properties"].values()) <= 16
    assert not {"minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "pattern"} & set(text.split('"'))
    events = set(get_args(OnEvent.model_fields["event"].annotation))
    assert events <= set(text.split('"'))


def test_a_draft_without_its_kind_is_no_draft():
    data = draft_of(fault_of("chop")).model_dump()
    del data["faults"][0]["kind"]
    with pytest.raises(ValidationError):
        Draft.model_validate(data)


def test_same_words_same_hash_and_the_prompt_does_not_count():
    draft = draft_of(fault_of("feed_disconnect", ("duration", 7, "s")))
    one = compile_draft(draft, MGC, prompt="cut the feed for 7 seconds", author="grammar 1").experiment
    two = compile_draft(draft, MGC, prompt="no market data for 7 s", source="llm", author="openai:x").experiment
    assert one.hash == two.hash
    assert (one.provenance.prompt, one.provenance.author) == ("cut the feed for 7 seconds", "grammar 1")
    assert one.provenance.assumptions == compile_draft(draft, MGC).assumptions


def test_units_are_resolved_and_not_rounded():
    for value, unit in ((7000, "ms"), (7, "s"), (7 / 60, "min")):
        fault = compile_draft(draft_of(fault_of("feed_disconnect", ("duration", value, unit))), MGC).experiment.method[
            0
        ]
        assert fault.duration_s == pytest.approx(7.0, abs=1e-9)
    fault = compile_draft(draft_of(fault_of("order_delay", ("delay", 1.5, "s"))), MGC).experiment.method[0]
    assert fault.delay_ms == 1500.0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (fault_of("flash_crash", ("move", 5.1, "percent")), "at most 5 %"),
        (fault_of("gap", ("move", 700, "bps")), "at most 5 %"),
        (fault_of("flash_rally", ("move", 3000, "usd_per_contract")), "at most 5 %"),
        (fault_of("flash_crash", ("move", 1e9, "sigma")), "at most 5 %"),
        (fault_of("fat_finger", ("duration", 5, "s")), "no 'duration'"),
        (fault_of("flash_crash", words=("up",)), "'up' says nothing"),
        (fault_of("spoofing", words=("buy", "sell")), "expected one of them"),
        (fault_of("spoofing", ("count", 2.5, "count")), "levels"),
        (fault_of("feed_loss", ("share", 3, "points")), "no share"),
        (fault_of("feed_loss", ("share", 0, "percent")), "probability"),
        (fault_of("feed_loss", ("chance", 150, "percent")), "toxicity"),
        (fault_of("feed_disconnect", ("duration", -3, "s")), "negative"),
        (fault_of("feed_disconnect", ("duration", 2, "h")), "at most 3660"),
        (fault_of("liquidity_drought", ("multiple", 2, "times")), "depth_multiple"),
    ],
)
def test_what_no_fault_can_take_is_refused_and_never_clamped(fault, words):
    compiled = compile_draft(draft_of(fault), MGC)
    assert compiled.experiment is None
    assert len(compiled.problems) == 1
    assert words in compiled.problems[0]


def test_every_problem_is_told_at_once():
    both = draft_of(fault_of("flash_crash", ("move", -1, "points")), fault_of("feed_loss", ("share", 3, "s")))
    assert len(compile_draft(both, MGC).problems) == 2


def test_a_history_without_a_price_warns():
    unknown = Context(price=None)
    compiled = compile_draft(draft_of(fault_of("flash_crash", ("move", 15, "points"))), unknown)
    assert "was not held against it" in compiled.warnings[0]


def test_contexts_come_from_markets():
    assert Context.of("mgc_2025") == Context()
    spooz = Context.of("es_like", zone="America/Chicago")
    assert (spooz.symbol, spooz.tick_size, spooz.clock_zone) == ("ES", 0.25, "America/Chicago")
