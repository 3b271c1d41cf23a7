"""``twin bundle``: what was packed is played again, and the first figure that moved is named."""

import json
import re
from pathlib import Path

import pytest

from agents.batteries.bundles import verify
from agents.batteries.evaluation_log import EPISODES
from twin_env.alpha.bundle import Episodes, read_bundle, write_bundle
from twin_env.alpha.parts import SPLIT_NAMES
from twin_env.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "benchmarks" / "quickstart_rules.bundle"
LINE = ["evaluate", "--policies", "twap", "random", "--episodes", "3", "--seed", "3", "--set", "task.horizon_s=20"]

pytestmark = pytest.mark.jit


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    assert main([*LINE, "--out", str(folder)]) == 0
    return folder / "evaluation_1"


@pytest.fixture
def packed(evaluation, tmp_path):
    assert main(["bundle", "pack", str(evaluation), "--out", str(tmp_path / "a.bundle")]) == 0
    return tmp_path / "a.bundle"


def spoil(file, episode=None, **changes):
    """Change the manifest, and the figures of the second episode of the second policy."""
    found = read_bundle(file)
    figures = {label: list(played) for label, played in found.episodes.items()}
    figures["random"][1] = figures["random"][1].model_copy(update=episode or {})
    write_bundle(file, found.manifest.model_copy(update=changes), Episodes(policies=figures), found.models)


def test_what_was_packed_is_played_again_and_is_the_same(evaluation, packed, tmp_path, capsys):
    assert main(["bundle", "verify", str(packed), "--json", str(tmp_path / "facts.json")]) == 0
    assert "twap, random: all 3 episodes played again, every amount" in capsys.readouterr().out
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert (facts["is_same"], facts["episodes"], facts["policies"]) == (True, 3, ["twap", "random"])
    data = json.loads((evaluation / "results.json").read_text())
    manifest = read_bundle(packed).manifest
    assert [list(figures.total_micro) for figures in manifest.policies] == [
        list(policy["alpha_total_micro"].values()) for policy in data["policies"]
    ]
    assert manifest.env_config == data["env_config"]
    assert manifest.provenance["packages"] == data["provenance"]["packages"]


def test_the_default_place_is_beside_the_run(evaluation):
    assert main(["bundle", "pack", str(evaluation)]) == 0
    assert evaluation.with_name("evaluation_1.bundle").is_file()


@pytest.mark.parametrize("place", range(len(SPLIT_NAMES)))
def test_an_amount_that_moved_by_a_millionth_is_named(packed, place, capsys):
    parts = list(read_bundle(packed).episodes["random"][1].parts_micro)
    parts[place] += 1
    spoil(packed, {"parts_micro": tuple(parts)})
    assert main(["bundle", "verify", str(packed)]) == 1
    assert re.search(rf"Moved: random, seed 4: {SPLIT_NAMES[place]} is -?\d+\.\d{{6}} USD,", capsys.readouterr().out)


def test_an_event_log_that_moved_is_named(packed, capsys):
    spoil(packed, {"event_hash": "0123456789abcdef"})
    assert main(["bundle", "verify", str(packed)]) == 1
    said = capsys.readouterr().out
    assert "Moved: random, seed 4: its event log has the hash " in said and "expected 0123456789abcdef." in said


def test_only_the_first_episodes_are_played_where_no_more_are_wanted(packed, capsys):
    spoil(packed, {"steps": 1})
    assert main(["bundle", "verify", str(packed), "--episodes", "1"]) == 0
    assert "the first 1 of 3 episodes played again" in capsys.readouterr().out
    assert main(["bundle", "verify", str(packed), "--episodes", "2"]) == 1


def test_figures_over_all_episodes_are_compared(packed):
    policies = read_bundle(packed).manifest.policies
    last = policies[1]
    for changes, message in (
        ({"total_micro": (last.total_micro[0] + 1, *last.total_micro[1:])}, "random: net sums to"),
        ({"headline": "shortfall 9.999 bps"}, "expected shortfall 9.999 bps"),
    ):
        spoil(packed, policies=(policies[0], last.model_copy(update=changes)))
        assert message in verify(read_bundle(packed)).moved


def test_another_history_is_named(packed):
    spoil(packed, history="ab")
    assert verify(read_bundle(packed)).moved.endswith("expected ab")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": "CartPole-v1"}, "env is 'CartPole-v1', expected one of TwinExecution-v0"),
        ({"env_config": {"task": {"lots": -1}}}, "env_config is refused ("),
    ],
)
def test_an_environment_that_is_none_is_refused(packed, changes, message, capsys):
    spoil(packed, **changes)
    assert main(["bundle", "verify", str(packed)]) == 2
    assert message in capsys.readouterr().err


def test_no_file_outside_a_bundle_is_loaded(packed, capsys):
    first, last = read_bundle(packed).manifest.policies
    spoil(packed, policies=(first, last.model_copy(update={"rule": "sb3:/tmp/model.zip"})))
    assert main(["bundle", "verify", str(packed)]) == 2
    assert "rule is 'sb3:/tmp/model.zip', expected one of immediate" in capsys.readouterr().err


def test_an_evaluation_that_was_interrupted_is_not_packed(evaluation, tmp_path, capsys):
    lines = (evaluation / EPISODES).read_bytes().splitlines(keepends=True)
    (tmp_path / EPISODES).write_bytes(b"".join(lines[:-2]))
    assert main(["bundle", "pack", str(tmp_path)]) == 2
    assert "has 4 of 6 episodes; twin evaluate --resume plays the rest." in capsys.readouterr().err


# The table of the README


def test_the_table_of_the_readme_is_that_of_its_bundle():
    manifest = read_bundle(TABLE).manifest
    rows = {}
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and words[0] in (*SPLIT_NAMES, "immediate"):
            rows.setdefault(words[0], words)
    heads = rows["immediate"]
    for figures in manifest.policies:
        column = heads.index(figures.policy) + 1
        for name, total in zip(SPLIT_NAMES, figures.total_micro, strict=True):
            assert rows[name][column] == f"{total / 1e6 / manifest.episodes + 0.0:+.2f}".replace("-0.00", "+0.00")
    assert [figures.policy for figures in manifest.policies] == heads[: len(manifest.policies)]


def test_the_first_episodes_of_the_readmes_table_are_what_they_were():
    assert verify(read_bundle(TABLE), 8).moved is None


@pytest.mark.slow
def test_the_readmes_table_is_what_it_was():
    assert verify(read_bundle(TABLE)).moved is None
