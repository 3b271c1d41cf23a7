"""The offline author: every sentence of the golden set is read as it is meant, or refused by name."""

from pathlib import Path
from typing import Any

import pytest

from twin_env.chaos.author.context import Context
from twin_env.chaos.author.grammar import GrammarAuthor
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
    said = " ".join(compiled.assumptions)
    assert [words for words in case.get("assumes", []) if str(words) not in said] == [], said
