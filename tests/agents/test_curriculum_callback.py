"""Curricula in training: each row is told an experiment, and each outcome reaches the experiment it belongs to."""

import json

import numpy as np
import pytest

from agents.training import runs
from agents.training.config import load_train_config
from agents.training.training import make_curriculum_callback, make_training_envs
from tests.conftest import ROOT
from twin_env.cli.main import main
from twin_env.config import ConfigError

pytestmark = pytest.mark.jit  # thousands of steps

CURRICULUM = ROOT / "configs" / "train" / "curriculum.yaml"
SHORT = {"env_config.task.horizon_s": 10, "n_envs": 3, "hyperparams.n_steps": 8, "hyperparams.batch_size": 24}
OUTCOMES = {"failed": -1.0, "solved": 0.0}


def short_config(kind="automatic", **changes):
    config = {f"curriculum.{name}": value for name, value in {"kind": kind, **OUTCOMES, "settings": {}}.items()}
    if kind == "uniform":
        del config["curriculum.settings"]
    return load_train_config(CURRICULUM, **SHORT | config | changes)


@pytest.mark.parametrize("kind", ["uniform", "automatic", "replay"])
def test_every_outcome_belongs_to_the_experiment_that_its_row_played(kind):
    config = short_config(kind, **{"env_config.task.lots": 3})
    curriculum_callback = make_curriculum_callback(config)
    chosen, reported, expected = [], [], []
    choose, report = curriculum_callback.curriculum.next, curriculum_callback.curriculum.report
    curriculum_callback.curriculum.next = lambda rng: chosen.append(choose(rng)) or chosen[-1]
    curriculum_callback.curriculum.report = lambda drawn, outcome: (
        reported.append((drawn, outcome)) or report(drawn, outcome)
    )
    venv = make_training_envs(config, curriculum_callback)
    experiments = venv.unwrapped.batch.experiments
    venv.seed(5)
    venv.reset()
    venv.action_space.seed(5)
    lengths = set()
    for _ in range(60):
        playing = [experiment.hash for experiment in experiments.current]
        actions = np.array([venv.action_space.sample() for _ in range(venv.num_envs)])
        _, _, dones, infos = venv.step(actions)
        for row in np.flatnonzero(dones):
            episode = infos[row]["episode"]
            lengths.add(episode["l"])
            expected.append((playing[row], min(max(1.0 + episode["r"], 0.0), 1.0)))
        curriculum_callback.update_locals({"dones": dones, "infos": infos})
        curriculum_callback._on_step()
    assert len(lengths) > 1  # the rows do not end together
    assert [(drawn.experiment.hash, outcome) for drawn, outcome in reported] == expected
    assert len(reported) == len(chosen) - venv.num_envs > 20
    assert 0.0 < np.mean([outcome for _, outcome in reported]) < 1.0


def test_the_outcome_is_the_return_between_failed_and_solved():
    config = make_curriculum_callback(short_config("uniform")).config
    assert [config.outcome(value) for value in (-3.0, -1.0, -0.75, 0.0, 2.0)] == [0.0, 0.0, 0.25, 1.0, 1.0]


def test_a_reset_that_asks_for_an_experiment_gets_it_and_teaches_nothing_else():
    config = short_config("uniform")
    curriculum_callback = make_curriculum_callback(config)
    venv = make_training_envs(config, curriculum_callback)
    venv.set_options({"experiment": "library:feed_disconnect.high"})
    venv.reset()
    experiments = venv.unwrapped.batch.experiments
    assert {experiment.method[0].kind for experiment in experiments.current} == {"feed_disconnect"}
    assert curriculum_callback._playing == [None] * venv.num_envs
    venv.unwrapped.choose_experiments(None)
    venv.reset()
    assert curriculum_callback._playing == [None] * venv.num_envs


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({"env_config.chaos": None}, "expected env_config.chaos to say from what"),
        ({"env_config.chaos": "library:flash_crash.high"}, "expected env_config.chaos to say from what"),
        ({"curriculum.failed": 0.0}, "expected less than solved"),
        ({"curriculum.kind": "random"}, "curriculum"),
        ({"curriculum.settings": {"buffer": 0}}, "curriculum.settings.buffer is 0"),
        ({"curriculum.settings": {"bufer": 4}}, "did you mean"),
    ],
)
def test_a_curriculum_that_cannot_be_is_refused(changes, chosen):
    with pytest.raises(ConfigError, match=chosen):
        short_config(**changes)


def test_training_with_a_curriculum_writes_its_state_and_twice_the_same(tmp_path):
    arguments = ["--config", str(CURRICULUM), "--smoke", "--set", "task.horizon_s=10", "--out", str(tmp_path)]
    assert main(["train", *arguments]) == main(["train", *arguments]) == 0
    first, second = (tmp_path / f"ppo_TwinExecution-v0_{number}" / runs.CURRICULUM for number in (1, 2))
    assert first.read_bytes() == second.read_bytes()
    assert json.loads(first.read_text())["outcomes"]
    assert main(["train", *arguments, "--seed", "2"]) == 0
    assert (tmp_path / "ppo_TwinExecution-v0_3" / runs.CURRICULUM).read_bytes() != first.read_bytes()
