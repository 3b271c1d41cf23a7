"""Forks, states as bytes, and masks: an episode can be left, stored, and come back to."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest

from twin_env.core.desk.desk import DONE, FREE
from twin_env.core.state.world import raw
from twin_env.envs.sb3 import TwinVecEnv
from twin_env.envs.state import StateError

NAME = "TwinExecution-v0"
SHORT = {"task": {"lots": 8, "horizon_s": 20.0, "step_s": 2.0}}

pytestmark = pytest.mark.jit


def make(**config):
    return gym.make(NAME, **(SHORT | config)).unwrapped


def go_on(env, steps=4, seed=2):
    """Play on, into the next episode if this one ends, and return everything seen."""
    space, shown = env.action_space, []
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        action = rng.integers(0, space.nvec)
        observation, reward, terminated, truncated, info = env.step(action)
        shown.append((observation.tobytes(), reward, terminated, truncated, tuple(info.values())))
        if terminated or truncated:
            shown.append(env.reset()[0].tobytes())
    return shown


def test_a_fork_goes_its_own_way_and_leaves_the_original_where_it_was():
    env = make()
    env.reset(seed=1)
    go_on(env, 3)
    before = raw(env.batch.worlds).copy()
    fork = env.fork()
    seen = go_on(fork, 12)
    assert np.array_equal(raw(env.batch.worlds), before)
    assert go_on(env, 12) == seen
    assert fork.market is env.market


def test_a_planner_tries_three_actions_from_one_moment_and_comes_back():
    env = make()
    env.reset(seed=1)
    start, shown = env.get_state(), {}
    for choice in (0, 2, 3):
        env.set_state(start)
        shown[choice] = env.step(np.array([choice, 1, 4]))[4]["exec/filled_lots"]
    assert shown[3] > shown[0] == 0
    env.set_state(start)
    assert env.step(np.array([3, 1, 4]))[4]["exec/filled_lots"] == shown[3]


@pytest.mark.parametrize("config", [{}, {"action": {"codec": "orders", "slots": 2}}, {"market": "mgc_poisson"}])
def test_a_state_of_one_environment_is_taken_up_by_another(config):
    env, other = make(**config), make(**config)
    env.reset(seed=1)
    go_on(env, 3)
    state = env.get_state()
    assert state == env.get_state()
    other.set_state(state)
    assert go_on(other, 12) == go_on(env, 12)  # next episodes included: the generator is part of it


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: b"", "does not begin with b'TWIN'"),
        (lambda state: b"TWIX" + state[4:], "does not begin with b'TWIN'"),
        (lambda state: state[:4] + b"\x09\x00" + state[6:], "is of version 9, expected 4"),
        (lambda state: state[:10] + bytes([state[10] ^ 1]) + state[11:], "another configuration"),
        (lambda state: state[:-1], "checksum is another one"),
    ],
)
def test_bytes_that_are_no_state_are_refused_and_change_nothing(spoil, message):
    env = make()
    env.reset(seed=1)
    before = raw(env.batch.worlds).copy()
    with pytest.raises(StateError, match=message):
        env.set_state(spoil(env.get_state()))
    assert np.array_equal(raw(env.batch.worlds), before)


def test_a_state_of_another_configuration_is_refused():
    env, other = make(), make(links="colocated")
    env.reset(seed=1)
    with pytest.raises(StateError, match="another configuration"):
        other.set_state(env.get_state())


def test_masks_tell_what_would_do_something():
    env = make(action={"codec": "orders", "slots": 2}, links="adversarial", task=SHORT["task"] | {"step_s": 0.1})
    env.reset(seed=1)
    rng, seen = np.random.default_rng(3), set()
    widths = env.action_space.nvec
    for _ in range(300):
        mask = env.action_masks()
        assert mask.shape == (widths.sum(),) and mask.dtype == np.bool_
        parts = np.split(mask, np.cumsum(widths)[:-1])
        for slot in range(2):
            keep, cancel, limit, market = parts[3 * slot]
            row = int(env.task.row[slot])
            order = env.world.desk.orders[row]
            live = row >= 0 and order.client == env.task.client[slot] and order.state not in (FREE, DONE)
            waits = live and order.pending > 0
            assert keep and limit == market
            assert cancel == (live and not waits)
            assert not (waits and limit)
            seen.add((bool(live), bool(waits), bool(limit)))
            assert parts[3 * slot + 1].all() and parts[3 * slot + 2].all()
        sent = int(env.world.order_link.pushed)
        masked = np.array([rng.integers(0, n) for n in widths])
        blocked = [slot for slot in range(2) if not parts[3 * slot][masked[3 * slot]]]
        if blocked:  # what is masked does nothing
            fork = env.fork()
            alone = np.zeros(6, np.int64)
            alone[3 * blocked[0] : 3 * blocked[0] + 3] = masked[3 * blocked[0] : 3 * blocked[0] + 3]
            idle = env.fork()
            assert fork.step(alone)[4] == idle.step(np.zeros(6, np.int64))[4]
            assert int(fork.world.order_link.pushed) == int(idle.world.order_link.pushed)
        assert int(env.world.order_link.pushed) == sent
        if env.step(masked)[2]:
            env.reset()
    assert {(False, False, True), (True, True, False), (True, False, True), (False, False, False)} <= seen


def test_masks_of_a_batch_are_those_of_its_rows():
    venv = TwinVecEnv(3, **SHORT)
    venv.seed(5)
    venv.reset()
    venv.step(np.array([[2, 1, 1], [0, 0, 0], [3, 0, 1]]))
    rows = venv.env_method("action_masks")
    assert np.array_equal(rows, venv.batch.masks())
    assert np.array_equal(venv.get_attr("action_masks")[1](), rows[1])
    for row in range(3):
        env = make()
        env.reset(seed=5 + row)
        env.step(np.array([[2, 1, 1], [0, 0, 0], [3, 0, 1]])[row])
        assert np.array_equal(env.action_masks(), rows[row])


def test_a_schedule_has_nothing_to_mask():
    env = make(action={"codec": "schedule"})
    env.reset(seed=1)
    with pytest.raises(TypeError, match="needs an action of choices"):
        env.action_masks()


def mark_gaps(records):
    """Write into the bytes between the fields of records, which belong to no number."""
    kept = copy.deepcopy(records)
    raw(records)[:] = 255
    records[:] = kept


@pytest.mark.parametrize(
    "clone",
    [lambda env: env.fork(), copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))],
    ids=["fork", "deepcopy", "pickle"],
)
def test_copies_are_copies_of_every_byte_and_take_each_others_states(clone):
    env = make()
    mark_gaps(env.market.template)
    env.reset(seed=1)
    go_on(env, 3)
    assert (raw(env.batch.worlds) == 255).any()
    twin = clone(env)
    assert np.array_equal(raw(twin.batch.worlds), raw(env.batch.worlds))
    twin.set_state(env.get_state())
    env.set_state(twin.get_state())
    assert go_on(twin) == go_on(env)


def test_a_fork_samples_actions_of_its_own():
    env, plain = make(), make()
    for one in (env, plain):
        one.reset(seed=1)
        one.action_space.seed(3)
    fork = env.fork()
    fork.action_space.sample()
    assert np.array_equal(env.action_space.sample(), plain.action_space.sample())


def test_a_damaged_state_is_refused_and_changes_nothing():
    """Every byte is looked at before any is written: random damage behind a good head cannot reach a kernel."""
    env = gym.make("TwinExecution-v0", task={"horizon_s": 10}).unwrapped
    env.reset(seed=1)
    env.step(env.action_space.sample())
    good, rng = env.get_state(), np.random.default_rng(4)
    before = raw(env.batch.worlds).tobytes()
    for _ in range(200):
        damaged = bytearray(good)
        for place in rng.integers(len(good), size=rng.integers(1, 4)):
            damaged[place] ^= rng.integers(1, 256)
        cut = bytes(damaged[: rng.integers(len(good))]) if rng.random() < 0.3 else bytes(damaged)
        with pytest.raises(StateError):
            env.set_state(cut)
    for nothing in (None, 3, "state", b"", bytes(2000)):
        with pytest.raises(StateError):
            env.set_state(nothing)
    assert raw(env.batch.worlds).tobytes() == before
    env.set_state(good)
