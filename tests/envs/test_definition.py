"""An environment states what it is, and what it states is what it does."""

import copy
import pickle
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from twin_env.config import ConfigError
from twin_env.envs import EnvDefinition, definition_of
from twin_env.envs.registration import ENVS
from twin_env.envs.sb3 import TwinVecEnv

ROOT = Path(__file__).resolve().parents[2]
SHORT = {
    "TwinExecution-v0": {"task": {"horizon_s": 30.0, "step_s": 5.0}},
    "TwinTrading-v0": {"task": {"window_s": 30.0, "step_s": 5.0}},
}
every_env = pytest.mark.parametrize("name", ENVS)


def play(name, seed=1):
    """Play an episode and return the environment and every info."""
    env = gym.make(name, market="mgc_poisson", **SHORT[name]).unwrapped
    infos = [env.reset(seed=seed)[1]]
    rng, over = np.random.default_rng(seed), False
    while not over:
        action = rng.integers(env.action_space.nvec)
        _, _, terminated, truncated, info = env.step(action)
        infos.append(info)
        over = terminated or truncated
    return env, infos


@every_env
def test_an_environment_and_its_name_give_one_definition(name):
    env = gym.make(name).unwrapped
    assert isinstance(env.definition, EnvDefinition)
    assert env.definition is definition_of(name) is copy.deepcopy(env.definition)
    assert pickle.loads(pickle.dumps(env.definition)) is env.definition
    assert env.definition.name == env.spec.id == name


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="env='TwinNothing-v0' is not one of TwinExecution-v0, TwinTrading-v0"):
        definition_of("TwinNothing-v0")


@every_env
def test_every_info_has_the_keys_of_the_schema_and_what_it_says_of_them_is_so(name):
    env, infos = play(name)
    schema = env.definition.info
    assert all(tuple(info) == schema.keys for info in infos)
    assert all(isinstance(value, float) for info in infos for value in info.values())
    assert len(set(schema.keys)) == len(schema)
    for record in schema:
        values = [info[record.key] for info in infos]
        if record.span == "step":
            assert values[0] == 0.0  # nothing was stepped yet
        if record.span == "name":
            assert len(set(values)) == 1
    assert [f"reward/{term}" for term in schema.reward_terms] == [
        key for key in schema.keys if key.startswith("reward/")
    ]
    assert tuple(type(env.config.reward).model_fields) == schema.reward_terms


@every_env
def test_the_split_stands_in_the_info_in_the_order_of_the_definition(name):
    env, infos = play(name)
    schema = env.definition.info
    assert np.allclose([infos[-1][key] * 1e6 for key in schema.alpha_keys], env.alpha_micro, atol=1e-3)
    assert [f"alpha/{part}" for part in schema.alpha_parts] == list(schema.alpha_keys[3:])


@every_env
def test_objectives_are_read_from_the_last_info(name):
    env, infos = play(name)
    definition, info = env.definition, infos[-1]
    for objective in definition.objectives:
        assert definition.objective_named(objective.name) is objective
        sign = 1.0 if objective.lower_is_better else -1.0
        assert objective.cost(info) == sign * objective.value(info)
        assert objective.key in definition.info.keys
    assert definition.objective is definition.objectives[0]
    with pytest.raises(ValueError, match="objective='luck' is not one of"):
        definition.objective_named("luck")


def test_lots_that_were_to_be_traded():
    env, infos = play("TwinExecution-v0")
    assert env.definition.wanted_lots(infos[-1]) == int(env.task["lots"])
    env, infos = play("TwinTrading-v0")
    assert env.definition.wanted_lots(infos[-1]) == int(env.task["decided_lots"]) > 0


@every_env
def test_options_of_a_reset_are_those_of_the_definition(name):
    env = gym.make(name).unwrapped
    values = {"side": "sell", "start_s": 0.0, "experiment": "library:feed_disconnect.high"}
    for option in env.definition.reset_options:
        assert option.name in values and option.meaning and option.type
        env.reset(seed=1, options={option.name: values[option.name]})
        for choice in option.choices:
            env.reset(seed=1, options={option.name: choice})
    with pytest.raises(ValueError, match=r"options key 'sied' is unknown, expected .*'experiment'"):
        env.reset(options={"sied": "buy"})


@every_env
def test_codecs_are_what_a_configuration_takes(name):
    definition = definition_of(name)
    for codec in definition.codecs:
        config = definition.load_config({"action": {"codec": codec}})
        assert definition.action_space(config.action) == gym.make(name, config=config).action_space


@pytest.mark.parametrize(
    ("name", "task"),
    [*((name, changes["task"]) for name, changes in SHORT.items()), ("TwinTrading-v0", {"window_s": "session"})],
)
def test_the_horizon_is_when_an_episode_ends(name, task):
    env = gym.make(name, task=task).unwrapped
    env.reset(seed=1)
    length_s = (int(env.task["end_ns"]) - int(env.task["start_ns"])) / 1e9
    assert env.definition.horizon_s(env.config) == env.batch.horizon_s == length_s


@every_env
def test_a_configuration_says_only_what_differs(name):
    task = SHORT[name]["task"]
    env, rows = gym.make(name, config={"task": task}).unwrapped, TwinVecEnv(2, {"task": task}, env=name)
    assert env.config == rows.config == definition_of(name).load_config(None, task=task)
    assert env.config.market == definition_of(name).default.market


def test_a_preset_that_is_not_there_offers_the_nearest():
    with pytest.raises(ConfigError, match=r"market: configs/markets: there is no preset 'mgc_2052' \(did you mean"):
        TwinVecEnv(1, {"market": "mgc_2052"})
    with pytest.raises(ConfigError, match=r"links: .*'retial' \(did you mean 'retail'\?\)"):
        gym.make("TwinExecution-v0", config={"links": "retial"})


def test_videos_of_a_batch_have_a_rate():
    assert TwinVecEnv(1, render_mode="rgb_array").metadata["render_fps"] == 10
    assert gym.make("TwinExecution-v0").metadata["render_fps"] == 10


@every_env
def test_the_published_table_of_the_info_is_that_of_the_code(name):
    assert definition_of(name).info.table() in (ROOT / "docs" / "environment.md").read_text()
