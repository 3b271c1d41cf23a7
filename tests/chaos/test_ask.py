"""``ask``: what it prints, writes and refuses, and that it hands over to the runner what it was given."""

import argparse
import json
from types import SimpleNamespace

import pytest

from twin_env.chaos.author import PromptError
from twin_env.chaos.author.words import as_yaml, describe_when
from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.chaos.when import AfterFault, Clock, OnEvent, Periodic, Random, WithFault
from twin_env.cli.chaos import ask
from twin_env.cli.main import main
from twin_env.config import parse_yaml


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.delenv("TWIN_LLM_MODEL", raising=False)


def run(*arguments):
    parser = argparse.ArgumentParser()
    ask.add_arguments(parser)
    return ask.run(parser.parse_args([*arguments]))


def test_the_command_is_one_of_chaos(capsys):
    assert main(["chaos", "ask", "do nothing"]) == 0
    assert main(["chaos", "ask", "make me rich"]) == 2
    assert "could not place 'rich'" in capsys.readouterr().err


def test_an_experiment_is_told_with_its_assumptions_and_as_yaml(capsys):
    assert run("cut the feed for 7 seconds during the 10:00 ORB") == 0
    shown = capsys.readouterr().out
    assert "market data is cut off for 7 s and recovers by a snapshot; 60 s after orb_start (10:00)." in shown
    assert "'10:00 ORB' read as the opening range that starts at 10:00 America/New_York" in shown
    document = parse_yaml(shown[shown.index("schema_version") :])
    assert load_experiment(document).method[0].kind == "feed_disconnect"


@pytest.mark.parametrize(
    "sentence",
    [
        "flash crash of 15 points in 2 seconds and then halt trading for 5 seconds",
        "kill the gateway while an order is in flight, no cancel on disconnect",
        "an extreme crash of 10% in a minute with protections off",
        "do nothing",
    ],
)
def test_what_is_saved_is_the_same_experiment(sentence, tmp_path, capsys):
    run(sentence, "--out", str(tmp_path / "one.yaml"), "--json", str(tmp_path / "one.json"))
    saved = load_experiment(tmp_path / "one.yaml")
    assert saved == load_experiment(tmp_path / "one.json")
    assert saved.provenance.prompt == sentence
    assert as_yaml(saved) in capsys.readouterr().out


def test_options_beat_words(tmp_path):
    file = str(tmp_path / "one.yaml")
    run("crash 10 points in 2 s at 10:00, protections off", "--protections", "on", "--zone", "UTC", "--out", file)
    experiment = load_experiment(file)
    assert experiment.protections == "on"
    assert experiment.method[0].when.zone == "UTC"
    run("crash 10 points in 2 s, protections off", "--out", file)
    assert load_experiment(file).protections == "off"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["make me rich"], "could not place"),
        (["do nothing", "--plot", "x.png"], "without --run"),
        (["do nothing", "--zone", "Mars"], "IANA"),
        (["do nothing", "--market", "nowhere"], "no preset 'nowhere'"),
        (["do nothing", "--author", "llm"], "TWIN_LLM_MODEL"),
        (["flash crash in MGC", "--market", "es_like"], "expected ES"),
    ],
)
def test_what_is_wrong_is_one_value_error(arguments, words):
    with pytest.raises(ValueError, match=words):
        run(*arguments)


def test_a_refused_sentence_is_a_prompt_error():
    with pytest.raises(PromptError) as refused:
        run("crash MGC by -15")
    assert len(refused.value.problems) == 1


def test_a_run_gets_everything_and_its_journal_is_written(tmp_path, monkeypatch):
    seen = {}

    def run_experiment(experiment, **options):
        seen.update(experiment=experiment, **options)
        journal = SimpleNamespace(model_dump_json=lambda indent: json.dumps({"status": "completed"}))
        return SimpleNamespace(journal=journal)

    monkeypatch.setattr("twin_env.studies.chaos_run.run.run_experiment", run_experiment)
    monkeypatch.setattr("twin_env.report.journal.show_journal", lambda journal: seen.update(shown=journal))
    monkeypatch.setattr("twin_env.studies.chaos_run.plot.draw_run", lambda run, path: seen.update(drawn=path))
    out, plot = tmp_path / "journal.json", tmp_path / "run.png"
    run("crash 10 points in 2 s", "--run", "--seed", "7", "--links", "vps", "--json", str(out), "--plot", str(plot))
    assert (seen["market"], seen["links"], seen["seed"]) == ("mgc_2025", "vps", 7)
    assert seen["experiment"].method[0].kind == "flash_crash"
    assert json.loads(out.read_text()) == {"status": "completed"}
    assert seen["drawn"] == plot and seen["shown"] is not None


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (Clock(time="10:00", zone="UTC", day="2025-06-02"), "at 10:00:00 UTC on 2025-06-02"),
        (WithFault(fault="crash"), "together with crash"),
        (WithFault(fault="crash", delay_s=2), "2 s after crash begins"),
        (AfterFault(fault="crash"), "as soon as crash is over"),
        (AfterFault(fault="crash", delay_s=5), "5 s after crash is over"),
        (OnEvent(event="move", threshold=430), "on the event 'move of 430 ticks'"),
        (OnEvent(event="order_in_flight", nth=3, delay_s=0.5), "0.5 s after the event 'order in flight' number 3"),
        (Periodic(period_s=30, times=5), "every 30 s, at most 5 times"),
        (Random(to_s=60), "at a random time between 0 and 60 s"),
    ],
)
def test_times_in_words(when, words):
    assert describe_when(when) == words


def test_an_empty_experiment_is_told():
    assert "method: []" in as_yaml(Experiment(title="Nothing"))
