"""Policies against faults of training and against those held out: in a world of one number, and in the real one."""

import json
from pathlib import Path

import numpy as np
import pytest

from agents.batteries import robustness
from agents.batteries.robustness import Entry, check_unseen, draw_splits, families_of
from agents.training.config import load_train_config
from tests.agents.test_stress import Idle, LateWorld
from twin_env.alpha.costs import Costs, Difference, compare
from twin_env.chaos.sampling.randomisation import load_sampler_config
from twin_env.cli import robustness as command
from twin_env.cli.main import main
from twin_env.config import ConfigError
from twin_env.report.robustness import cost_table, difference_table

LATE = "calm_share: 0.5\nheldout: [feed]\nterms: [{kind: feed_delay}, {kind: fee_change}]\n"
TRAIN = Path(__file__).resolve().parents[2] / "configs" / "train"
CALM = np.array([[1.0, 2.0, 3.0, 4.0]])
DAMAGE = np.array([[2.0, 4.0, 6.0, 9.0]])
SMALL = ["market=mgc_2025", "task.lots=4", "task.horizon_s=20", "task.step_s=2"]


def costs(name, damage, calm=CALM):
    return Costs(name, (name,), {"calm": calm, "heldout": calm + damage})


def test_damage_and_its_difference_are_paired():
    baseline, other = costs("a", DAMAGE), costs("b", DAMAGE / 2, CALM + 1.0)
    found = Difference.of(other, baseline, "heldout")
    assert found.damage.mean == pytest.approx(-DAMAGE.mean() / 2)
    assert found.cost.mean == pytest.approx(1.0 - DAMAGE.mean() / 2)
    assert found.damage_over_runs is None and found.cost_over_runs is None
    assert Difference.of(other, baseline, "calm").cost.mean == pytest.approx(1.0)


def test_runs_of_one_training_are_averaged_in_each_episode_and_compared_in_pairs():
    many = np.repeat(CALM, 3, axis=0)
    shifts = np.array([[0.0], [1.0], [5.0]])
    baseline, other = costs("a", 0.0 * many, many), costs("b", 0.0 * many + shifts, many)
    found = Difference.of(other, baseline, "heldout")
    assert (found.damage.low, found.damage.mean, found.damage.high) == pytest.approx((2.0, 2.0, 2.0))
    half = 4.302653 * np.std([0, 1, 5], ddof=1) / np.sqrt(3)  # t of 2 degrees of freedom
    runs = found.damage_over_runs
    assert found.cost_over_runs == runs and (runs.low, runs.mean, runs.high) == pytest.approx(
        (2.0 - half, 2.0, 2.0 + half)
    )


def test_tails_are_compared_on_the_same_resamples():
    values = np.random.default_rng(2).standard_normal((2, 60))
    same, dearer = Costs("a", ("a",), {"calm": values}), Costs("b", ("b",), {"calm": values + 0.5})
    tail = Difference.of(dearer, same, "calm").tail
    assert (tail.low, tail.mean, tail.high) == pytest.approx((0.5, 0.5, 0.5))
    wider = Difference.of(Costs("c", ("c",), {"calm": 2.0 * values}), same, "calm").tail
    assert wider.low < wider.mean < wider.high and wider.mean == pytest.approx(same.tail("calm"))


@pytest.mark.parametrize(("episodes", "worst"), [(1, 1), (10, 1), (11, 2), (40, 4)])
def test_the_tail_is_the_worst_tenth(episodes, worst):
    values = np.random.default_rng(episodes).permutation(episodes).astype(float).reshape(1, -1)
    expected = np.arange(episodes)[-worst:].mean()
    assert Costs("a", ("a",), {"calm": values}).tail("calm") == expected


def test_tables_say_what_the_figures_say():
    policies = [costs("a", DAMAGE), costs("b", DAMAGE / 2)]
    shown, compared = cost_table(policies, "bps").plain(), difference_table(policies, "bps").plain()
    assert "heldout: b" in shown and f"{DAMAGE.mean() / 2:+.3f}" in shown and "CVaR10" in shown
    assert "calm: b, cost" in compared and "heldout: b, damage" in compared and "calm: b, damage" not in compared
    assert "no difference shown" in compared and list(compare(policies)) == ["b"]


def test_every_episode_of_a_split_has_faults_of_its_families_alone():
    splits = draw_splits(load_sampler_config("heldout_price"), range(40), 120.0)
    families = {
        split: {fault.family for drawn in experiments for fault in drawn.method}
        for split, experiments in splits.items()
    }
    assert families["calm"] == set() and families["heldout"] == {"price"}
    assert len(families["train"]) > 3 and "price" not in families["train"]
    assert all(drawn.method for split in ("train", "heldout") for drawn in splits[split])
    assert list(draw_splits(load_sampler_config("wires"), range(2), 120.0)) == ["calm", "train"]


def test_the_randomised_training_is_the_quickstart_with_a_preset_that_holds_families_out():
    plain, randomised = (load_train_config(TRAIN / f"{name}.yaml") for name in ("quickstart", "randomised"))
    assert randomised.env_config.chaos == load_sampler_config(command.CHAOS)
    assert load_train_config(randomised, **{"env_config.chaos": None}) == plain


def test_a_policy_that_met_what_is_held_out_is_refused(monkeypatch):
    clean, seen = (load_train_config(None, **{"env_config.chaos": name}) for name in ("heldout_price", "everything"))
    assert "price" in families_of(seen) and "price" not in families_of(clean)
    assert families_of(load_train_config(None)) == set()
    monkeypatch.setattr(robustness.runs, "read_run_config", lambda path: clean if path.name == "clean" else seen)
    check_unseen([Entry("a", ("runs/clean", "twap"))], ["price"])
    with pytest.raises(ConfigError, match="runs/seen: was trained with faults of price"):
        check_unseen([Entry("a", ("runs/clean", "runs/seen"))], ["price"])


def test_policies_may_be_named_and_joined():
    assert Entry.read("twap") == Entry("twap", ("twap",))
    assert Entry.read("both=twap,pov") == Entry("both", ("twap", "pov"))


@pytest.fixture
def in_late_world(monkeypatch):
    monkeypatch.setattr(robustness, "make_env", lambda name, config: LateWorld())
    monkeypatch.setattr(robustness, "make_policy", lambda name, env, seed, device: Idle())


def run(folder, *arguments):
    chaos, file = folder / "late.yaml", folder / "report.json"
    chaos.write_text(LATE)
    code = main(["robustness", "--chaos", str(chaos), "--episodes", "6", "--json", str(file), *arguments])
    return code, json.loads(file.read_text()) if file.is_file() else None


def test_the_damage_is_what_the_faults_do(tmp_path, capsys, in_late_world):
    code, data = run(tmp_path, "--policies", "a=twap", "b=twap,pov", "--seed", "3")
    experiments = draw_splits(load_sampler_config(tmp_path / "late.yaml"), range(3, 9), 300.0)["heldout"]
    late = [drawn.method[0].delay_ms / 100.0 for drawn in experiments]
    first, second = (policy["splits"] for policy in data["policies"])
    assert code == 0 and data["seeds"] == list(range(3, 9)) and data["faults"]["heldout"] == {"feed_delay": 6}
    assert np.subtract(first["heldout"]["per_episode"], first["calm"]["per_episode"])[0] == pytest.approx(late)
    assert first["heldout"]["damage"]["mean"] == pytest.approx(np.mean(late))
    assert first["train"]["damage"]["mean"] == 0.0 and np.shape(second["train"]["per_episode"]) == (2, 6)
    assert data["differences"]["b"]["heldout"]["damage"]["mean"] == pytest.approx(0.0)
    assert "heldout: b, damage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--policies", "twapp"], "There is no policy 'twapp' (did you mean 'twap'?)"),
        (["--policies", "twap", "twap"], "--policies has 2 called 'twap', expected names"),
        (["--policies", "twap", "--chaos", "nothing_like_it"], "there is no preset 'nothing_like_it'"),
    ],
)
def test_bad_input_is_answered_in_one_line(tmp_path, capsys, in_late_world, arguments, sentence):
    assert run(tmp_path, *arguments) == (2, None)
    assert sentence in capsys.readouterr().err


@pytest.mark.jit
def test_rules_meet_the_same_experiments_and_each_run_the_same_figures(tmp_path, capsys):
    crash = tmp_path / "crash.yaml"
    crash.write_text("heldout: [price]\nterms: [{kind: flash_crash}, {kind: feed_loss}]\n")
    file = tmp_path / "report.json"
    arguments = [
        "--policies",
        "immediate",
        "twap_passive",
        "--chaos",
        str(crash),
        "--episodes",
        "4",
        "--json",
        str(file),
    ]
    assert main(["robustness", *arguments, "--set", *SMALL]) == 0
    data, said = json.loads(file.read_text()), capsys.readouterr().out
    assert data["env_config"]["chaos"] is None and data["baseline"] == "immediate"
    assert data["faults"]["calm"] == {} and data["faults"]["heldout"] == {"flash_crash": 4}
    passive = data["policies"][1]["splits"]
    assert passive["heldout"]["per_episode"] != passive["calm"]["per_episode"]
    assert "heldout: twap_passive, damage" in said and str(file) in said
    again = tmp_path / "again.json"
    main(["robustness", *arguments[:-1], str(again), "--set", *SMALL])
    assert json.loads(again.read_text())["policies"] == data["policies"]
