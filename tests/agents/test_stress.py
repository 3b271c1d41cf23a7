"""The search against a policy, in a world of one number: how much later market data is."""

import json
import shlex
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest

from agents.batteries import stress
from agents.batteries.rollouts import run_episode
from agents.batteries.stress import Damage, cost_of, damage_of, default_measure, horizon_of
from agents.policies.registry import make_policy
from agents.training.config import load_train_config
from agents.training.runs import write_yaml
from twin_env.chaos.experiment import NOTHING, load_experiment
from twin_env.chaos.sampling.fault_templates import FaultTemplate
from twin_env.cli.main import main
from twin_env.cli.stress import replay_command
from twin_env.config import ConfigError, dump_yaml
from twin_env.envs import definition_of
from twin_env.studies.search.result import HONESTY, SearchReport
from twin_env.studies.search.space import Point, Space

BASE_BPS = 3.0


class LateWorld(gym.Env):
    """Costs 3 bps, luck of the seed, drift, and a basis point for every 100 ms that an experiment delays the feed."""

    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Discrete(1)

    definition = definition_of("TwinExecution-v0")
    alpha_micro = (0, 0, 0)
    event_hash = 1

    def __init__(self):
        self.layout = SimpleNamespace(flatten=np.asarray)
        self.resets = []

    def reset(self, *, seed=None, options=None):
        self.resets.append((seed, options))
        luck, drift = np.random.default_rng(seed).standard_normal(2) * 10
        method = options["experiment"].method if options else ()
        late = sum(fault.delay_ms for fault in method if fault.kind == "feed_delay") / 100.0
        costs = BASE_BPS + luck + late
        self.info = {
            "exec/is_bps": costs + drift,
            "exec/drift_bps": drift,
            "alpha/net": -2.0 * costs,
            "exec/filled_lots": 1.0,
            "exec/remaining_lots": 0.0,
        }
        return np.zeros(1, np.float32), self.info

    def step(self, action):
        return np.zeros(1, np.float32), 0.0, True, False, self.info


class Idle:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.zeros(len(observation), np.int64), None


def late(delay_ms):
    return load_experiment({"title": "late", "method": [{"kind": "feed_delay", "delay_ms": delay_ms}]})


@pytest.mark.parametrize(("measure", "damage"), [("without_drift", 5.0), ("shortfall", 5.0), ("net", 10.0)])
def test_damage_is_the_paired_difference(measure, damage):
    found = Damage(LateWorld(), Idle(), measure)(late(500.0), range(8))
    assert found.shape == (8,) and found.dtype == np.float64
    assert found == pytest.approx(np.full(8, damage))


def test_nothing_does_no_damage():
    assert (Damage(LateWorld(), Idle(), "net")(NOTHING, (3, 4)) == 0.0).all()


def test_calm_episodes_are_played_once():
    env = LateWorld()
    damage = Damage(env, Idle(), "shortfall")
    damage(late(100.0), (1, 2))
    damage(late(900.0), (2, 1, 3))
    calm = [seed for seed, options in env.resets if options is None]
    assert sorted(calm) == [1, 2, 3] and damage.episodes == len(env.resets) == 8
    assert [seed for seed, options in env.resets if options] == [1, 2, 2, 1, 3]
    assert env.resets[0] == (1, {"experiment": late(100.0)})


def test_cost_is_what_reports_compare():
    info = {"exec/is_bps": 7.0, "exec/drift_bps": 2.0, "alpha/net": -30.0}
    episode = SimpleNamespace(info=info)
    assert [cost_of(episode, measure) for measure in ("without_drift", "shortfall", "net")] == [5.0, 7.0, 30.0]


def test_environments_say_how_long_they_last_and_what_cost_means():
    execution, trading = (load_train_config(None, env=env) for env in ("TwinExecution-v0", "TwinTrading-v0"))
    assert (horizon_of(execution), horizon_of(trading)) == (300.0, 1800.0)
    assert (default_measure(execution), default_measure(trading)) == ("without_drift", "net")


@pytest.mark.parametrize(("start_s", "market"), [(0.0, "mgc_2025"), (3_600.0, "mgc_2025"), (0.0, "es_like")])
def test_the_horizon_of_a_session_is_the_time_until_the_environment_ends_it(start_s, market):
    changes = {"task": {"window_s": "session", "step_s": 3_600.0, "start_s": start_s}, "market": market}
    config = load_train_config(
        None, env="TwinTrading-v0", **{f"env_config.{key}": part for key, part in changes.items()}
    )
    env = gym.make("TwinTrading-v0", **changes).unwrapped
    env.reset(seed=1)
    horizon_s = (int(env.task["end_ns"]) - int(env.task["start_ns"])) / 1e9
    assert horizon_of(config) == env.batch.horizon_s == horizon_s > 3_600.0


def test_a_policy_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="plays in TwinTrading-v0"):
        damage_of(load_train_config(None), "flat")


@pytest.fixture
def in_late_world(monkeypatch):
    monkeypatch.setattr(stress, "make_env", lambda name, config: LateWorld())
    monkeypatch.setattr(stress, "make_policy", lambda name, env, seed, device: Idle())


def run(folder, *arguments):
    faults = folder / "faults.yaml"
    faults.write_text("calm_share: 0.2\nterms: [{kind: feed_delay}, {kind: feed_loss}, {kind: order_delay}]\n")
    small = ["--policy", "twap", "--chaos", str(faults), "--budget", "120", "--radius", "2", "--fresh", "4"]
    return main(["stress", *small, "--out", str(folder / "runs"), *arguments])


def test_the_command_finds_prints_and_writes(tmp_path, capsys, in_late_world):
    file = tmp_path / "report.json"
    assert run(tmp_path, "--limit", "8", "--json", str(file)) == 0
    said = capsys.readouterr().out
    report = SearchReport.model_validate(json.loads(file.read_text()))
    assert HONESTY in said and report.failures[0].words in said and report.failures[0].command in said
    assert report.failures[0].kinds == ("feed_delay",) and "beta is" in said
    assert report.front[0].damage.mean > 8.0 and report.unit == "bps"
    for failure in report.failures:
        written = load_experiment(failure.file)
        assert written.hash == failure.experiment.hash and written.provenance.source == "search"


def test_the_nearest_failure_is_where_its_formula_says(tmp_path, capsys, in_late_world):
    file = tmp_path / "report.json"
    run(tmp_path, "--limit", "8", "--json", str(file))
    report = SearchReport.model_validate(json.loads(file.read_text()))
    space = Space([FaultTemplate.plain("feed_delay")], 300.0)
    scores = np.linspace(0, 2, 2001)
    delays = [space.experiment(Point(("feed_delay",), (score, 0.0, 0.0))).method[0].delay_ms for score in scores]
    assert report.breaking.beta == pytest.approx(float(np.interp(800.0, delays, scores)), abs=0.15)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--chaos", "nothing_like_it"], "there is no preset 'nothing_like_it'"),
        (["--policy", "twapp"], "There is no policy 'twapp' (did you mean 'twap'?)"),
        (["--radius", "9"], "radii[0] is 9.0, expected at most 6"),
        (["--budget", "3"], "budget is 3, expected at least 10"),
    ],
)
def test_bad_input_is_answered_in_one_line(tmp_path, capsys, in_late_world, arguments, sentence):
    assert run(tmp_path, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_of_a_failure_plays_the_episode_that_was_scored(tmp_path):
    config = load_train_config(None, **{"env_config.task.horizon_s": 20, "env_config.links": "adversarial"})
    crash = load_experiment("library:flash_crash.mid")
    write_yaml(tmp_path / "config.yml", config.model_dump(mode="json"))
    (tmp_path / "crash.yaml").write_text(dump_yaml(crash.model_dump(mode="json")))
    env = gym.make(config.env, config=config.env_config.model_dump(mode="json"))
    scored = run_episode(env, make_policy("twap", env), 11, {"experiment": crash})
    command = replay_command("twap", tmp_path, str(tmp_path / "crash.yaml"), 11)
    program, *arguments = shlex.split(command)
    assert program == "twin"
    assert main([*arguments, "--out", str(tmp_path / "runs"), "--json", str(tmp_path / "again.json")]) == 0
    (policy,) = json.loads((tmp_path / "again.json").read_text())["policies"]
    assert policy["per_episode"]["event_log_hash"] == [f"{scored.event_hash:016x}"]
    assert scored.event_hash != run_episode(env, make_policy("twap", env), 11).event_hash
