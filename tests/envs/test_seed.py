"""One number names one episode: the same market in every environment and from the market itself."""

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.chaos.sampling.sampler import Sampler
from twin_env.core.event_loop import advance_world
from twin_env.core.state.seed import (
    DRAWN_BELOW,
    EXPERIMENT,
    MAX_SEED,
    POLICY,
    check_seed,
    draw_number,
    episode_numbers,
    stream_seed,
    world_seed,
)
from twin_env.core.state.world import create_worlds
from twin_env.envs.sb3 import TwinVecEnv

NAMES = ("TwinExecution-v0", "TwinTrading-v0")
POISSON = {"market": "mgc_poisson"}
NUMBERS = (0, 7, DRAWN_BELOW + 11, MAX_SEED - 2)
STEP_S = 5.0
seeds = st.integers(0, MAX_SEED)


def step_once(env):
    """Send nothing and let a step pass."""
    env.step(np.zeros(env.action_space.shape, np.int64))


def hash_of_market(env, number):
    """Play the market of an environment without any environment, over its first step."""
    market, start_ns = env.market, int(env.task["start_ns"])
    worlds = create_worlds(market.config.capacities, 1)
    market.start(worlds, 0, seed=number, start_ns=start_ns)
    at_start = int(worlds["event_hash"][0])
    advance_world(worlds, 0, market.tape, start_ns + round(STEP_S * 1e9))
    return at_start, int(worlds["event_hash"][0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_the_same_market_in_every_environment(name, number):
    task = {"step_s": STEP_S}
    env = gym.make(name, task=task, **POISSON).unwrapped
    _, info = env.reset(seed=number)
    assert env.episode_seed == number and info["seed"] == float(number)
    at_start = env.event_hash
    step_once(env)
    assert hash_of_market(env, number) == (at_start, env.event_hash)

    venv = gym.make_vec(name, 3, task=task, info_level="step", **POISSON).unwrapped
    _, infos = venv.reset(seed=[number, None, 4])
    assert venv.episode_seeds[0] == number and infos["seed"][0] == float(number)
    assert int(venv.batch.worlds["event_hash"][0]) == at_start

    rows = TwinVecEnv(2, env=name, task=task, **POISSON)
    rows.seed(number)
    rows.reset()
    assert rows.episode_seeds.tolist() == [number, number + 1]
    assert rows.get_attr("episode_seed") == [number, number + 1]
    assert int(rows.batch.worlds["event_hash"][0]) == at_start
    assert rows.reset_infos[1]["seed"] == float(number + 1)


def test_a_number_that_was_drawn_can_be_typed_again():
    env, again = (gym.make(NAMES[0], **POISSON).unwrapped for _ in range(2))
    env.reset(seed=3)
    drawn = []
    for _ in range(4):
        _, info = env.reset()
        drawn.append(info["seed"])
        assert info["seed"] == env.episode_seed < DRAWN_BELOW
        again.reset(seed=int(info["seed"]))
        assert again.event_hash == env.event_hash
    assert len(set(drawn)) == 4
    env.reset(seed=3)
    assert [env.reset()[1]["seed"] for _ in range(4)] == drawn


def test_rows_draw_the_numbers_that_single_environments_draw():
    venv = gym.make_vec(NAMES[0], 2, **POISSON).unwrapped
    env = gym.make(NAMES[0], **POISSON).unwrapped
    venv.reset(seed=5)
    venv.reset()
    for row in range(2):
        env.reset(seed=5 + row)
        env.reset()
        assert venv.episode_seeds[row] == env.episode_seed


def test_the_last_info_of_an_episode_names_it():
    task = {"horizon_s": 10.0, "step_s": 5.0}
    rows = TwinVecEnv(2, task=task, **POISSON)
    rows.seed(20)
    rows.reset()
    for _ in range(2):
        *_, dones, infos = rows.step(np.zeros((2, 3), np.int64))
    assert dones.all()
    assert [info["seed"] for info in infos] == [20.0, 21.0]
    assert rows.episode_seeds.max() > 21


def test_the_number_survives_state_and_fork():
    env = gym.make(NAMES[0], **POISSON).unwrapped
    env.reset(seed=8)
    state, twin = env.get_state(), env.fork()
    env.reset(seed=9)
    assert (env.episode_seed, twin.episode_seed) == (9, 8)
    env.set_state(state)
    assert env.episode_seed == 8


def test_an_experiment_is_that_of_the_number_however_it_is_reached():
    env = gym.make(NAMES[0], chaos="severe").unwrapped
    sampler, faults = Sampler(env.config.chaos), 0
    for number in range(31, 36):
        env.reset(seed=number)
        drawn = sampler.draw(number, env.batch.horizon_s).experiment
        assert env.experiment.method == drawn.method
        faults += len(drawn.method)
    assert faults > 0


@given(seeds)
def test_the_seed_of_a_world_is_the_number_itself(seed):
    assert world_seed(seed) == np.uint64(seed)
    assert check_seed(np.int64(seed)) == seed


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.0, "1", True, None, np.float64(3)])
def test_what_is_no_number_of_an_episode_is_refused(seed):
    with pytest.raises(ValueError, match=r"^seed=.*, expected an integer from 0 to 9223372036854775807"):
        world_seed(seed)


def test_environments_refuse_it_too():
    env, venv = gym.make(NAMES[0], **POISSON).unwrapped, gym.make_vec(NAMES[0], 2, **POISSON)
    for reset in (lambda: env.reset(seed=-1), lambda: venv.reset(seed=MAX_SEED), lambda: venv.reset(seed=[0, -1])):
        with pytest.raises(ValueError, match="expected an integer from 0 to"):
            reset()


def test_rows_are_numbered_from_the_seed_on():
    assert episode_numbers(None, 2) == [None, None]
    assert episode_numbers(4, 3) == [4, 5, 6]
    assert episode_numbers([9, None], 2) == [9, None]
    assert episode_numbers(np.int64(4), 1) == [4]


@given(seeds, seeds)
def test_streams_are_apart_by_number_and_purpose(one, other):
    assert 0 <= stream_seed(one, POLICY) <= MAX_SEED
    assert stream_seed(one, POLICY) != stream_seed(one, EXPERIMENT)
    assert (stream_seed(one, POLICY) == stream_seed(other, POLICY)) == (one == other)


def test_streams_are_what_they_were():
    assert [stream_seed(1, purpose) for purpose in (POLICY, EXPERIMENT)] == [3750959349568503761, 7951048863871764847]


def test_drawn_numbers_are_below_the_bound_and_follow_the_generator():
    numbers = [draw_number(np.random.default_rng(2)) for _ in range(2)]
    assert numbers[0] == numbers[1]
    rng = np.random.default_rng(0)
    assert max(draw_number(rng) for _ in range(1000)) in range(DRAWN_BELOW // 2, DRAWN_BELOW)
