"""The offline author: every sentence of the golden set is read as it is meant, or refused by name."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.prompts_page import PAGE, rewrite
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.grammar import GrammarAuthor
from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.config import read_yaml

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
