"""The offline author: every sentence of the golden set is read as it is meant, or refused by name."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.prompts_page import PAGE, rewrite
from twin_env.chaos.author import PromptError, write_experiment
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.grammar import GrammarAuthor
from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.config import ConfigError, read_yaml
from twin_env.market.moments import moment_ns, read_time

GOLDEN = [case for cases in read_yaml(Path(__file__).with_name("golden_prompts.yaml")).values() for case in cases]
MGC = Context.of("mgc_2025")


def holds(expected: Any, found: Any) -> bool:
    """Tell whether all that is expected is found; mappings may have more."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(key in found and holds(expected[key], found[key]) for key in expected)
    if isinstance(expected, float):
        return found == pytest.approx(expected)
    return expected == found


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["prompt"].strip()[:50] or "empty")
def test_golden_sentences(case):
    compiled = GrammarAuthor().write(case["prompt"], MGC)
    if "refused" in case:
        assert compiled.experiment is None, compiled.experiment
        said = " ".join(compiled.problems).lower()
        assert [word for word in case["refused"] if str(word).lower() not in said] == [], said
        return
    assert compiled.experiment is not None, compiled.problems
    found = compiled.experiment.model_dump(mode="json")["method"]
    assert len(found) == len(case["faults"]), found
    for expected, fault in zip(case["faults"], found, strict=True):
        assert holds(expected, fault), fault
    assert compiled.experiment.protections == case.get("protections", "market")
    said = " ".join(compiled.assumptions)
    assert [words for words in case.get("assumes", []) if str(words) not in said] == [], said


def test_the_golden_set_is_large_enough_and_names_every_kind():
    assert len(GOLDEN) >= 60
    assert {fault["kind"] for case in GOLDEN for fault in case.get("faults", [])} >= set(KINDS)


def test_sentences_are_read_in_less_than_20_ms_and_always_the_same():
    author = GrammarAuthor()
    sentences = [case["prompt"] for case in GOLDEN]
    first = [author.draft(sentence, MGC) for sentence in sentences]
    began_s = time.process_time()
    again = [author.draft(sentence, MGC) for sentence in sentences]
    assert (time.process_time() - began_s) / len(sentences) < 0.02
    assert again == first


@given(st.lists(st.sampled_from(sorted({word for case in GOLDEN for word in case["prompt"].split()})), max_size=14))
def test_word_salads_are_an_experiment_or_a_sentence(words):
    compiled = GrammarAuthor().write(" ".join(words), MGC)
    assert (compiled.experiment is None) == bool(compiled.problems)
    if compiled.experiment is not None:
        assert load_experiment(compiled.experiment.model_dump(mode="json")) == compiled.experiment


@given(st.text(max_size=60))
def test_any_text_is_an_experiment_or_a_sentence(text):
    compiled = GrammarAuthor().write(f"flash crash {text}", MGC)
    assert (compiled.experiment is None) == bool(compiled.problems)
    assert all("\n" not in problem for problem in compiled.problems)


@pytest.mark.parametrize(
    "text", ["<m0> crash", "crash <t3>", "crash in <sym>", "flash <d0> crash", "crash of <m9> in <m1>"]
)
def test_marks_of_the_grammar_in_a_sentence_are_words(text):
    assert GrammarAuthor().write(text, MGC).experiment is None


def test_long_sentences_are_refused():
    assert "2001 characters" in GrammarAuthor().write("a" * 2001, MGC).problems[0]


def test_the_page_shows_what_really_becomes_of_the_golden_set():
    page = PAGE.read_text()
    assert rewrite(page) == page, "run python -m tests.chaos.prompts_page"


def test_percent_means_what_the_verb_says():
    for sentence, kind, field, expected in (
        ("fees rise 50% for 10 seconds", "fee_change", "multiple", 1.5),
        ("fees rise to 150% for 10 seconds", "fee_change", "multiple", 1.5),
        ("volatility rises 100% for 10 seconds", "volatility_regime", "volatility_multiple", 2.0),
        ("volatility at 300% for 10 seconds", "volatility_regime", "volatility_multiple", 3.0),
        ("liquidity drops 80% for 10 seconds", "liquidity_drought", "depth_multiple", 0.2),
        ("liquidity drops to 80% for 10 seconds", "liquidity_drought", "depth_multiple", 0.8),
        ("80% of liquidity disappears for 10 s", "liquidity_drought", "depth_multiple", 0.2),
        ("depth falls 60% for 10 seconds", "liquidity_drought", "depth_multiple", 0.4),
        ("spreads increase 400% for 10 seconds", "spread_widening", "spread_multiple", 5.0),
        ("spreads widen by 400% for 10 seconds", "spread_widening", "spread_multiple", 5.0),
    ):
        (fault,) = write_experiment(sentence).method
        assert (fault.kind, getattr(fault, field)) == (kind, expected), sentence


@pytest.mark.parametrize(
    "joined", ["cut the feed and halt trading for 5 seconds", "feed outage, trading halt, 5 seconds each"]
)
def test_a_duration_at_the_end_is_for_all_that_and_joins_to_it(joined):
    assert [fault.duration_s for fault in write_experiment(joined).method] == [5.0, 5.0]
    own = write_experiment("cut the feed for 2 seconds and halt trading for 5 seconds").method
    assert [fault.duration_s for fault in own] == [2.0, 5.0]


def test_a_time_at_the_end_is_for_all_that_and_joins_to_it():
    for fault in write_experiment("double volatility and triple spreads from 10:05").method:
        assert (fault.when.at, fault.when.time) == ("clock", "10:05:00")
    first, second = write_experiment("double volatility, and at 10:05 cut the feed").method
    assert first.when.at == "offset" and second.when.at == "clock"


@pytest.mark.parametrize(
    "sentence",
    [
        "if I am short, crash the price by 5 points in 2 seconds",
        "when I'm long, cut the feed for 2 seconds",
        "whenever I am filled, cut the feed for 2 seconds",
        "cut the feed for 2 seconds each time I am filled",
    ],
)
def test_a_condition_that_no_fault_can_wait_for_is_refused(sentence):
    with pytest.raises(PromptError, match="is no condition that a fault can wait for, expected one such as"):
        write_experiment(sentence)


def test_an_opening_range_may_be_of_another_city():
    """10:00 in Brisbane is midnight UTC; the fault begins a minute into the range of that trading day."""
    (fault,) = write_experiment("cut the data feed for 7 seconds during the 10:00 Brisbane ORB").method
    assert (fault.when.start, fault.when.zone, fault.when.offset_s) == ("10:00", "Australia/Brisbane", 60.0)
    day = date(2025, 6, 3)
    begins = MGC.day.anchor_ns("orb_start", day, fault.when.start, fault.when.zone)
    assert begins == moment_ns(day, read_time("00:00"), "UTC")
    (own,) = write_experiment("cut the data feed for 7 seconds during the 10:00 ORB").method
    assert own.when.zone is None
    assert MGC.day.anchor_ns("orb_start", day, "10:00") == moment_ns(day, read_time("10:00"), "America/New_York")


def test_a_zone_without_a_start_is_refused():
    when = {"at": "anchor", "name": "orb_start", "zone": "Australia/Brisbane"}
    with pytest.raises(ConfigError, match="start is missing"):
        load_experiment({"title": "x", "method": [{"kind": "chop", "when": when}]})
