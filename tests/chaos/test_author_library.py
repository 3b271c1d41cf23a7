"""Named events: found by name, by title and tags, by year; told apart, and never mistaken for a description."""

import pytest

import twin_env.config.presets
from twin_env.chaos.author import ChainAuthor, PromptError, write_experiment
from twin_env.chaos.author.context import Context
from twin_env.config import dump_yaml

MGC = Context()
ENTRIES = {
    "gc_2014_01_06": ("The gold flash crash of January 2014", ["flash_crash"], "2014-01-06", None),
    "gc_2013_10_11": ("Gold falls 25 dollars in two minutes", ["flash_crash"], "2013-10-11", None),
    "cme_2025_11_28": ("The CME is gone for hours", ["outage"], "2025-11-28", None),
    "es_2010_05_06": ("The flash crash of the E-mini", ["flash_crash"], "2010-05-06", "ES"),
}


@pytest.fixture(autouse=True)
def library(tmp_path, monkeypatch):
    folder = tmp_path / "chaos" / "library"
    folder.mkdir(parents=True)
    for name, (title, tags, day, symbol) in ENTRIES.items():
        data = {
            "title": title, "tags": tags, "targets": {"symbol": symbol},
            "provenance": {"source": "library", "date": day},
            "method": [{"kind": "flash_crash", "move": {"value": 30, "unit": "points"}, "fall_s": 40}],
        }  # fmt: skip
        (folder / f"{name}.yaml").write_text(dump_yaml(data))
    monkeypatch.setattr(twin_env.config.presets, "FOLDERS", (tmp_path,))
    return folder


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("replay the 2014 gold flash crash", "gc_2014_01_06"),
        ("gc_2014_01_06", "gc_2014_01_06"),
        ("library:cme_2025_11_28", "cme_2025_11_28"),
        ("the 2014 gold flash crash", "gc_2014_01_06"),
        ("re-enact the CME outage", "cme_2025_11_28"),
        ("replay gold 2013", "gc_2013_10_11"),
    ],
)
def test_events_are_found(prompt, name):
    experiment = write_experiment(prompt, MGC)
    assert experiment.title == ENTRIES[name][0]
    assert (experiment.provenance.source, experiment.provenance.prompt) == ("library", prompt)
    assert name in experiment.provenance.assumptions[-1]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("replay the 2010 flash crash", "es_2010_05_06 is written for ES, expected MGC"),
        ("replay the gold crash", "may be gc_2013_10_11 or gc_2014_01_06"),
        ("replay the 1987 crash", "no event of the library"),
        ("replay", "no event of the library"),
    ],
)
def test_what_is_not_there_or_not_clear_is_refused(prompt, words):
    with pytest.raises(PromptError, match=words):
        write_experiment(prompt, MGC)


def test_descriptions_are_for_the_grammar():
    assert write_experiment("flash crash of 15 points in 2 seconds", MGC).provenance.source == "offline"
    dated = write_experiment("crash gold 10 points in 2 s at 10:00 on 2025-06-02", MGC)
    assert dated.provenance.source == "offline"


def test_an_empty_library_says_so(library):
    for path in library.iterdir():
        path.unlink()
    problem = ChainAuthor().write("replay the 2014 gold flash crash", MGC).problems[0]
    assert "is no event of the library" in problem


def test_severities_have_names_too():
    experiment = write_experiment("flash_crash.high", MGC)
    assert experiment.method[0].move.value == 16
    assert experiment.provenance.source == "library"
