"""The published contract of TwinExecution-v0."""

import copy
import pickle
import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import twin_env
from twin_env.alpha import PARTS
from twin_env.core.state import codes
from twin_env.core.state.world import digest, raw
from twin_env.envs.execution.info import INFO

NAME = "TwinExecution-v0"
SCHEDULE = {"codec": "schedule", "max_participation": 0.5}
INSTANT = {"links": "instant"}


def make(**overrides):
    return gym.make(NAME, **overrides).unwrapped


def play(env, seed, policy_seed=0, options=None):
    """Play one episode with a random policy and return everything it showed."""
    rng = np.random.default_rng(policy_seed)
    space = copy.deepcopy(env.action_space)
    space.seed(int(rng.integers(2**31)))
    observation, info = env.reset(seed=seed, options=options)
    shown = [(observation, 0.0, info)]
    over = False
    while not over:
        observation, reward, terminated, truncated, info = env.step(space.sample())
        over = terminated or truncated
        shown.append((observation, reward, info))
    return shown


def same(left, right):
    return len(left) == len(right) and all(
        np.array_equal(a[0], b[0]) and a[1] == b[1] and a[2] == b[2] for a, b in zip(left, right, strict=True)
    )


@pytest.mark.parametrize("action", [{"codec": "orders"}, {"codec": "orders", "slots": 3}, SCHEDULE])
def test_both_checkers_pass(action):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(NAME, action=action, render_mode="rgb_array", disable_env_checker=True)
        check_env(env.unwrapped)
        sb3_check_env(env.unwrapped)


def test_the_environment_is_registered_once_and_makeable_by_module_name():
    twin_env.register_envs()
    assert isinstance(gym.make(f"twin_env:{NAME}").unwrapped, type(make()))


def test_a_spec_survives_json():
    spec = gym.make(NAME, task={"lots": 7}).spec
    again = gym.make(type(spec).from_json(spec.to_json())).unwrapped
    assert again.config.task.lots == 7


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_parts_sum_to_the_total_exactly_at_every_step(side):
    env = make(action={"codec": "orders", "slots": 2})
    env.action_space.seed(3)
    for seed in range(6):
        env.reset(seed=seed, options={"side": side})
        over = False
        while not over:
            _, _, over, _, info = env.step(env.action_space.sample())
            net, strategy, execution, *parts = (int(x) for x in env.task.parts)
            assert net == strategy + execution
            assert execution == sum(parts)
            assert info["alpha/net"] == pytest.approx(info["alpha/strategy"] + info["alpha/execution"], abs=1e-9)
            assert info["alpha/execution"] == pytest.approx(sum(info[f"alpha/{part}"] for part in PARTS), abs=1e-9)


@pytest.mark.parametrize("leftover", ["sweep", "mark"])
def test_the_rewards_of_an_episode_sum_to_minus_the_shortfall(leftover):
    env = make(task={"leftover": leftover, "horizon_s": 60.0})
    for seed in range(4):
        shown = play(env, seed, policy_seed=seed)
        assert sum(reward for _, reward, _ in shown) == pytest.approx(-shown[-1][2]["exec/is_bps"], abs=1e-9)


def test_doing_nothing_ends_in_a_sweep_that_fills_the_parent():
    env = make(task={"horizon_s": 20.0})
    for seed in range(5):
        env.reset(seed=seed)
        over = False
        while not over:
            _, _, over, truncated, info = env.step(np.array([0, 0, 0]))
        assert not truncated
        assert info["exec/filled_lots"] == env.config.task.lots
        assert info["alpha/opportunity"] == 0.0


def test_doing_nothing_and_marking_leaves_the_parent_as_opportunity():
    env = make(task={"horizon_s": 20.0, "leftover": "mark"})
    env.reset(seed=1)
    over = False
    while not over:
        _, _, over, _, info = env.step(np.array([0, 0, 0]))
    assert info["exec/filled_lots"] == 0.0
    assert info["alpha/net"] == 0.0
    assert info["alpha/opportunity"] == -info["alpha/strategy"]


def test_info_has_the_same_float_keys_at_every_step():
    for _, _, info in play(make(), seed=2):
        assert tuple(info) == INFO.keys
        assert all(type(value) is float for value in info.values())


def test_the_parent_is_never_overfilled():
    env = make(action={"codec": "orders", "slots": 4}, task={"lots": 9, "horizon_s": 120.0})
    for seed in range(10):
        assert max(info["exec/filled_lots"] for _, _, info in play(env, seed, policy_seed=seed)) <= 9


def test_reset_with_a_seed_on_a_used_environment_equals_a_fresh_one():
    used = make()
    for seed in (11, 12, 13):
        play(used, seed)
    assert same(play(used, seed=4), play(make(), seed=4))


def test_every_byte_of_a_reset_world_equals_that_of_a_fresh_one():
    used, fresh = make(), make()
    play(used, seed=1)
    used.reset(seed=9)
    fresh.reset(seed=9)
    assert digest(used.batch.worlds) == digest(fresh.batch.worlds)
    assert used.batch.tasks.tobytes() == fresh.batch.tasks.tobytes()


def test_arrival_price_is_fresh_in_episode_two():
    env = make()
    for seed in (1, 2, 3):
        env.reset(seed=seed)
        assert env.task.start_mid == env.world.desk.mid
        for _ in range(10):
            env.step(np.array([0, 0, 0]))


def test_another_policys_random_numbers_do_not_touch_the_market():
    env = make()
    candidates = []
    for policy_seed in (1, 2):
        play(env, seed=6, policy_seed=policy_seed)
        candidates.append(int(env.world.flow.key))
    assert candidates[0] == candidates[1]
    first = [env.reset(seed=6)[0] for _ in range(2)]
    assert np.array_equal(*first)


def test_the_event_hash_is_the_same_in_another_process():
    code = (
        "import gymnasium as gym, numpy as np, twin_env\n"
        f"env = gym.make({NAME!r}, task={{'lots': 500}}).unwrapped\n"
        "env.reset(seed=3)\n"
        "for _ in range(8): env.step(np.array([2, 1, 2]))\n"
        "print(int(env.world.event_hash))"
    )
    env = make(task={"lots": 500})
    env.reset(seed=3)
    for _ in range(8):
        env.step(np.array([2, 1, 2]))
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == int(env.world.event_hash)


def test_other_seeds_give_other_markets():
    env = make()
    hashes = set()
    for seed in range(5):
        env.reset(seed=seed)
        hashes.add(int(env.world.event_hash))
    assert len(hashes) == 5


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_in_mid_episode_goes_on_identically(clone):
    env = make()
    env.reset(seed=9)
    for _ in range(5):
        env.step(np.array([2, 1, 1]))
    twin = clone(env)
    for _ in range(10):
        left, right = env.step(np.array([2, 2, 1])), twin.step(np.array([2, 2, 1]))
        assert np.array_equal(left[0], right[0])
        assert left[1:] == right[1:]
    assert np.array_equal(raw(env.batch.worlds), raw(twin.batch.worlds))


def test_observations_stay_inside_their_bounds():
    env = make(action={"codec": "orders", "slots": 4}, market="thin", links="adversarial")
    for seed in range(3):
        for observation, _, _ in play(env, seed, policy_seed=seed):
            assert env.observation_space.contains(observation)


def test_keep_keeps_the_queue_place_and_an_unchanged_limit_sends_nothing():
    env = make(**INSTANT, task={"step_s": 0.5, "side": "buy"}, market="mgc_2025")
    env.reset(seed=5)
    env.step(np.array([2, 3, 1]))
    row = int(env.task.row[0])
    client, entry = int(env.world.desk.orders[row].client), int(env.world.desk.orders[row].entry)
    price = int(env.world.desk.orders[row].price)
    for _ in range(5):
        sent = int(env.world.order_link.pushed)
        env.step(np.array([0, 0, 0]))
        order = env.world.desk.orders[row]
        if order.client != client or order.state == 0:
            return
        assert (int(order.entry), int(order.price)) == (entry, price)
        assert int(env.world.order_link.pushed) == sent


@pytest.mark.parametrize(
    ("overrides", "action", "message"),
    [
        ({}, np.array([4, 0, 0]), "entry 0 is 4"),
        ({}, np.array([0, 0, -1]), "entry 2 is -1"),
        ({}, np.array([0.0, 0.0, 0.0]), "not in MultiDiscrete"),
        ({}, np.array([0, 0]), "not in MultiDiscrete"),
        ({"action": SCHEDULE}, np.array([np.nan], np.float32), "entry 0 is nan"),
        ({"action": SCHEDULE}, np.array([1.5], np.float32), "entry 0 is 1.5"),
    ],
)
def test_an_action_outside_the_space_is_refused_and_changes_nothing(overrides, action, message):
    env = make(**overrides)
    env.reset(seed=1)
    before = digest(env.batch.worlds)
    with pytest.raises(ValueError, match=message):
        env.step(action)
    assert digest(env.batch.worlds) == before


def test_stepping_after_the_end_is_refused():
    env = make(task={"horizon_s": 5.0})
    play(env, seed=1)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(np.array([0, 0, 0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"sidde": "buy"}, "sidde"), ({"side": "up"}, "'up'")],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make().reset(seed=1, options=options)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_options_fix_the_side(side):
    env = make()
    env.reset(seed=1, options={"side": side})
    assert env.task.side == (codes.BUY if side == "buy" else codes.SELL)


def test_with_latency_no_order_acts_before_it_arrives():
    delay = {"model": "constant", "delay_ms": 700.0}
    env = make(
        links={
            "orders": {"delay": delay},
            "reports": {"delay": delay},
            "market_data": {"delay": delay},
            "heartbeats": {"delay": delay},
            "heartbeat_interval_ms": 1000.0,
            "feed_recovery_ms": 200.0,
            "decision_ms": 0.0,
        },
        task={"step_s": 0.1, "side": "buy"},
    )
    env.reset(seed=2)
    env.step(np.array([3, 0, 4]))
    for step in range(2, 21):
        filled = env.world.ledger.filled_lots
        known = env.world.desk.filled_lots
        assert (filled > 0) == (step > 7)
        assert known == (filled if step > 14 else 0)
        _, _, over, _, _ = env.step(np.array([0, 0, 0]))
        if over:
            break
