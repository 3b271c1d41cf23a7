"""Episodes that are sampled while they are played: the samples are what the exchange and the desk had."""

import json
from itertools import pairwise

import gymnasium as gym
import pytest

import twin_env  # noqa: F401
from agents.batteries.rollouts import run_episode
from agents.policies.registry import make_policy
from twin_env.core.state.codes import BUY, SELL
from twin_env.envs.recording.explored import LEVELS, ExploreEpisodes
from twin_env.envs.recording.moments import Moments
from twin_env.envs.recording.own_orders import MOST_ROWS, OwnOrders
from twin_env.envs.recording.price_levels import PriceLevels

TASK = {"side": "buy", "lots": 12, "horizon_s": 40.0, "step_s": 2.0}
SETTINGS = {
    "calm": ("TwinExecution-v0", "twap_passive", {"task": TASK}),
    "faults": ("TwinExecution-v0", "twap_passive", {"task": TASK, "chaos": "default", "links": "adversarial"}),
    "trader": ("TwinTrading-v0", "cross", {}),
}


# The grid


def test_moments_are_even_and_their_number_is_bounded():
    ticking = iter(range(10**6))
    moments = Moments(1_000, lambda: {"value": next(ticking)}, most=40, finest_ns=10)
    for ts_ns in range(1_000, 9_000, 7):
        moments.reach(ts_ns)
        assert len(moments.samples) < 40
    moments.end(9_003)
    times = [sample["t_ns"] for sample in moments.samples]
    gaps = {after - before for before, after in pairwise(times[:-1])}
    assert times[0] == 0 and times[-1] == 8_003 and len(gaps) == 1 and 20 <= len(times) <= 40


def test_a_moment_shows_all_that_happened_up_to_it():
    held = {"lots": 0}
    moments = Moments(0, lambda: dict(held), finest_ns=10)
    for ts_ns in (5, 10, 25):
        moments.reach(ts_ns)
        held["lots"] += 1
    moments.end(30)
    assert [(s["t_ns"], s["lots"]) for s in moments.samples] == [(0, 0), (10, 2), (20, 2), (30, 3)]


def test_price_levels():
    levels = PriceLevels({BUY: {99: 5, 98: 7}, SELL: {101: 2}})
    levels.set(BUY, 100, 3)
    levels.set(BUY, 99, 0)
    other = levels.copy()
    other.set(SELL, 101, 0)
    assert levels.best(BUY, 8) == [(100, 3), (98, 7)] and levels.best(BUY, 1) == [(100, 3)]
    assert levels.touch(SELL) == 101 and other.touch(SELL) is None and other.best(SELL, 3) == []


def test_rows_beyond_the_most_are_counted():
    own = OwnOrders()
    for number in range(MOST_ROWS + 5):
        own.fill({"client": number + 1, "lots": 2, "side": SELL, "ts_ns": number, "price": 7, "flag": 1}, {"bid": 6})
    assert len(own.fills) == MOST_ROWS and own.left_out == 5 and own.position_lots == -2 * (MOST_ROWS + 5)


# Episodes


@pytest.fixture(scope="module", params=SETTINGS, ids=SETTINGS)
def sampled(request):
    name, rule, settings = SETTINGS[request.param]
    env = ExploreEpisodes(gym.make(name, **settings))
    seen = []
    step = env.step

    def watched(action):  # what the reader of the row says after each step
        result = step(action)
        reader = env.unwrapped.batch.reader(0)
        book, desk = reader.exchange.book(LEVELS), reader.desk(1)
        sides = tuple(side.ravel().tolist() for side in (book.bids, book.asks))
        seen.append((reader.now_ns, *sides, desk["bid_1_ticks"], desk["ask_1_ticks"], reader.ledger()))
        return result

    env.step = watched
    episode = run_episode(env, make_policy(rule, env), 5)
    return request.param, episode, env.episode(), seen, env


@pytest.mark.jit
def test_watching_changes_nothing(sampled):
    name, rule, settings = SETTINGS[sampled[0]]
    env = gym.make(name, **settings)
    assert run_episode(env, make_policy(rule, env), 5).event_hash == sampled[1].event_hash


@pytest.mark.jit
def test_the_last_moment_is_how_the_episode_ended(sampled):
    _, _, episode, seen, _ = sampled
    now_ns, bids, asks, desk_bid, desk_ask, ledger = seen[-1]
    assert episode["t_s"][-1] == pytest.approx((now_ns - episode["begin_ns"]) / 1e9)
    assert (episode["bids"][-1], episode["asks"][-1]) == (bids, asks)
    assert (episode["desk_bid"][-1], episode["desk_ask"][-1]) == (desk_bid, desk_ask)
    assert episode["position_lots"][-1] == ledger["position_lots"]
    assert episode["filled_lots"][-1] == episode["lots"] == ledger["filled_lots"]
    assert sum(fill["lots"] for fill in episode["fills"]) == ledger["filled_lots"]
    assert len(episode["fills"]) == ledger["fills"] and episode["left_out"] == 0


@pytest.mark.jit
def test_moments_between_are_right_too(sampled):
    _, _, episode, seen, _ = sampled
    times = [round(t * 1e9) + episode["begin_ns"] for t in episode["t_s"]]
    compared = []
    for now_ns, bids, asks, desk_bid, desk_ask, _ in seen:
        if now_ns in times[:-1]:
            place = times.index(now_ns)
            same = (
                episode["bids"][place],
                episode["asks"][place],
                episode["desk_bid"][place],
                episode["desk_ask"][place],
            )
            compared.append(same == (bids, asks, desk_bid, desk_ask))
    assert compared and all(compared)


@pytest.mark.jit
def test_orders_stand_where_their_fills_are_and_all_is_json(sampled):
    _, _, episode, _, _ = sampled
    assert json.loads(json.dumps(episode, allow_nan=False)) == episode
    end_s = episode["t_s"][-1]
    assert all(0.0 <= order["begin_s"] < order["end_s"] <= end_s + 1e-6 for order in episode["orders"])
    for fill in episode["fills"]:
        assert fill["bid"] < fill["ask"]  # the desk may see a crossed book: what it hears comes late and in pieces
        if fill["rested"]:
            spans = [order for order in episode["orders"] if order["order"] == fill["order"]]
            assert any(o["price"] == fill["price"] and o["begin_s"] <= fill["t_s"] <= o["end_s"] for o in spans)
    assert {len(episode[key]) for key in ("t_s", "bids", "asks", "desk_bid", "volume_lots", "working")} == {
        len(episode["t_s"])
    }


@pytest.mark.jit
def test_faults_are_told_with_their_times():
    env = ExploreEpisodes(gym.make("TwinExecution-v0", task=TASK))
    policy = make_policy("twap_passive", env)
    run_episode(env, policy, 5, {"experiment": "trading halts for 4 seconds after 10 seconds"})
    (fault,) = env.episode()["faults"]
    assert (
        fault["family"] == "halt" and fault["begin_s"] == pytest.approx(10.0) and fault["end_s"] == pytest.approx(14.0)
    )


def test_an_episode_has_to_begin_first():
    with pytest.raises(ValueError, match="expected a reset before"):
        ExploreEpisodes(gym.make("TwinExecution-v0")).episode()


def test_another_environment_is_refused():
    with pytest.raises(TypeError, match="expected an environment of twin_env"):
        ExploreEpisodes(gym.make("CartPole-v1"))
