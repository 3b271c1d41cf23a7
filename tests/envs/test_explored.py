"""Episodes that are sampled while they are played: the samples are what the exchange and the desk had."""

import json
from itertools import pairwise

import gymnasium as gym
import pytest

import twin_env  # noqa: F401
from agents.batteries.rollouts import run_episode
from agents.policies.registry import make_policy
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.stream import ARRIVED
from twin_env.envs.recording.explored import LEVELS, ExploreEpisodes
from twin_env.envs.recording.moments import Moments
from twin_env.envs.recording.own_orders import MOST_ROWS, OwnOrders
from twin_env.envs.recording.price_levels import PriceLevels

TASK = {"side": "buy", "lots": 12, "horizon_s": 40.0, "step_s": 2.0}
MIXED_UP = [
    {"kind": "feed_reordering", "probability": 0.5, "duration_s": 60.0},
    {"kind": "feed_duplication", "probability": 1.0, "duration_s": 60.0},
]
LOSSY = {"links": "adversarial", "links.market_data.loss_probability": 0.2}
SETTINGS = {
    "calm": ("TwinExecution-v0", "twap_passive", {"task": TASK}),
    "faults": ("TwinExecution-v0", "twap_passive", {"task": TASK, "chaos": "default", "links": "adversarial"}),
    "lost feed": ("TwinExecution-v0", "twap_passive", {"task": TASK} | LOSSY),
    "mixed feed": ("TwinExecution-v0", "twap", {"task": TASK, "chaos": {"title": "mixed", "method": MIXED_UP}} | LOSSY),
    "trader": ("TwinTrading-v0", "random_trader", {"task.window_s": 120.0}),
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


def entry(kind, client=1, ts_ns=0, **fields):
    return {"kind": kind, "client": client, "ts_ns": ts_ns, "owner": codes.DESK, "lots": 3, "price": 100, **fields}


def asked(kind, price=100, trigger=0, order=codes.LIMIT):
    terms = {"flag": ARRIVED, "type": order, "price": price, "trigger": trigger, "side": SELL}
    return {"kind": kind, "client": 1} | terms


def spans_of(own):
    return [(span["begin_ns"], span["end_ns"], span["price"], span["waits"]) for span in own.spans]


def test_an_order_stands_at_each_of_its_prices_in_turn():
    own = OwnOrders()
    own.ask(asked(codes.NEW))
    own.see(entry(codes.ACCEPTED, ts_ns=10))
    own.ask(asked(codes.REPLACE, price=102))
    own.see(entry(codes.REPLACED, ts_ns=20, price=102))
    assert own.working == 1
    own.see(entry(codes.CANCELLED, ts_ns=50))
    assert own.working == 0 and spans_of(own) == [(10, 20, 100, False), (20, 50, 102, False)]


def test_a_stop_waits_at_its_trigger_and_then_rests():
    own = OwnOrders()
    own.ask(asked(codes.NEW, trigger=95, order=codes.STOP))
    own.see(entry(codes.ACCEPTED, ts_ns=10))
    own.see(entry(codes.TRIGGERED, ts_ns=30, price=90))
    own.fill({"client": 1, "lots": 3, "side": SELL, "ts_ns": 40, "price": 91, "flag": 0}, {})
    assert own.working == 0 and spans_of(own) == [(10, 30, 95, True), (30, 40, 90, False)]


def test_what_fills_as_it_arrives_stood_nowhere_and_what_is_left_stands_to_the_end():
    own = OwnOrders()
    own.ask(asked(codes.NEW))
    own.see(entry(codes.ACCEPTED, ts_ns=10))
    own.fill({"client": 1, "lots": 3, "side": SELL, "ts_ns": 10, "price": 100, "flag": 0}, {})
    assert own.spans == []
    own.ask(asked(codes.NEW))
    own.see(entry(codes.ACCEPTED, ts_ns=20))
    own.fill({"client": 1, "lots": 1, "side": SELL, "ts_ns": 25, "price": 100, "flag": 1}, {})
    own.end(60)
    assert spans_of(own) == [(20, 60, 100, False)] and own.position_lots == -4


# Episodes


@pytest.fixture(scope="module", params=SETTINGS, ids=SETTINGS)
def sampled(request):
    name, rule, settings = SETTINGS[request.param]
    env = ExploreEpisodes(gym.make(name, **settings))
    seen, kept = [], []
    step = env.step

    def watched(action):  # what the reader of the row says after each step
        result = step(action)
        reader = env.unwrapped.batch.reader(0)
        book, desk = reader.exchange.book(LEVELS), reader.desk(1)
        sides = tuple(side.ravel().tolist() for side in (book.bids, book.asks))
        seen.append((reader.now_ns, *sides, desk["bid_1_ticks"], desk["ask_1_ticks"], reader.ledger()))
        now = env.now()
        kept.append((now["bids"], now["asks"], now["desk_bid"], now["desk_ask"], now["position_lots"]))
        return result

    env.step = watched
    episode = run_episode(env, make_policy(rule, env), 5)
    return request.param, episode, env.episode(), seen, kept


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
def test_exchange_and_desk_are_followed_after_every_step(sampled):
    _, _, _, seen, kept = sampled
    for (_, *levels, ledger), now in zip(seen, kept, strict=True):
        assert now == (*levels, ledger["position_lots"])


@pytest.mark.jit
def test_moments_between_are_right_too(sampled):
    _, _, episode, seen, _ = sampled
    ends = {now_ns: tuple(levels) for now_ns, *levels, _ in seen}
    columns = zip(episode["bids"], episode["asks"], episode["desk_bid"], episode["desk_ask"], strict=True)
    times = [round(t * 1e9) + episode["begin_ns"] for t in episode["t_s"]]
    found = [(ends[at], levels) for at, levels in zip(times, columns, strict=True) if at in ends]
    assert len(found) > 2 and all(expected == levels for expected, levels in found)


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
