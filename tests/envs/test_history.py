"""The execution environment on real order flow."""

import gzip

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.core.exchange.exchange import handle_all
from twin_env.core.state.layout import EVENT
from twin_env.core.state.world import copy_world, create_worlds
from twin_env.twin.state import StateError

pytestmark = pytest.mark.jit
assert twin_env
MESSAGES = "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"
BOOK = "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz"


@pytest.fixture(scope="module")
def market(data_dir):
    folder = data_dir / "lobster"
    source = {"model": "lobster", "messages": str(folder / MESSAGES), "orderbook": str(folder / BOOK), "window": False}
    return {"instrument": "aapl", "source": source}


@pytest.fixture
def env(market):
    task = {"lots": 500, "horizon_s": 60.0, "step_s": 1.0}
    return gym.make("TwinExecution-v0", market=market, links="retail", task=task).unwrapped


def episode(env, seed, **options):
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed, options=options)
    shown, over = [observation], False
    while not over:
        action = np.array([rng.integers(0, 4), rng.integers(0, 5), rng.integers(0, 5)])
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
        shown.append(observation)
    return shown, info


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_split_is_exact_beside_real_orders(env, side):
    for seed in range(3):
        _, info = episode(env, seed, side=side)
        net, strategy, execution, *parts = (int(x) for x in env.task.parts)
        assert net == strategy + execution == strategy + sum(parts)
        assert info["exec/filled_lots"] == 500.0


def test_a_history_without_the_agents_orders_does_not_diverge(env):
    env.reset(seed=1, options={"start_s": 600.0})
    for _ in range(55):
        env.step(np.array([0, 0, 0]))
    assert not any(int(x) for x in env.world.divergence.tolist())


def test_the_agents_orders_displace_history_and_the_world_says_so(env):
    displaced = 0
    for seed in range(4):
        episode(env, seed)
        displaced += int(env.world.divergence.displaced_lots)
    assert displaced > 0


def test_rewriting_the_future_leaves_the_past_observations_unchanged(env):
    def look(until_s):
        env.reset(seed=7, options={"start_s": 900.0, "side": "buy"})
        return [env.step(np.array([2, 1, 1]))[0] for _ in range(until_s)]

    truth = look(20)
    now_ns = int(env.world.now_ns)
    tape = env.market.tape
    changed = tape.copy()
    later = changed["ts_ns"] > now_ns
    changed["price"][later] += 50
    changed["lots"][later] = 1
    env.market.tape = changed
    try:
        assert later.sum() > 1000
        assert all(np.array_equal(a, b) for a, b in zip(truth, look(20), strict=True))
        assert not all(np.array_equal(a, b) for a, b in zip(look(40), truth * 2, strict=True))
    finally:
        env.market.tape = tape


def test_an_episode_starts_where_the_seed_says_and_fits_into_the_file(env):
    starts = set()
    for seed in range(5):
        env.reset(seed=seed)
        assert env.market.first_ns <= int(env.task.start_ns)
        assert int(env.task.end_ns) <= env.market.last_ns
        starts.add(int(env.task.start_ns))
    assert len(starts) == 5


@pytest.mark.parametrize(("start_s", "message"), [(-1.0, "start_s"), (1e6, "start_s")])
def test_a_start_outside_the_file_is_refused(env, start_s, message):
    with pytest.raises(ValueError, match=message):
        env.reset(seed=1, options={"start_s": start_s})


def test_a_history_that_is_shorter_than_the_horizon_is_refused(market):
    with pytest.raises(ValueError, match="do not fit into the history"):
        gym.make("TwinExecution-v0", market=market, links="instant", task={"horizon_s": 7200.0})


def test_compiled_replay_makes_one_event_a_row_when_nobody_else_is_there(env):
    tape = env.market.tape
    worlds = create_worlds(env.market.config.capacities)
    copy_world(env.market.template, 0, worlds, 0)
    events = np.zeros(len(tape) + 10, EVENT)
    assert handle_all(worlds, 0, tape, events) == len(tape)


def test_a_state_of_another_history_is_refused_be_it_a_microsecond(market, tmp_path):
    source, file = market["source"], tmp_path / MESSAGES
    with gzip.open(source["messages"], "rt") as stream:
        lines, envs = stream.read().splitlines(), []
    time_s, rest = lines[-1].split(",", 1)
    for last in (lines[-1], f"{float(time_s) + 1e-6:.9f},{rest}"):  # under the same name: what is in the file counts
        with gzip.open(file, "wt") as stream:
            stream.write("\n".join([*lines[:-1], last]) + "\n")
        changed = market | {"source": source | {"messages": str(file)}}
        envs.append(gym.make("TwinExecution-v0", market=changed).unwrapped)
        envs[-1].reset(seed=1)
    state = envs[0].get_state()
    envs[0].set_state(state)
    with pytest.raises(StateError, match="another configuration"):
        envs[1].set_state(state)


def test_nothing_is_decided_before_there_are_two_sides(market):
    """Without a book to begin with the first rows fill it: the episode begins with the second side."""
    source = {name: value for name, value in market["source"].items() if name != "orderbook"}
    env = gym.make(
        "TwinExecution-v0",
        market=market | {"source": source},
        links="retail",
        task={"lots": 5, "horizon_s": 20.0, "step_s": 1.0},
    ).unwrapped
    for start_s in (0.0, 0.005, 0.02):
        _, info = env.reset(seed=1, options={"start_s": start_s})
        book = env.world["book"]["count"]
        assert (book > 0).all() and int(env.world["desk"]["mid"]) > 100_000  # 585 USD, in half-ticks of 0.01
        rewards, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, info = env.step(np.array([3, 0, 0]))
            rewards, over = rewards + reward, terminated or truncated
        assert rewards == pytest.approx(-info["exec/is_bps"])
        assert abs(info["exec/is_bps"]) < 1_000
