"""A batch is many single environments, bit for bit, whatever its size, its threads and the way it resets."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from twin_env.core.state.world import raw
from twin_env.envs.execution.env import TwinExecutionVectorEnv as TwinVectorEnv
from twin_env.envs.sb3 import TwinVecEnv

NAME, TRADING = "TwinExecution-v0", "TwinTrading-v0"
SHORT = {"task": {"lots": 8, "horizon_s": 12.0, "step_s": 2.0}}
BRIEF = {"task": {"window_s": 12.0, "step_s": 2.0}, "risk": {"max_loss_ccy": 10.0, "max_messages_per_s": 0.8}}
FRAMES = {"frames": 2, "preset": "book"}
CODECS = {
    "orders": (NAME, SHORT),
    "two_slots": (NAME, SHORT | {"action": {"codec": "orders", "slots": 2}, "observation": FRAMES}),
    "table": (NAME, SHORT | {"action": {"codec": "table"}}),
    "ladder": (NAME, SHORT | {"action": {"codec": "ladder"}}),
    "schedule": (NAME, SHORT | {"action": {"codec": "schedule"}}),
    "poisson": (NAME, SHORT | {"market": "mgc_poisson", "links": "adversarial"}),
    "trading": (TRADING, BRIEF),
    "target": (TRADING, BRIEF | {"action": {"codec": "target"}, "market": "mgc_poisson"}),
    "chaos": (NAME, SHORT | {"chaos": "everything", "action": {"codec": "orders", "slots": 2}}),
    "trading_chaos": (TRADING, BRIEF | {"chaos": "severe"}),
    "positions": (TRADING, BRIEF | {"action": {"codec": "positions"}, "observation": FRAMES}),
}
SEED = 40

pytestmark = pytest.mark.jit


def actions_of(space, rows, steps, seed=5):
    """Draw actions, shape (steps, rows, ...): many of them trade, so that episodes end at different times."""
    rng = np.random.default_rng(seed)
    if isinstance(space, gym.spaces.Box):
        return rng.uniform(-1.0, 1.0, (steps, rows, *space.shape)).astype(np.float32)
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(0, space.n, (steps, rows))
    return rng.integers(0, space.nvec, (steps, rows, len(space.nvec)))


class Oracle:
    """Single environments, driven the way each autoreset mode asks for."""

    def __init__(self, name, rows, **config):
        self.envs = [gym.make(name, **config).unwrapped for _ in range(rows)]
        self.over = [False] * rows

    def reset(self):
        return [env.reset(seed=SEED + row)[0] for row, env in enumerate(self.envs)]

    def reset_over(self):
        """Reset the rows that ended; return which, and what they show."""
        which, self.over = self.over, [False] * len(self.over)
        return np.array(which), {row: self.envs[row].reset()[0] for row, over in enumerate(which) if over}

    def step(self, actions, mode):
        shown = []
        for row, env in enumerate(self.envs):
            if self.over[row] and mode == AutoresetMode.NEXT_STEP:
                observation, info = env.reset()
                info.pop("chaos/experiment", None)  # told at a reset, and by a vector at its own alone
                shown.append((observation, 0.0, False, False, info, None))
                self.over[row] = False
                continue
            observation, reward, terminated, truncated, info = env.step(actions[row])
            self.over[row], final = terminated or truncated, observation
            if self.over[row] and mode == AutoresetMode.SAME_STEP:
                observation, _ = env.reset()
            shown.append((observation, reward, terminated, truncated, info, final))
        return shown


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (5, 1), (5, 3)])
def test_rows_are_single_environments(codec, mode, rows, threads):
    (name, config), steps = CODECS[codec], 16
    venv = gym.make_vec(name, rows, autoreset_mode=mode, threads=threads, info_level="step", **config)
    oracle = Oracle(name, rows, **config)
    keys = oracle.envs[0].definition.info.keys
    observations, _ = venv.reset(seed=SEED)
    assert np.array_equal(observations, oracle.reset())
    ended = 0
    for actions in actions_of(venv.single_action_space, rows, steps):
        if mode == AutoresetMode.DISABLED and any(oracle.over):
            which, begun = oracle.reset_over()
            observations, _ = venv.reset(options={"reset_mask": which})
            assert all(np.array_equal(observations[row], observation) for row, observation in begun.items())
        expected = oracle.step(actions, mode)
        observations, rewards, terminated, truncated, infos = venv.step(actions)
        for row, (observation, reward, over, cut, info, final) in enumerate(expected):
            assert np.array_equal(observations[row], observation)
            assert (rewards[row], terminated[row], truncated[row]) == (reward, over, cut)
            if mode == AutoresetMode.SAME_STEP and (over or cut):
                assert np.array_equal(infos["final_obs"][row], final)
                assert {key: infos["final_info"][key][row] for key in keys} == info
            else:
                assert {key: infos[key][row] for key in keys} == info
        ended += int(terminated.sum())
    assert ended
    worlds = np.concatenate([raw(env.batch.worlds) for env in oracle.envs])
    assert np.array_equal(raw(venv.unwrapped.batch.worlds), worlds)
    venv.close()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_owns_a_time_limit_as_the_wrapper_of_a_single_environment_does(mode):
    limit = {"max_episode_steps": 4}
    venv = gym.make_vec(NAME, 3, autoreset_mode=mode, info_level="step", **limit, **SHORT)
    oracle = Oracle(NAME, 3, **SHORT)
    oracle.envs = [gym.make(NAME, **limit, **SHORT) for _ in range(3)]
    assert np.array_equal(venv.reset(seed=SEED)[0], oracle.reset())
    cut = 0
    for actions in actions_of(venv.single_action_space, 3, 16):
        if mode == AutoresetMode.DISABLED and any(oracle.over):
            venv.reset(options={"reset_mask": oracle.reset_over()[0]})
        expected = oracle.step(actions, mode)
        observations, rewards, terminated, truncated, _ = venv.step(actions)
        for row, (observation, reward, over, short, _, _) in enumerate(expected):
            assert np.array_equal(observations[row], observation)
            assert (rewards[row], terminated[row], truncated[row]) == (reward, over, short)
        cut += int(truncated.sum())
    assert cut > 3
    if mode == AutoresetMode.DISABLED:
        venv.reset()
        for _ in range(4):
            venv.step(np.zeros((3, 3), np.int64))
        with pytest.raises(gym.error.ResetNeeded):
            venv.step(np.zeros((3, 3), np.int64))


def test_disabled_resets_touch_only_the_rows_of_the_mask():
    venv = TwinVectorEnv(3, autoreset_mode="Disabled", **SHORT)
    venv.reset(seed=1)
    venv.step(np.zeros((3, 3), np.int64))
    before = raw(venv.batch.worlds).copy()
    venv.reset(options={"reset_mask": np.array([False, True, False])})
    same = (raw(venv.batch.worlds) == before).all(axis=1)
    assert same.tolist() == [True, False, True]


def test_a_row_that_ended_must_be_reset_where_nothing_does_it():
    venv = TwinVectorEnv(2, autoreset_mode=AutoresetMode.DISABLED, task={"horizon_s": 2.0, "step_s": 2.0})
    with pytest.raises(gym.error.ResetNeeded, match=r"rows \[0, 1\]"):
        venv.step(np.zeros((2, 3), np.int64))
    venv.reset(seed=1)
    venv.step(np.zeros((2, 3), np.int64))
    with pytest.raises(gym.error.ResetNeeded, match=r"rows \[0, 1\]"):
        venv.step(np.zeros((2, 3), np.int64))


def test_what_was_returned_is_not_written_to_again():
    for rows in (1, 3):
        venv = TwinVectorEnv(rows, info_level="step", **SHORT)
        first, _ = venv.reset(seed=1)
        kept = first.copy()
        second = venv.step(np.zeros((rows, 3), np.int64))
        held = copy.deepcopy(second)
        venv.step(np.zeros((rows, 3), np.int64))
        assert np.array_equal(first, kept)
        for now, then in zip(second[:4], held[:4], strict=True):
            assert np.array_equal(now, then)
        assert all(np.array_equal(second[4][key], held[4][key]) for key in held[4])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TwinVectorEnv(0), ValueError, "num_envs=0"),
        (lambda: TwinVectorEnv(2, threads=0), ValueError, "threads=0"),
        (lambda: TwinVectorEnv(2, max_episode_steps=0), ValueError, "max_episode_steps=0"),
        (lambda: TwinVectorEnv(2, info_level="some"), ValueError, "info_level='some'"),
        (lambda: TwinVectorEnv(2, render_mode="human"), ValueError, "render_mode='human'"),
        (lambda: TwinVectorEnv(2).reset(seed=[1]), ValueError, "seed has 1 entries"),
        (lambda: TwinVectorEnv(2).reset(options={"x": 1}), ValueError, "'x'"),
        (lambda: TwinVectorEnv(2).reset(options={"reset_mask": [True, False]}), TypeError, "reset_mask"),
        (lambda: TwinVectorEnv(2).reset(options={"reset_mask": np.zeros(2, bool)}), ValueError, "one true at least"),
        (lambda: TwinVectorEnv(2).reset(options={"reset_mask": np.ones(3, bool)}), ValueError, "expected 2 bools"),
    ],
)
def test_bad_arguments_say_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_action_out_of_its_space_names_row_and_entry_and_changes_nothing():
    venv = TwinVectorEnv(3, **SHORT)
    venv.reset(seed=1)
    before = raw(venv.batch.worlds).copy()
    actions = np.zeros((3, 3), np.int64)
    actions[2, 1] = 99
    with pytest.raises(ValueError, match=r"row 2, entry 1 is 99"):
        venv.step(actions)
    with pytest.raises(ValueError, match="not in 3 times MultiDiscrete"):
        venv.step(actions[:2])
    assert np.array_equal(raw(venv.batch.worlds), before)


@pytest.mark.parametrize("level", ["none", "episode", "step"])
def test_info_is_told_as_often_as_asked(level):
    venv = TwinVectorEnv(2, info_level=level, task={"horizon_s": 4.0, "step_s": 2.0})
    _, at_reset = venv.reset(seed=1)
    hold = np.zeros((2, 3), np.int64)
    told = [at_reset, venv.step(hold)[4], venv.step(hold)[4]]
    expected = {"none": [False, False, False], "episode": [True, False, True], "step": [True, True, True]}[level]
    assert [bool(infos) for infos in told] == expected
    if level == "episode":  # a reset names the episode, and no more
        assert set(at_reset) == {"seed", "_seed"}
    if level != "none":
        assert told[2]["alpha/net"].dtype == np.float64
        assert told[2]["_alpha/net"].tolist() == [True, True]


def test_seeds_may_be_given_row_by_row():
    venv, other = TwinVectorEnv(3, **SHORT), TwinVectorEnv(3, **SHORT)
    assert np.array_equal(venv.reset(seed=7)[0], other.reset(seed=[7, 8, 9])[0])
    assert not np.array_equal(venv.reset()[0], venv.reset(seed=7)[0])


def test_rows_draw_what_single_environments_draw():
    venv = TwinVectorEnv(2, render_mode="rgb_array", **SHORT)
    venv.reset(seed=3)
    env = gym.make(NAME, render_mode="rgb_array", **SHORT)
    env.reset(seed=4)
    assert np.array_equal(venv.render()[1], env.render())


@pytest.mark.parametrize("codec", CODECS)
def test_stable_baselines_gets_the_same_rows(codec):
    rows, (name, config) = 4, CODECS[codec]
    venv = TwinVecEnv(rows, env=name, threads=2, **config)
    venv.seed(SEED)
    oracle = Oracle(name, rows, **config)
    assert np.array_equal(venv.reset(), oracle.reset())
    ended = 0
    for actions in actions_of(venv.action_space, rows, 16):
        expected = oracle.step(actions, AutoresetMode.SAME_STEP)
        observations, rewards, dones, infos = venv.step(actions)
        assert rewards.dtype == np.float32
        for row, (observation, reward, over, cut, info, final) in enumerate(expected):
            assert np.array_equal(observations[row], observation)
            assert (rewards[row], dones[row]) == (np.float32(reward), over or cut)
            if over or cut:
                assert np.array_equal(infos[row].pop("terminal_observation"), final)
                assert infos[row].pop("TimeLimit.truncated") is cut
                assert infos[row] == info
            else:
                assert infos[row] == {}
        ended += int(dones.sum())
    assert ended


def test_stable_baselines_options_reach_the_rows():
    venv = TwinVecEnv(3, **SHORT)
    venv.set_options([{"side": "buy"}, {"side": "sell"}, {}])
    venv.seed(1)
    venv.reset()
    assert [int(task.side) for task in venv.get_attr("task")][:2] == [1, -1]
    assert venv.get_attr("config", 0) == [venv.config]
    assert venv.env_is_wrapped(gym.Wrapper) == [False] * 3
    with pytest.raises(AttributeError, match="no method 'fly'"):
        venv.env_method("fly")


def test_a_batch_can_be_pickled_and_copied_in_mid_episode():
    venv = TwinVectorEnv(2, threads=2, **SHORT)
    venv.reset(seed=1)
    hold = np.zeros((2, 3), np.int64)
    venv.step(hold)
    for twin in (copy.deepcopy(venv), pickle.loads(pickle.dumps(venv))):
        assert np.array_equal(twin.step(hold)[0], copy.deepcopy(venv).step(hold)[0])


@pytest.mark.parametrize("limit", [3, 100])
def test_stable_baselines_gets_truncations_and_pictures(limit):
    venv = TwinVecEnv(2, max_episode_steps=limit, render_mode="rgb_array", **SHORT)
    oracle = Oracle(NAME, 2, **SHORT)
    oracle.envs = [gym.make(NAME, max_episode_steps=limit, **SHORT) for _ in range(2)]
    venv.seed(SEED)
    assert np.array_equal(venv.reset(), oracle.reset())
    cut = 0
    for actions in actions_of(venv.action_space, 2, 14):
        expected = oracle.step(actions, AutoresetMode.SAME_STEP)
        observations, _, dones, infos = venv.step(actions)
        for row, (observation, _, over, short, _, final) in enumerate(expected):
            assert np.array_equal(observations[row], observation) and dones[row] == (over or short)
            if dones[row]:
                assert np.array_equal(infos[row]["terminal_observation"], final)
                assert infos[row]["TimeLimit.truncated"] == (short and not over)
                cut += infos[row]["TimeLimit.truncated"]
    assert (cut > 3) == (limit == 3)
    assert venv.render().ndim == 3


@pytest.mark.parametrize(
    ("arguments", "message"), [({"n_envs": 0}, "n_envs=0"), ({"n_envs": 1, "threads": 1.5}, "threads=1.5")]
)
def test_counts_of_rows_and_threads_are_counts(arguments, message):
    with pytest.raises(ValueError, match=message):
        TwinVecEnv(**arguments, **SHORT)
