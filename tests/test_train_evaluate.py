"""The two command lines from end to end, in small."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.batteries.rollouts import run_episode
from agents.environments import make_env
from agents.policies.registry import make_policy, rules_of
from agents.training import runs
from agents.training.config import TrainConfig
from tests.conftest import ROOT
from tests.report.page_reader import Page, check_numbers
from twin_env.alpha.parts import PARTS, SPLIT_NAMES
from twin_env.cli import train
from twin_env.cli.main import main, parse
from twin_env.config import ConfigError, dump_yaml, load_config, parse_yaml
from twin_env.envs.execution.info import INFO

pytestmark = pytest.mark.jit  # thousands of steps

QUICKSTART = str(ROOT / "configs" / "train" / "quickstart.yaml")
SMALL = ["--config", QUICKSTART, "--smoke", "--set", "task.horizon_s=20"]


def run_train(folder, *arguments):
    return main(["train", *SMALL, "--out", str(folder), *arguments])


def scalars(folder):
    """Every scalar below a folder: tag -> [(step, value)]."""
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def parameters(run):
    from stable_baselines3 import PPO

    return {name: tensor.numpy() for name, tensor in PPO.load(run / runs.MODEL).policy.state_dict().items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of runs with one trained run."""
    folder = tmp_path_factory.mktemp("runs")
    assert run_train(folder, "--json", str(folder / "train.json")) == 0
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return folder / "ppo_TwinExecution-v0_1"


@pytest.fixture(scope="module")
def evaluation(folder, run):
    assert main(["evaluate", "--latest", "--smoke", "--out", str(folder)]) == 0
    return folder / "evaluation_1"


def test_run_folder_holds_all_it_takes_to_do_it_again(run):
    assert {path.name for path in run.iterdir() if "tfevents" not in path.name} == {
        "args.yml",
        "best_model.zip",
        "command.txt",
        "config.yml",
        "evaluations.npz",
        "model.zip",
        "provenance.json",
        "rules",
        "vecnormalize.pkl",
    }
    written = load_config(TrainConfig, run / "config.yml")
    assert written == train.read_config(parse(["train", *SMALL]).arguments)
    assert parse_yaml((run / "args.yml").read_text())["smoke"] is True
    assert (run / "command.txt").read_text().startswith("twin train --config ")
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["seed"] == written.seed
    assert provenance["packages"]["stable-baselines3"] is not None


def test_training_figures_in_json(folder, run):
    data = json.loads((folder / "train.json").read_text())
    assert data["run"] == str(run)
    assert data["timesteps"] == 4 * train.SMOKE_STEPS
    assert data["interrupted"] is False
    assert data["steps_per_s"] == pytest.approx(data["timesteps"] / data["train_s"])
    assert load_config(TrainConfig, data["config"]) == load_config(TrainConfig, run / "config.yml")


def test_evaluations_play_the_same_episodes_each_time(run):
    data = np.load(run / "evaluations.npz")
    assert data["timesteps"].tolist() == [0, 128, 256]
    assert data["results"].shape == data["is_bps"].shape == data["ep_lengths"].shape == (3, 2)
    assert np.allclose(data["results"], -data["without_drift_bps"], atol=1e-9)  # what the quickstart rewards


def test_tensorboard_shows_every_info_key_of_episodes_and_of_evaluations(run):
    found = scalars(run)
    keys = {*INFO.figures, "exec/without_drift_bps"}  # what judges a policy is no key of the info
    assert keys <= set(found)
    assert {f"eval/{key}" for key in keys} <= set(found)
    data = np.load(run / "evaluations.npz")
    for name in ("is_bps", "without_drift_bps"):
        steps, means = zip(*found[f"eval/exec/{name}"], strict=True)
        assert steps == (0, 128, 256)
        assert np.allclose(means, data[name].mean(axis=1), rtol=1e-5)
    shortfall, drift = (dict(found[key]) for key in ("exec/is_bps", "exec/drift_bps"))
    assert dict(found["exec/without_drift_bps"]) == pytest.approx(
        {step: shortfall[step] - drift[step] for step in shortfall}, rel=1e-4
    )


def test_tensorboard_holds_the_configuration_and_hyperparameters_with_metrics_that_exist(run):
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    events = EventAccumulator(str(run)).Reload()
    (text,) = events.Tensors("config/text_summary")
    written = text.tensor_proto.string_val[0].decode().removeprefix("```yaml\n").removesuffix("```")
    assert parse_yaml(written) == parse_yaml((run / "config.yml").read_text())
    content = {tag: HParamsPluginData.FromString(data) for tag, data in events.PluginTagToContent("hparams").items()}
    metrics = {info.name.tag for info in content["_hparams_/experiment"].experiment.metric_infos}
    assert metrics == {
        "exec/without_drift_bps",
        "eval/exec/without_drift_bps",
        "eval/mean_reward",
        "rollout/ep_rew_mean",
    }
    assert metrics <= set(scalars(run))
    chosen = content["_hparams_/session_start_info"].session_start_info.hparams
    assert chosen["algo"].string_value == "ppo"
    assert chosen["n_steps"].number_value == train.SMOKE_STEPS
    assert chosen["task.horizon_s"].number_value == 20.0


def test_a_trader_is_judged_by_the_net_result_in_tensorboard():
    from stable_baselines3.common.logger import Logger

    from agents.training.board import record_configuration
    from agents.training.config import load_train_config

    logger = Logger(None, [])
    record_configuration(logger, load_train_config(ROOT / "configs" / "train" / "trading.yaml"))
    metrics = logger.name_to_value["hparams"].metric_dict
    assert set(metrics) == {"alpha/net", "eval/alpha/net", "eval/mean_reward", "rollout/ep_rew_mean"}


def test_rules_are_lines_over_the_whole_training_on_the_episodes_of_the_evaluations(run):
    from agents.environments import make_env
    from agents.training.training import episode_seeds

    config = load_config(TrainConfig, run / "config.yml")
    assert sorted(path.name for path in (run / "rules").iterdir()) == sorted(rules_of("TwinExecution-v0"))
    env = make_env(config.env, config.env_config)
    seeds = episode_seeds(config.seed, "evaluation", config.eval_episodes)
    played = [run_episode(env, make_policy("twap_passive", env), seed).info for seed in seeds]
    mean = np.mean([info["exec/is_bps"] - info["exec/drift_bps"] for info in played])
    found = scalars(run / "rules" / "twap_passive")["eval/exec/without_drift_bps"]
    assert found == [(0, pytest.approx(mean, rel=1e-5)), (config.n_timesteps, pytest.approx(mean, rel=1e-5))]


def test_same_seed_same_model_other_seed_another(run, tmp_path):
    assert run_train(tmp_path) == 0
    assert run_train(tmp_path, "--seed", "2") == 0
    first, again, other = (parameters(path) for path in (run, tmp_path / run.name, tmp_path / "ppo_TwinExecution-v0_2"))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)
    for name in ("results", "is_bps"):
        assert np.array_equal(
            np.load(run / "evaluations.npz")[name], np.load(tmp_path / run.name / "evaluations.npz")[name]
        )


def test_runs_are_numbered_named_and_the_latest_is_found(tmp_path):
    first, second = (runs.create_run(tmp_path, "ppo_TwinExecution-v0") for _ in range(2))
    assert [first.name, second.name] == ["ppo_TwinExecution-v0_1", "ppo_TwinExecution-v0_2"]
    for number, run in enumerate((second, first)):
        (run / runs.MODEL).write_bytes(b"x")
        os.utime(run / runs.MODEL, (number, number))
    assert runs.latest_run(tmp_path) == first
    for run, env in ((first, "TwinTrading-v0"), (second, "TwinExecution-v0")):
        runs.write_yaml(run / runs.CONFIG, {"env": env})
    assert [runs.latest_run(tmp_path, env) for env in (None, "TwinTrading-v0", "TwinExecution-v0")] == [
        first,
        first,
        second,
    ]
    (first / runs.CONFIG).unlink()
    with pytest.raises(ConfigError, match="no trained run of TwinTrading-v0"):
        runs.latest_run(tmp_path, "TwinTrading-v0")
    assert runs.create_run(tmp_path, "ppo_TwinExecution-v0").name == "ppo_TwinExecution-v0_3"
    runs.write_yaml(second / runs.CONFIG, {"env": "TwinExecution-v0"})
    assert runs.run_label(second) == runs.run_label(second / runs.MODEL) == "ppo_2"
    assert runs.run_label(second / runs.BEST_MODEL) == "ppo_2_best_model"


def test_training_plays_no_episode_that_evaluations_play(run):
    from agents.training.training import episode_seeds, make_model, make_training_envs

    config = load_config(TrainConfig, run / "config.yml")
    venv = make_training_envs(config)
    make_model(config, venv, "cpu", 0)
    first = venv.reset()
    env = make_env(config.env, config.env_config)
    seeds = [*range(20), *episode_seeds(config.seed, "evaluation", 20)]
    assert len(set(seeds)) == 40
    assert not any(np.array_equal(env.reset(seed=seed)[0], row) for seed in seeds for row in first)
    training = episode_seeds(config.seed, "training", 1)[0]
    assert [np.array_equal(env.reset(seed=training + k)[0], row) for k, row in enumerate(first)] == [True, True]


def test_a_written_configuration_trains_the_same_model(run, tmp_path):
    assert main(["train", "--config", str(run / "config.yml"), "--out", str(tmp_path)]) == 0
    first, again = parameters(run), parameters(tmp_path / run.name)
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_the_saved_model_acts_as_it_did_when_it_was_evaluated(run):
    from agents.training.training import episode_seeds

    config = load_config(TrainConfig, run / "config.yml")
    env = make_env(config.env, config.env_config)
    policy = make_policy(str(run), env)
    data = np.load(run / "evaluations.npz")
    seeds = episode_seeds(config.seed, "evaluation", config.eval_episodes)
    assert data["seeds"].tolist() == seeds
    episodes = [run_episode(env, policy, seed) for seed in seeds]
    assert [episode.info["exec/is_bps"] for episode in episodes] == data["is_bps"][-1].tolist()
    observation = np.stack([env.observation_space.sample() for _ in range(5)])
    batch, _ = policy.predict(observation, deterministic=True)
    assert all(
        np.array_equal(policy.predict(row, deterministic=True)[0], batch[k]) for k, row in enumerate(observation)
    )


def test_normalized_observations_are_normalized_again_when_played(tmp_path):
    config = tmp_path / "normalized.yaml"
    config.write_text(dump_yaml(parse_yaml(Path(QUICKSTART).read_text()) | {"normalize_observations": True}))
    assert main(["train", "--config", str(config), *SMALL[2:], "--out", str(tmp_path)]) == 0
    run = tmp_path / "ppo_TwinExecution-v0_1"
    written = load_config(TrainConfig, run / "config.yml")
    env = make_env(written.env, written.env_config)
    policy = make_policy(str(run), env)
    observation, _ = env.reset(seed=1)
    before = policy.statistics.obs_rms.mean.copy()
    action, _ = policy.predict(observation, deterministic=True)
    expected, _ = policy.model.predict(policy.statistics.normalize_obs(observation), deterministic=True)
    assert np.array_equal(action, expected)
    assert np.array_equal(policy.statistics.obs_rms.mean, before)
    seen = np.load(run / "evaluations.npz")["is_bps"][-1, 0]
    from agents.training.training import episode_seeds

    assert run_episode(env, policy, episode_seeds(written.seed, "evaluation", 1)[0]).info["exec/is_bps"] == seen


@pytest.mark.parametrize("algo", ["a2c", "sac"])
def test_other_algorithms_train_and_play(algo, tmp_path):
    arguments = ["--algo", algo, "--smoke", "--out", str(tmp_path), "--set", "task.horizon_s=20"]
    if algo == "sac":
        arguments += ["action={codec: schedule}"]
    assert main(["train", *arguments]) == 0
    run = str(tmp_path / f"{algo}_TwinExecution-v0_1")
    assert main(["evaluate", "--policies", run, "--episodes", "1", "--out", str(tmp_path)]) == 0


def test_interrupted_training_leaves_whole_files(tmp_path, monkeypatch, capsys):
    from agents.training.callbacks import EpisodeFigures

    def interrupt(self):
        if self.num_timesteps > 128:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(EpisodeFigures, "_on_step", interrupt)
    assert run_train(tmp_path, "--json", str(tmp_path / "train.json")) == 130
    assert "Interrupted: the model as it was is saved" in capsys.readouterr().out
    run = tmp_path / "ppo_TwinExecution-v0_1"
    assert json.loads((tmp_path / "train.json").read_text())["interrupted"] is True
    assert np.load(run / "evaluations.npz")["timesteps"].tolist() == [0, 128]
    assert not list(run.glob(".*"))
    assert main(["evaluate", "--policies", str(run), "twap", "--episodes", "1", "--out", str(tmp_path)]) == 0


def test_evaluation_in_json(evaluation, run):
    data = json.loads((evaluation / "results.json").read_text())
    assert {key: type(value) for key, value in data.items()} == {
        "schema": int,
        "currency": str,
        "confidence": float,
        "seeds": list,
        "sums_exact": bool,
        "objective": dict,
        "policies": list,
        "baseline": str,
        "differences_is_bps": dict,
        "differences_without_drift_bps": dict,
        "differences_net_ccy": dict,
        "env": str,
        "env_config": dict,
        "reproduce": list,
        "provenance": dict,
        "derived": dict,
        "evaluation_s": float,
        "basis": dict,
        "ladder": type(None),  # nobody asked for it
        "capacity": type(None),
        "counterfactual": type(None),
    }
    assert [policy["policy"] for policy in data["policies"]] == [*rules_of("TwinExecution-v0"), "ppo_1"]
    assert data["baseline"] == "twap_passive"
    assert data["seeds"] == [0, 1, 2]
    assert data["env_config"] == load_config(TrainConfig, run / "config.yml").env_config.model_dump(mode="json")
    for policy in data["policies"]:
        assert list(policy["alpha_ccy"]) == list(policy["alpha_total_micro"]) == list(SPLIT_NAMES)
        total = policy["alpha_total_micro"]
        assert sum(total[part] for part in PARTS) == total["execution"]
        assert total["strategy"] + total["execution"] == total["net"]
        assert policy["alpha_ccy"]["net"] == pytest.approx(total["net"] * 1e-6 / policy["episodes"])
        assert policy["is_bps"]["mean"] == pytest.approx(np.mean(policy["per_episode"]["is_bps"]))
        assert {len(values) for values in policy["per_episode"].values()} == {3}
        assert policy["filled_share"] == 1.0
    shortfalls = {policy["policy"]: np.array(policy["per_episode"]["is_bps"]) for policy in data["policies"]}
    assert set(data["differences_is_bps"]) == set(shortfalls) - {"twap_passive"}
    for name, interval in data["differences_is_bps"].items():
        assert interval["mean"] == pytest.approx(np.mean(shortfalls[name] - shortfalls["twap_passive"]))


def test_evaluation_writes_page_tables_and_pictures(tmp_path):
    page, tables, pictures = tmp_path / "page.html", tmp_path / "tables.md", tmp_path / "pictures"
    files = [
        "--report",
        str(page),
        "--markdown",
        str(tables),
        "--png",
        str(pictures),
        "--json",
        str(tmp_path / "x.json"),
    ]
    settings = ["--set", "task.horizon_s=20", "--chaos", "default", "--out", str(tmp_path / "runs")]
    chosen = ["--policies", "twap", "twap_passive", "--episodes", "4", "--seed", "30", "--explore", "31"]
    assert main(["evaluate", *chosen, *settings, *files]) == 0
    read, data = Page(page.read_text()), json.loads((tmp_path / "x.json").read_text())
    check_numbers(read)
    assert read.open == [] and read.loose == []
    assert {path.name for path in pictures.iterdir()} == {"waterfall.png", "comparison.png", "markouts.png"}
    assert "## Strategy and execution" in tables.read_text()
    explored = read.document["explorer"]["episodes"]
    for policy, worst in zip(("twap", "twap_passive"), data["derived"]["worst"], strict=True):
        seeds = {episode["seed"] for episode in explored if episode["policy"] == policy}
        assert seeds == {31, worst["episodes"][0]["seed"]}
    assert all(episode["is_same"] for episode in explored) and "explorer" not in data
    assert [experiment["seed"] for experiment in data["experiments"]] == data["seeds"] == [30, 31, 32, 33]


def test_the_command_of_a_worst_episode_plays_it_again(tmp_path):
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    settings = ["--set", "task.horizon_s=20", "--links", "adversarial", "--out", str(tmp_path / "runs")]
    assert main(["evaluate", "--policies", "twap", "random", "--episodes", "3", *settings, "--json", str(first)]) == 0
    worst = json.loads(first.read_text())["derived"]["worst"][1]["episodes"][0]
    assert worst["command"][:2] == ["twin", "evaluate"]
    assert main([*worst["command"][1:], "--out", str(tmp_path / "runs"), "--json", str(again)]) == 0
    played = json.loads(again.read_text())
    assert played["seeds"] == [worst["seed"]]
    assert played["policies"][0]["per_episode"]["net_ccy"] == [worst["net_ccy"]]


def test_rules_and_agent_share_the_tags_of_training_in_tensorboard(evaluation, run):
    data = json.loads((evaluation / "results.json").read_text())
    trained = scalars(run)
    for policy in data["policies"]:
        found = scalars(evaluation / policy["policy"])
        assert set(found) <= set(trained)
        assert {"alpha/net", "exec/is_bps", "eval/exec/is_bps", "eval/mean_reward"} <= set(found)
        steps, values = zip(*found["exec/is_bps"], strict=True)
        assert steps == (0, 4 * train.SMOKE_STEPS)
        assert values == pytest.approx([policy["is_bps"]["mean"]] * 2, rel=1e-5)


def test_policies_get_the_same_market(folder, evaluation, tmp_path):
    again = tmp_path / "again.json"
    assert main(["evaluate", "--latest", "--smoke", "--out", str(folder), "--json", str(again)]) == 0
    first, second = (json.loads(path.read_text())["policies"] for path in (evaluation / "results.json", again))
    assert [policy["event_logs_sha256"] for policy in first] == [policy["event_logs_sha256"] for policy in second]
    # Alone, in another order, a policy gets what it got in company.
    config = folder / "ppo_TwinExecution-v0_1" / "config.yml"
    arguments = ["--policies", "pov", "twap", "--config", str(config), "--episodes", "3", "--out", str(folder)]
    assert main(["evaluate", *arguments, "--json", str(again)]) == 0
    alone = {policy["policy"]: policy["per_episode"] for policy in json.loads(again.read_text())["policies"]}
    company = {policy["policy"]: policy["per_episode"] for policy in first}
    assert alone == {name: company[name] for name in ("pov", "twap")}


def test_printed_tables_say_what_was_checked(folder, capsys):
    assert main(["evaluate", "--policies", "twap", "pov", "--episodes", "2", "--seed", "40", "--out", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "2 policies on TwinExecution-v0, 2 episodes each, seeds 40 to 41" in out
    assert "Sums: in all 4 episodes the parts sum to execution" in out
    assert "Shortfall without drift minus that of twap, bps, paired by episode" in out
    assert f"twin board {folder}" in out


def test_a_sum_that_is_off_by_a_millionth_fails_loudly(folder, monkeypatch, capsys):
    from agents.batteries import rollouts as module

    whole = module.Episode

    def spoiled(**values):
        parts = values.pop("parts_micro")
        return whole(parts_micro=(*parts[:-1], parts[-1] + 1), **values)

    monkeypatch.setattr(module, "Episode", spoiled)
    before = set(folder.iterdir())
    assert main(["evaluate", "--policies", "twap", "--episodes", "1", "--out", str(folder)]) == 1
    assert "twin evaluate: seed 0: the parts of execution sum to" in capsys.readouterr().err
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("train", ["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        ("train", ["--algo", "ppo2"], "algo is 'ppo2', expected one of ppo, a2c, sac"),
        ("train", ["--env", "Foo-v0"], "env is 'Foo-v0', expected one of TwinExecution-v0"),
        ("train", ["--set", "hyperparams.batch_size=100"], "expected a multiple of hyperparams.batch_size=100"),
        ("train", ["--set", "hyperparams.gama=1.0"], "gama is an unknown key for ppo"),
        ("train", ["--set", "hyperparams.gamma=high"], "gamma is 'high', expected a number"),
        ("train", ["--set", "hyperparams.learning_rate=lin_fast"], "learning_rate is 'lin_fast', expected a number"),
        ("train", ["--set", "gamma"], "'gamma' is not KEY=VALUE"),
        ("train", ["--set", "links.orders.delay.mean_ms=-5"], "mean_ms is -5, expected at least 0"),
        ("train", ["--set", "task.lotz=5"], "did you mean 'lots'?"),
        ("train", ["--n-timesteps", "-4"], "'-4' is not an integer of at least 1"),
        ("train", ["--algo", "sac"], "expected env_config.action.codec=schedule"),
        ("train", ["--resume", "nowhere"], "nowhere: holds no config.yml, expected the folder of a run"),
        ("train", ["--resume", "nowhere", "--algo", "dqn"], "--algo is given with --resume"),
        ("evaluate", ["--policies", "sb3:."], "holds no model.zip, no checkpoint and no best_model.zip"),
        ("train", ["--device", "abacus"], "abacus"),
        ("train", ["--device", "cuda"], "--device is 'cuda', which PyTorch cannot use here"),
        ("train", ["--json", "."], "'.' is not a file that can be written"),
        ("train", ["--nothing"], "'--nothing' is unknown"),
        ("evaluate", ["--policies", "twapp"], "There is no policy 'twapp' (did you mean 'twap'?)"),
        ("evaluate", ["--policies", "twap", "--baseline", "pov"], "--baseline 'pov' is not among the policies"),
        ("evaluate", ["--policies", "sb3:nowhere"], "nowhere: there is no such file"),
        ("evaluate", ["--latest"], "holds no trained run"),
        ("evaluate", ["--policies", __file__], "is no zip file"),
        ("evaluate", ["--episodes", "0"], "'0' is not an integer of at least 1"),
        (
            "evaluate",
            ["--explore", "7", "--episodes", "3"],
            "--explore 7 is no episode of this evaluation, expected 0 to 2",
        ),
        ("evaluate", ["--explore", "1", "2", "3"], "--explore names 3 episodes, expected at most 2 beside the worst"),
        ("evaluate", ["--png", __file__], "is not a folder that can be written to"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = main([command, *arguments])
    except SystemExit as exit_:
        code = exit_.code
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1
    assert message in lines[0]
    assert lines[0].startswith(f"twin {command}: ")
    assert not list(tmp_path.iterdir())


def test_a_model_of_other_observations_is_refused(run, capsys):
    arguments = ["--policies", str(run), "--set", "observation.levels=3", "--episodes", "1"]
    assert main(["evaluate", *arguments]) == 2
    assert "was trained with observation_space Box(43,), the environment has Box(35,)" in capsys.readouterr().err


def test_rules_are_evaluated_without_torch(tmp_path):
    code = (
        "import sys; from twin_env.cli.main import main; main(sys.argv[1:]); "
        "assert not {'torch', 'stable_baselines3', 'tqdm'} & set(sys.modules)"
    )
    arguments = ["evaluate", "--policies", "twap", "--episodes", "1", "--set", "task.horizon_s=20"]
    subprocess.run([sys.executable, "-c", code, *arguments, "--out", str(tmp_path)], cwd=ROOT, check=True)


def test_training_says_at_once_what_it_does_and_then_how_far_it_is(tmp_path, capsys):
    flags = ["--set", "hyperparams.n_steps=8", "hyperparams.batch_size=16", "-n", "160"]
    assert run_train(tmp_path, *flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Training ppo on TwinExecution-v0: 160 steps in 2 environments, seed 1; starting")
    told = [line for line in lines if " of 160 steps in " in line]
    assert [line.split()[0] for line in told] == [str(step) for step in range(16, 161, 16)]


def test_a_line_comes_every_half_minute_however_slow_training_is(monkeypatch, capsys):
    from agents.training import callbacks

    now_s = 0.0
    monkeypatch.setattr(callbacks.time, "perf_counter", lambda: now_s)
    progress = callbacks.Progress(10**9, callbacks.Evaluation(None, [], 0, Path()), bar=False)
    for step in range(100):  # a second each
        now_s, progress.num_timesteps = float(step), step
        progress._on_step()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["30", "60", "90"]


def full_disk(*arguments, **settings):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("writer", ["agents.training.runs.write_yaml", "agents.training.training.save_whole"])
def test_training_on_a_full_disk_is_one_sentence_and_leaves_nothing(writer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(writer, full_disk)
    assert run_train(tmp_path, "--eval-freq", "0") == 2
    assert capsys.readouterr().err == "twin train: No space left on device.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("writer", ["pathlib.Path.write_text", "twin_env.report.tensorboard.write_scalars"])
def test_evaluation_on_a_full_disk_is_one_sentence_and_keeps_its_episodes(writer, tmp_path, monkeypatch, capsys):
    arguments = ["--policies", "twap", "--episodes", "1", "--set", "task.horizon_s=20", "--out", str(tmp_path)]
    with monkeypatch.context() as full:
        full.setattr(writer, full_disk)
        assert main(["evaluate", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "No space left on device" in err
    assert not list((tmp_path / "evaluation_1").glob("*.part*"))
    with monkeypatch.context() as played:
        played.setattr("agents.batteries.evaluation_log.run_episode", None)
        assert main(["evaluate", "--resume", str(tmp_path / "evaluation_1")]) == 0
    assert json.loads((tmp_path / "evaluation_1" / "results.json").read_text())["seeds"] == [0]


@pytest.mark.slow
def test_ctrl_c_leaves_whole_files(tmp_path):
    command = [sys.executable, "train.py", "--config", QUICKSTART, "-n", "10000000", "--out", str(tmp_path)]
    process = subprocess.Popen([*command, "--verbose", "1"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    while "total_timesteps" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: the model as it was is saved" in out
    assert parameters(tmp_path / "ppo_TwinExecution-v0_1")
    assert not list((tmp_path / "ppo_TwinExecution-v0_1").glob(".*"))


@pytest.mark.slow
def test_quickstart_learns_something(tmp_path):
    """Fewer steps than `make run` takes, and still clearly better than at the start."""
    assert main(["train", "--config", QUICKSTART, "-n", "40000", "--eval-freq", "20000", "--out", str(tmp_path)]) == 0
    data = np.load(tmp_path / "ppo_TwinExecution-v0_1" / "evaluations.npz")
    gain = data["without_drift_bps"][0] - data["without_drift_bps"][-1]
    assert gain.mean() > 0.0


def test_tensorboard_shows_where_the_money_went_at_every_evaluation_and_for_rules(run):
    pytest.importorskip("matplotlib")
    for folder, steps in ((run, [0, 128, 256]), (run / "rules" / "twap", [4 * train.SMOKE_STEPS])):
        events = EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()
        assert [event.step for event in events.Images("figures/waterfall")] == steps


def test_a_bundle_with_a_model_plays_it_again_if_it_is_trusted(evaluation, run, tmp_path, capsys):
    file = str(tmp_path / "ppo.bundle")
    assert main(["bundle", "pack", str(evaluation), "--models", "--out", file]) == 0
    assert main(["bundle", "verify", file]) == 2
    assert "holds models, and loading one runs what its author put there; --trust" in capsys.readouterr().err
    assert main(["bundle", "verify", file, "--trust"]) == 0
    assert "ppo_1: all 3 episodes played again" in capsys.readouterr().out


def test_a_bundle_without_the_model_says_what_it_leaves_out(evaluation, tmp_path, capsys):
    file = str(tmp_path / "rules.bundle")
    assert main(["bundle", "pack", str(evaluation), "--out", file]) == 0
    assert main(["bundle", "verify", file, "--episodes", "1"]) == 0
    assert "ppo_1: its model is not in the bundle, so its figures were not compared." in capsys.readouterr().out


def test_a_model_that_is_not_the_one_that_played_is_refused(evaluation, tmp_path, capsys):
    from twin_env.alpha.bundle import Episodes, read_bundle, write_bundle

    file = tmp_path / "ppo.bundle"
    assert main(["bundle", "pack", str(evaluation), "--models", "--out", str(file)]) == 0
    found = read_bundle(file)
    (place,) = found.models
    found.models[place]["model.zip"] += b" "
    write_bundle(file, found.manifest, Episodes(policies=found.episodes), found.models)
    assert main(["bundle", "verify", str(file), "--trust"]) == 2
    assert "the model of ppo_1 is not the one that played" in capsys.readouterr().err
