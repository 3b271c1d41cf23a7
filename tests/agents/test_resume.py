"""A run that is killed and resumed ends at the model of one that never stopped, and what it left can be played."""

import shutil
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.environments import make_env
from agents.policies.trained import load_policy
from agents.training import runs
from agents.training.checkpoints import TRAINING
from agents.training.config import load_train_config
from agents.training.training import ALGORITHMS
from tests.conftest import ROOT
from twin_env.cli.main import main
from twin_env.config import ConfigError, dump_yaml

pytestmark = pytest.mark.jit  # thousands of steps

CURRICULUM = str(ROOT / "configs" / "train" / "curriculum.yaml")
STEPS, EVERY, KILLED = 640, 128, 420  # checkpoints at 128, 256, 384, 512
SIZE = ["-n", str(STEPS), "--eval-freq", "256", "--checkpoint-every-steps", str(EVERY)]
OFF_POLICY = [
    "hyperparams.learning_starts=100",
    "hyperparams.buffer_size=300",
    "hyperparams.batch_size=16",
]  # the buffer wraps round
LEARNERS = {
    "ppo": ["--config", CURRICULUM, "--set", "task.horizon_s=20"],
    "dqn": ["--algo", "dqn", "--set", "task.horizon_s=20", "action={codec: table}", *OFF_POLICY],
    "a2c": ["--algo", "a2c", "--env", "TwinTrading-v0", "--set", "task.window_s=60", "task.step_s=2"],
    "sac": [
        *("--algo", "sac", "--set", "task.horizon_s=20", "action={codec: schedule}", "observation.form=dict"),
        *(*OFF_POLICY, "hyperparams.use_sde=true"),
    ],
}
KILL = """
import os, signal, sys
from agents.training import checkpoints
from twin_env.cli.main import main

class Killed(checkpoints.Checkpoints):
    def _on_step(self):
        if self.num_timesteps >= int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return True

checkpoints.Checkpoints = Killed
main(["train", *sys.argv[2:]])
"""


def arguments(learner, folder):
    return [*LEARNERS[learner], "--smoke", *SIZE, "--out", str(folder)]


def kill_training(at, *flags):
    done = subprocess.run([sys.executable, "-c", KILL, str(at), *flags], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def parameters(run, learner):
    model = ALGORITHMS[learner].load(run / runs.MODEL)
    return {name: tensor.numpy() for name, tensor in model.policy.state_dict().items()}


def scalars(run):
    events = EventAccumulator(str(run)).Reload()
    timed = ("time/fps", "time/time_elapsed", "time/iterations")  # of the process
    tags = [tag for tag in events.Tags()["scalars"] if tag not in timed]
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}


def the_run(folder):
    (run,) = (path for path in folder.iterdir() if path.is_dir() and (path / runs.CONFIG).is_file())
    return run


@pytest.mark.parametrize(
    "learner", ["ppo", "dqn", pytest.param("a2c", marks=pytest.mark.slow), pytest.param("sac", marks=pytest.mark.slow)]
)
def test_a_killed_run_goes_on_to_the_model_of_one_that_never_stopped(learner, tmp_path):
    assert main(["train", *arguments(learner, tmp_path / "whole")]) == 0
    kill_training(KILLED, *arguments(learner, tmp_path / "killed"))
    whole, killed = the_run(tmp_path / "whole"), the_run(tmp_path / "killed")
    assert not (killed / runs.MODEL).exists()
    assert [path.name for path in killed.glob(f"*{runs.CHECKPOINT}*")] == ["checkpoint_384"]
    assert main(["train", "--resume", str(killed)]) == 0
    one, other = parameters(whole, learner), parameters(killed, learner)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    with np.load(whole / runs.EVALUATIONS) as one, np.load(killed / runs.EVALUATIONS) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert scalars(whole) == scalars(killed)  # the steps that were lost are drawn once
    if learner == "ppo":
        assert (whole / runs.CURRICULUM).read_bytes() == (killed / runs.CURRICULUM).read_bytes()
    assert not list(killed.glob(f"*{runs.CHECKPOINT}*"))
    with pytest.raises(ConfigError, match="has finished"):
        runs.read_resumable(killed)


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """A run that was killed after its checkpoint of step 256, with normalised observations."""
    folder = tmp_path_factory.mktemp("unfinished")
    config = folder / "normalized.yaml"
    config.write_text(dump_yaml({"normalize_observations": True}))
    short = ["--set", "task.horizon_s=20"]
    kill_training(300, "--config", str(config), "--smoke", *short, *SIZE, "--out", str(folder))
    return the_run(folder)


def test_an_unfinished_run_plays_its_last_checkpoint_and_says_so(unfinished, capsys):
    folder = str(unfinished.parent)
    assert main(["evaluate", "--latest", "--smoke", "--out", folder]) == 0
    note = (
        f"{unfinished}: training has not finished, checkpoint_256/model.zip of step 256 plays "
        f"(best_model.zip of step {runs._steps_of(unfinished / runs.BEST_MODEL)} is there too); "
        f"twin train --resume {unfinished} goes on."
    )
    assert note in capsys.readouterr().err


@pytest.mark.parametrize("name", ["checkpoint_256", "best_model.zip"])
def test_every_model_has_the_statistics_that_it_was_trained_with(unfinished, name):
    config = runs.read_run_config(unfinished)
    env = make_env(config.env, config.env_config)
    policy = load_policy(unfinished / name, env)
    seen = policy.model.num_timesteps
    assert policy.statistics.obs_rms.count == pytest.approx(seen + config.n_envs, abs=0.1)  # a first observation each
    observation, _ = env.reset(seed=1)
    action, _ = policy.predict(observation, deterministic=True)
    scaled = policy.statistics.normalize_obs(observation)
    assert np.array_equal(action, policy.model.predict(scaled, deterministic=True)[0])


def test_a_run_without_any_model_names_what_is_there(tmp_path):
    run = runs.create_run(tmp_path, "ppo_TwinExecution-v0")
    runs.write_yaml(run / runs.CONFIG, load_train_config().model_dump(mode="json"))
    with pytest.raises(ConfigError, match=r"no best_model.zip, only config.yml; expected a trained run"):
        runs.find_model(run)
    with pytest.raises(ConfigError, match="holds no trained run"):
        runs.latest_run(tmp_path)
    with pytest.raises(ConfigError, match="was stopped before its first checkpoint"):
        runs.read_resumable(run)
    with pytest.raises(ConfigError, match=r"holds no config.yml"):
        runs.read_resumable(tmp_path)


def test_a_model_that_was_trained_further_than_the_checkpoint_plays(tmp_path):
    def save(path, steps):
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data", f'{{"num_timesteps": {steps}}}')

    run = tmp_path / "run"
    save(run / "best_model.zip", 50)
    assert runs.find_model(run).file == run / "best_model.zip"
    assert "best_model.zip of step 50 plays; there is no checkpoint" in runs.find_model(run).note
    save(run / "checkpoint_90" / "model.zip", 90)
    save(run / "checkpoint_100" / "model.zip", 100)
    assert runs.find_model(run).file == run / "checkpoint_100" / "model.zip"
    save(run / "model.zip", 120)  # Ctrl-C between two checkpoints
    assert runs.find_model(run).file == run / "model.zip"
    assert "has not finished" in runs.find_model(run).note


@pytest.mark.parametrize(("damage", "message"), [("missing", "cannot be loaded"), ("version", "another version")])
def test_a_damaged_checkpoint_is_one_line(unfinished, damage, message, monkeypatch, capsys, tmp_path):
    run = shutil.copytree(unfinished, tmp_path / "run")
    if damage == "missing":
        file = run / "checkpoint_256" / TRAINING
        file.write_bytes(file.read_bytes()[:1000])
    else:
        monkeypatch.setattr("twin_env.envs.state.VERSION", 99)
    assert main(["train", "--resume", str(run)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_a_resumed_run_takes_no_other_configuration(capsys):
    assert main(["train", "--resume", "runs/ppo_1", "--n-envs", "4"]) == 2
    assert "--n-envs is given with --resume" in capsys.readouterr().err
